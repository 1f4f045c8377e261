"""Apprise keeps the contract of channels, as far as its yes or no goes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from podium_apprise import AppriseChannel

from podium.plugins import Channel
from podium.testing import Arrived, ChannelContract, LoopbackReceiver

_MARKDOWN = re.compile(r"[*`~|]|\]\(|^[#>]|(?<!\w)_|_(?!\w)", re.MULTILINE)


class TestApprise(ChannelContract):
    """Through Apprise's own JSON service, which has a loopback address."""

    most_seconds = 8.0
    permanent = (404,)
    asks_to_wait = False

    def make_channel(self) -> AppriseChannel:
        return AppriseChannel()

    def make_settings(self, receiver: LoopbackReceiver) -> Mapping[str, str]:
        return {"url": f"{receiver.url.replace('http', 'json')}/a-secret-path?rto=2"}

    def read(self, receiver: LoopbackReceiver) -> Sequence[Arrived]:
        return [_arrived(request.json(), request.headers) for request in receiver.requests]

    def test_what_trying_again_cannot_help(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """Apprise says no, and not why: nothing that a service answers is taken for permanent."""
        for answer in (401, 404, 410):
            self.trouble(receiver, "gone", answer)
            self.refused(channel, settings, permanent=False)


class TestAppriseAsMarkdown(TestApprise):
    """The same where a service reads Markdown."""

    def make_settings(self, receiver: LoopbackReceiver) -> Mapping[str, str]:
        return {"url": f"{super().make_settings(receiver)['url']}&format=markdown"}

    def active(self, arrived: Arrived) -> Sequence[str]:
        """Also what makes words bold, a heading, a quote or a link with a text."""
        return [
            *super().active(arrived),
            *re.findall(r"[*`~|]|\]\(|^[#>]|(?<!\w)_|_(?!\w)", arrived.text, re.MULTILINE),
        ]


def _arrived(sent: Mapping[str, Any], headers: Mapping[str, str]) -> Arrived:
    text = f"{sent['title']}\n{sent['message']}"
    return Arrived(text.rpartition(", id ")[2].partition("\n")[0], text, headers, sent)


@pytest.mark.parametrize("text", ["**x**", "[x](y)", "# x", "_x_"])
def test_the_look_at_markdown_sees_it(text: str) -> None:
    """The control: what the test above must not find is found."""
    assert TestAppriseAsMarkdown().active(Arrived("", text))
