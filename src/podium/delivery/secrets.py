"""References to secrets: what a subscription stores instead of the secret itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.errors import InvalidValueError, SettingsError
from podium.plugins.actions import Action
from podium.plugins.channels import Channel

SCHEMES = ("env", "file")


def check_settings(target: Channel | Action, settings: Mapping[str, Any]) -> None:
    """Check the settings of a subscription or automation against what its channel or action declares.

    Raises:
        InvalidValueError: One is missing or unknown, or a secret is given in clear.
    """
    kind = "channel" if isinstance(target, Channel) else "action"
    known = {*_names(target), *target.optional}
    for name, value in settings.items():
        if name not in known:
            raise InvalidValueError(
                f"The {kind} {target.name!r} has no setting {name!r}.",
                hint=f"It has {', '.join(sorted(known))}." if known else "It has none.",
            )
        if kind == "channel" and name not in target.secrets and not isinstance(value, str):
            raise InvalidValueError(f"The setting {name!r} is no text.", hint="Settings are text.")
        if name in target.secrets and not is_reference(value):
            raise InvalidValueError(
                f"The setting {name!r} of the {kind} {target.name!r} is a secret and is never stored.",
                hint=f"Give a reference: {name}=env:NAME_OF_A_VARIABLE or {name}=file:/path/of/a/file.",
            )
    for needed in target.required:
        choice = (needed,) if isinstance(needed, str) else needed
        if not any(settings.get(name) for name in choice):
            raise InvalidValueError(
                f"The {kind} {target.name!r} needs the setting {' or '.join(choice)}.",
                hint=f"For example --setting {choice[0]}=" + ("env:NAME" if choice[0] in target.secrets else "VALUE"),
            )


def is_reference(value: object) -> bool:
    """Whether a value is a reference to a secret."""
    if not isinstance(value, str):
        return False
    scheme, colon, rest = value.partition(":")
    return bool(colon and rest) and scheme in SCHEMES


def resolve_settings(target: Channel | Action, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the secrets in place of their references.

    Raises:
        SettingsError: A variable or a file is not there.
    """
    return {name: _resolve(value) if name in target.secrets else value for name, value in settings.items()}


def _resolve(reference: str) -> str:
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(rest)
        if not value:
            raise SettingsError(
                f"The variable {rest} is not set in this process.", hint="Set it where deliveries are made."
            )
        return value
    try:
        value = Path(rest).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"The secret file {rest} cannot be read: {why}.", hint="Check it.") from error
    if not value:
        raise SettingsError(f"The secret file {rest} is empty.", hint="Put the secret into it.")
    return value


def _names(target: Channel | Action) -> list[str]:
    return [name for needed in target.required for name in ((needed,) if isinstance(needed, str) else needed)]
