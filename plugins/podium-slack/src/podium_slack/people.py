"""Who is who: people of Slack as the registry knows them, from a file that an administrator writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from podium.errors import PermissionDeniedError, SettingsError
from podium_slack.buttons import Click

_ID = re.compile(r"[UW][A-Z0-9]{4,}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")

Look = Callable[[str], Mapping[str, Any]]


def read_people(path: Path) -> dict[str, str]:
    """Return names in the registry by Slack user id, or by e-mail address in small letters.

    The file is YAML, a line for each: ``U012AB3CD: anna`` or ``ben@example.com: ben``.

    Raises:
        SettingsError: The file cannot be read, or a line is something else or there twice; it says which.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no YAML"
        raise _unusable(path, f"cannot be read: {why}") from error
    if not isinstance(node, yaml.MappingNode):
        raise _unusable(path, "names nobody")
    found: dict[str, str] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode) or not value.value.strip():
            raise _unusable(path, f"has no name of a person in line {line}")
        who = _key(key.value)
        if who is None:
            raise _unusable(path, f"has in line {line} neither a Slack user id nor an e-mail address: {key.value!r}")
        if who in found:
            raise _unusable(path, f"has {key.value!r} twice, again in line {line}")
        found[who] = value.value.strip()
    return found


def find_person(people: Mapping[str, str], click: Click, team: str, look: Look) -> str:
    """Return who clicked, by their name in the registry.

    An e-mail address counts only of a member of this workspace who has confirmed it: whoever comes from another one
    through Slack Connect may have set any.

    Args:
        people: Of `read_people`.
        click: Who clicked.
        team: The id of the workspace.
        look: Gives the profile of a user by id, as ``users.info`` does; asked only if the file has an address.

    Raises:
        PermissionDeniedError: The file does not have them; it says what to add.
    """
    if click.user in people:
        return people[click.user]
    if click.team == team and any("@" in key for key in people):
        profile = look(click.user)
        mail = str((profile.get("profile") or {}).get("email") or "").casefold()
        ours = profile.get("team_id") == team and not profile.get("deleted") and not profile.get("is_bot")
        if ours and profile.get("is_email_confirmed") is not False and mail in people:
            return people[mail]
    raise PermissionDeniedError(
        "Podium does not know who you are, so nothing was done.",
        hint=f"Ask whoever runs 'podium-slack listen' to add the line '{click.user}: YOUR_NAME' to its file of people.",
        user=click.user,
    )


def _key(text: str) -> str | None:
    if _ID.fullmatch(text):
        return text
    return text.casefold() if _MAIL.fullmatch(text) else None


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(
        f"The file of people {path} {what}.", hint="A line is 'U012AB3CD: anna' or 'ben@example.com: ben'."
    )
