"""Telling people and starting what follows: subscriptions, automations, and deliveries on their way to both."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from podium.domain.event_fields import event_fits
from podium.domain.events import Event
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
class Template(Value):
    """The words of a message in place of Podium's own, as Jinja templates over the fields of the message.

    Attributes:
        title: One line.
        lines: The lines below it, as one text; None for Podium's own.
    """

    title: str
    lines: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription(Value):
    """Which events go to which channel.

    Attributes:
        name: By the rule of aliases.
        channel: The name of a channel plugin, such as ``slack`` or ``console``.
        events: Event types, ``*`` allowed as in file names (``model_version.*``).
        settings: What the channel needs. Secrets are references: ``env:NAME`` or ``file:/path``.
        model: Only events of this registry, project, artifact or model; ``*`` and ``?`` allowed
            (``model-registry/churn-*``). None for all.
        filter: An expression about the event (`podium.domain.event_fields.EVENTS`); empty for all.
        template: Words in place of Podium's own.
        digest: How much time one message sums up, such as ``1h``; None for a message at once.
        deduplicate: How long an event is not told that only repeats the newest one that was told about the same
            matter, such as ``10m``.
    """

    name: str
    channel: str
    events: tuple[str, ...] = DEFAULT_EVENTS
    settings: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    filter: str = ""
    template: Template | None = None
    digest: str | None = None
    deduplicate: str | None = None

    def wants(self, event: Event) -> bool:
        """Whether an event goes to the channel."""
        return event_chosen(event, self.events, self.model, self.filter)


@dataclass(frozen=True, slots=True)
class Automation(Value):
    """What starts by itself when something happened.

    Attributes:
        name: By the rule of aliases.
        action: The name of an action of a plugin, such as ``airflow.trigger_dag`` or ``podium.set_alias``.
        events: Event types, ``*`` allowed.
        settings: What the action needs, plain JSON; each text in it is a Jinja template over the fields of the event.
        model: Only events of this registry, project, artifact or model; ``*`` and ``?`` allowed. None for all.
        filter: An expression about the event; empty for all.
        enabled: Whether it fires.
    """

    name: str
    action: str
    events: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    filter: str = ""
    enabled: bool = True

    def wants(self, event: Event) -> bool:
        """Whether an event fires it; what it caused itself, directly or through others, is asked elsewhere."""
        return self.enabled and event_chosen(event, self.events, self.model, self.filter)


def event_chosen(event: Event, types: tuple[str, ...], model: str | None, where: str) -> bool:
    """Whether an event is of one of the types, of a place that fits a pattern, and fits an expression."""
    if not any(fnmatch.fnmatchcase(event.type, pattern) for pattern in types):
        return False
    if model is not None and not any(place_fits(place, model) for place in _places(event)):
        return False
    return event_fits(where, event)


def _places(event: Event) -> Iterator[str]:
    """Yield where an event is; a renaming is where it was called so before as well."""
    yield event.stream
    if event.type.endswith(".renamed"):
        yield f"{event.stream.partition('/')[0]}/{event.before.get('name', '')}"


def place_fits(stream: str, pattern: str) -> bool:
    """Whether a collection fits ``REGISTRY/PATTERN``, or belongs to ``REGISTRY``; case does not count."""
    name = stream if "/" in pattern else stream.partition("/")[0]
    return fnmatch.fnmatchcase(name.casefold(), pattern.casefold().replace("[", "[[]"))


TargetKind = Literal["subscription", "automation"]


@dataclass(frozen=True, slots=True)
class WaitsFor(Value):
    """What holds a delivery up that is due: the first one on its way in the same line of an ordered channel.

    Attributes:
        id: That delivery.
        why: What its last attempt said, or that it is being sent.
    """

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Delivery(Value):
    """One event on its way to one subscription, or to the action of one automation.

    Attributes:
        id: UUIDv7, the same for every attempt.
        kind: ``subscription`` or ``automation``.
        subscription: The name of the subscription or automation.
        channel: The channel of the subscription, or the action of the automation.
        event: Id of the event.
        event_type: Type of the event.
        subject: What the event is about.
        status: ``pending``, ``sending``, ``sent`` or ``dead`` (given up).
        attempts: How many were made.
        created_at: When the event happened, UTC.
        next_at: When the next attempt is due, UTC.
        error: What the last attempt said, if it failed.
        receipt: What the channel or action answered, if it was sent.
        waits_for: What has to go before it, if it is due and its channel wants order.
    """

    id: str
    kind: TargetKind
    subscription: str
    channel: str
    event: str
    event_type: str
    subject: str
    status: DeliveryStatus
    attempts: int
    created_at: datetime
    next_at: datetime
    error: str | None
    receipt: str | None
    waits_for: WaitsFor | None = None


@dataclass(frozen=True, slots=True)
class Attempt(Value):
    """One attempt of a delivery.

    Attributes:
        number: Counts up from 1.
        started_at: UTC.
        finished_at: UTC; None while it runs, or if its worker died.
        error: What went wrong.
        receipt: What the channel or action answered.
    """

    number: int
    started_at: datetime
    finished_at: datetime | None
    error: str | None
    receipt: str | None


@dataclass(frozen=True, slots=True)
class SubscriptionTest(Value):
    """What came of a test message; no delivery is kept of it.

    Attributes:
        subscription: The subscription.
        channel: Its channel.
        event_type: What the message was about.
        title: What it said.
        receipt: What the channel answered, None if it did not accept it.
        error: What went wrong, or None.
        note: Why the words of the template were not used, or None.
    """

    subscription: str
    channel: str
    event_type: str
    title: str
    receipt: str | None
    error: str | None
    note: str | None

    @property
    def sent(self) -> bool:
        """Whether the channel accepted it."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class DeliveryDetails(Value):
    """Everything about one delivery.

    Attributes:
        delivery: How it stands.
        model: The artifact, model or registry that the event belongs to.
        actor: Who made the change.
        settings: Of the subscription or automation when the event happened, or when a person last had it retried;
            secrets as references.
        template: Words in place of Podium's own, or None.
        digest: When the time ends that its digest sums up; None if it goes alone.
        leased_until: Until when a worker has it, or had it.
        attempts: The log, the first one first.
    """

    delivery: Delivery
    model: str
    actor: str
    settings: Mapping[str, Any]
    template: Template | None
    digest: datetime | None
    leased_until: datetime | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class DeliveryChoice:
    """Which deliveries are meant; what is None does not count.

    Attributes:
        status: ``pending, sending, sent, dead``.
        subscription: The name of a subscription or automation.
        channel: A channel or action.
        event_type: An event type, ``*`` allowed.
        model: A registry, project, artifact or model; ``*`` and ``?`` allowed.
        since: Of events from this time on.
        late: Only what was due so long ago and is not sent, or was left behind by a worker that died.
    """

    status: str | None = None
    subscription: str | None = None
    channel: str | None = None
    event_type: str | None = None
    model: str | None = None
    since: datetime | None = None
    late: timedelta | None = None
