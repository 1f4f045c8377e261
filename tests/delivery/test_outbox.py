"""The outbox: written with the event, delivered at least once, each attempt on record."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.delivery import outbox
from podium.delivery.worker import DeliveryReport
from podium.errors import InvalidValueError, NotFoundError
from podium.plugins import DeliveryFailedError
from podium.settings import SCHEDULE
from podium.usecases.places import ensure_collection, ensure_project, stream_of


def fail(**facts: object):
    def act(message: object, settings: object) -> str:
        raise DeliveryFailedError("not accepted", **facts)

    return act


def soon(registry) -> None:
    """Let the next attempt be due now."""
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set next_at = '2020-01-01 00:00:00'"))


def attempts(registry) -> list[tuple[int, str | None]]:
    with registry._database.read() as connection:
        rows = connection.exec_driver_sql("select attempt, error from delivery_attempts order by attempt").all()
    return [tuple(row) for row in rows]


def test_a_row_per_subscription_in_the_transaction(registry, model_file) -> None:
    """The rows of the outbox are written with the event, for each subscription that wants it."""
    registry.subscribe("all", "console", events=["*"])
    registry.subscribe("models", "console", events=["model_version.*"])

    def fail_late(unit) -> None:
        row, _ = ensure_collection(unit, ensure_project(unit, "p"), "a", "artifact", "model")
        unit.record(stream_of(row), "artifact.created", "p/a")
        assert unit.deliveries == 1
        raise RuntimeError("rolled back")

    with contextlib.suppress(RuntimeError):
        registry._change(fail_late)
    assert [delivery.event_type for delivery in registry.deliveries()] == ["subscription.added"] * 2
    registry.log("p/a", model_file("a"))
    registry.link("p/a", "model-registry/M")
    told = sorted((item.subscription, item.event_type) for item in registry.deliveries())
    assert [(name, kind) for name, kind in told if kind == "model_version.linked"] == [
        ("all", "model_version.linked"),
        ("models", "model_version.linked"),
    ]


def test_sent(with_channels, probe, model_file) -> None:
    """An accepted message is `sent`, with its receipt, and is not tried again."""
    channel = probe(act=lambda message, settings: "receipt 7")
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["artifact_version.*"], settings={"room": "ml"})
    registry.log("p/a", model_file("a"), metrics={"acc": 0.5})
    registry.close()
    (delivery,) = registry.deliveries()
    assert (delivery.status, delivery.receipt, delivery.attempts, delivery.error) == ("sent", "receipt 7", 1, None)
    (message,) = channel.sent
    assert (message.title, message.version, message.actor, message.id) == (
        "p/a v0 was logged",
        "v0",
        "ann",
        delivery.id,
    )
    assert channel.settings == [{"room": "ml"}]
    assert registry.deliver().sent == 0


def test_failed_and_tried_again(with_channels, probe, model_file) -> None:
    """A message that is not accepted waits, and is tried again with the same id; each attempt is on record."""
    channel = probe(act=fail())
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert delivery.error == "DeliveryFailedError: not accepted"
    assert 3 < (delivery.next_at - datetime.now(UTC)).total_seconds() <= SCHEDULE[0] * 1.2
    assert registry.deliver() == DeliveryReport()
    soon(registry)
    channel.act = lambda message, settings: "ok"
    assert registry.deliver().sent == 1
    assert len({message.id for message in channel.sent}) == 1
    assert attempts(registry) == [(1, "DeliveryFailedError: not accepted"), (2, None)]


@pytest.mark.parametrize(("asked", "least"), [(120, 120), ("90", 90), (2.5, 3)])
def test_retry_after(with_channels, probe, model_file, asked, least) -> None:
    """The receiver's wish to wait is honoured, never shortened."""
    registry = with_channels(probe(act=fail(retry_after=asked)))
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert (delivery.next_at - datetime.now(UTC)).total_seconds() > least - 2


@pytest.mark.parametrize(
    "asked", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", -5, float("inf"), float("nan"), 1e300, [], b"x"], ids=repr
)
def test_retry_after_that_makes_no_sense(with_channels, probe, model_file, asked) -> None:
    """A wish that is no number of seconds neither stops the worker nor makes it wait for ever."""
    registry = with_channels(probe(act=fail(retry_after=asked)))
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert (delivery.next_at - datetime.now(UTC)) < timedelta(days=2)


def test_a_permanent_failure_is_dead_at_once(with_channels, probe, model_file) -> None:
    """A wrong token is not tried ten times; the failure is listed, and the change stands."""
    registry = with_channels(probe(act=fail(permanent=True)))
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    assert [delivery.attempts for delivery in registry.deliveries("dead")] == [1]
    assert registry.resolve("p/a").number == 0


def test_dead_after_the_schedule(with_channels, probe, model_file) -> None:
    """When the schedule has ended the message is given up; `retry` brings it back."""
    channel = probe(act=fail())
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    for _ in range(len(SCHEDULE)):
        soon(registry)
        registry.deliver()
    (delivery,) = registry.deliveries("dead")
    assert delivery.attempts == len(SCHEDULE) + 1
    soon(registry)
    assert registry.deliver().failed == 0
    channel.act = lambda message, settings: "ok"
    assert registry.retry() == 1
    assert registry.deliver().sent == 1


