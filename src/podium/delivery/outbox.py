"""The outbox: rows that are due, claimed with a lease, settled with an attempt on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import sqlalchemy as sa

from podium.domain.delivery import Delivery, DeliveryStatus
from podium.domain.events import Event
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.rows import to_event

LEASE = timedelta(minutes=2)

_DELIVERIES = sa.select(
    t.deliveries,
    t.events.c.type.label("event_type"),
    t.events.c.subject.label("subject"),
    t.events.c.created_at.label("created_at"),
).join(t.events, t.events.c.id == t.deliveries.c.event_id)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker holds until its lease ends.

    Attributes:
        id: The delivery.
        attempt: 1 for the first.
        channel: Its name.
        settings: Of the subscription when the event happened.
        event: What to tell.
        leased_until: When another worker may take it.
    """

    id: UUID
    attempt: int
    channel: str
    settings: dict[str, str]
    event: Event
    leased_until: datetime


def due(connection: sa.Connection, now: datetime, events: Sequence[str] | None, limit: int) -> list[UUID]:
    """Return the deliveries that may be tried now, oldest first; of these events only if any are named."""
    d = t.deliveries.c
    free = sa.or_(
        sa.and_(d.status == "pending", d.next_at <= now), sa.and_(d.status == "sending", d.leased_until <= now)
    )
    query = sa.select(d.id).where(free).order_by(d.next_at, d.id).limit(limit)
    if events is not None:
        query = query.where(d.event_id.in_([UUID(event) for event in events]))
    return list(connection.scalars(query))


def claim(connection: sa.Connection, delivery: UUID, now: datetime) -> Claim | None:
    """Take a delivery if nobody else has it; the row lock makes sure that one worker wins."""
    d = t.deliveries.c
    row = connection.execute(
        sa.select(t.deliveries).where(d.id == delivery).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None or not _free(row, now):
        return None
    values = {"status": "sending", "attempts": row.attempts + 1, "leased_until": now + LEASE}
    connection.execute(sa.update(t.deliveries).where(d.id == delivery).values(values))
    attempt = {"delivery_id": delivery, "attempt": row.attempts + 1, "started_at": now}
    connection.execute(sa.insert(t.delivery_attempts).values(attempt))
    event = connection.execute(sa.select(t.events).where(t.events.c.id == row.event_id)).one()
    return Claim(delivery, row.attempts + 1, row.channel, row.settings, to_event(event), now + LEASE)


def settle(
    connection: sa.Connection,
    claimed: Claim,
    now: datetime,
    *,
    receipt: str | None,
    error: str | None,
    next_at: datetime | None,
) -> None:
    """Write how an attempt ended.

    Args:
        connection: An open transaction.
        claimed: What was tried.
        now: When it ended.
        receipt: What the channel answered, if it was sent.
        error: What went wrong, if it was not.
        next_at: When to try again; None gives it up.
    """
    d, a = t.deliveries.c, t.delivery_attempts.c
    connection.execute(
        sa.update(t.delivery_attempts)
        .where(a.delivery_id == claimed.id, a.attempt == claimed.attempt)
        .values(finished_at=now, error=error, receipt=receipt)
    )
    status = "sent" if error is None else "dead" if next_at is None else "pending"
    values = {"status": status, "error": error, "receipt": receipt, "leased_until": None, "next_at": next_at or now}
    # A worker that lost its lease must not write over what the next one did.
    mine = sa.and_(d.id == claimed.id, d.attempts == claimed.attempt, d.status == "sending")
    connection.execute(sa.update(t.deliveries).where(mine).values(values))


def list_deliveries(connection: sa.Connection, status: str | None = None, limit: int = 100) -> list[Delivery]:
    """Return deliveries, newest first.

    Raises:
        InvalidValueError: There is no such status.
    """
    if status is not None and status not in get_args(DeliveryStatus):
        raise InvalidValueError(f"{status!r} is no status.", hint=f"Use one of {', '.join(get_args(DeliveryStatus))}.")
    query = _DELIVERIES.order_by(t.deliveries.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(t.deliveries.c.status == status)
    return [_delivery(row) for row in connection.execute(query)]


def retry(connection: sa.Connection, now: datetime, delivery: str | None = None) -> int:
    """Make a dead or waiting delivery due now, or all dead ones; return how many.

    Raises:
        NotFoundError: There is no such delivery, or it was sent.
    """
    d = t.deliveries.c
    where = [d.status == "dead"]
    if delivery is not None:
        try:
            where = [d.id == UUID(delivery), d.status.in_(("dead", "pending"))]
        except (ValueError, AttributeError, TypeError):  # no text, or none of an id
            where = [sa.false()]
    again = sa.update(t.deliveries).where(*where).values(status="pending", next_at=now, attempts=d.attempts)
    changed = len(connection.execute(again.returning(d.id)).all())
    if delivery is not None and not changed:
        raise NotFoundError(
            f"There is no delivery {delivery!r} that waits or was given up.", hint="'podium deliveries ls' lists them."
        )
    return changed


def _free(row: Any, now: datetime) -> bool:
    if row.status == "pending":
        return bool(row.next_at <= now)
    return row.status == "sending" and row.leased_until is not None and bool(row.leased_until <= now)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=str(row.id),
        kind=row.kind,
        subscription=row.subscription,
        channel=row.channel,
        event=str(row.event_id),
        event_type=row.event_type,
        subject=row.subject,
        status=row.status,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at,
        error=row.error,
        receipt=row.receipt,
    )
