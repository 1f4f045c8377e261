"""Which message answers which: receipts that find a message again, and the thread of a model version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from podium.plugins import Message
from podium.plugins.channels import Earlier
from podium_slack.decisions import ASKED, is_decided
from podium_slack.options import Options

# Replies that are shown in the channel too: what changes what is used, and what needs somebody.
_MATTERS = frozenset(
    {
        "model_version.promoted",
        "model_version.promotion_forced",
        "model_version.promotion_refused",
        "model_version.promotion_requested",
        "model_version.rolled_back",
        "model_version.demoted",
    }
)
_ANSWERS = {"stage.unfrozen": "stage.frozen"}
_VERSION = re.compile(r":v[0-9]+$")
_RECEIPT = re.compile(r"([CDG][A-Z0-9]+):([0-9]+\.[0-9]+)(?::([0-9]+\.[0-9]+))?(?: (.+))?")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What names a message in Slack.

    Attributes:
        channel: The id of its channel, which an update needs.
        ts: The message.
        thread: The message that it answers, None if it answers none.
        name: The channel as the settings named it, where that is not its id: ``#name``, or a user to write to.
    """

    channel: str
    ts: str
    thread: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        thread = f":{self.thread}" if self.thread else ""
        return f"{self.channel}:{self.ts}{thread}" + (f" {self.name}" if self.name else "")

    def is_in(self, channel: str) -> bool:
        """Whether it is in the channel that the settings name; another name may mean another channel."""
        return channel in (self.channel, self.name)


def read_receipt(text: str) -> Receipt | None:
    """Return the receipt in a text, None if it is not one of a bot's messages."""
    found = _RECEIPT.fullmatch(text)
    return Receipt(*found.groups()) if found else None


def thread_for(message: Message, options: Options) -> dict[str, object]:
    """Return the arguments that make a message an answer; empty for one that begins a thread.

    Of a model version the first message is answered, by all that follow; of a freeze, the one that told of it.
    """
    if not options.threads or message.digest:
        return {}
    roots = [receipt.thread or receipt.ts for receipt in _answered(message, options.channel)]
    if not roots:
        return {}
    return {"thread_ts": roots[0], "reply_broadcast": options.broadcast and _matters(message)}


def asked_before(message: Message) -> list[Receipt]:
    """Return the messages that asked for the approvals which this one is about, unless a later one told the end.

    A message that waited long, and comes after the end was told, must not make the request look open again.
    """
    if message.request is None:
        return []
    same = [one for one in message.earlier if one.request == message.request]
    if not is_decided(message.event.type) and any(is_decided(one.event_type) for one in same):
        return []
    found = (read_receipt(one.receipt) for one in same if one.event_type == ASKED)
    return [receipt for receipt in found if receipt is not None]


def _answered(message: Message, channel: str) -> Iterator[Receipt]:
    for one in _candidates(message):
        receipt = read_receipt(one.receipt)
        if receipt is not None and receipt.is_in(channel):
            yield receipt


def _candidates(message: Message) -> list[Earlier]:
    kind = message.event.type
    if kind in _ANSWERS:
        return [one for one in reversed(message.earlier) if one.event_type == _ANSWERS[kind]]
    return list(message.earlier) if _VERSION.search(message.event.subject) else []


def _matters(message: Message) -> bool:
    # Of a forced promotion the channel reads once: the warning, which comes first.
    forced = any(
        one.event_type == "model_version.promotion_forced" and one.request == message.request
        for one in message.earlier
        if message.request is not None
    )
    return message.event.type in _MATTERS and not (forced and message.event.type == "model_version.promoted")
