"""What somebody has retried goes through the whole schedule once more, wherever it stood."""

from __future__ import annotations

import pytest

from podium.delivery.worker import DeliveryReport
from podium.plugins import DeliveryFailedError
from tests.delivery.acting import soon

FAILED, DEAD = DeliveryReport(failed=1), DeliveryReport(dead=1)


@pytest.fixture
def told(with_channels, probe, database_url, model_file):
    """A registry with a schedule of two more attempts, and one message whose channel fails for good."""

    def for_good(message: object, settings: object) -> str:
        raise DeliveryFailedError("no such room", permanent=True)

    channel = probe(act=for_good)
    registry = with_channels(channel, url=database_url)
    object.__setattr__(registry._worker, "schedule", (0, 0))
    registry.subscribe("s", "probe", events=["tag.added"])
    registry.log("p/a", model_file("a"))
    registry.tag("p/a", "x")
    registry.close()
    channel.act = lambda message, settings: 1 / 0
    return registry, channel


def rounds(registry, count: int) -> list[DeliveryReport]:
    """Deliver so many times, each time with everything due."""
    reports = []
    for _ in range(count):
        soon(registry)
        reports.append(registry.deliver())
    return reports


@pytest.mark.parametrize("asked", ["id", "filter"])
def test_after_an_end_before_the_schedule_s(told, asked) -> None:
    """Given up for good at its first attempt, it has all three of the schedule, and again after the next retry."""
    registry, _ = told
    (item,) = registry.deliveries("dead")
    for _ in range(2):
        assert (registry.retry(item.id) if asked == "id" else registry.retry(subscription="s")) == 1
        assert rounds(registry, 4) == [FAILED, FAILED, DEAD, DeliveryReport()]
    assert [attempt.number for attempt in registry.delivery(item.id).attempts] == list(range(1, 8))


def test_one_that_waits_begins_anew(told) -> None:
    """A retry in the middle of the schedule begins it again, too."""
    registry, _ = told
    (item,) = registry.deliveries("dead")
    registry.retry(item.id)
    assert rounds(registry, 2) == [FAILED, FAILED]
    registry.retry(item.id)
    assert rounds(registry, 3) == [FAILED, FAILED, DEAD]


def test_a_schedule_that_got_shorter_ends(told) -> None:
    """What was tried more often than the new schedule has places is given up, and does not begin anew by itself."""
    registry, _ = told
    registry.retry()
    object.__setattr__(registry._worker, "schedule", (0, 0, 0))
    assert rounds(registry, 3) == [FAILED, FAILED, FAILED]
    object.__setattr__(registry._worker, "schedule", (0,))
    assert rounds(registry, 2) == [DEAD, DeliveryReport()]


@pytest.mark.tampers
def test_a_downgrade_and_back_begins_at_the_first_attempt(told) -> None:
    """The older schema does not know of the retry: the next failure counts all attempts. Nothing else is lost."""
    registry, _ = told
    (item,) = registry.deliveries("dead")
    registry.retry(item.id)
    assert rounds(registry, 2) == [FAILED, FAILED]
    before = registry.delivery(item.id)
    registry.downgrade("0005")
    registry.upgrade()
    assert registry.delivery(item.id) == before
    assert rounds(registry, 1) == [DEAD]
