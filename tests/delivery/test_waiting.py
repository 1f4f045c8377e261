"""What waits for a message before it says so: in the list, alone, as JSON, and where nothing else is due."""

from __future__ import annotations

import pytest

from podium.delivery.worker import DeliveryReport
from tests.delivery.acting import soon


@pytest.fixture
def line(ordered, model_file):
    """A registry with an ordered channel that accepts nothing, two artifacts, and a function to tag them."""
    registry, channel = ordered
    for name in ("p/a", "p/b"):
        registry.log(name, model_file(name))

    def tag(ref: str, *tags: str) -> list[str]:
        for text in tags:
            registry.tag(ref, text)
        registry.close()
        found = {item.id: item for item in registry.deliveries(model=ref.partition(":")[0])}
        return sorted(found)

    return registry, channel, tag


def test_what_waits_says_for_which_and_why(line) -> None:
    """Everything behind the one that fails names it with its error; that one, and another line, wait for nothing."""
    registry, _, tag = line
    first, *others = tag("p/a:v0", "x", "y", "z")
    tag("p/b:v0", "x")
    waits = {item.id: item.waits_for for item in registry.deliveries()}
    assert {delivery for delivery, before in waits.items() if before} == set(others)
    for delivery in others:
        assert (waits[delivery].id, waits[delivery].why) == (first, "DeliveryFailedError: not accepted")
        assert registry.delivery(delivery).delivery.waits_for == waits[delivery]
    assert registry.delivery(others[0]).to_json()["delivery"]["waits_for"] == {"id": first, "why": waits[delivery].why}


def test_without_order_nothing_says_that_it_waits(line) -> None:
    """What a channel takes in any order is due, and that is all."""
    registry, channel, tag = line
    ids = tag("p/a:v0", "x", "y")
    type(channel).ordered = False
    assert [registry.delivery(delivery).delivery.waits_for for delivery in ids] == [None, None]


def test_a_channel_that_is_not_here_is_not_said_to_want_order(line, with_channels, database_url) -> None:
    """A process without the plugin cannot know, and says nothing wrong."""
    _, _, tag = line
    tag("p/a:v0", "x", "y")
    assert {item.waits_for for item in with_channels(url=database_url).deliveries()} == {None}


def test_a_round_says_how_many_wait_for_what(line) -> None:
    """By the first of each line, most first; nothing of it once they are through."""
    registry, channel, tag = line
    one, *_ = tag("p/b:v0", "x", "y")
    other, *_ = tag("p/a:v0", "x", "y", "z")
    report = registry.deliver()
    assert report == DeliveryReport(waiting={other: 2, one: 1})
    assert list(report.waiting) == [other, one]
    channel.act = lambda message, settings: "ok"
    soon(registry)
    assert registry.deliver() == DeliveryReport(sent=5)
