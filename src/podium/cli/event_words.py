"""What an event says in words: one line for people, by its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.domain.events import Event


def what(event: Event) -> str:
    """Return what happened: ``v3 promoted to production``."""
    words = _WORDS.get(event.type)
    if words is not None:
        return words(event, version_of(event.after))
    return f"{_of(event)} {event.type.rpartition('.')[2].replace('_', ' ')}"


def version_of(facts: Mapping[str, Any]) -> str:
    """Return the version that facts of an event name: ``v3``, or ``none``."""
    number = facts.get("number")
    return f"v{number}" if number is not None else "none"


def _of(event: Event) -> str:
    """Return what an event is about in a word: ``v3``, ``model``."""
    return event.subject.partition(":")[2] or event.type.partition(".")[0].replace("_", " ")


def _on(event: Event) -> str:
    version = event.subject.partition(":")[2]
    return f" on {version}" if version else ""


def _counts(after: Mapping[str, Any]) -> str:
    """Say which checks ran: all by name while they are few, or how many of each status."""
    checks = after.get("checks") or ()
    if len(checks) <= 4:
        return ", ".join(f"{check['name']} {check['status']}" for check in checks)
    return ", ".join(f"{amount} {status}" for status, amount in Counter(c["status"] for c in checks).items())


def _stages(facts: Mapping[str, Any]) -> str:
    return ", ".join(str(stage.get("name")) for stage in facts.get("stages") or ())


def _frozen(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('stage') or 'every stage'}"


def _approved(event: Event, version: str) -> str:
    missing = event.after.get("missing")
    left = f", {missing} more needed" if missing else ""
    return f"{version} approved for {event.after.get('stage')} by {event.after.get('person')}{left}"


def _adopted(event: Event, version: str) -> str:
    return f"{event.after.get('stage')} became a stage by a new policy, held by {version} without a gate"


_WORDS: Mapping[str, Callable[[Event, str], str]] = {
    "artifact.created": lambda event, _: f"artifact created, type {event.after.get('type')}",
    "artifact_version.logged": lambda _, version: f"{version} logged",
    "artifact_version.deleted": lambda event, _: f"{version_of(event.before)} deleted",
    "artifact_version.purged": lambda event, _: f"{version_of(event.before)} given up for good",
    "model.created": lambda event, _: f"registered model created, type {event.after.get('type')}",
    "model_version.linked": lambda _, version: f"{version} linked",
    "model_version.unlinked": lambda event, _: f"{version_of(event.before)} unlinked",
    "model_version.checked": lambda event, _: f"{event.subject.rpartition(':')[2]} tested: {_counts(event.after)}",
    "model_version.promoted": lambda event, version: f"{version} promoted to {event.after.get('stage')}",
    "model_version.promotion_refused": lambda event, version: f"{version} refused for {event.after.get('stage')}",
    "model_version.promotion_forced": lambda event, version: f"{version} forced into {event.after.get('stage')}",
    "model_version.promotion_requested": lambda event, version: f"{version} asked for {event.after.get('stage')}",
    "model_version.promotion_approved": _approved,
    "model_version.approval_withdrawn": lambda event, version: (
        f"approval of {version} for {event.after.get('stage')} taken back by {event.after.get('person')}"
    ),
    "model_version.promotion_rejected": lambda event, version: (
        f"{version} rejected for {event.after.get('stage')} by {event.after.get('person')}"
    ),
    "model_version.promotion_cancelled": lambda event, version: (
        f"request of {version} for {event.after.get('stage')} cancelled"
    ),
    "model_version.rolled_back": lambda event, version: f"{event.after.get('stage')} rolled back to {version}",
    "model_version.demoted": lambda event, _: (
        f"{event.after.get('stage')} taken from {version_of(event.before)}, nobody holds it"
    ),
    "alias.set": lambda event, version: f"alias {event.after.get('alias')} set to {version}",
    "alias.removed": lambda event, _: f"alias {event.before.get('alias')} removed",
    "policy.set": lambda event, _: f"policy set: {_stages(event.after)}",
    "policy.removed": lambda event, _: f"policy removed: {_stages(event.before)}",
    "stage.adopted": _adopted,
    "stage.released": lambda event, version: (
        f"{event.after.get('stage')} is no stage any more by a new policy, and stays an alias of {version}"
    ),
    "stage.frozen": lambda event, _: f"{_frozen(event.after)} frozen",
    "stage.unfrozen": lambda event, _: f"{_frozen(event.before)} opened again",
    "tag.added": lambda event, _: f"tag {event.after.get('tag')} added{_on(event)}",
    "tag.removed": lambda event, _: f"tag {event.before.get('tag')} removed{_on(event)}",
    "automation.fired": lambda event, _: (
        f"automation {event.after.get('automation')} did {event.after.get('action')}: {event.after.get('receipt')}"
    ),
    "automation.failed": lambda event, _: (
        f"automation {event.after.get('automation')} failed at {event.after.get('action')}: {event.after.get('error')}"
    ),
}
