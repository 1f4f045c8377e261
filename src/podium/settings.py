"""Where things are: read from the environment when a registry is opened, never at import."""

from __future__ import annotations

import fnmatch
import getpass
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from podium.domain.plain import check_text
from podium.errors import InvalidValueError, SettingsError

DEFAULT_CACHE = 10 * 1024**3
# Seconds before the second, third, ... attempt to deliver, as Standard Webhooks recommends.
SCHEDULE: tuple[float, ...] = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
_MOST_ATTEMPTS = 50
_LONGEST_WAIT = 30 * 86400.0
SCHEMES = ("s3", "gs", "az")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a registry is reached.

    Attributes:
        url: SQLAlchemy URL of the database.
        content: Content location as it was asked for, an absolute folder or a URL; None to take what the database
            records.
        default_content: Where content goes if neither says.
        home: Podium's folder on this machine.
        actor: Who makes changes.
        cache_bytes: How large the local cache of remote content may grow; 0 is off.
        schedule: Seconds before the second, third, ... attempt to deliver a message; after the last it is given up.
    """

    url: str
    content: str | None
    default_content: str
    home: Path
    actor: str
    cache_bytes: int = DEFAULT_CACHE
    schedule: tuple[float, ...] = SCHEDULE


def read_settings(
    url: str | None = None, content: str | os.PathLike[str] | None = None, actor: str | None = None
) -> Settings:
    """Complete what was given by the environment.

    It reads ``PODIUM_HOME, PODIUM_URL, PODIUM_CONTENT, PODIUM_ACTOR, PODIUM_CACHE_SIZE, PODIUM_DELIVERY_SCHEDULE``.

    Without any, everything lives in ``~/.podium``. The content of an SQLite file lies in the folder ``content`` beside
    it unless said otherwise.

    Raises:
        SettingsError: The content location is neither a folder nor a URL that Podium knows, the size of the cache is no
            size, the schedule of deliveries is none, or the actor is no text that a database can hold.
    """
    home = read_home()
    url = url or os.environ.get("PODIUM_URL") or ""
    if not url:
        _make(home)
        url = f"sqlite:///{home / 'podium.db'}"
    asked = content or os.environ.get("PODIUM_CONTENT") or None
    beside = Path(url.removeprefix("sqlite:///")).absolute().parent if url.startswith("sqlite:///") else home
    return Settings(
        url=url,
        content=content_location(asked) if asked else None,
        default_content=str(beside / "content"),
        home=home,
        actor=_actor(actor or os.environ.get("PODIUM_ACTOR") or _user()),
        cache_bytes=_size(os.environ.get("PODIUM_CACHE_SIZE") or ""),
        schedule=_schedule(os.environ.get("PODIUM_DELIVERY_SCHEDULE") or ""),
    )


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """Which plugins a process takes.

    Attributes:
        allow: Names, ``*`` allowed; None for any.
        block: Names, ``*`` allowed, that are not taken though they are allowed.
        folders: Where drop-ins lie, absolute.
    """

    allow: tuple[str, ...] | None = None
    block: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()

    def refusal(self, name: str) -> str | None:
        """Return why a plugin is left out, or None if it is not."""
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.block):
            return "blocked by PODIUM_PLUGINS_BLOCK"
        if self.allow is not None and not any(fnmatch.fnmatchcase(name, pattern) for pattern in self.allow):
            return "not named in PODIUM_PLUGINS_ALLOW"
        return None


def read_plugin_choice() -> PluginChoice:
    """Return what ``PODIUM_PLUGINS_ALLOW``, ``PODIUM_PLUGINS_BLOCK`` and ``PODIUM_PLUGINS_DIR`` say now.

    The lists are names joined by commas; an empty list to allow allows none. Folders are joined as in ``PATH``.
    """
    allow = os.environ.get("PODIUM_PLUGINS_ALLOW")
    folders = [part.strip() for part in os.environ.get("PODIUM_PLUGINS_DIR", "").split(os.pathsep)]
    return PluginChoice(
        allow=_items(allow) if allow is not None else None,
        block=_items(os.environ.get("PODIUM_PLUGINS_BLOCK", "")),
        folders=tuple(dict.fromkeys(Path(folder).expanduser().absolute() for folder in folders if folder)),
    )


def read_secrets_allowed() -> tuple[str, ...] | None:
    """Return what ``PODIUM_SECRETS_ALLOW`` says now: which secrets this process may look up; None for any.

    References joined by commas, ``*`` allowed: ``env:SLACK_*,file:/run/secrets/*``. An empty list allows none.
    """
    allowed = os.environ.get("PODIUM_SECRETS_ALLOW")
    return _items(allowed) if allowed is not None else None


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def read_home() -> Path:
    """Return Podium's folder on this machine: ``PODIUM_HOME`` or ``~/.podium``."""
    return Path(os.environ.get("PODIUM_HOME") or Path.home() / ".podium").expanduser().absolute()


def content_location(given: str | os.PathLike[str]) -> str:
    """Return a content location in its one form: an absolute folder, or a URL without a slash at its end.

    Raises:
        SettingsError: It is a URL of a kind that Podium does not know, has no bucket, or carries credentials.
    """
    text = os.fspath(given)
    shown = repr(text.split("@")[-1].split("?")[0])
    if not text or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise _bad_location(shown, "is empty or holds a control character")
    scheme, found, rest = text.partition("://")
    if found and scheme.lower() == "file":
        if rest.removeprefix("localhost")[:1] != "/":
            raise _bad_location(shown, "names another machine")
        return str(Path(unquote(rest.removeprefix("localhost"))))
    if not found:
        return str(Path(text).expanduser().absolute())
    if scheme.lower() not in SCHEMES:
        raise _bad_location(shown, "is of a kind that Podium does not know")
    if "@" in rest or "?" in rest or "#" in rest:
        raise _bad_location(shown, "carries credentials or options")
    parts = rest.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise _bad_location(shown, "names no bucket, or has an empty part or a '..'")
    return f"{scheme.lower()}://{'/'.join(parts)}"


def _bad_location(shown: str, what: str) -> SettingsError:
    return SettingsError(
        f"The content location {shown} {what}.",
        hint="Give PODIUM_CONTENT the path of a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or "
        "az://ACCOUNT/CONTAINER/PREFIX; credentials come from the environment (AWS_ACCESS_KEY_ID, ...).",
    )


def _size(text: str) -> int:
    match = re.fullmatch(r"\s*(\d{1,15})\s*([kmgt]?)(i?)b?\s*", text or str(DEFAULT_CACHE), re.IGNORECASE)
    if match is None:
        raise SettingsError(
            f"PODIUM_CACHE_SIZE={text!r} is no size.", hint="Write a number of bytes, 500MB, 10GiB, or 0 for no cache."
        )
    power = " kmgt".index(match[2].lower() or " ")
    return int(match[1]) * int((1024 if match[3] else 1000) ** power)


def _schedule(text: str) -> tuple[float, ...]:
    if not text.strip():
        return SCHEDULE
    try:
        waits = tuple(float(part) for part in text.split(","))
    except ValueError:
        waits = (-1.0,)
    if len(waits) > _MOST_ATTEMPTS or not all(0 <= wait <= _LONGEST_WAIT for wait in waits):
        raise SettingsError(
            f"PODIUM_DELIVERY_SCHEDULE={text!r} is no schedule.",
            hint="Write the seconds before the second, third, ... attempt: 5,300,1800. At most "
            f"{_MOST_ATTEMPTS}, each of at most 30 days.",
        )
    return waits


def _make(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The folder {home} cannot be made: {error.strerror}.", hint="Set PODIUM_HOME to a folder you may write."
        ) from error


def _actor(name: str) -> str:
    try:
        return check_text(name, "The actor") or ""
    except InvalidValueError as error:
        raise SettingsError(error.message, hint="Set PODIUM_ACTOR to the name of who makes changes.") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # containers run under user ids without a name
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
