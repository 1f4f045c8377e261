"""A message that says it is a test: what a subscription would look like, about an event that never happened."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from podium.delivery.messages import message_of
from podium.delivery.sending import worded
from podium.domain.delivery import DEFAULT_EVENTS, Subscription
from podium.domain.events import TYPES, Event
from podium.domain.notification_rules import no_such_event
from podium.domain.origin import Origin
from podium.plugins.channels import Message
from podium.sql.ids import new_id

MARK = "TEST"
_MODEL = "model-registry/Example model"
_BEFORE = {"stage": "production", "number": 1, "alias": "best", "metrics": {"accuracy": 0.958, "loss": 0.12}}
_AFTER: Mapping[str, Any] = {
    "stage": "production",
    "number": 2,
    "alias": "best",
    "tag": "eu",
    "type": "model",
    "source": "example/model:v5",
    "metrics": {"accuracy": 0.973, "loss": 0.11},
    "person": "Ann Example",
    "role": "approver",
    "next_number": 7,
    "checks": [{"name": "bias", "status": "pass", "message": ""}],
    "channel": "console",
    "action": "podium.set_alias",
    "automation": "example",
}
# What each kind of event says beside that.
_MORE: Mapping[str, Mapping[str, Any]] = {
    "model_version.promotion_refused": {"reasons": ["accuracy is 0.97, but at least 0.99 is asked for"]},
    "model_version.promotion_forced": {"overruled": ["accuracy is 0.97, but at least 0.99 is asked for"]},
    "model_version.promotion_requested": {"waiting_for": ["1 approval, not by the author"]},
    "automation.failed": {"error": "HTTP 503"},
}


def sample_event(event_type: str, now: datetime, actor: str, origin: Origin) -> Event:
    """Return an event of a type as it might happen.

    Args:
        event_type: One of `podium.domain.events.TYPES`.
        now: When.
        actor: Who asks for it.
        origin: From which execution.

    Raises:
        InvalidValueError: There is no such type.
    """
    if event_type not in TYPES:
        raise no_such_event(event_type)
    about = f"{_MODEL}:v2" if "_version" in event_type else _MODEL
    gone = event_type.endswith(("removed", "unlinked", "deleted", "purged", "demoted"))
    after = {} if gone else {**_AFTER, **_MORE.get(event_type, {})}
    before = dict(_AFTER) if gone else _BEFORE
    return Event(str(new_id()), event_type, _MODEL, 1, now, actor, origin, about, before, after)


def usual_type(subscription: Subscription) -> str:
    """Return the type of event that a subscription is most likely about."""
    likely = ("model_version.promoted", *DEFAULT_EVENTS, *TYPES)
    return next(name for name in likely if any(fnmatch.fnmatchcase(name, wanted) for wanted in subscription.events))


def sample_message(subscription: Subscription, event: Event) -> tuple[Message, str | None]:
    """Return the message about an event that never happened, marked as a test, and why its template failed if so."""
    message, note = worded(message_of(str(new_id()), event), subscription.template)
    said = f"This is a test of the subscription '{subscription.name}'; nothing happened."
    return replace(message, title=f"{MARK}: {message.title}", lines=(said, *message.lines), test=True), note
