"""What the checks of the doctor look at, and how they speak."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from podium.content.store import ContentStore
from podium.domain.health import Finding
from podium.domain.manifest import Entry
from podium.domain.origin import Origin
from podium.errors import PodiumError
from podium.plugins.host import PluginHost
from podium.settings import Settings
from podium.sql.database import Database
from podium.usecases.garbage import GcReport
from podium.usecases.unit import Unit


@dataclass(frozen=True, slots=True)
class Case:
    """One installation that is looked at.

    Attributes:
        settings: Where things are.
        database: The database; only checks that need it may open it.
        host: The plugins.
        now: UTC.
        mounts: The text of ``/proc/mounts``, empty where there is none.
        deep: Whether every content and reference is read.
        place: The content location that the database records, None if it records none.
        store: The content store, for checks that need it.
        garbage: Says what garbage collection would remove.
        progress: Called after each content that was read.
    """

    settings: Settings
    database: Database
    host: PluginHost
    now: datetime
    mounts: str
    deep: bool = False
    place: str | None = None
    store: ContentStore | None = None
    garbage: Callable[[], GcReport] | None = None
    progress: Callable[[Entry], None] | None = None

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Open a unit that reads."""
        with self.database.read() as connection:
            yield Unit(connection, self.settings.actor, Origin(), self.now)

    @property
    def database_file(self) -> str | None:
        """The path of the SQLite file; None for a server, or a file that is named by a URI."""
        url = self.database.url
        return None if not self.database.is_sqlite or url.query.get("uri") else os.path.abspath(url.database or "")


Check = Callable[[Case], Iterator[Finding]]


def fine(check: str, message: str, **facts: Any) -> Finding:
    """Return that all is well."""
    return Finding(check, "ok", message, facts=facts)


def warning(check: str, message: str, hint: str, **facts: Any) -> Finding:
    """Return that somebody should look."""
    return Finding(check, "warn", message, hint, facts)


def fault(check: str, message: str, hint: str, **facts: Any) -> Finding:
    """Return that something fails or is lost."""
    return Finding(check, "error", message, hint, facts)


def told(check: str, error: PodiumError) -> Finding:
    """Return an error of Podium as a finding."""
    return Finding(check, "error", error.message, error.hint, error.facts)


def amount(number: int, word: str) -> str:
    """Return a number with its word: ``1 file``, ``2 files``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def size_text(size: float) -> str:
    """Return bytes as people read them: ``1.2 MB``."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
