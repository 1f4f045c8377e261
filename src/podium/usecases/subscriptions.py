"""Subscriptions: which events go to which channel."""

from __future__ import annotations

import fnmatch

import sqlalchemy as sa

from podium.domain.delivery import Subscription
from podium.domain.events import TYPES
from podium.domain.names import check_label
from podium.domain.plain import plain_dict
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.write import upsert
from podium.usecases.places import MODEL_REGISTRY, namespace_stream, require_registry
from podium.usecases.unit import Unit


def add_subscription(unit: Unit, subscription: Subscription) -> Subscription:
    """Store a subscription; one of the same name is replaced, an equal one changes nothing.

    Raises:
        InvalidNameError: The name breaks the rules.
        InvalidValueError: A pattern matches no event type.
    """
    check_label(subscription.name, "subscription name")
    check_label(subscription.channel, "channel name")
    for pattern in subscription.events:
        if not isinstance(pattern, str) or not fnmatch.filter(TYPES, pattern):
            raise InvalidValueError(
                f"No event is called {pattern!r}.", hint=f"The events are {', '.join(TYPES)}.", pattern=pattern
            )
    settings = plain_dict(subscription.settings, "The settings")
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    before = {item.name: item for item in list_subscriptions(unit)}.get(subscription.name)
    if before == subscription:
        return subscription
    row = {
        "name": subscription.name,
        "channel": subscription.channel,
        "events": list(subscription.events),
        "settings": settings,
        **unit.who,
    }
    upsert(unit.connection, t.subscriptions, [row])
    old = before.to_json() if before is not None else {}
    unit.record(stream, "subscription.added", subscription.name, before=old, after=subscription.to_json())
    return subscription


def remove_subscription(unit: Unit, name: str) -> Subscription:
    """Remove a subscription; what is on its way already is still delivered.

    Raises:
        NotFoundError: There is none of this name.
    """
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    found = {item.name: item for item in list_subscriptions(unit)}.get(name)
    if found is None:
        raise NotFoundError(f"There is no subscription {name!r}.", hint="'podium notify ls' lists them.", name=name)
    unit.connection.execute(sa.delete(t.subscriptions).where(t.subscriptions.c.name == name))
    unit.record(stream, "subscription.removed", name, before=found.to_json())
    return found


def list_subscriptions(unit: Unit) -> list[Subscription]:
    """Return all subscriptions by name."""
    s = t.subscriptions.c
    rows = unit.connection.execute(sa.select(s.name, s.channel, s.events, s.settings).order_by(s.name))
    return [Subscription(row.name, row.channel, tuple(row.events), row.settings) for row in rows]
