"""The outbox as workers see it: rows that are due, claimed with a lease, settled with an attempt on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa

from podium.delivery import statements
from podium.domain.delivery import TargetKind, Template
from podium.domain.events import Event
from podium.plugins.channels import Earlier
from podium.sql import tables as t
from podium.sql.rows import to_event

# How much longer than its attempt a lease lasts: for secrets to be looked up, and for the answer to be written.
LEASE_MARGIN = timedelta(seconds=25)
_MOST_EARLIER = 50
_MOST_IN_DIGEST = 200
_DIGESTS = UUID("6b1f6d2e-6f0b-5c3e-9d57-2a4b8f0c7e11")  # the name space of their ids

_D = t.deliveries.c


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that may be tried now.

    Attributes:
        id: The delivery.
        kind: ``subscription`` or ``automation``.
        channel: The channel or action that it needs.
        subscription: Whose it is.
        stream: The collection that its event belongs to; None for one that an older Podium wrote.
        batch: When the time ends that its digest sums up, None if it goes alone.
    """

    id: UUID
    kind: TargetKind
    channel: str
    subscription: str
    stream: UUID | None
    batch: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """One row of a claim.

    Attributes:
        id: The delivery.
        event: What to tell.
        request: The promotion that it is about, or None.
    """

    id: UUID
    event: Event
    request: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What one attempt sends: a delivery, or those that a digest sums up, held until the lease ends.

    Attributes:
        id: Of the message: the delivery's, or one made of the ids of those of a digest; the same for every attempt.
        kind: ``subscription`` or ``automation``.
        subscription: The name of the subscription or automation.
        channel: The name of the channel or action.
        attempt: 1 for the first.
        settings: Of the subscription or automation when the event happened, or when a person last had it retried.
        template: Words in place of Podium's own, as they were then.
        parts: The rows, in the order of what happened; more than one for a digest.
        earlier: What the subscription was told of the same version before, oldest first.
        leased_until: When another worker may take it.
        stream: The collection of the event.
        tried_before: How many attempts had been made when somebody last had it retried.
    """

    id: UUID
    kind: TargetKind
    subscription: str
    channel: str
    attempt: int
    settings: Mapping[str, Any]
    template: Template | None
    parts: tuple[Part, ...]
    earlier: tuple[Earlier, ...]
    leased_until: datetime
    stream: UUID | None
    tried_before: int = 0

    @property
    def event(self) -> Event:
        """What happened; the newest of a digest."""
        return self.parts[-1].event

    @property
    def request(self) -> str | None:
        """The promotion that it is about, or None."""
        return self.parts[-1].request


def due(
    connection: sa.Connection,
    now: datetime,
    started: datetime,
    limit: int,
    *,
    events: Collection[str] | None = None,
    ordered: Collection[str] = (),
    absent: Collection[str] = (),
) -> list[Due]:
    """Return the deliveries that may be tried now, oldest first.

    Args:
        connection: An open transaction.
        now: The time.
        started: When this round began: what was tried since is for the next one.
        limit: At most so many.
        events: Only what these events caused; None for everything.
        ordered: The channels whose messages wait for those before them in their collection.
        absent: Channels and actions that this process lacks (``KIND:NAME``): they are left to others.
    """
    given = {"now": now, "started": started, "ordered": list(ordered), "absent": list(absent), "limit": limit}
    if events is None:
        rows = connection.execute(statements.DUE, given)
    else:
        rows = connection.execute(statements.DUE_OF, given | {"events": [UUID(event) for event in events]})
    return [_due(row) for row in rows]


def count_absent(connection: sa.Connection, now: datetime, absent: Collection[str]) -> dict[str, int]:
    """Return how many deliveries are due for each of these channels and actions (``KIND:NAME``)."""
    target = _D.kind + ":" + _D.channel
    query = sa.select(_D.channel, sa.func.count()).where(statements.is_due(now, now), target.in_(list(absent)))
    return {row[0]: row[1] for row in connection.execute(query.group_by(_D.channel).order_by(_D.channel))}


def next_in_line(connection: sa.Connection, item: Due, now: datetime, started: datetime) -> Due | None:
    """Return the first delivery on its way in the same line, if it may be tried now."""
    row = connection.execute(statements.FIRST, {"id": item.id, "now": now}).one_or_none()
    if row is None or not _is_free(row, now, started):
        return None
    return _due(row)


def claim(
    connection: sa.Connection,
    item: Due,
    now: datetime,
    started: datetime,
    *,
    seconds: float,
    ordered: bool = False,
) -> Claim | None:
    """Take a delivery if nobody else has it and nothing has to go before; the row lock makes that one worker wins.

    Args:
        connection: An open transaction.
        item: The delivery; with it go all that belong to the same digest.
        now: The time.
        started: As for `due`.
        seconds: How long the attempt may take.
        ordered: Whether it waits for those before it in its collection.
    """
    if item.batch is None:
        found = connection.execute(statements.LOCKED, {"id": item.id})
        # A retry by a person may have given it another channel since it was looked at: it is for the next round.
        rows = [row for row in found if _is_free(row, now, started) and row.channel == item.channel]
    else:
        rows = _digest(connection, item, now, started)
    if ordered:
        rows = [
            row for row in rows if connection.execute(statements.HELD_UP, {"id": row.id, "now": now}).first() is None
        ]
    if not rows:
        return None
    until = now + timedelta(seconds=seconds) + LEASE_MARGIN
    ids, attempt = [row.id for row in rows], rows[0].attempts + 1
    values = {"status": "sending", "attempts": attempt, "leased_until": until}
    connection.execute(sa.update(t.deliveries).where(_D.id.in_(ids)).values(values))
    log = [{"delivery_id": delivery, "attempt": attempt, "started_at": now} for delivery in ids]
    connection.execute(sa.insert(t.delivery_attempts), log)
    return _claim(connection, rows, attempt, until)


def settle(
    connection: sa.Connection,
    claimed: Claim,
    now: datetime,
    *,
    receipt: str | None,
    error: str | None,
    next_at: datetime | None,
    note: str | None = None,
) -> bool:
    """Write how an attempt ended, and return whether the claim still held.

    Args:
        connection: An open transaction.
        claimed: What was tried.
        now: When it ended.
        receipt: What the channel answered, if it was sent.
        error: What went wrong, if it was not.
        next_at: When to try again; None gives it up.
        note: What the log of attempts shall say although it was sent.
    """
    ids, a = [part.id for part in claimed.parts], t.delivery_attempts.c
    connection.execute(
        sa.update(t.delivery_attempts)
        .where(a.delivery_id.in_(ids), a.attempt == claimed.attempt)
        .values(finished_at=now, error=error or note, receipt=receipt)
    )
    status = "sent" if error is None else "dead" if next_at is None else "pending"
    values = {"status": status, "error": error, "receipt": receipt, "leased_until": None, "next_at": next_at or now}
    # A worker that lost its lease must not write over what the next one did.
    mine = sa.and_(_D.id.in_(ids), _D.attempts == claimed.attempt, _D.status == "sending")
    return bool(connection.execute(sa.update(t.deliveries).where(mine).values(values)).rowcount)


def _claim(connection: sa.Connection, rows: Sequence[Any], attempt: int, until: datetime) -> Claim:
    first = rows[0]
    events = {
        row.id: to_event(row) for row in connection.execute(statements.EVENTS, {"ids": [row.event_id for row in rows]})
    }
    parts = [Part(row.id, events[row.event_id], str(row.request) if row.request else None) for row in rows]
    parts.sort(key=lambda part: (part.event.at, part.event.id))
    alone = first.batch is None or len(parts) == 1
    return Claim(
        id=first.id if alone else uuid5(_DIGESTS, ",".join(sorted(str(part.id) for part in parts))),
        kind=first.kind,
        subscription=first.subscription,
        channel=first.channel,
        attempt=attempt,
        settings=first.settings,
        template=Template(**first.template) if first.template is not None else None,
        parts=tuple(parts),
        earlier=_earlier(connection, first) if first.batch is None and first.kind == "subscription" else (),
        leased_until=until,
        stream=first.stream,
        tried_before=first.tried_before,
    )


def _digest(connection: sa.Connection, item: Due, now: datetime, started: datetime) -> list[Any]:
    """Lock and return the rows that go into one message with this one, none if another worker took it.

    Those that were tried together stay together, so that each attempt is about the same: what came late, when the
    message was under way, makes another one.
    """
    given = {"subscription": item.subscription, "batch": item.batch, "channel": item.channel}
    connection.execute(statements.FIRST_OF_BATCH, given).first()  # one worker at a time puts a digest together
    found = connection.execute(statements.BATCH_ROWS, given).all()
    row = next((row for row in found if row.id == item.id), None)
    if row is None or not _is_free(row, now, started):
        return []
    alike = [other for other in found if _is_free(other, now, started) and _tried(other) == _tried(row)]
    return alike[:_MOST_IN_DIGEST]


def _tried(row: Any) -> tuple[Any, ...]:
    return row.status, row.attempts, row.tried_before, row.next_at, row.leased_until, row.settings, row.template


def _earlier(connection: sa.Connection, row: Any) -> tuple[Earlier, ...]:
    """Return what was sent about the same version before: the first message, and the newest of the others."""
    if not row.topic or row.sequence is None:
        return ()
    given = {name: getattr(row, name) for name in ("subscription", "channel", "topic", "sequence")}
    found = list(connection.execute(statements.EARLIER, given | {"limit": _MOST_EARLIER}))
    if len(found) == _MOST_EARLIER:
        found[-1] = connection.execute(statements.EARLIEST, given).one()
    return tuple(
        Earlier(item.type, item.receipt, str(item.request) if item.request else None) for item in reversed(found)
    )


def _due(row: Any) -> Due:
    return Due(row.id, row.kind, row.channel, row.subscription, row.stream, row.batch)


def _is_free(row: Any, now: datetime, started: datetime) -> bool:
    if row.status == "pending":
        return bool(row.next_at <= now and (row.next_at <= started or row.attempts == 0))
    return row.status == "sending" and row.leased_until is not None and bool(row.leased_until <= started)
