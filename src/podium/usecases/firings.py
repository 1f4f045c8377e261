"""What automations did, as events in the stream of what fired them; and the event that one is tried with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import Event
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.ids import id_span
from podium.sql.rows import to_event
from podium.usecases.places import COLLECTIONS, MODEL_REGISTRY, namespace_stream, require_registry, stream_of
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class Firing:
    """How the delivery of an automation ended.

    Attributes:
        automation: Its name.
        action: What it does.
        event: What fired it.
        delivery: Id of the delivery.
        attempts: How many it took.
        receipt: What the action answered, if it was done.
        error: What the last attempt said, if it was given up.
        why_stopped: Why it was not even tried.
        asked_by: Who had it run by hand, without a delivery.
    """

    automation: str
    action: str
    event: Event
    delivery: str
    attempts: int
    receipt: str | None
    error: str | None
    why_stopped: str | None = None
    asked_by: str | None = None


def record_firing(unit: Unit, firing: Firing) -> Event:
    """Record that an automation did what it is for, or that it was given up."""
    done = firing.error is None
    facts: dict[str, Any] = {
        "automation": firing.automation,
        "action": firing.action,
        "event": firing.event.id,
        "event_type": firing.event.type,
        "delivery": firing.delivery,
        "attempts": firing.attempts,
        "receipt" if done else "error": firing.receipt if done else firing.error,
    }
    if firing.why_stopped:
        facts["loop"] = True
    if firing.asked_by:
        facts["asked_by"] = firing.asked_by
    kind = "automation.fired" if done else "automation.failed"
    after = facts | _about(firing.event.after)
    return unit.record(_stream_of(unit, firing.event), kind, firing.event.subject, after=after)


def find_event(unit: Unit, event: str) -> Event:
    """Return an event by its id, or by the beginning of one that no other has.

    Raises:
        InvalidValueError: Several begin so.
        NotFoundError: There is none.
    """
    span = id_span(event)
    rows = list(unit.connection.execute(_EVENTS, {"low": span[0], "high": span[1]})) if span else []
    if len(rows) > 1:
        raise InvalidValueError(f"Several events begin with {event!r}.", hint="Give more of the id.")
    if not rows:
        hint = "'podium audit ls --json' and 'podium deliveries show' say their ids."
        raise NotFoundError(f"There is no event {event!r}.", hint=hint)
    return to_event(rows[0])


def _about(after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the event was about, so that messages about the firing can say it."""
    return {key: after[key] for key in ("number", "stage") if after.get(key) is not None}


def _stream_of(unit: Unit, event: Event) -> Stream:
    """Lock the stream of an event; that of the registry if a collection is there no more."""
    stream = unit.connection.scalar(_STREAM, {"event": UUID(event.id)})
    row = unit.connection.execute(_COLLECTION, {"stream": stream}).one_or_none()
    if row is not None:
        return stream_of(row)
    space = unit.connection.execute(_SPACE, {"stream": stream}).one_or_none()
    return namespace_stream(space or require_registry(unit, MODEL_REGISTRY, lock=True))


_LOW, _HIGH = (sa.bindparam(name, type_=sa.Uuid) for name in ("low", "high"))
_EVENTS = sa.select(t.events).where(t.events.c.id.between(_LOW, _HIGH)).limit(2)
_STREAM = sa.select(t.events.c.stream).where(t.events.c.id == sa.bindparam("event"))
_COLLECTION = COLLECTIONS.where(t.collections.c.id == sa.bindparam("stream")).with_for_update(of=t.collections)
_SPACE = sa.select(t.namespaces).where(t.namespaces.c.id == sa.bindparam("stream")).with_for_update()
