"""The statements of the outbox, made once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from podium.sql import tables as t

_UNSENT = ("pending", "sending")
_D = t.deliveries.c
_BEFORE = t.deliveries.alias("before")
_B = _BEFORE.c


def is_due(now: Any, started: Any) -> sa.ColumnElement[bool]:
    """What waits and is due, except what this round tried already; and what a worker left behind when it died."""
    waits = sa.and_(_D.status == "pending", _D.next_at <= now, sa.or_(_D.next_at <= started, _D.attempts == 0))
    return sa.or_(waits, sa.and_(_D.status == "sending", _D.leased_until <= started))


_NOW, _STARTED = (sa.bindparam(name, type_=_D.next_at.type) for name in ("now", "started"))
# One line: what has to go in order. Settings that were mended since begin a line of their own, which speaks at once.
_SAME_LINE = (
    _B.subscription == _D.subscription,
    _B.stream == _D.stream,
    _B.channel == _D.channel,
    _B.settings == _D.settings,
)
# What is on its way: not given up, nor sent, nor gathered by a digest whose time has not ended yet.
_ON_ITS_WAY = (
    _B.status.in_(_UNSENT),
    sa.or_(_B.batch.is_(None), _B.attempts > 0, _B.next_at <= _NOW),
)
# What goes before this one and into no message with it.
_HOLDS_UP = sa.and_(
    *_SAME_LINE,
    *_ON_ITS_WAY,
    _B.sequence < _D.sequence,
    sa.or_(_B.batch.is_(None), _D.batch.is_(None), _B.batch != _D.batch),
)
HELD_UP = sa.select(_B.id).where(_D.id == sa.bindparam("id", type_=sa.Uuid), _HOLDS_UP).limit(1)
_FIRST = sa.select(_B.id).where(_HOLDS_UP).order_by(_B.sequence).limit(1).correlate(t.deliveries).scalar_subquery()
FIRST_BEFORE = sa.select(_D.id, _FIRST.label("first")).where(_D.id.in_(sa.bindparam("ids", expanding=True)))
_PRESENT = (_D.kind + ":" + _D.channel).not_in(sa.bindparam("absent", expanding=True))
_HEAD = sa.or_(
    _D.channel.not_in(sa.bindparam("ordered", expanding=True)),
    _D.kind == "automation",
    ~sa.exists().where(_HOLDS_UP),
)
_COLUMNS = (_D.id, _D.kind, _D.channel, _D.subscription, _D.stream, _D.batch)
DUE = (
    sa.select(*_COLUMNS)
    .where(is_due(_NOW, _STARTED), _PRESENT, _HEAD)
    .order_by(_D.next_at, _D.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
# What is due and held up, counted by line, with the one that the line waits for.
_LINE = (_D.subscription, _D.channel, _D.stream, _D.settings)
_HELD = (
    sa.select(*_LINE, sa.func.count().label("number"))
    .where(
        is_due(_NOW, _STARTED),
        _D.channel.in_(sa.bindparam("ordered", expanding=True)),
        _D.kind == "subscription",
        sa.exists().where(_HOLDS_UP),
    )
    .group_by(*_LINE)
    .subquery("held")
)
WAITING = sa.select(
    _HELD.c.number,
    sa.select(_B.id)
    .where(*(_B[column.name] == _HELD.c[column.name] for column in _LINE), *_ON_ITS_WAY)
    .order_by(_B.sequence)
    .limit(1)
    .scalar_subquery()
    .label("first"),
)
# What few events caused is looked at whole: of one that has to wait, the first in its line may be tried.
DUE_OF = (
    sa.select(*_COLUMNS)
    .where(_D.event_id.in_(sa.bindparam("events", expanding=True)), is_due(_NOW, _STARTED), _PRESENT)
    .order_by(_D.next_at, _D.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
LOCKED = sa.select(t.deliveries).where(_D.id == sa.bindparam("id", type_=sa.Uuid)).with_for_update(skip_locked=True)
FIRST = (
    sa.select(_BEFORE)
    .join(t.deliveries, sa.and_(*_SAME_LINE))
    .where(_D.id == sa.bindparam("id", type_=sa.Uuid), *_ON_ITS_WAY)
    .order_by(_B.sequence)
    .limit(1)
)
_OF_BATCH = (
    _D.subscription == sa.bindparam("subscription"),
    _D.batch == sa.bindparam("batch", type_=_D.batch.type),
    _D.channel == sa.bindparam("channel"),
)
FIRST_OF_BATCH = sa.select(_D.id).where(*_OF_BATCH).order_by(_D.id).limit(1).with_for_update()
BATCH_ROWS = (
    sa.select(t.deliveries).where(*_OF_BATCH, _D.status.in_(_UNSENT)).order_by(_D.id).with_for_update(skip_locked=True)
)
EVENTS = sa.select(t.events).where(t.events.c.id.in_(sa.bindparam("ids", expanding=True)))
_THREAD = (
    sa.select(t.events.c.type, _D.receipt, _D.request)
    .join(t.events, t.events.c.id == _D.event_id)
    .where(
        _D.subscription == sa.bindparam("subscription"),
        _D.topic == sa.bindparam("topic"),
        _D.channel == sa.bindparam("channel"),
        _D.sequence < sa.bindparam("sequence"),
        _D.status == "sent",
        _D.receipt != "",
        _D.batch.is_(None),
    )
)
EARLIER = _THREAD.order_by(_D.sequence.desc()).limit(sa.bindparam("limit", type_=sa.Integer))
EARLIEST = _THREAD.order_by(_D.sequence).limit(1)
