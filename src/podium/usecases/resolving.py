"""Finding versions: what a reference names, now or then."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import LATEST, Reference, parse_reference
from podium.domain.plain import check_limit, iso
from podium.domain.versions import Version, VersionFiles
from podium.errors import NotFoundError
from podium.sql import tables as t
from podium.sql.rows import load_manifest
from podium.sql.versions import find_version, load_version, load_versions
from podium.usecases.places import find_collection
from podium.usecases.unit import Unit


def get_version(unit: Unit, collection_id: UUID, number: int) -> Version:
    """Return one version that is known to have existed; ``deleted_at`` says whether it was deleted since."""
    return load_version(unit.connection, collection_id, number)


def resolve_version(unit: Unit, text: str, at: datetime | None = None) -> Version:
    """Return the version that a reference names, now or at a time in the past.

    Raises:
        InvalidNameError: The text is no reference.
        NotFoundError: It names nothing, or named nothing then.
    """
    ref = parse_reference(text)
    found = find_version(unit.connection, ref) if at is None else None
    if found is not None:
        return found
    row = find_collection(unit, ref, deleted=at is not None)  # also to say what is wrong
    return get_version(unit, row.id, resolve_number(unit, ref, row.id, at))


def resolve_number(unit: Unit, ref: Reference, collection_id: UUID, at: datetime | None = None) -> int:
    """Return the version number that a selector names in a collection.

    Raises:
        NotFoundError: It names nothing, or a version that was deleted or unlinked.
    """
    query = number_now(ref) if at is None else _number_then(ref, collection_id, at)
    keys = {"collection": collection_id, "number": ref.number, "selector": ref.selector}
    number: int | None = unit.connection.execute(query, keys).scalar()
    if number is None:
        raise _nothing_there(unit, ref, collection_id, at)
    return number


_C, _M, _A = t.collections.c, t.memberships.c, t.aliases.c
_COLLECTION = sa.bindparam("collection", type_=sa.Uuid())
_BY_NUMBER = sa.select(_M.number).where(
    _M.collection_id == _COLLECTION, _M.number == sa.bindparam("number"), _M.deleted_at.is_(None)
)
_BY_LATEST = sa.select(_C.latest).where(_C.id == _COLLECTION)
_BY_ALIAS = sa.select(_A.number).where(_A.collection_id == _COLLECTION, _A.name == sa.bindparam("selector"))


def number_now(ref: Reference) -> sa.Select[Any]:
    """Return the statement for the number that a reference names now, of :collection and :number or :selector."""
    if ref.number is not None:
        return _BY_NUMBER
    return _BY_LATEST if ref.selector == LATEST else _BY_ALIAS


def _number_then(ref: Reference, collection_id: UUID, at: datetime) -> sa.Select[Any]:
    there = sa.or_(_M.deleted_at.is_(None), _M.deleted_at > at)
    members = sa.select(sa.func.max(_M.number)).where(_M.collection_id == collection_id, _M.created_at <= at, there)
    if ref.number is not None:
        return members.where(_M.number == ref.number)
    return members if ref.selector == LATEST else _holder_at(collection_id, ref.selector, at)


def _holder_at(collection_id: UUID, alias: str, at: datetime) -> sa.Select[tuple[int | None]]:
    move = t.alias_moves.c
    return (
        sa.select(move.after)
        .where(move.collection_id == collection_id, move.name == alias, move.created_at <= at)
        .order_by(move.revision.desc())
        .limit(1)
    )


def _nothing_there(unit: Unit, ref: Reference, collection_id: UUID, at: datetime | None) -> NotFoundError:
    when = f" at {at.isoformat()}" if at is not None else ""
    if ref.number is not None and at is None and (gone := _gone(unit, ref, collection_id)) is not None:
        return gone
    a = t.aliases.c
    names = list(unit.connection.scalars(sa.select(a.name).where(a.collection_id == collection_id).order_by(a.name)))
    if ref.selector == LATEST:
        hint = "It has no version: log or link one first." if at is None else "It had no version then."
    else:
        hint = f"It has the aliases {', '.join([LATEST, *names])}; 'podium ls' lists its versions."
    return NotFoundError(
        f"{ref.collection} has no {ref.selector!r}{when}.",
        hint=hint,
        ref=str(ref),
    )


def _gone(unit: Unit, ref: Reference, collection_id: UUID) -> NotFoundError | None:
    """The error for a version that was there once, None if there never was one."""
    m, v = t.memberships.c, t.versions.c
    query = (
        sa.select(m.deleted_at, v.purged_at)
        .join(t.versions, v.id == m.version_id)
        .where(m.collection_id == collection_id, m.number == ref.number)
    )
    row = unit.connection.execute(query).one_or_none()
    if row is None:
        return None
    back = f"'podium restore \"{ref}\"' brings it back."
    return NotFoundError(
        f"{ref} was {'deleted for good' if row.purged_at else 'deleted or unlinked'} on {row.deleted_at:%Y-%m-%d}.",
        hint="Its number is never used again." if row.purged_at else back,
        ref=str(ref),
        deleted_at=iso(row.deleted_at),
    )


def list_versions(unit: Unit, text: str, limit: int | None = None, *, deleted: bool = False) -> list[Version]:
    """Return the versions of an artifact or model, newest first, or those of it that were deleted or unlinked.

    Raises:
        InvalidValueError: The limit is less than 1.
        NotFoundError: There is no such collection.
    """
    check_limit(limit)
    row = find_collection(unit, parse_reference(text), deleted=deleted)
    m = t.memberships.c
    there = m.deleted_at.is_not(None) if deleted else m.deleted_at.is_(None)
    return load_versions(unit.connection, m.collection_id == row.id, there, limit=limit)


def show_files(unit: Unit, text: str) -> VersionFiles:
    """Return the version that a reference names, with its manifest.

    Raises:
        NotFoundError: It names nothing.
    """
    version = resolve_version(unit, text)
    return VersionFiles(version, load_manifest(unit.connection, version.digest))
