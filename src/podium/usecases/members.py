"""Memberships: the numbered places of a collection, and the counters that an overview reads in place of counting."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.sql import tables as t
from podium.usecases.unit import Stream, Unit


def add_member(unit: Unit, row: Any, stream: Stream, version_id: UUID) -> int:
    """Give a version the next place of a locked collection and return its number.

    The counters of the collection are written with the next event of its stream, which the caller records.
    """
    number: int = row.next_number
    unit.add(
        t.memberships,
        collection_id=row.id,
        number=number,
        version_id=version_id,
        origin=unit.plain_origin,
        **unit.who,
    )
    stream.pending |= {"next_number": number + 1, "live": row.live + 1, "latest": number}
    return number


def take_out(unit: Unit, collection_id: UUID, numbers: Several[int] | None = None) -> int:
    """Mark members of a locked collection as deleted at the time of this unit, and count what is left.

    Args:
        unit: The unit.
        collection_id: The collection.
        numbers: Which; None for all.

    Returns:
        How many were there.
    """
    m = t.memberships.c
    where = [m.collection_id == collection_id, m.deleted_at.is_(None)]
    if numbers is not None:
        where.append(m.number.in_(list(numbers)))
    count: int = unit.connection.execute(
        sa.select(sa.func.count()).select_from(t.memberships).where(*where)
    ).scalar_one()
    unit.connection.execute(sa.update(t.memberships).where(*where).values(deleted_at=unit.now))
    _count_on(unit, collection_id, -count)
    return count


def bring_back(unit: Unit, collection_id: UUID, *where: sa.ColumnElement[bool]) -> list[int]:
    """Undo `take_out` for the deleted members of a locked collection that match, and return their numbers."""
    m = t.memberships.c
    chosen = sa.select(m.number).where(m.collection_id == collection_id, m.deleted_at.is_not(None), *where)
    numbers = list(unit.connection.scalars(chosen.order_by(m.number)))
    if numbers:
        # By the same conditions, not by the list: there may be more of them than a statement has places for.
        update = sa.update(t.memberships).where(m.collection_id == collection_id, m.deleted_at.is_not(None), *where)
        unit.connection.execute(update.values(deleted_at=None))
        _count_on(unit, collection_id, len(numbers))
    return numbers


def version_of(unit: Unit, collection_id: UUID, number: int) -> UUID:
    """Return the row id of the version at a place that is known to exist."""
    m = t.memberships.c
    query = sa.select(m.version_id).where(m.collection_id == collection_id, m.number == number)
    found: UUID = unit.connection.execute(query).scalar_one()
    return found


def live_numbers(unit: Unit, collection_id: UUID, numbers: Iterable[int]) -> tuple[int, ...]:
    """Return those numbers whose versions are still there, in the order given."""
    wanted = tuple(numbers)
    m = t.memberships.c
    query = sa.select(m.number).where(m.collection_id == collection_id, m.deleted_at.is_(None), m.number.in_(wanted))
    there = set(unit.connection.scalars(query))
    return tuple(number for number in wanted if number in there)


def _count_on(unit: Unit, collection_id: UUID, change: int) -> None:
    if change:
        m, c = t.memberships.c, t.collections.c
        newest = sa.select(sa.func.max(m.number)).where(m.collection_id == collection_id, m.deleted_at.is_(None))
        unit.connection.execute(
            sa.update(t.collections)
            .where(c.id == collection_id)
            .values(live=c.live + change, latest=newest.scalar_subquery())
        )
