"""Events in words: the neutral message that every channel renders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podium.domain.events import TYPES, Event
from podium.plugins.channels import Message, MetricChange

_MOST_METRICS = 8


def message_of(delivery_id: str, event: Event) -> Message:
    """Return the message about an event; the same event always gives the same message."""
    version = f"v{event.after['number']}" if isinstance(event.after.get("number"), int) else None
    previous = event.before.get("number")
    return Message(
        id=delivery_id,
        event=event,
        title=_title(event, version),
        lines=_lines(event),
        model=event.stream,
        version=version,
        actor=event.actor,
        origin=event.origin.label,
        link=event.origin.url,
        metrics=_metrics(event.after.get("metrics") or {}, event.before.get("metrics") or {}),
        previous=f"v{previous}" if isinstance(previous, int) else None,
    )


def _title(event: Event, version: str | None) -> str:
    name, stage = event.stream, event.after.get("stage")
    before = event.before.get("number")
    came_after = f" after v{before}" if isinstance(before, int) else ""
    titles = {
        "model_version.linked": f"{name} {version} is linked from {event.after.get('source')}",
        "model_version.promoted": f"{name} {version} is now {stage}{came_after}",
        "model_version.promotion_requested": f"{name} {version} waits to become {stage}",
        "model_version.promotion_approved": f"{name} {version} was approved for {stage} by {event.after.get('person')}",
        "model_version.promotion_rejected": f"{name} {version} was rejected for {stage} by {event.after.get('person')}",
        "model_version.promotion_cancelled": f"{name} {version} does not become {stage}: the request was cancelled",
        "model_version.demoted": f"{stage} of {name} was taken from v{before}; nobody holds it",
        "model_version.rolled_back": f"{stage} of {name} is rolled back to {version}"
        + (f" from v{before}" if isinstance(before, int) else ""),
        "stage.frozen": f"{stage or 'Every stage'} of {name} is frozen",
        "stage.unfrozen": f"{event.before.get('stage') or 'Every stage'} of {name} is open again",
        "model_version.promotion_refused": f"{name} {version} was refused for {stage}",
        "model_version.promotion_forced": f"{name} {version} was forced into {stage} past its gates",
        "model_version.checked": f"{name} {version} was checked",
        "artifact_version.logged": f"{name} {version} was logged",
        "alias.set": f"{event.after.get('alias')} of {name} is now {version}{came_after}",
        "alias.removed": f"{event.before.get('alias')} of {name} was removed from v{before}",
    }
    return titles.get(event.type) or f"{event.subject}: {TYPES.get(event.type, event.type)}"


def _lines(event: Event) -> tuple[str, ...]:
    lines = [str(reason) for key in ("reasons", "waiting_for") for reason in event.after.get(key) or ()]
    lines += [
        f"{check['name']}: {check['status']}" + (f", {check['message']}" if check.get("message") else "")
        for check in event.after.get("checks") or ()
    ]
    return tuple([*lines, f"Reason: {event.reason}"] if event.reason else lines)


def _metrics(now: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[MetricChange, ...]:
    chosen = sorted(now)[:_MOST_METRICS]
    return tuple(MetricChange(name, now[name], now[name] - before[name] if name in before else None) for name in chosen)