def test_retry_of_one(with_channels, probe, model_file) -> None:
    """One waiting delivery is made due by its id; one that was sent, or is unknown, is not found."""
    channel = probe(act=fail())
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries()
    channel.act = lambda message, settings: "ok"
    assert registry.retry(delivery.id) == 1
    assert registry.deliver().sent == 1
    for unknown in (delivery.id, "nonsense", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(NotFoundError):
            registry.retry(unknown)


def test_an_unknown_status_is_refused(lite) -> None:
    """A slip in the status is no empty list."""
    with pytest.raises(InvalidValueError):
        lite.deliveries("failed")


def test_a_channel_that_this_process_lacks(with_channels, probe, model_file) -> None:
    """A worker without the plugin leaves the message to one that has it: no attempt is made, and it says so."""
    first = with_channels(probe())
    first.subscribe("s", "probe", events=["alias.set"])
    first.log("p/a", model_file("a"))
    poor = with_channels()
    poor.set_alias("p/a", "best")
    poor.close()
    assert poor.deliver() == DeliveryReport(absent={"probe": 1})
    assert [(item.status, item.attempts) for item in poor.deliveries()] == [("pending", 0)]
    assert first.deliver().sent == 1


@pytest.mark.parametrize("receipt", [None, 7, "x" * 9000, "a\0b", "\ud800", []], ids=lambda value: ascii(value)[:9])
def test_any_receipt_is_kept(registry, with_channels, probe, database_url, model_file, receipt) -> None:
    """Whatever a channel answers, the message counts as sent, on both databases."""
    open_one = with_channels(probe(act=lambda message, settings: receipt), url=database_url)
    open_one.subscribe("s", "probe", events=["artifact_version.*"])
    open_one.log("p/a", model_file("a"))
    open_one.close()
    assert [delivery.status for delivery in open_one.deliveries()] == ["sent"]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 9000, "two\nlines"], ids=lambda value: ascii(value)[:9])
def test_any_error_text_is_kept(with_channels, probe, database_url, model_file, text) -> None:
    """Whatever a channel says when it fails, the attempt is on record, on both databases."""

    def act(message: object, settings: object) -> str:
        raise RuntimeError(text)

    registry = with_channels(probe(act=act), url=database_url)
    registry.subscribe("s", "probe", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    (delivery,) = registry.deliveries("pending")
    assert delivery.error.startswith("RuntimeError: ")


@pytest.mark.tampers
def test_two_workers_never_hold_one_row(registry, with_channels, probe, database_url, model_file) -> None:
    """Four workers with a slow channel, twelve rows: each is sent exactly once."""
    registry.subscribe("s", "console", events=["alias.set"])
    registry.log("p/a", model_file("a"))
    with registry._database.write() as connection:
        connection.exec_driver_sql("update subscriptions set channel = 'probe'")
    for number in range(12):
        registry.set_alias("p/a", f"alias{number}")  # this process has no such channel
    registry.close()
    soon(registry)
    channel = probe(act=lambda message, settings: threading.Event().wait(0.02) or "ok")
    workers = [with_channels(channel, url=database_url) for _ in range(4)]
    threads = [threading.Thread(target=worker.deliver) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message.event.after["alias"] for message in channel.sent) == sorted(f"alias{n}" for n in range(12))
    assert len(registry.deliveries("sent")) == 12


def test_a_lease_ends(registry, model_file) -> None:
    """A row whose worker died is taken by another after the lease, and not before; the late one changes nothing."""
    registry.subscribe("s", "console", events=["alias.set"])
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "best")
    registry.close()
    later = datetime.now(UTC) + timedelta(days=9)
    lapsed = later + timedelta(seconds=20) + outbox.LEASE_MARGIN
    with registry._database.write() as connection:
        connection.exec_driver_sql("update deliveries set status = 'pending'")
        (row,) = outbox.due(connection, later, later, 10)
        first = outbox.claim(connection, row, later, later, seconds=20)
        soon = later + timedelta(seconds=30)
        early = outbox.claim(connection, row, soon, soon, seconds=20)
        second = outbox.claim(connection, row, lapsed, lapsed, seconds=20)
        outbox.settle(connection, first, lapsed, receipt=None, error="late", next_at=None)
    assert (early, second.attempt) == (None, first.attempt + 1)
    assert [delivery.status for delivery in registry.deliveries()] == ["sending"]


def test_a_subscription_is_replaced_and_ends(registry) -> None:
    """The same name takes the new settings; equal ones change nothing; removed, it is unknown."""
    registry.subscribe("s", "console")
    registry.subscribe("s", "console", events=["alias.*"])
    assert registry.subscribe("s", "console", events=["alias.*"]) == registry.subscriptions()[0]
    assert registry.unsubscribe("s").events == ("alias.*",)
    assert registry.subscriptions() == []
    with pytest.raises(NotFoundError):
        registry.unsubscribe("s")


def test_what_is_on_its_way_survives_the_end_of_its_subscription(with_channels, probe, model_file) -> None:
    """A waiting delivery has the settings of its time, and is delivered after the subscription ended."""
    channel = probe(act=fail())
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["artifact_version.*"], settings={"room": "old"})
    registry.log("p/a", model_file("a"))
    registry.close()
    registry.unsubscribe("s")
    soon(registry)
    channel.act = lambda message, settings: "ok"
    assert registry.deliver().sent == 1
    assert channel.settings[-1] == {"room": "old"}
