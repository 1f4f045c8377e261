"""Channels: ways to tell people what happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from podium.domain.events import Event
from podium.domain.plain import Value
from podium.errors import PluginError


class DeliveryFailedError(PluginError):
    """An attempt to deliver failed.

    Facts that the outbox looks at: ``retry_after`` (seconds the receiver asked to wait) and ``permanent`` (trying
    again cannot help: the token is wrong, the channel does not exist).
    """

    code = "delivery_failed"


@dataclass(frozen=True, slots=True)
class MetricChange(Value):
    """One metric of the version that a message is about.

    Attributes:
        name: The metric.
        value: Its value.
        change: The difference to the previous holder, None if there is none.
    """

    name: str
    value: float
    change: float | None


@dataclass(frozen=True, slots=True)
class Earlier(Value):
    """A message of the same thread that the subscription sent before.

    Attributes:
        event_type: What it told of.
        receipt: What the channel returned for it.
        request: The id of the promotion that it was about, or None.
    """

    event_type: str
    receipt: str
    request: str | None


@dataclass(frozen=True, slots=True)
class Message(Value):
    """What a channel renders. All text comes from users and must be escaped for the medium.

    Attributes:
        id: The same for every attempt to deliver this message to this subscription.
        event: The event behind it.
        title: What happened, in one sentence without markup.
        lines: Further sentences, such as the reasons of a refusal.
        model: ``NAMESPACE/NAME``.
        version: ``v3``, or None.
        actor: By whom.
        origin: From which execution, in words.
        link: A page about that execution, or None.
        metrics: The key metrics, with the change against the previous holder.
        previous: The previous holder of the stage, ``v2``, or None.
        request: The id of the promotion that it is about, or None.
        earlier: What the subscription was told of the same version before, oldest first: a channel that has threads
            answers the first of them, and may update the one that asked for approvals. At most 50.
        digest: The messages that this one sums up; `event` is then the newest of them, and `title` says how many.
        test: Whether somebody tries the subscription, and `event` never happened. The title says so to people; a
            channel that machines read says so to them.
    """

    id: str
    event: Event
    title: str
    lines: tuple[str, ...]
    model: str
    version: str | None
    actor: str
    origin: str
    link: str | None
    metrics: tuple[MetricChange, ...]
    previous: str | None
    request: str | None = None
    earlier: tuple[Earlier, ...] = ()
    digest: tuple[Message, ...] = ()
    test: bool = False

    def as_text(self) -> str:
        """Return the message as plain text, for media without layout; of a digest, a line for each message.

        A line break that somebody wrote is a space here: it would make a line that passes for one of Podium's.
        """
        parts = [self.title, *self.lines]
        if self.digest:
            parts += [f"- {message.title}" for message in self.digest]
        else:
            parts += [format_metric(metric) for metric in self.metrics]
            parts.append(f"by {self.actor} from {self.origin}" + (f" ({self.link})" if self.link else ""))
        return "\n".join(part.replace("\n", " ") for part in parts)


def format_metric(metric: MetricChange) -> str:
    """Return a metric in words: ``accuracy 0.9733 (+0.0141)``."""
    change = f" ({metric.change:+.3g})" if metric.change else " (=)" if metric.change == 0 else ""
    value = f"{metric.value:,.0f}" if abs(metric.value) >= 1e4 else f"{metric.value:.4g}"
    return f"{metric.name} {value}{change}"


class Channel(ABC):
    """A way to tell people; one object per process serves all subscriptions, from several threads.

    Attributes:
        name: What a subscription calls it.
        required: Settings that it cannot do without. A tuple inside means that one of them is needed.
        optional: Further settings.
        secrets: Settings whose value must be a reference such as ``env:SLACK_TOKEN``, because it is never stored.
        ordered: Whether the messages about one artifact or model are sent one after the other, in the order of what
            happened: the next one waits until the one before was sent or given up. `Message.earlier` is whole then.
    """

    name: ClassVar[str]
    required: ClassVar[tuple[str | tuple[str, ...], ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[frozenset[str]] = frozenset()
    ordered: ClassVar[bool] = False

    @abstractmethod
    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Send one message and return a receipt, such as an id that the medium gave.

        Args:
            message: What to tell.
            settings: The settings of the subscription, references resolved.

        Raises:
            DeliveryFailedError: It was not accepted. Any other exception counts as a failed attempt too.
        """

    def check(self, settings: Mapping[str, Any]) -> None:  # noqa: B027 - optional: most have nothing to judge
        """Judge settings when a subscription is made, as far as that can be done without secrets; nothing by itself.

        It is called where people add, apply or check a subscription, and must be quick: after 2 s nobody waits for it.
        Neither the network nor the registry is asked.

        Args:
            settings: What was given, a copy; secrets are the references that they are. What is declared was looked at.

        Raises:
            InvalidValueError: They cannot work; the hint says what to write instead. Any other exception is a fault of
                the plugin, is listed as one, and refuses nothing.
        """
