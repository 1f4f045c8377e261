"""Putting a document of subscriptions and automations in force, all of it or nothing."""

from __future__ import annotations

from dataclasses import replace

from podium.domain.notification_rules import check_rules
from podium.domain.notifications import NotificationPlan, Notifications, plan_notifications
from podium.usecases import subscriptions
from podium.usecases.outgoing import read_targets
from podium.usecases.places import MODEL_REGISTRY, require_registry
from podium.usecases.unit import Unit


def read_notifications(unit: Unit) -> Notifications:
    """Return every subscription and automation, by name."""
    found = read_targets(unit.connection)
    return Notifications(tuple(found.subscriptions), tuple(found.automations))


def preview_notifications(unit: Unit, wanted: Notifications, *, prune: bool) -> NotificationPlan:
    """Return what putting a document in force would change; nothing is written.

    Raises:
        InvalidNameError, InvalidValueError: Something in it cannot be used.
    """
    plan = plan_notifications(_checked(unit, wanted), read_notifications(unit), prune=prune)
    return replace(plan, dry_run=True)


def apply_notifications(unit: Unit, wanted: Notifications, *, prune: bool) -> NotificationPlan:
    """Add and change what a document names, and with ``prune`` remove what it does not name.

    Raises:
        InvalidNameError, InvalidValueError: Something in it cannot be used; then nothing is changed.
    """
    require_registry(unit, MODEL_REGISTRY, lock=True)  # its stream tells of both kinds: the plan stays true
    wanted = _checked(unit, wanted)
    plan = plan_notifications(wanted, read_notifications(unit), prune=prune)
    for change in plan.changes:  # first, so that a name may go from one kind to the other
        if change.what == "removed" and change.kind == "subscription":
            subscriptions.remove_subscription(unit, change.name)
        elif change.what == "removed":
            subscriptions.remove_automation(unit, change.name)
    for subscription in wanted.subscriptions:
        subscriptions.add_subscription(unit, subscription)
    for automation in wanted.automations:
        subscriptions.add_automation(unit, automation)
    return plan


def _checked(unit: Unit, wanted: Notifications) -> Notifications:
    """Return a document as it would be stored, so that it can be compared with what is."""
    for found in wanted.by_kind().values():
        for item in found:
            check_rules(item, unit.now)
    return wanted.as_stored()
