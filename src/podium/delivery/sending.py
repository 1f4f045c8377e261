"""One attempt of a subscription: its message in words, its secrets in place, its channel called within its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from podium.delivery.messages import digest_of, in_words_of, message_of
from podium.delivery.outbox import Claim
from podium.delivery.secrets import error_without_secrets, resolve_settings, without_secrets
from podium.domain.delivery import Template
from podium.domain.plain import storable
from podium.errors import PodiumError, SettingsError
from podium.plugins.channels import Channel, Message
from podium.plugins.guard import Outcome, call_within
from podium.plugins.host import PluginHost

_LONGEST_RECEIPT = 500
_WORDS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What an attempt came to.

    Attributes:
        outcome: The receipt, or what went wrong.
        note: What the log shall say although it was sent.
    """

    outcome: Outcome
    note: str | None = None


def send(claimed: Claim, channel: Channel, host: PluginHost, seconds: float) -> Sent:
    """Send what was claimed, whatever the channel does."""
    parts = claimed.parts
    earlier = claimed.earlier
    written = [
        worded(message_of(str(part.id), part.event, request=part.request, earlier=earlier), claimed.template)
        for part in parts
    ]
    messages = [message for message, _ in written]
    note = next((note for _, note in written if note is not None), None)
    message = messages[0] if len(messages) == 1 else digest_of(str(claimed.id), messages)
    return Sent(send_message(message, channel, claimed.settings, host, seconds), note)


def worded(message: Message, template: Template | None) -> tuple[Message, str | None]:
    """Return a message in the words of a template; if that fails, in Podium's own, and why."""
    if template is None:
        return message, None
    # Whatever a template does, the message is not lost; nor is the time of others, where it has much to go through.
    rendered = call_within(lambda: in_words_of(template, message), _WORDS_SECONDS)
    if rendered.error is None:
        return cast("Message", rendered.value), None
    why = rendered.cause.message if isinstance(rendered.cause, PodiumError) else rendered.error
    return message, f"Sent in Podium's own words: {why}"[:_LONGEST_RECEIPT]


def send_message(
    message: Message, channel: Channel, settings: Mapping[str, Any], host: PluginHost, seconds: float
) -> Outcome:
    """Hand a message to a channel; neither the receipt nor the error shows a secret."""
    try:
        resolved = resolve_settings(channel, settings, host)
    except SettingsError as unresolved:
        return Outcome(error=str(unresolved), cause=unresolved)
    outcome = call_within(lambda: storable(str(channel.send(message, resolved))), seconds)
    receipt = without_secrets(outcome.value or "", channel, resolved)[:_LONGEST_RECEIPT]
    error = error_without_secrets(outcome, channel, resolved)
    return Outcome(receipt, error, outcome.cause, outcome.forked, outcome.thread)
