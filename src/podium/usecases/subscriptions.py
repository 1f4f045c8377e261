"""Subscriptions: which events go to which channel. Automations: what starts when something happened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa

from podium.domain.delivery import Automation, Subscription, place_fits
from podium.domain.expressions import near_names
from podium.domain.notification_rules import check_rules
from podium.domain.notifications import Kind, as_stored
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.write import upsert
from podium.usecases.access import closed_registries, require_admin
from podium.usecases.outgoing import read_targets
from podium.usecases.places import MODEL_REGISTRY, namespace_stream, require_registry
from podium.usecases.unit import Stream, Unit

_N, _C = t.namespaces.c, t.collections.c
Target = TypeVar("Target", Subscription, Automation)


def add_subscription(unit: Unit, subscription: Subscription) -> Subscription:
    """Store a subscription and return it as it is kept; one of the same name is replaced, an equal one changes nothing.

    Raises:
        InvalidNameError: The name breaks the rules.
        InvalidValueError: A pattern matches no event type, the filter, a template or a span cannot be understood, or an
            automation has the name.
        PermissionDeniedError: It is, or was, about a registry that has admins, and the actor is none of them.
    """
    check_rules(subscription, unit.now)
    subscription = as_stored(subscription)
    stream, before = _before(unit, subscription, list_subscriptions(unit), list_automations(unit))
    if before == subscription:
        return subscription
    _require_admin(unit, subscription, before)
    upsert(unit.connection, t.subscriptions, [subscription.to_json() | unit.who])
    old = before.to_json() if before is not None else {}
    unit.record(stream, "subscription.added", subscription.name, before=old, after=subscription.to_json())
    return subscription


def remove_subscription(unit: Unit, name: str) -> Subscription:
    """Remove a subscription; what is on its way already is still delivered.

    Raises:
        NotFoundError: There is none of this name.
        PermissionDeniedError: As `add_subscription`.
    """
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    found = get_subscription(unit, name)
    _require_admin(unit, found)
    unit.connection.execute(sa.delete(t.subscriptions).where(t.subscriptions.c.name == name))
    unit.record(stream, "subscription.removed", name, before=found.to_json())
    return found


def get_subscription(unit: Unit, name: str) -> Subscription:
    """Return one subscription.

    Raises:
        NotFoundError: There is none of this name.
    """
    return _named(name, "subscription", list_subscriptions(unit), list_automations(unit))


def add_automation(unit: Unit, automation: Automation) -> Automation:
    """Store an automation and return it as it is kept; one of the same name is replaced, an equal one changes nothing.

    Raises:
        InvalidNameError: The name breaks the rules.
        InvalidValueError: A pattern matches no event type, the filter or a template cannot be understood, or a
            subscription has the name.
        PermissionDeniedError: As `add_subscription`.
    """
    check_rules(automation, unit.now)
    automation = as_stored(automation)
    stream, before = _before(unit, automation, list_automations(unit), list_subscriptions(unit))
    if before == automation:
        return automation
    _require_admin(unit, automation, before)
    upsert(unit.connection, t.automations, [automation.to_json() | unit.who])
    old = before.to_json() if before is not None else {}
    unit.record(stream, "automation.added", automation.name, before=old, after=automation.to_json())
    return automation


def remove_automation(unit: Unit, name: str) -> Automation:
    """Remove an automation; what it started already, or has on its way, is not stopped.

    Raises:
        NotFoundError: There is none of this name.
        PermissionDeniedError: As `add_subscription`.
    """
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    found = get_automation(unit, name)
    _require_admin(unit, found)
    unit.connection.execute(sa.delete(t.automations).where(t.automations.c.name == name))
    unit.record(stream, "automation.removed", name, before=found.to_json())
    return found


def switch_automation(unit: Unit, name: str, *, enabled: bool) -> Automation:
    """Let an automation fire or rest; where it does so already, nothing is written.

    Raises:
        NotFoundError: There is none of this name.
        PermissionDeniedError: As `add_subscription`.
    """
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    before = get_automation(unit, name)
    if before.enabled == enabled:
        return before
    _require_admin(unit, before)
    made = replace(before, enabled=enabled)
    upsert(unit.connection, t.automations, [made.to_json() | unit.who])
    unit.record(stream, "automation.added", name, before=before.to_json(), after=made.to_json())
    return made


def get_automation(unit: Unit, name: str) -> Automation:
    """Return one automation.

    Raises:
        NotFoundError: There is none of this name.
    """
    return _named(name, "automation", list_automations(unit), list_subscriptions(unit))


def list_subscriptions(unit: Unit) -> Sequence[Subscription]:
    """Return all subscriptions by name."""
    return read_targets(unit.connection).subscriptions


def list_automations(unit: Unit) -> Sequence[Automation]:
    """Return all automations by name."""
    return read_targets(unit.connection).automations


def require_asker(unit: Unit, name: str) -> None:
    """Refuse whoever may not change an automation, and so may not let it act either.

    Raises:
        NotFoundError: There is none of this name.
        PermissionDeniedError: As `add_subscription`.
    """
    _require_admin(unit, get_automation(unit, name))


def nothing_fits(unit: Unit, pattern: str) -> str | None:
    """Return what to tell whoever names a registry, project, artifact or model that is not there yet; None if it is.

    Such a pattern is right, as models come later; it may be a slip as well.
    """
    spaces = {row.id: row.name for row in unit.connection.execute(sa.select(_N.id, _N.name))}
    inside = [id_ for id_, name in spaces.items() if place_fits(name, pattern.partition("/")[0])]
    if "/" not in pattern and inside:
        return None
    query = sa.select(_C.namespace_id, _C.name).where(_C.deleted_at.is_(None))
    rows = unit.connection.execute(query.where(_C.namespace_id.in_(inside)) if "/" in pattern else query)
    refs = (f"{spaces[row.namespace_id]}/{row.name}" for row in rows)
    wanted = pattern if "/" in pattern else f"*/{pattern}"
    found = next((ref for ref in refs if place_fits(ref, wanted)), None)
    if "/" in pattern and found is not None:
        return None
    meant = f" Did you mean {found.partition('/')[0] + '/' + pattern!r}?" if found is not None else ""
    return f"Nothing is called {pattern!r} yet.{meant}"


def require_senders(unit: Unit, places: Callable[[], Collection[str]]) -> None:
    """Refuse whoever may neither keep people from being told of what happens at some places, nor let actions run.

    Args:
        unit: The unit.
        places: Gives the names of registries and projects; not asked where no registry has admins.

    Raises:
        PermissionDeniedError: One of them has admins, and the actor is none.
    """
    closed = closed_registries(unit)
    names = places() if closed else ()
    for space in closed:
        if space.name in names:
            require_admin(unit, space, "decide what is sent, or run, about what happens")


def follow_rename(unit: Unit, old: str, new: str, *, exact: bool) -> None:
    """Let subscriptions and automations that name an artifact or model follow it to its new name.

    Args:
        unit: The unit that renames it.
        old: ``NAMESPACE/NAME``, as it was.
        new: As it is.
        exact: Whether case counts, as it does for artifacts.
    """

    def fold(name: str) -> str:
        return name if exact else name.casefold()

    def named() -> list[Subscription | Automation]:
        everything: list[Subscription | Automation] = [*list_subscriptions(unit), *list_automations(unit)]
        return [item for item in everything if item.model is not None and fold(item.model) == fold(old)]

    if not named():
        return
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    for before in named():
        made = replace(before, model=new)
        table, kind = (
            (t.subscriptions, "subscription") if isinstance(made, Subscription) else (t.automations, "automation")
        )
        unit.connection.execute(sa.update(table).where(table.c.name == made.name).values(model=new, **unit.who))
        facts = {"before": before.to_json(), "after": made.to_json()}
        unit.record(stream, f"{kind}.added", made.name, **facts, reason=f"{old} was renamed to {new}")
    unit.forget_targets()  # what is recorded from now on is about the new name


def _require_admin(unit: Unit, *targets: Subscription | Automation | None) -> None:
    """Refuse whoever is no admin of a registry that a target is about and that has any.

    Of a target without a pattern that is every registry. It acts for them, sends what happens there to where somebody
    says, and uses the secrets of whoever delivers.
    """
    for target in targets:
        pattern = (target.model or "*").partition("/")[0] if target is not None else ""
        for space in closed_registries(unit):
            if target is not None and place_fits(space.name, pattern):
                require_admin(unit, space, f"change {target.name!r}, which is about what happens")


def _before(
    unit: Unit, target: Target, same: Sequence[Target], others: Sequence[Subscription | Automation]
) -> tuple[Stream, Target | None]:
    """Lock the stream that tells of both kinds, and return what stands under the name."""
    stream = namespace_stream(require_registry(unit, MODEL_REGISTRY, lock=True))
    if any(item.name == target.name for item in others):
        kind = "An automation" if isinstance(target, Subscription) else "A subscription"
        raise InvalidValueError(
            f"{kind} is called {target.name!r} already.", hint="Take another name: they share one list."
        )
    return stream, next((item for item in same if item.name == target.name), None)


def _named(name: str, kind: Kind, there: Sequence[Target], others: Sequence[Subscription | Automation]) -> Target:
    """Return the one of a name; both kinds share one list of names, so whoever asks for the wrong kind is told so."""
    found = next((item for item in there if item.name == name), None)
    if found is not None:
        return found
    mine, other = ("notify", "automation") if kind == "subscription" else ("automation", "notify")
    hint = f"'podium {mine} ls' lists them."
    if any(item.name == name for item in others):
        hint = (
            f"{name!r} is {'an automation' if kind == 'subscription' else 'a subscription'}: see 'podium {other} show'."
        )
    elif near := near_names(str(name), [item.name for item in there]):
        hint = f"Did you mean {near[0]!r}? {hint}"
    raise NotFoundError(f"There is no {kind} {name!r}.", hint=hint, name=name)
