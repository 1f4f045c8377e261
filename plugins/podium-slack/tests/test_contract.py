"""Slack keeps the contract of channels, as a bot and through a webhook."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podium_slack import SlackChannel

from podium.testing import Arrived, ChannelContract, FakeSlack, slack_text

TOKEN = "xoxb-1234-very-secret"


class _OnSlack(ChannelContract):
    """What both ways into Slack have in common."""

    most_seconds = 8.0

    def make_channel(self) -> SlackChannel:
        return SlackChannel(seconds=2)

    def open_receiver(self) -> FakeSlack:
        return FakeSlack(token=TOKEN)

    def read(self, receiver: FakeSlack) -> Sequence[Arrived]:
        return [_arrived(payload) for payload in receiver.messages]

    def active(self, arrived: Arrived) -> Sequence[str]:
        """Of plain text and rich text Slack makes nothing; of marked text only what stands in angle brackets."""
        found = list(_elements(arrived.payload["blocks"]))
        marked = [str(element["text"]) for element in found if element["type"] == "mrkdwn"]
        active = [str(element) for element in found if element["type"] in ("link", "user", "broadcast", "channel")]
        return active + [part for text in [arrived.payload["text"], *marked] for part in re.findall("<[^>]*>", text)]


class TestBot(_OnSlack):
    def make_settings(self, receiver: FakeSlack) -> Mapping[str, str]:
        return {"token": TOKEN, "channel": "#ml", "base_url": receiver.base_url}


class TestWebhook(_OnSlack):
    def make_settings(self, receiver: FakeSlack) -> Mapping[str, str]:
        return {"webhook_url": receiver.webhook_url}


def _arrived(payload: Mapping[str, Any]) -> Arrived:
    ids = payload["metadata"]["event_payload"]
    # The top-level text as well: it is what notifications and screen readers tell.
    text = f"{slack_text(payload)}\n{html.unescape(payload['text'])}"
    return Arrived(ids["delivery_id"], text, payload=payload)


def _elements(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with a type, however deep."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _elements(item)
