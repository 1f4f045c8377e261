"""Garbage: what nothing refers to any more, removed without ever racing a writer.

A writer stores blobs first and refers to them in its transaction later. Removing a blob between the two would leave a
version without bytes. So both sides keep a protocol:

- ``gc`` writes a *mark* before it removes anything and clears it at the end. It removes in transactions that exclude
  every writer's commit (on SQLite there is only one writer anyhow; on PostgreSQL by an advisory lock), and in each it
  looks once more whether something refers to the blobs.
- A writer reads the mark before it stores, and again in its transaction, under the shared side of the same lock. A mark
  that is clear and unchanged says that nothing was removed in between. Otherwise it looks whether its blobs are still
  there, and stores them again if not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from podium.domain.plain import Value
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.write import upsert
from podium.usecases.places import COLLECTIONS, stream_of
from podium.usecases.records import read_setting
from podium.usecases.unit import Unit

_MARK = "gc"
# Any 64-bit number of our own, apart from the one of schema upgrades.
_LOCK = 7_041_773_209_116_552
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class GcReport(Value):
    """What garbage collection removed, or would remove.

    Attributes:
        dry_run: Whether it only looked.
        versions: Deleted versions whose time to be restored is over.
        blobs: Contents that nothing refers to.
        size: Their bytes.
        leftovers: Files and folders that killed processes left half written.
        leftover_size: Their bytes.
        young: Contents that nothing refers to but that are too young to judge: a writer may be about to.
    """

    dry_run: bool
    versions: int
    blobs: int
    size: int
    leftovers: int
    leftover_size: int
    young: int


def read_mark(unit: Unit) -> str:
    """Return the mark of garbage collection; clear marks begin with ``idle``."""
    return read_setting(unit, _MARK) or "idle"


def content_is_untouched(unit: Unit, mark: str) -> bool:
    """Hold garbage collection off until this unit ends, and say whether it removed nothing since the mark was read."""
    _lock(unit, exclusive=False)
    return mark.startswith("idle") and read_mark(unit) == mark


def begin_gc(unit: Unit) -> str:
    """Set the mark and return the token that every removal must show; an earlier collection that runs gives way."""
    token = f"active {new_id()}"
    _write_mark(unit, token)
    return token


def end_gc(unit: Unit, token: str) -> None:
    """Clear the mark, unless a later collection has taken over."""
    _lock(unit, exclusive=True)
    if read_mark(unit) == token:
        _write_mark(unit, token.replace("active", "idle"))


def hold_writers_off(unit: Unit, token: str) -> bool:
    """Exclude every writer's commit until this unit ends; False if a later collection has taken over."""
    _lock(unit, exclusive=True)
    return read_mark(unit) == token


def unreferenced(unit: Unit, sha256s: Sequence[str], given_up: datetime | None = None) -> set[str]:
    """Return those contents that no version and no run refers to.

    Args:
        unit: The unit.
        sha256s: The contents.
        given_up: Count versions that were deleted before this time as gone already, for a dry run.
    """
    e, v = t.manifest_entries.c, t.versions.c
    kept: sa.ColumnElement[bool] = v.purged_at.is_(None)
    if given_up is not None:
        kept = sa.and_(kept, sa.or_(v.deleted_at.is_(None), v.deleted_at >= given_up))
    in_versions = sa.exists().where(v.digest == e.digest, kept)
    in_runs = sa.exists().where(t.run_media.c.digest == e.digest)
    free = set(sha256s)
    for start in range(0, len(sha256s), _CHUNK):
        some = sha256s[start : start + _CHUNK]
        query = sa.select(e.sha256).where(e.sha256.in_(some), e.uri.is_(None), sa.or_(in_versions, in_runs)).distinct()
        free -= set(unit.connection.scalars(query))
    return free


def count_given_up(unit: Unit, before: datetime) -> int:
    """Return how many versions were deleted before a time and not purged yet."""
    v = t.versions.c
    query = sa.select(sa.func.count()).select_from(t.versions).where(v.deleted_at < before, v.purged_at.is_(None))
    return int(unit.connection.execute(query).scalar_one())


def collections_to_purge(unit: Unit, before: datetime) -> list[UUID]:
    """Return the artifacts that have versions which were deleted before a time."""
    v = t.versions.c
    query = sa.select(v.collection_id).where(v.deleted_at < before, v.purged_at.is_(None)).distinct()
    return sorted(unit.connection.scalars(query))


def purge_versions(unit: Unit, collection_id: UUID, before: datetime) -> int:
    """Give up the content of an artifact's versions that were deleted before a time; they can't be restored any more.

    Their rows stay as tombstones, so that history can be read and no number is used again.
    """
    c, v = t.collections.c, t.versions.c
    row = unit.connection.execute(COLLECTIONS.where(c.id == collection_id).with_for_update(of=t.collections)).one()
    m = t.memberships.c
    linked = sa.exists().where(m.version_id == v.id, m.deleted_at.is_(None))  # never, but bytes are worth a second look
    gone = (v.collection_id == collection_id, v.deleted_at < before, v.purged_at.is_(None), ~linked)
    found = unit.connection.execute(sa.select(v.number, v.digest).where(*gone).order_by(v.number)).all()
    unit.connection.execute(sa.update(t.versions).where(*gone).values(purged_at=unit.now))
    stream = stream_of(row)
    for number, digest in found:
        before_facts = {"number": number, "digest": digest}
        unit.record(stream, "artifact_version.purged", f"{stream.name}:v{number}", before=before_facts)
    return len(found)


def _write_mark(unit: Unit, value: str) -> None:
    _lock(unit, exclusive=True)
    upsert(unit.connection, t.settings, [{"key": _MARK, "value": value}])


def _lock(unit: Unit, *, exclusive: bool) -> None:
    if unit.connection.dialect.name == "postgresql":
        call = sa.func.pg_advisory_xact_lock if exclusive else sa.func.pg_advisory_xact_lock_shared
        unit.connection.execute(sa.select(call(_LOCK)))
