"""The outbox as people see it: what was sent, waits, is late or was given up, and sending it again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import sqlalchemy as sa

from podium.delivery.lines import who_waits
from podium.domain.delivery import (
    Attempt,
    Automation,
    Delivery,
    DeliveryChoice,
    DeliveryDetails,
    DeliveryStatus,
    Subscription,
    Template,
    WaitsFor,
    place_fits,
)
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.ids import id_span

_D, _E, _A = t.deliveries.c, t.events.c, t.delivery_attempts.c
_DELIVERIES = sa.select(
    t.deliveries, _E.type.label("event_type"), _E.subject, _E.stream_name, _E.created_at, _E.created_by
).join(t.events, _E.id == _D.event_id)
# What some deliveries tell of, by what it is called now; a registry or project itself is in no collection.
_PLACES = (
    sa.select(
        *(_D.kind, _D.subscription, _E.stream),
        sa.func.coalesce(t.namespaces.c.name + "/" + t.collections.c.name, _E.stream_name).label("place"),
    )
    .join(t.events, _E.id == _D.event_id)
    .outerjoin(t.collections, t.collections.c.id == _E.stream)
    .outerjoin(t.namespaces, t.namespaces.c.id == t.collections.c.namespace_id)
    .distinct()
)
_AGAIN: dict[bool, tuple[str, ...]] = {False: ("dead",), True: ("dead", "sent")}


def list_deliveries(
    connection: sa.Connection,
    choice: DeliveryChoice,
    now: datetime,
    limit: int,
    after: str | None = None,
    *,
    ordered: Callable[[str], bool],
) -> list[Delivery]:
    """Return deliveries, newest first.

    Args:
        connection: An open transaction.
        choice: Which.
        now: The time, to say what is late.
        limit: At most so many.
        after: The id of the last one of the page before.
        ordered: Whether a channel wants order, as far as this process knows; asked only about what might wait.

    Raises:
        InvalidValueError: There is no such status, or an argument cannot be used.
        NotFoundError: There is no delivery ``after``.
    """
    query = _DELIVERIES.where(*_conditions(choice, now)).order_by(_D.id.desc()).limit(_positive(limit))
    if after is not None:
        query = query.where(_D.id < _find(connection, after).id)
    rows = connection.execute(query).all()
    waits = _waits(connection, rows, now, ordered)
    return [_delivery(row, waits.get(row.id)) for row in rows]


def show_delivery(
    connection: sa.Connection, delivery: str, now: datetime, *, ordered: Callable[[str], bool]
) -> DeliveryDetails:
    """Return a delivery with the log of its attempts.

    Args:
        connection: An open transaction.
        delivery: Its id, or the beginning of one.
        now: The time, to say what it waits for.
        ordered: As for `list_deliveries`.

    Raises:
        InvalidValueError: Several begin so.
        NotFoundError: There is none.
    """
    row = _find(connection, delivery)
    log = connection.execute(sa.select(t.delivery_attempts).where(_A.delivery_id == row.id).order_by(_A.attempt))
    attempts = tuple(Attempt(a.attempt, a.started_at, a.finished_at, a.error, a.receipt) for a in log)
    return DeliveryDetails(
        delivery=_delivery(row, _waits(connection, [row], now, ordered).get(row.id)),
        model=row.stream_name,
        actor=row.created_by,
        settings=row.settings,
        template=Template(**row.template) if row.template is not None else None,
        digest=row.batch,
        leased_until=row.leased_until,
        attempts=attempts,
    )


def retry_delivery(
    connection: sa.Connection,
    now: datetime,
    delivery: str,
    targets: Sequence[Subscription | Automation],
    *,
    sent: bool = False,
) -> int:
    """Make one delivery due now that was given up or waits, and with ``sent`` one that was sent.

    Args:
        connection: A transaction that writes.
        now: The time.
        delivery: Its id, or the beginning of one.
        targets: What is in force now: whose name and kind it has, and is about its event still, gives it channel,
            settings and template anew.
        sent: Also one that was sent.

    Raises:
        InvalidValueError: Several begin with this id, or it is being sent at this moment.
        NotFoundError: There is none, or it was sent.
    """
    row = _locked(connection, now, delivery)
    if row.status == "sent" and not sent:
        raise NotFoundError(
            f"The delivery {row.id} does not wait: it was sent.", hint="To send it once more: --sent, or sent=True."
        )
    return _renew(connection, now, [_D.id == row.id], targets)


def retry_deliveries(
    connection: sa.Connection,
    now: datetime,
    choice: DeliveryChoice,
    targets: Sequence[Subscription | Automation],
    *,
    sent: bool = False,
) -> int:
    """Make all deliveries due now that were given up and fit; with ``sent`` those that were sent, too.

    Args:
        connection: A transaction that writes.
        now: The time.
        choice: Which.
        targets: As for `retry_delivery`.
        sent: Also what was sent.

    Raises:
        InvalidValueError: Everything that ever was sent would go out again, or an argument cannot be used.
    """
    if sent:
        _require_narrow(choice, "Everything that ever was sent would be sent again.")
    query = sa.select(_D.id).join(t.events, _E.id == _D.event_id).where(*_conditions(choice, now))
    where = [_D.id.in_(query), _D.status.in_(_AGAIN[sent])]
    return _renew(connection, now, where, targets)


def places_of_waiting(
    connection: sa.Connection, delivery: str | None, choice: DeliveryChoice, now: datetime
) -> set[str]:
    """Return the projects and registries whose events are told by what waits, of one delivery or of those that fit.

    Raises:
        InvalidValueError, NotFoundError: As `show_delivery` and `list_deliveries`.
    """
    return _places(connection, delivery, choice, now, _D.status.in_(("pending", "sending")))


def places_of_actions(
    connection: sa.Connection, delivery: str | None, choice: DeliveryChoice, now: datetime, *, sent: bool
) -> set[str]:
    """Return the projects and registries about whose events actions would run again by a retry.

    Raises:
        InvalidValueError, NotFoundError: As `show_delivery` and `list_deliveries`.
    """
    again = _D.status.in_(_AGAIN[sent]) if delivery is None else sa.true()
    return _places(connection, delivery, choice, now, sa.and_(_D.kind == "automation", again))


def _places(
    connection: sa.Connection, delivery: str | None, choice: DeliveryChoice, now: datetime, which: Any
) -> set[str]:
    where = _conditions(choice, now) if delivery is None else [_D.id == _find(connection, delivery).id]
    found = connection.execute(_PLACES.where(*where, which))
    return {row.place.partition("/")[0] for row in found}


def drop_delivery(connection: sa.Connection, now: datetime, delivery: str, error: str) -> int:
    """Give one delivery up that waits, so that it is not tried and holds nothing up.

    Args:
        connection: A transaction that writes.
        now: The time.
        delivery: Its id, or the beginning of one.
        error: Who gave it up, and why.

    Raises:
        InvalidValueError: Several begin with this id, or it is being sent at this moment.
        NotFoundError: There is none, or it does not wait.
    """
    row = _locked(connection, now, delivery)
    if row.status in _AGAIN[True]:
        was = "sent" if row.status == "sent" else "given up"
        raise NotFoundError(
            f"The delivery {row.id} does not wait: it was {was}.",
            hint="'podium deliveries ls --status pending' lists what does.",
        )
    return _give_up(connection, now, [_D.id == row.id], error)


def drop_deliveries(connection: sa.Connection, now: datetime, choice: DeliveryChoice, error: str) -> int:
    """Give all deliveries up that wait and fit; what a worker has in hand is left to it.

    Args:
        connection: A transaction that writes.
        now: The time.
        choice: Which.
        error: Who gave them up, and why.

    Raises:
        InvalidValueError: Everything that waits would be given up, or an argument cannot be used.
    """
    _require_narrow(choice, "Everything that waits would be given up.")
    query = sa.select(_D.id).join(t.events, _E.id == _D.event_id).where(*_conditions(choice, now))
    return _give_up(connection, now, [_D.id.in_(query)], error)


def _locked(connection: sa.Connection, now: datetime, delivery: str) -> Any:
    """Return the row of a delivery that no worker has in hand, or gets while this transaction lasts."""
    found = _find(connection, delivery)
    row = connection.execute(sa.select(t.deliveries).where(_D.id == found.id).with_for_update()).one()
    if row.status == "sending" and row.leased_until > now:
        raise InvalidValueError(f"The delivery {row.id} is being sent now.", hint="Wait for what comes of it.")
    return row


def _give_up(connection: sa.Connection, now: datetime, where: list[Any], error: str) -> int:
    waits = sa.or_(_D.status == "pending", sa.and_(_D.status == "sending", _D.leased_until <= now))
    values = {"status": "dead", "error": error, "leased_until": None, "next_at": now}
    return connection.execute(sa.update(t.deliveries).where(*where, waits).values(values)).rowcount


def _require_narrow(choice: DeliveryChoice, otherwise: str) -> None:
    if not any((choice.subscription, choice.channel, choice.event_type, choice.model, choice.since)):
        raise InvalidValueError(otherwise, hint="Narrow it by subscription, channel, event, model or time.")


def _make_due(connection: sa.Connection, now: datetime, where: list[Any], renewed: dict[str, Any]) -> int:
    values = {"status": "pending", "next_at": now, "leased_until": None, "tried_before": _D.attempts, **renewed}
    return connection.execute(sa.update(t.deliveries).where(*where).values(values)).rowcount


def _renew(
    connection: sa.Connection, now: datetime, where: list[Any], targets: Sequence[Subscription | Automation]
) -> int:
    """Make deliveries due, those of one subscription at one place at a time, and return how many."""
    count = 0
    for row in sorted(connection.execute(_PLACES.where(*where)), key=lambda row: (row.subscription, row.place)):
        here = sa.select(_E.id).where(_E.stream == row.stream)
        mine = [_D.kind == row.kind, _D.subscription == row.subscription, _D.event_id.in_(here)]
        count += _make_due(connection, now, [*where, *mine], _in_force(targets, row))
    return count


def _in_force(targets: Sequence[Subscription | Automation], row: Any) -> dict[str, Any]:
    """Return what is in force for a delivery now; nothing if its name is gone, or is of something else by now.

    What tells of another place may be of somebody who could not read, or change, what this is about.
    """
    for item in targets:
        if item.name != row.subscription:
            continue
        if item.model is not None and not place_fits(row.place, item.model):
            return {}
        if isinstance(item, Subscription) and row.kind == "subscription":
            template = item.template.to_json() if item.template is not None else None
            return {"channel": item.channel, "settings": dict(item.settings), "template": template}
        if isinstance(item, Automation) and row.kind == "automation":
            return {"channel": item.action, "settings": dict(item.settings), "template": None}
    return {}


def _conditions(choice: DeliveryChoice, now: datetime) -> list[sa.ColumnElement[bool]]:
    if choice.status is not None and choice.status not in get_args(DeliveryStatus):
        known = ", ".join(get_args(DeliveryStatus))
        raise InvalidValueError(f"{choice.status!r} is no status.", hint=f"Use one of {known}.")
    found = [_D.status == choice.status] if choice.status is not None else []
    found += [_D.subscription == choice.subscription] if choice.subscription is not None else []
    found += [_D.channel == choice.channel] if choice.channel is not None else []
    found += [_E.type.like(_pattern(choice.event_type), escape="\\")] if choice.event_type is not None else []
    found += [_of_place(choice.model)] if choice.model is not None else []
    if choice.since is not None:
        if choice.since.tzinfo is None:
            raise InvalidValueError("The time 'since' has no zone.", hint="Pass datetime(2026, 12, 31, tzinfo=UTC).")
        found.append(_E.created_at >= choice.since)
    if choice.late is not None:
        waits = sa.and_(_D.status == "pending", _D.next_at < now - choice.late)
        found.append(sa.or_(waits, sa.and_(_D.status == "sending", _D.leased_until < now)))
    return found


def _of_place(pattern: str) -> sa.ColumnElement[bool]:
    """Of a collection that fits ``REGISTRY/PATTERN``, or of anything in ``REGISTRY``."""
    like = _pattern(pattern)
    if "/" in pattern:
        return _E.stream_name.ilike(like, escape="\\")
    return sa.or_(_E.stream_name.ilike(like, escape="\\"), _E.stream_name.ilike(like + "/%", escape="\\"))


def _pattern(pattern: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern)
    return escaped.replace("*", "%").replace("?", "_")


def _find(connection: sa.Connection, text: object) -> Any:
    """Return the row of a delivery by its id or the beginning of it."""
    span = id_span(text)
    rows = list(connection.execute(_DELIVERIES.where(_D.id.between(*span)).limit(2))) if span else []
    if len(rows) > 1:
        raise InvalidValueError(f"Several deliveries begin with {text!r}.", hint="Give more of the id.")
    if not rows:
        raise NotFoundError(f"There is no delivery {text!r}.", hint="'podium deliveries ls' lists them.")
    return rows[0]


def _positive(limit: int) -> int:
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise InvalidValueError(f"{limit!r} is no limit.", hint="Use a whole number from 1.")
    return limit


def _waits(
    connection: sa.Connection, rows: Sequence[Any], now: datetime, ordered: Callable[[str], bool]
) -> dict[UUID, WaitsFor]:
    """Return what has to go before those that are due and held up; plugins are asked only if there might be one."""
    due = {row.id: row.channel for row in rows if row.kind == "subscription" and row.status == "pending"}
    found = who_waits(connection, now, [row.id for row in rows if row.id in due and row.next_at <= now])
    in_order = {channel: ordered(channel) for channel in {due[delivery] for delivery in found}}
    return {delivery: before for delivery, before in found.items() if in_order[due[delivery]]}


def _delivery(row: Any, waits_for: WaitsFor | None) -> Delivery:
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
        waits_for=waits_for,
    )
