"""Where things are: read from the environment when a registry is opened, never at import."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from podium.domain.plain import check_text
from podium.errors import InvalidValueError, SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """How a registry is reached.

    Attributes:
        url: SQLAlchemy URL of the database.
        content: Folder of the content store as it was asked for, or None to take what the database records.
        default_content: Where content goes if neither says.
        home: Podium's folder on this machine.
        actor: Who makes changes.
    """

    url: str
    content: Path | None
    default_content: Path
    home: Path
    actor: str


def read_settings(
    url: str | None = None, content: str | os.PathLike[str] | None = None, actor: str | None = None
) -> Settings:
    """Complete what was given by the environment: ``PODIUM_HOME, PODIUM_URL, PODIUM_CONTENT, PODIUM_ACTOR``.

    Without any, everything lives in ``~/.podium``. The content of an SQLite file lies in the folder ``content`` beside
    it unless said otherwise.

    Raises:
        SettingsError: The content location is not a folder, or the actor is no text that a database can hold.
    """
    home = Path(os.environ.get("PODIUM_HOME") or Path.home() / ".podium").expanduser().absolute()
    url = url or os.environ.get("PODIUM_URL") or ""
    if not url:
        _make(home)
        url = f"sqlite:///{home / 'podium.db'}"
    asked = content or os.environ.get("PODIUM_CONTENT") or None
    beside = Path(url.removeprefix("sqlite:///")).absolute().parent if url.startswith("sqlite:///") else home
    return Settings(
        url=url,
        content=_folder(asked) if asked else None,
        default_content=beside / "content",
        home=home,
        actor=_actor(actor or os.environ.get("PODIUM_ACTOR") or _user()),
    )


def _folder(location: str | os.PathLike[str]) -> Path:
    text = os.fspath(location)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if "://" in text:
        raise SettingsError(
            f"The content location {text.split('@')[-1]!r} is not a folder.",
            hint="This version of Podium keeps content in a folder; give its path in PODIUM_CONTENT.",
        )
    return Path(text).expanduser().absolute()


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
