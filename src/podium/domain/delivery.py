"""Telling people: subscriptions, deliveries, and the neutral message that a channel renders."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from podium.domain.plain import Value

DeliveryStatus = Literal["pending", "sending", "sent", "dead"]

DEFAULT_EVENTS: tuple[str, ...] = (
    "model_version.linked",
    "model_version.promoted",
    "model_version.promotion_refused",
    "model_version.promotion_forced",
    "model_version.promotion_requested",
    "model_version.promotion_rejected",
    "model_version.promotion_cancelled",
    "model_version.rolled_back",
    "model_version.demoted",
    "stage.frozen",
    "stage.unfrozen",
)


@dataclass(frozen=True, slots=True)
class Subscription(Value):
    """Which events go to which channel.

    Attributes:
        name: By the rule of aliases.
        channel: The name of a channel plugin, such as ``slack`` or ``console``.
        events: Event types, ``*`` allowed as in file names (``model_version.*``).
        settings: What the channel needs. Secrets are references: ``env:NAME`` or ``file:PATH``.
    """

    name: str
    channel: str
    events: tuple[str, ...] = DEFAULT_EVENTS
    settings: Mapping[str, str] = field(default_factory=dict)

    def wants(self, event_type: str) -> bool:
        """Whether events of this type go to the channel."""
        return any(fnmatch.fnmatchcase(event_type, pattern) for pattern in self.events)


@dataclass(frozen=True, slots=True)
class Delivery(Value):
    """One event on its way to one subscription.

    Attributes:
        id: UUIDv7, the same for every attempt.
        subscription: Its name.
        channel: The channel of the subscription.
        event: Id of the event.
        event_type: Type of the event.
        subject: What the event is about.
        status: ``pending``, ``sending``, ``sent`` or ``dead`` (given up).
        attempts: How many were made.
        next_at: When the next one is due, UTC.
        error: What the last attempt said, if it failed.
        receipt: What the channel answered, if it was sent.
    """

    id: str
    subscription: str
    channel: str
    event: str
    event_type: str
    subject: str
    status: DeliveryStatus
    attempts: int
    next_at: datetime
    error: str | None
    receipt: str | None
