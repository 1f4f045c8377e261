"""The unit of work: one transaction with an actor, an origin and a clock, and the events it made true."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import TYPES, Event, event_hash
from podium.domain.gates import GateResult, PromotionRequest
from podium.domain.origin import Origin
from podium.domain.plain import plain_dict, to_plain
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.write import insert_into
from podium.usecases.outgoing import Targets, outgoing, read_targets

Vetoes = Callable[[PromotionRequest], tuple[GateResult, ...]]


def no_vetoes(_request: PromotionRequest) -> tuple[GateResult, ...]:
    """Let everything through: what a unit uses when no plugin has a gate."""
    return ()


@dataclass
class Stream:
    """The head of an event chain, read from a row that this unit holds locked.

    Attributes:
        table: ``collections`` or ``namespaces``.
        id: The row.
        name: ``NAMESPACE/NAME`` or ``NAMESPACE``.
        sequence: Of the last event.
        head: Hash of the last event.
        pending: Other columns of the row that the next event of this stream writes with its own.
    """

    table: sa.Table
    id: UUID
    name: str
    sequence: int
    head: str
    pending: dict[str, Any] = field(default_factory=dict)


@dataclass
class Unit:
    """One transaction.

    Attributes:
        connection: The open transaction.
        actor: Who makes the change.
        origin: Where the call comes from.
        now: The time of this unit, UTC. One unit happens at one time.
        vetoes: Asks the gate plugins; handed in, because use cases know no plugin.
        events: What `record` wrote so far.
        deliveries: How many deliveries these events caused.
    """

    connection: sa.Connection
    actor: str
    origin: Origin
    now: datetime
    vetoes: Vetoes = no_vetoes
    events: list[Event] = field(default_factory=list)
    deliveries: int = 0
    _targets: Targets | None = field(default=None, init=False)
    _origin: dict[str, Any] | None = field(default=None, init=False)

    @property
    def who(self) -> dict[str, Any]:
        """The columns that say when and by whom a row was made."""
        return {"created_at": self.now, "created_by": self.actor}

    @property
    def plain_origin(self) -> dict[str, Any]:
        """The origin as the rows keep it."""
        if self._origin is None:
            self._origin = _plain_origin(self.origin)
        return self._origin

    def record(
        self,
        stream: Stream,
        event_type: str,
        subject: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> Event:
        """Append an event to a stream in this transaction, and a delivery for each target that wants it.

        Args:
            stream: Its row is locked by this unit; that lock orders the chain.
            event_type: One of `podium.domain.events.TYPES`.
            subject: What the event is about.
            before: What was.
            after: What is.
            reason: Why.
        """
        assert event_type in TYPES, event_type
        event = Event(
            id=str(new_id()),
            type=event_type,
            stream=stream.name,
            sequence=stream.sequence + 1,
            at=self.now,
            actor=self.actor,
            origin=Origin.from_json(self.plain_origin),
            subject=subject,
            before=to_plain(before or {}),
            after=to_plain(after or {}),
            reason=reason,
            previous=stream.head,
        )
        event = replace(event, hash=event_hash(event))
        self._insert(event, stream)
        stream.sequence, stream.head = event.sequence, event.hash
        values = {**stream.pending, "sequence": stream.sequence, "head": stream.head, "row_id": stream.id}
        # Whether anybody subscribed is answered on the way: mostly there is nobody to ask a statement of its own about.
        if self.connection.execute(_update_of(stream.table), values).scalar_one():
            self._deliver(stream.id, event)
        stream.pending.clear()
        self.events.append(event)
        return event

    def add(self, table: sa.Table, **values: Any) -> None:
        """Insert one row."""
        self.connection.execute(insert_into(table), values)

    def _insert(self, event: Event, stream: Stream) -> None:
        self.add(
            t.events,
            id=UUID(event.id),
            stream=stream.id,
            stream_name=event.stream,
            sequence=event.sequence,
            type=event.type,
            subject=event.subject,
            before=event.before,
            after=event.after,
            reason=event.reason,
            origin=self.plain_origin,
            previous=event.previous,
            hash=event.hash,
            **self.who,
        )

    def _deliver(self, stream: UUID, event: Event) -> None:
        rows = outgoing(self.connection, stream, event, self._wanted())
        self.deliveries += len(rows)
        if rows:
            self.connection.execute(sa.insert(t.deliveries), rows)

    def forget_targets(self) -> None:
        """Read anew who is told and what starts, as this unit changed it."""
        self._targets = None

    def _wanted(self) -> Targets:
        # No cached_property: up to Python 3.11 all threads of the process wait for one that asks the database in it.
        if self._targets is None:
            self._targets = read_targets(self.connection)
        return self._targets


_last_origin: tuple[Origin, dict[str, Any]] | None = None


def _plain_origin(origin: Origin) -> dict[str, Any]:
    """Return an origin as the rows keep it; that of the call before is at hand, as most calls have the same."""
    global _last_origin  # noqa: PLW0603 - one tuple, put in place at once: threads see the old one or the new one
    last = _last_origin
    if last is None or last[0] is not origin:
        last = _last_origin = (origin, plain_dict(origin.to_json(), "The origin"))
    return last[1]


@functools.cache
def _update_of(table: sa.Table) -> sa.Update:
    """Return the statement that sets columns of one row, made once; its parameters say which.

    It answers whether there is any subscription or automation.
    """
    wanted = sa.or_(sa.exists(sa.select(t.subscriptions.c.name)), sa.exists(sa.select(t.automations.c.name)))
    return sa.update(table).where(table.c.id == sa.bindparam("row_id")).returning(wanted)
