"""Digests: one message for a span of time, claimed and settled as one; and what is not told twice."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.domain.durations import parse_duration
from podium.plugins import DeliveryFailedError
from podium.usecases.outgoing import batch_end


@pytest.fixture
def summed(with_channels, probe, database_url, model_file):
    """A registry whose subscription sums up an hour, with three aliases set, and its channel."""
    channel = probe()
    registry = with_channels(channel, url=database_url)
    registry.subscribe("s", "probe", events=["alias.set"], digest="1h")
    registry.log("p/a", model_file("a"))
    for alias in ("one", "two", "three"):
        registry.set_alias("p/a", alias)
    registry.close()
    return registry, channel


def end_the_hour(registry) -> None:
    """Let the span of everything that waits be over."""
    values = "next_at = '2020-01-01 00:00:00.000000', batch = '2020-01-01 00:00:00.000000'"
    with registry._database.write() as connection:
        connection.execute(sa.text(f"update deliveries set {values} where status = 'pending'"))


def test_nothing_goes_before_the_hour_is_over(summed) -> None:
    """Messages of a digest wait for its end, which is the same for all of them."""
    registry, channel = summed
    assert registry.deliver().sent == 0
    assert channel.sent == []
    (ends,) = {item.next_at for item in registry.deliveries()}
    assert datetime.now(UTC) < ends <= datetime.now(UTC) + timedelta(hours=1)


def test_one_message_sums_up(summed) -> None:
    """It says how many there are, holds each message, in order, and all rows get its receipt."""
    registry, channel = summed
    end_the_hour(registry)
    assert registry.deliver().sent == 3
    (message,) = channel.sent
    assert message.title == "3 messages about p/a"
    assert [part.event.after["alias"] for part in message.digest] == ["one", "two", "three"]
    assert message.as_text().splitlines()[1] == "- one of p/a is now v0"
    assert {item.receipt for item in registry.deliveries("sent")} == {"ok"}


def test_its_id_is_the_same_for_each_attempt(summed) -> None:
    """A digest that fails is sent again as a whole, under the same id, though another message came meanwhile."""
    registry, channel = summed

    def fail(message: object, settings: object) -> str:
        raise DeliveryFailedError("not accepted")

    channel.act = fail
    end_the_hour(registry)
    assert registry.deliver().failed == 3
    registry.set_alias("p/a", "late")
    registry.close()
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set batch = '2020-01-01 00:00:00.000000'"))
        connection.execute(sa.text("update deliveries set next_at = '2020-01-02 00:00:00.000000' where attempts = 1"))
        connection.execute(sa.text("update deliveries set next_at = '2020-01-01 00:00:00.000000' where attempts = 0"))
    channel.act = lambda message, settings: "ok"
    assert registry.deliver().sent == 4
    first, late, again = channel.sent
    assert (first.id, len(again.digest)) == (again.id, 3)
    assert (late.digest, late.event.after["alias"]) == ((), "late")


@pytest.mark.tampers
def test_two_workers_make_one_message(with_channels, probe, database_url, model_file) -> None:
    """Four workers on one digest of 40: one message, each row claimed once."""
    channel = probe(act=lambda message, settings: threading.Event().wait(0.05) or "ok")
    workers = [with_channels(channel, url=database_url) for _ in range(4)]
    workers[0].subscribe("s", "probe", events=["tag.added"], digest="1h")
    workers[0].log("p/a", model_file("a"))
    for number in range(40):
        workers[0].tag("p/a", f"tag{number}")
    end_the_hour(workers[0])
    threads = [threading.Thread(target=worker.deliver) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (message,) = channel.sent
    assert len(message.digest) == 40


def test_spans_are_counted_from_one_moment() -> None:
    """All processes agree on when a span ends; a time at its very end belongs to the next one."""
    at = datetime(2026, 11, 24, 10, 17, 30, tzinfo=UTC)
    assert batch_end(at, "1h") == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert batch_end(datetime(2026, 11, 24, 11, tzinfo=UTC), "1h") == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert batch_end(at, "1d") - at < parse_duration("1d")


def test_the_same_is_not_told_again(with_channels, probe, database_url, model_file) -> None:
    """Within the span a second refusal-like event about the same version is left out; another version is told."""
    channel = probe()
    registry = with_channels(channel, url=database_url)
    registry.subscribe("s", "probe", events=["model_version.checked"], deduplicate="10m")
    for text in "ab":
        registry.log("p/a", model_file(text))
        registry.link("p/a", "model-registry/M")
    for _ in range(3):
        registry.record_check("model-registry/M:v0", "bias", "fail")
    registry.record_check("model-registry/M:v1", "bias", "fail")
    registry.close()
    assert [message.version for message in channel.sent] == ["v0", "v1"]


def test_the_same_is_told_again_after_its_time(with_channels, probe, model_file) -> None:
    """When the span is over the same is told once more."""
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["model_version.checked"], deduplicate="1s")
    registry.log("p/a", model_file("a"))
    registry.link("p/a", "model-registry/M")
    registry.record_check("model-registry/M:v0", "bias", "fail")
    registry.close()
    threading.Event().wait(1.1)
    registry.record_check("model-registry/M:v0", "bias", "fail")
    registry.close()
    assert len(channel.sent) == 2


def test_another_stage_is_not_the_same(with_channels, probe, model_file) -> None:
    """The same version in two stages is two pieces of news."""
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["model_version.promoted"], deduplicate="10m")
    registry.log("p/a", model_file("a"))
    registry.link("p/a", "model-registry/M")
    for stage in ("staging", "production"):
        registry.promote("model-registry/M", stage)
    registry.close()
    assert [message.event.after["stage"] for message in channel.sent] == ["staging", "production"]
