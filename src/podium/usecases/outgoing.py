"""Who is told of an event and what starts by it: the rows of the outbox, written in the transaction of the event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.automations import REPORTS, stopped_by
from podium.domain.delivery import Automation, Subscription, Template
from podium.domain.durations import parse_duration
from podium.domain.events import Event
from podium.domain.plain import canonical
from podium.domain.repetition import check_names, matter_of, said_of
from podium.sql import tables as t
from podium.sql.ids import new_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Targets:
    """Where events may go.

    Attributes:
        subscriptions: By name.
        automations: By name, the disabled ones included.
    """

    subscriptions: Sequence[Subscription]
    automations: Sequence[Automation]


def read_targets(connection: sa.Connection) -> Targets:
    """Return every subscription and automation, by name."""
    subscriptions = [to_subscription(row) for row in connection.execute(_SUBSCRIPTIONS)]
    return Targets(subscriptions, [to_automation(row) for row in connection.execute(_AUTOMATIONS)])


def outgoing(connection: sa.Connection, stream: UUID, event: Event, targets: Targets) -> list[dict[str, Any]]:
    """Return the rows of the outbox for an event.

    An event that an automation led to, directly or through others, does not fire it again. Its row is there all the
    same: the worker gives it up, which makes the circle an event. Only of those reports no circle is reported.

    Args:
        connection: An open transaction that has the event.
        stream: The collection or namespace that the event belongs to.
        event: What happened.
        targets: Where it may go.
    """
    told = [
        _told(event, item)
        for item in targets.subscriptions
        if item.wants(event) and not _told_already(connection, stream, event, item)
    ]
    quiet = event.type in REPORTS
    fired = [
        _fired(event, item)
        for item in targets.automations
        if item.wants(event) and not (quiet and stopped_by(item.name, event))
    ]
    return [_common(stream, event) | row for row in told + fired]


def to_subscription(row: Any) -> Subscription:
    """Return the subscription of a row."""
    template = Template(**row.template) if row.template is not None else None
    return Subscription(
        name=row.name,
        channel=row.channel,
        events=tuple(row.events),
        settings=row.settings,
        model=row.model,
        filter=row.filter,
        template=template,
        digest=row.digest,
        deduplicate=row.deduplicate,
    )


def to_automation(row: Any) -> Automation:
    """Return the automation of a row."""
    return Automation(row.name, row.action, tuple(row.events), row.settings, row.model, row.filter, row.enabled)


def batch_end(at: datetime, digest: str) -> datetime:
    """Return when the span of a digest ends that a time is in; spans are counted from 1970, so that all agree."""
    span = parse_duration(digest)
    return _EPOCH + ((at - _EPOCH) // span + 1) * span


def _told(event: Event, item: Subscription) -> dict[str, Any]:
    batch = batch_end(event.at, item.digest) if item.digest else None
    template = item.template.to_json() if item.template else None
    words = {"settings": dict(item.settings), "template": template, "batch": batch, "next_at": batch or event.at}
    return {"kind": "subscription", "subscription": item.name, "channel": item.channel} | words


def _fired(event: Event, item: Automation) -> dict[str, Any]:
    words = {"settings": dict(item.settings), "template": None, "batch": None, "next_at": event.at}
    return {"kind": "automation", "subscription": item.name, "channel": item.action} | words


def _common(stream: UUID, event: Event) -> dict[str, Any]:
    request = event.after.get("transition")
    return {
        "id": new_id(),
        "event_id": UUID(event.id),
        "status": "pending",
        "attempts": 0,
        "stream": stream,
        "sequence": event.sequence,
        "topic": event.subject,
        "request": UUID(request) if isinstance(request, str) else None,
    }


def _told_already(connection: sa.Connection, stream: UUID, event: Event, item: Subscription) -> bool:
    """Whether the newest that the subscription was told of the same matter within its span says the same.

    What was given up counts as told of, and as nothing that could be repeated. The lock on the stream lets nobody else
    write an event of this collection meanwhile.
    """
    if not item.deduplicate:
        return False
    matter = matter_of(event.subject, event.before, event.after)
    given = {"subscription": item.name, "stream": stream, "since": event.at - parse_duration(item.deduplicate)}
    for row in connection.execute(_TOLD.where(_may_be_about(matter, event)), given):
        if matter_of(row.subject, row.before, row.after) == matter:
            said = said_of(row.type, row.subject, row.before, row.after)
            same = said == said_of(event.type, event.subject, event.before, event.after)
            return same and row.status != "dead"
    return False


def _may_be_about(matter: tuple[str, str], event: Event) -> sa.ColumnElement[bool]:
    """Let the database leave out what cannot be about the same matter, so that little JSON is read here."""
    kind, name = matter
    if kind == "subject":
        return _E.subject == name
    entry = {"name": check_names(event.after)[0]} if kind == "checks" else {kind: name}
    words = canonical(entry)[1:-1]  # as it stands in the text that is stored
    return sa.or_(*(sa.type_coerce(part, sa.Text).contains(words, autoescape=True) for part in (_E.after, _E.before)))


_S, _A = t.subscriptions.c, t.automations.c
_SUBSCRIPTIONS = sa.select(t.subscriptions).order_by(_S.name)
_AUTOMATIONS = sa.select(t.automations).order_by(_A.name)
_D, _E = t.deliveries.c, t.events.c
_OLD = t.events.alias("old")
_STREAM = sa.bindparam("stream", type_=sa.Uuid)
# The number of the newest event of the collection that is too old: what follows is looked at by index, and no more.
_TOO_OLD = (
    sa.select(_OLD.c.sequence)
    .where(_OLD.c.stream == _STREAM, _OLD.c.created_at <= sa.bindparam("since", type_=_OLD.c.created_at.type))
    .order_by(_OLD.c.sequence.desc())
    .limit(1)
    .scalar_subquery()
)
_TOLD = (
    sa.select(_E.type, _E.subject, _E.before, _E.after, _D.status)
    .join(t.events, _E.id == _D.event_id)
    .where(
        _D.subscription == sa.bindparam("subscription"),
        _D.kind == "subscription",
        _D.stream == _STREAM,
        _D.sequence > sa.func.coalesce(_TOO_OLD, 0),
    )
    .order_by(_D.sequence.desc())
)
