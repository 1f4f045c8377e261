"""A round of delivery: its limits, who is left alone, and a database that goes away in the middle."""

from __future__ import annotations

import threading
import time

import pytest

from podium.delivery import worker as module
from podium.delivery.worker import DeliveryReport
from podium.errors import DatabaseUnavailableError, SettingsError, StorageError
from podium.settings import SCHEDULE, read_settings


@pytest.fixture
def waiting(with_channels, probe, model_file):
    """Open a registry with channels, and three messages for each that are due and were not tried."""

    def make(*channels):
        registry = with_channels(*channels)
        for channel in channels:
            registry.subscribe(channel.name, channel.name, events=["tag.added"])
        poor = with_channels()
        poor.log("p/a", model_file("a"))
        for tag in "xyz":
            poor.tag("p/a", tag)
        poor.close()
        return registry

    return make


def test_oldest_first(waiting, probe) -> None:
    """What is due goes out in the order in which it happened."""
    channel = probe()
    assert waiting(channel).deliver() == DeliveryReport(sent=3)
    assert [message.event.after["tag"] for message in channel.sent] == ["x", "y", "z"]


def test_a_receiver_that_hangs_is_left_alone_for_the_round(waiting, probe, monkeypatch) -> None:
    """After one attempt that took its whole time the others of that subscription wait; another is served."""
    slow, good = probe("a", act=lambda message, settings: threading.Event().wait(30)), probe("b")
    registry = waiting(slow, good)
    object.__setattr__(registry._worker, "attempt_seconds", 0.5)
    began = time.monotonic()
    assert registry.deliver() == DeliveryReport(sent=3, failed=1, left=2)
    assert time.monotonic() - began < 5
    assert len(slow.sent) == 1


def test_no_attempt_begins_after_the_time(waiting, probe) -> None:
    """With a limit of seconds what is left stays due."""
    registry = waiting(probe(act=lambda message, settings: threading.Event().wait(0.6) or "ok"))
    assert registry.deliver(seconds=0.5) == DeliveryReport(sent=1, left=2)
    assert registry.deliver().sent == 2


def test_no_attempt_begins_once_somebody_says_stop(waiting, probe) -> None:
    """The attempt in hand ends well, and the next is not begun."""
    channel = probe()
    registry = waiting(channel)
    assert registry.deliver(until=lambda: len(channel.sent) == 2) == DeliveryReport(sent=2, left=1)


def test_each_is_tried_once_in_a_round(waiting, probe, monkeypatch) -> None:
    """Even if it would be due again at once, a failed delivery waits for the next round."""
    channel = probe(act=lambda message, settings: 1 / 0)
    registry = waiting(channel)
    object.__setattr__(registry._worker, "schedule", (0, 0))
    assert [registry.deliver() for _ in range(4)] == [
        DeliveryReport(failed=3),
        DeliveryReport(failed=3),
        DeliveryReport(dead=3),
        DeliveryReport(),
    ]


def test_what_no_plugin_here_takes_holds_nothing_up(with_channels, probe, model_file) -> None:
    """More than a whole batch for a channel that is not here does not hide what comes behind it."""
    with_channels(probe("gone")).subscribe("gone", "gone", events=["tag.added"])
    poor = with_channels()
    poor.log("p/a", model_file("a"))
    for number in range(120):
        poor.tag("p/a", f"tag{number}")
    with_channels(probe("here")).subscribe("here", "here", events=["alias.set"])
    poor.set_alias("p/a", "best")
    good = probe("here")
    assert with_channels(good).deliver() == DeliveryReport(sent=1, absent={"gone": 120})
    assert len(good.sent) == 1


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("error", [DatabaseUnavailableError("gone"), StorageError("full", away=True)])
def test_a_database_that_is_away_when_an_attempt_ends(waiting, probe, monkeypatch, times, error) -> None:
    """What was sent is written down as soon as the database is back, and not sent a second time."""
    channel = probe()
    registry = waiting(channel)
    settle, left = module.outbox.settle, [times]

    def fail(*given: object, **named: object) -> bool:
        if left[0]:
            left[0] -= 1
            raise error
        return settle(*given, **named)

    monkeypatch.setattr(module.outbox, "settle", fail)
    assert registry.deliver() == DeliveryReport(sent=3)
    assert len(channel.sent) == 3


def test_the_schedule_of_the_environment(monkeypatch) -> None:
    """PODIUM_DELIVERY_SCHEDULE is seconds joined by commas; without it the usual one counts."""
    assert read_settings("sqlite:////x.db").schedule == SCHEDULE
    monkeypatch.setenv("PODIUM_DELIVERY_SCHEDULE", "1, 2.5,600")
    assert read_settings("sqlite:////x.db").schedule == (1, 2.5, 600)


@pytest.mark.parametrize("text", ["soon", "1,,2", "-1", "nan", "inf", "1e9", ",".join("1" * 51)])
def test_a_schedule_that_is_none(monkeypatch, text) -> None:
    """A schedule that cannot be read is an error that says how to write one."""
    monkeypatch.setenv("PODIUM_DELIVERY_SCHEDULE", text)
    with pytest.raises(SettingsError, match="PODIUM_DELIVERY_SCHEDULE"):
        read_settings("sqlite:////x.db")
