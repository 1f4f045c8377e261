"""References to secrets: what a subscription stores instead of the secret itself."""

from __future__ import annotations

import copy
import fnmatch
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from podium.domain.plain import storable
from podium.domain.templates import is_expression
from podium.errors import InvalidNameError, InvalidValueError, SettingsError
from podium.plugins.actions import Action
from podium.plugins.channels import Channel
from podium.plugins.guard import Outcome, call_within, describe
from podium.plugins.host import PluginHost
from podium.settings import read_secrets_allowed

OWN = ("env", "file")
# What Podium's adapters look up: they need not be installed where a subscription is made.
ADAPTERS = ("airflow", "prefect")
_HOOK = "podium_resolve_secret"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_CHECK_SECONDS = 2.0
_SHOWN = 100  # characters of what was given
_LONG_ENOUGH = 8  # the value of a variable that is shorter may be the name of another by chance
_SHORTEST_LINE = 4  # a line that is shorter says little, and would blank out half a text


def check_settings(target: Channel | Action, settings: Mapping[str, Any], host: PluginHost | None = None) -> None:
    """Check the settings of a subscription or automation against what its channel or action declares, and let it judge.

    Args:
        target: The channel or action.
        settings: What was given for it.
        host: Asked about references such as ``vault:slack/token``, which only a plugin understands; it notes what the
            channel or action does wrong in judging.

    Raises:
        InvalidValueError: One is missing or unknown, a secret is given in clear, or the channel or action cannot use
            them.
    """
    _check_declared(target, settings, host)
    outcome = call_within(lambda: target.check(copy.deepcopy(dict(settings))), _CHECK_SECONDS)
    cause = outcome.cause
    if isinstance(cause, InvalidValueError | InvalidNameError):
        raise InvalidValueError(storable(str(cause.message)), hint=storable(str(cause.hint))) from cause
    if outcome.error is not None and host is not None:
        host.blame(target, "check", outcome)


def _check_declared(target: Channel | Action, settings: Mapping[str, Any], host: PluginHost | None) -> None:
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
        is_mapping = isinstance(target, Action) and name in target.mappings
        if name in target.secrets:
            for part, given in _parts(name, value).items() if is_mapping else [(name, value)]:
                _check_secret(f"{part!r} of the {kind} {target.name!r}", part, given, host)
        if is_mapping:
            _check_mapping(name, value)
    for needed in target.required:
        choice = (needed,) if isinstance(needed, str) else needed
        if not any(settings.get(name) for name in choice):
            raise InvalidValueError(
                f"The {kind} {target.name!r} needs the setting {' or '.join(choice)}.",
                hint=f"For example --setting {choice[0]}=" + ("env:NAME" if choice[0] in target.secrets else "VALUE"),
            )


def _check_secret(what: str, name: str, value: object, host: PluginHost | None) -> None:
    if not is_reference(value, host):
        raise InvalidValueError(
            f"The setting {what} is a secret and is never stored.",
            hint=f"Give a reference: {name}=env:NAME_OF_A_VARIABLE or {name}=file:/path/of/a/file"
            + (", with no $: the shell puts the secret itself there." if str(value).startswith("env:") else "."),
        )


def _parts(name: str, value: Any) -> dict[str, Any]:
    """Return the secrets of a setting, or the references to them, by what to call each: one, or those of a mapping."""
    return {f"{name}.{key}": item for key, item in value.items()} if isinstance(value, Mapping) else {name: value}


def _check_mapping(name: str, value: object) -> None:
    """Refuse text where names and values are meant: JSON on the command line, or behind ``|`` in a file."""
    if value is None or isinstance(value, Mapping) or is_expression(value):
        return
    given = value.strip() if isinstance(value, str) and len(value) < _SHOWN and value.strip()[:1] == "{" else "JSON"
    raise InvalidValueError(
        f"The setting {name!r} is no mapping.",
        hint=f"On the command line {name}:={given} or {name}.KEY=VALUE, in a file {name}: {{key: value}}.",
    )


def is_reference(value: object, host: PluginHost | None = None) -> bool:
    """Whether a value is a reference to a secret: of Podium, of its adapters, or one that a plugin here resolves.

    A plugin is asked for the secret itself: what merely looks like a reference (``user:password``) may be one in clear,
    and so may ``env:$TOKEN`` after a shell has filled it in.
    """
    if not isinstance(value, str):
        return False
    scheme, colon, rest = value.partition(":")
    if not (colon and rest):
        return False
    if scheme == "file":
        return rest.isprintable() and PurePath(rest).is_absolute()
    if scheme == "env":
        filled_in = len(rest) >= _LONG_ENOUGH and rest in os.environ.values() and rest not in os.environ
        return _VARIABLE.fullmatch(rest) is not None and not filled_in
    return scheme in ADAPTERS or (host is not None and _ask(host, scheme, rest)[0] is not None)


