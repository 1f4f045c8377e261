"""Finding versions: what a reference names, now or then."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import LATEST, Reference, parse_reference
from podium.domain.versions import Version, VersionFiles
from podium.errors import NotFoundError
from podium.sql import tables as t
from podium.sql.rows import load_manifest, load_versions
from podium.usecases.places import find_collection
from podium.usecases.unit import Unit


def get_version(unit: Unit, collection_id: UUID, number: int) -> Version:
    """Return one version that is known to exist."""
    m = t.memberships.c
    return load_versions(unit.connection, m.collection_id == collection_id, m.number == number)[0]


def resolve_version(unit: Unit, text: str, at: datetime | None = None) -> Version:
    """Return the version that a reference names, now or at a time in the past.

    Raises:
        InvalidNameError: The text is no reference.
        NotFoundError: It names nothing, or named nothing then.
    """
    ref = parse_reference(text)
    row = find_collection(unit, ref)
    return get_version(unit, row.id, resolve_number(unit, ref, row.id, at))


def resolve_number(unit: Unit, ref: Reference, collection_id: UUID, at: datetime | None = None) -> int:
    """Return the version number that a selector names in a collection.

    Raises:
        NotFoundError: It names nothing.
    """
    m, a = t.memberships.c, t.aliases.c
    members = sa.select(sa.func.max(m.number)).where(m.collection_id == collection_id)
    if at is not None:
        members = members.where(m.created_at <= at)
    if ref.number is not None:
        query = members.where(m.number == ref.number)
    elif ref.selector == LATEST:
        query = members
    elif at is not None:
        query = _holder_at(collection_id, ref.selector, at)
    else:
        query = sa.select(a.number).where(a.collection_id == collection_id, a.name == ref.selector)
    number: int | None = unit.connection.execute(query).scalar()
    if number is None:
        raise _nothing_there(unit, ref, collection_id, at)
    return number


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
    a = t.aliases.c
    names = list(unit.connection.scalars(sa.select(a.name).where(a.collection_id == collection_id).order_by(a.name)))
    known = ", ".join([LATEST, *names])
    return NotFoundError(
        f"{ref.collection} has no {ref.selector!r}{when}.",
        hint=f"It has the aliases {known}; 'podium ls' lists its versions.",
        ref=str(ref),
    )


def list_versions(unit: Unit, text: str, limit: int | None = None) -> list[Version]:
    """Return the versions of an artifact or model, newest first.

    Raises:
        NotFoundError: There is no such collection.
    """
    row = find_collection(unit, parse_reference(text))
    return load_versions(unit.connection, t.memberships.c.collection_id == row.id, limit=limit)


def show_files(unit: Unit, text: str) -> VersionFiles:
    """Return the version that a reference names, with its manifest.

    Raises:
        NotFoundError: It names nothing.
    """
    version = resolve_version(unit, text)
    return VersionFiles(version, load_manifest(unit.connection, version.digest))
