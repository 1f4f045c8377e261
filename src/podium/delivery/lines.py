"""What waits for what: messages of an ordered channel that are due, and stand behind others in their line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.delivery import statements
from podium.domain.delivery import WaitsFor
from podium.sql import tables as t

_AT_ONCE = 500  # ids in one statement
_D = t.deliveries.c


def who_waits(connection: sa.Connection, now: datetime, deliveries: Sequence[UUID]) -> dict[UUID, WaitsFor]:
    """Return which of these deliveries would wait for another if their channel wants order, and for which.

    Args:
        connection: An open transaction.
        now: The time.
        deliveries: The ids of deliveries that are due.
    """
    first: dict[UUID, UUID] = {}
    for start in range(0, len(deliveries), _AT_ONCE):
        given = {"ids": list(deliveries[start : start + _AT_ONCE]), "now": now}
        first |= {row.id: row.first for row in connection.execute(statements.FIRST_BEFORE, given) if row.first}
    found: dict[UUID, WaitsFor] = {}
    ids = sorted(set(first.values()))
    for start in range(0, len(ids), _AT_ONCE):
        query = sa.select(t.deliveries).where(_D.id.in_(ids[start : start + _AT_ONCE]))
        found |= {row.id: WaitsFor(str(row.id), _why(row, now)) for row in connection.execute(query)}
    return {delivery: found[before] for delivery, before in first.items() if before in found}


def count_waiting(connection: sa.Connection, now: datetime, ordered: Collection[str]) -> dict[str, int]:
    """Return how many deliveries to ordered channels are due and held up, by the id of the one that goes first."""
    given = {"now": now, "started": now, "ordered": list(ordered)}
    found: dict[str, int] = {}
    for row in connection.execute(statements.WAITING, given):
        if row.first is not None:
            found[str(row.first)] = found.get(str(row.first), 0) + row.number
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _why(row: Any, now: datetime) -> str:
    if row.status == "sending" and row.leased_until > now:
        return "it is being sent"
    return row.error or "it was not tried yet"