def resolve_settings(
    target: Channel | Action, settings: Mapping[str, Any], host: PluginHost | None = None
) -> dict[str, Any]:
    """Return the settings with the secrets in place of their references.

    Args:
        target: The channel or action, which says what is secret.
        settings: What was stored.
        host: Its plugins resolve what Podium does not know itself.

    Raises:
        SettingsError: A variable, a file, or the secret that a plugin was asked for, is not there, or this process may
            not look it up.
    """
    for name in target.secrets & set(settings):
        for part, reference in _parts(name, settings[name]).items():
            _require_allowed(part, reference)
    return {name: _resolved(value, host) if name in target.secrets else value for name, value in settings.items()}


def error_without_secrets(outcome: Outcome, target: Channel | Action, settings: Mapping[str, Any]) -> str | None:
    """Return what went wrong in a call, as it is stored and shown."""
    if outcome.error is None or outcome.cause is None:
        return outcome.error
    return describe(outcome.cause, lambda text: without_secrets(text, target, settings))


def without_secrets(text: str, target: Channel | Action, settings: Mapping[str, Any]) -> str:
    """Take secrets out of a text that is stored and shown, also as an error quotes them, whole or a line of them."""
    given = [_parts(name, settings.get(name)).values() for name in target.secrets]
    secrets = [secret for parts in given for secret in parts if isinstance(secret, str) and secret]
    for form in _longest_first(form for secret in secrets for form in _forms(secret)):
        text = text.replace(form, "***")
    return text


def _longest_first(forms: Iterable[str]) -> list[str]:
    """Return texts in the order in which to take them out: one may be a part of another."""
    return sorted(set(forms), key=lambda form: (-len(form), form))


def _forms(secret: str) -> set[str]:
    """Return what a secret may look like in a text."""
    lines = [line.strip() for line in secret.splitlines()]
    plain = {secret, secret.strip(), *(line for line in lines if len(line) >= _SHORTEST_LINE)} - {""}
    quoted = {form for item in plain for form in (repr(item)[1:-1], json.dumps(item)[1:-1], quote(item, safe=""))}
    return plain | quoted


def _require_allowed(setting: str, reference: str) -> None:
    """Refuse what ``PODIUM_SECRETS_ALLOW`` does not name; a path that climbs fits no pattern."""
    allowed = read_secrets_allowed()
    if allowed is None:
        return
    climbs = reference.startswith("file:") and ".." in Path(reference).parts
    if climbs or not any(fnmatch.fnmatchcase(reference, pattern) for pattern in allowed):
        raise SettingsError(
            f"The setting {setting!r} names {reference}, which this process may not look up.",
            hint="PODIUM_SECRETS_ALLOW lists what it may, where deliveries are made.",
        )


def _resolved(value: Any, host: PluginHost | None) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolve(reference, host) for key, reference in value.items()}
    return _resolve(value, host)


def _resolve(reference: str, host: PluginHost | None) -> str:
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(rest, "").strip()  # a line's end comes with many a way to set it
        if not value:
            raise SettingsError(
                f"The variable {rest} is not set in this process.", hint="Set it where deliveries are made."
            )
        return value
    return _read(rest) if scheme == "file" else _resolve_by_plugin(scheme, rest, host)


def _read(path: str) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"The secret file {path} cannot be read: {why}.", hint="Check it.") from error
    if not value:
        raise SettingsError(f"The secret file {path} is empty.", hint="Put the secret into it.")
    return value


def _resolve_by_plugin(scheme: str, name: str, host: PluginHost | None) -> str:
    value, faults = _ask(host, scheme, name) if host is not None else (None, [])
    if value is not None:
        return value
    if faults:
        raise SettingsError(
            f"The secret {scheme}:{name} could not be looked up: {', '.join(faults)}.",
            hint="'podium plugins' says what went wrong; it is tried again.",
        )
    raise SettingsError(
        f"No plugin of this process knows the secret {scheme}:{name}.",
        hint=f"Check its name, and install what resolves {scheme!r} where deliveries are made.",
    )


def _ask(host: PluginHost, scheme: str, name: str) -> tuple[str | None, list[str]]:
    """Return the secret as the first plugin that has it says, and which plugins failed, without their words.

    What a plugin says about its failure may hold a part of what it looked up; the log of attempts must not.
    """
    faults = []
    for plugin, outcome in host.call(_HOOK, scheme=scheme, name=name) if host.has(_HOOK) else ():
        if isinstance(outcome.value, str) and outcome.value:
            return outcome.value, []
        if outcome.error is not None:
            kind = type(outcome.cause).__name__ if outcome.cause is not None else "no answer in time"
            faults.append(f"the plugin {plugin!r} failed ({kind})")
    return None, faults


def _names(target: Channel | Action) -> list[str]:
    return [name for needed in target.required for name in ((needed,) if isinstance(needed, str) else needed)]
