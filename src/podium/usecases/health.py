"""What the database says about itself, for whoever looks whether all is well."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from podium.sql import tables as t
from podium.usecases.garbage import read_mark
from podium.usecases.unit import Unit

_PROBLEMS_SHOWN = 5
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True)
class Overdue:
    """Deliveries that somebody should look after.

    Attributes:
        late: How many were due before a time and are not sent.
        since: When the oldest of them was due.
        dead: How many were given up.
    """

    late: int
    since: datetime | None
    dead: int


def is_sqlite(unit: Unit) -> bool:
    """Whether this is the embedded database."""
    return unit.connection.dialect.name == "sqlite"


def clock_difference(unit: Unit) -> timedelta:
    """Return how far the clock of a database server is ahead of ours; nothing for the embedded database."""
    if is_sqlite(unit):
        return timedelta(0)
    started, before = time.monotonic(), datetime.now(UTC)
    server: datetime = unit.connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return server - (before + timedelta(seconds=(time.monotonic() - started) / 2))


def stored_size(unit: Unit) -> int:
    """Return the bytes of every content that is kept and of every reference, each once: what a verification reads."""
    e, v = t.manifest_entries.c, t.versions.c
    kept = sa.select(v.digest).where(v.purged_at.is_(None)).union(sa.select(t.run_media.c.digest))
    each = sa.select(e.sha256, e.uri, e.size).where(e.digest.in_(kept)).distinct().subquery()
    return int(unit.connection.execute(sa.select(sa.func.sum(each.c.size))).scalar() or 0)


def newest_event(unit: Unit) -> datetime | None:
    """Return the time of the newest event, None if nothing ever happened; ids sort by time."""
    e = t.events.c
    found: datetime | None = unit.connection.execute(sa.select(e.created_at).order_by(e.id.desc()).limit(1)).scalar()
    return found


def server_version(unit: Unit) -> tuple[int, ...]:
    """Return the version of the database."""
    return tuple(int(part) for part in unit.connection.dialect.server_version_info or ())


def sqlite_damage(unit: Unit) -> list[str]:
    """Return the first damages of an SQLite file, and rows that point at nothing; a look at every page."""
    quick = unit.connection.exec_driver_sql(f"PRAGMA quick_check({_PROBLEMS_SHOWN})").scalars()
    found = [str(line) for line in quick if line != "ok"]
    dangling = unit.connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_PROBLEMS_SHOWN)
    return found + [f"a row of {row[0]} points at a missing row of {row[2]}" for row in dangling]


def sqlite_journal(unit: Unit) -> str:
    """Return the journal mode in force; ``wal`` unless the file system or another program took it away."""
    return str(unit.connection.exec_driver_sql("PRAGMA journal_mode").scalar())


def not_durable(unit: Unit) -> list[str]:
    """Return the settings of a PostgreSQL server by which a commit may be lost in a power cut."""
    return [name for name in _DURABLE if unit.connection.exec_driver_sql(f"SHOW {name}").scalar() == "off"]


def overdue_deliveries(unit: Unit, before: datetime) -> Overdue:
    """Return what was due before a time and is not sent, and how much was given up."""
    d = t.deliveries.c
    late = sa.or_(
        sa.and_(d.status == "pending", d.next_at < before), sa.and_(d.status == "sending", d.leased_until < before)
    )
    count, since = unit.connection.execute(sa.select(sa.func.count(), sa.func.min(d.next_at)).where(late)).one()
    dead = sa.select(sa.func.count()).select_from(t.deliveries).where(d.status == "dead")
    return Overdue(int(count), since, int(unit.connection.execute(dead).scalar_one()))


def gc_since(unit: Unit) -> datetime | None:
    """Return when a garbage collection began that has not ended, None if none runs."""
    state, _, token = read_mark(unit).partition(" ")
    if state != "active":
        return None
    return datetime.fromtimestamp((UUID(token).int >> 80) / 1000, UTC)  # a UUIDv7 begins with its time
