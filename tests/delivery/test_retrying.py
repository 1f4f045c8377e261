"""A retry by a person takes what is in force now, so that what was given up for wrong settings can be mended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from podium.delivery import outbox
from podium.errors import InvalidValueError, NotFoundError
from podium.plugins import Channel, DeliveryFailedError, hookimpl
from podium.registry import Registry
from podium.registry.base import now
from podium.sql import tables as t
from tests.delivery.acting import Act, drain, host_of, soon


@pytest.fixture
def in_room(with_channels, probe, database_url, model_file) -> tuple[Registry, Channel, Callable[..., None]]:
    """A registry whose channel accepts the room ``right`` only, and what subscribes ``s`` to it with other settings."""

    def act(message: object, settings: Mapping[str, str]) -> str:
        if settings.get("room") != "right":
            raise DeliveryFailedError("no such room", permanent=True)
        return settings["room"]

    channel = probe(act=act)
    registry = with_channels(channel, probe("other"), url=database_url)
    registry.log("p/a", model_file("a"))

    def subscribe(room: str, channel: str = "probe", **more: Any) -> None:
        registry.subscribe("s", channel, events=["tag.added"], settings={"room": room}, **more)

    return registry, channel, subscribe


def tagged(registry: Registry, *tags: str) -> list[str]:
    """Tag a version, and return the ids of the deliveries, oldest first."""
    for tag in tags:
        registry.tag("p/a:v0", tag)
    registry.close()
    return [item.id for item in reversed(registry.deliveries(event_type="tag.added"))]


@pytest.mark.parametrize("asked", [{}, {"subscription": "s"}, {"channel": "probe"}, {"model": "p/a"}, "id"], ids=str)
def test_settings_and_words_of_now(in_room, asked) -> None:
    """By id or by filter, what was given up goes where the subscription says now, in its words."""
    registry, channel, subscribe = in_room
    subscribe("wrong")
    (delivery,) = tagged(registry, "x")
    assert registry.delivery(delivery).delivery.status == "dead"
    subscribe("right", template={"title": "mended"})
    assert (registry.retry(delivery) if asked == "id" else registry.retry(**asked)) == 1
    assert registry.deliver().sent == 1
    details = registry.delivery(delivery)
    assert (details.settings, details.template.title) == ({"room": "right"}, "mended")
    assert (channel.sent[-1].title, channel.sent[-1].id, details.delivery.receipt) == ("mended", delivery, "right")


def test_the_channel_of_now(in_room) -> None:
    """Where a subscription has another channel by now, that one gets it."""
    registry, channel, subscribe = in_room
    subscribe("wrong")
    (delivery,) = tagged(registry, "x")
    subscribe("any", channel="other")
    registry.retry(delivery)
    assert registry.deliver().sent == 1
    assert (registry.delivery(delivery).delivery.channel, len(channel.sent)) == ("other", 1)


def test_the_schedule_keeps_what_was(in_room) -> None:
    """Nobody asked for it: an attempt by the schedule has the settings that the event was told with."""
    registry, channel, subscribe = in_room
    right, channel.act = channel.act, lambda message, settings: 1 / 0
    subscribe("right")
    tagged(registry, "x")
    subscribe("wrong")
    channel.act = right
    soon(registry)
    assert registry.deliver().sent == 1


def test_what_was_removed_keeps_what_it_has(in_room) -> None:
    """A delivery whose subscription is gone goes out as it would have."""
    registry, channel, subscribe = in_room
    right, channel.act = channel.act, lambda message, settings: 1 / 0
    subscribe("right")
    (delivery,) = tagged(registry, "x")
    registry.unsubscribe("s")
    channel.act = right
    assert registry.retry(delivery) == 1
    assert registry.deliver().sent == 1


class Both:
    """A plugin with a channel and an action."""

    def __init__(self, channel: Channel, action: Act) -> None:
        self.channel, self.action = channel, action

    @hookimpl
    def podium_channels(self) -> list[Channel]:
        return [self.channel]

    @hookimpl
    def podium_actions(self) -> list[Act]:
        return [self.action]


def test_a_name_that_is_about_something_else_by_now(in_room) -> None:
    """What was to tell of one place is not handed to whoever took the name for another."""
    registry, _, subscribe = in_room
    subscribe("wrong")
    (delivery,) = tagged(registry, "x")
    registry.unsubscribe("s")
    registry.subscribe("s", "other", events=["tag.added"], settings={"room": "mine"}, model="elsewhere/*")
    for choice in ({"delivery": delivery}, {"subscription": "s"}):
        registry.drop_deliveries(delivery) if registry.deliveries("pending") else None
        assert registry.retry(**choice) == 1
        details = registry.delivery(delivery)
        assert (details.delivery.channel, details.settings) == ("probe", {"room": "wrong"})


def test_what_follows_a_rename_mends_what_was_before(in_room) -> None:
    """A subscription that names what was renamed is about it still."""
    registry, _, subscribe = in_room
    subscribe("wrong", model="p/a")
    (delivery,) = tagged(registry, "x")
    registry.rename("p/a", "b")
    subscribe("right", model="p/b")
    assert registry.retry(subscription="s") == 1
    assert registry.delivery(delivery).settings == {"room": "right"}


def test_what_got_another_channel_since_it_was_looked_at(in_room) -> None:
    """A worker that was about to send it to the old one leaves it; the next round sends it to the new one."""
    registry, channel, subscribe = in_room
    subscribe("wrong", digest="1d")
    (delivery,) = tagged(registry, "x")
    with registry._database.write() as connection:
        connection.exec_driver_sql("update deliveries set batch = null, next_at = '2020-01-01 00:00:00'")
        (due,) = outbox.due(connection, now(), now(), 10)
        connection.execute(sa.update(t.deliveries).values(channel="other"))
        assert outbox.claim(connection, due, now(), now(), seconds=5) is None
    assert registry.deliver().sent == 1
    assert (channel.sent, registry.delivery(delivery).delivery.receipt) == ([], "ok")


def test_a_name_that_changed_hands(open_at, probe, database_url, model_file) -> None:
    """What was told to a subscription does not become the work of an automation that has its name now."""
    channel, act = probe(act=lambda message, settings: 1 / 0), Act()
    host = host_of()
    host.register(Both(channel, act), "both")
    registry = open_at(database_url, host=host)
    registry.log("p/a", model_file("a"))
    registry.subscribe("s", "probe", events=["tag.added"], settings={"room": "first"})
    (delivery,) = tagged(registry, "x")
    registry.unsubscribe("s")
    registry.automate("s", "act", events=["tag.removed"])
    channel.act = lambda message, settings: "ok"
    assert registry.retry(subscription="s") == 0
    assert registry.retry(delivery) == 1
    assert registry.deliver().sent == 1
    details = registry.delivery(delivery)
    assert (details.delivery.kind, details.delivery.channel, details.settings) == (
        "subscription",
        "probe",
        {"room": "first"},
    )
    assert act.calls == []


@pytest.mark.parametrize("enabled", [True, False])
def test_an_automation_is_mended(open_at, database_url, model_file, enabled) -> None:
    """It does what it says now, and a disabled one does so too: somebody asked."""

    def do(call: object, settings: Mapping[str, Any]) -> str:
        if settings["text"] != "right":
            raise DeliveryFailedError("no such DAG", permanent=True)
        return "done"

    act, other = Act(do=do), Act("other")
    registry = open_at(database_url, host=host_of(act, other))
    registry.log("p/a", model_file("a"))
    registry.automate("a", "act", events=["tag.added"], settings={"text": "wrong"})
    first, second = tagged(registry, "x", "y")
    registry.automate("a", "act", events=["tag.added"], settings={"text": "{{ 'right' }}"}, enabled=enabled)
    registry.retry(first)
    drain(registry)
    assert registry.delivery(first).delivery.status == "sent"
    registry.automate("a", "other", events=["tag.added"], settings={"text": "{{ after.tag }}"}, enabled=enabled)
    assert registry.retry() == 1
    drain(registry)
    assert (other.settings, registry.delivery(second).delivery.channel) == ([{"text": "y"}], "other")


def test_a_digest_stays_one_message(in_room) -> None:
    """All rows of a digest that was given up go out together again, mended."""
    registry, channel, subscribe = in_room
    subscribe("wrong", digest="1d")
    ids = tagged(registry, "x", "y", "z")
    soon(registry)
    assert registry.deliver().dead == 3
    subscribe("right", digest="1d")
    assert registry.retry(subscription="s") == 3
    assert registry.deliver().sent == 3
    assert len(channel.sent) == 2
    assert {registry.delivery(item).delivery.receipt for item in ids} == {"right"}


def test_deduplicate_leaves_a_retry_alone(in_room) -> None:
    """What somebody sends again goes out, however often it was told."""
    registry, channel, subscribe = in_room
    subscribe("right", deduplicate="1h")
    (delivery,) = tagged(registry, "x")
    registry.retry(delivery, sent=True)
    assert registry.deliver().sent == 1
    assert [message.id for message in channel.sent] == [delivery] * 2


def test_beside_a_worker(in_room) -> None:
    """What a worker has in hand keeps its settings and is not made due; what waits is renewed whole or not at all."""
    registry, channel, subscribe = in_room
    right, channel.act = channel.act, lambda message, settings: 1 / 0
    subscribe("right")
    (delivery,) = tagged(registry, "x")
    began, go_on = threading.Event(), threading.Event()

    def slow(message: object, settings: Mapping[str, str]) -> str:
        began.set()
        go_on.wait(10)
        return right(message, settings)

    channel.act = slow
    soon(registry)
    worker = threading.Thread(target=registry.deliver)
    worker.start()
    assert began.wait(10)
    subscribe("wrong")
    try:
        with pytest.raises(InvalidValueError, match="is being sent now"):
            registry.retry(delivery)
        assert registry.retry() == 0
    finally:
        go_on.set()
        worker.join(10)
    details = registry.delivery(delivery)
    assert (details.delivery.receipt, details.settings) == ("right", {"room": "right"})


def test_an_event_by_the_beginning_of_its_id(open_at, database_url, model_file) -> None:
    """``test_automation`` takes as little of an id as names one event, in the form that `delivery` takes."""
    registry = open_at(database_url, host=host_of(Act()))
    registry.log("p/a", model_file("a"))
    registry.automate("a", "act", events=["tag.added"])
    (delivery,) = tagged(registry, "x")
    event = registry.delivery(delivery).delivery.event
    for text in (event, event[:-1].upper(), event.replace("-", "")[:31]):
        assert registry.test_automation("a", text).event == event
    for text in ("", event[:7], event[:8] + "x" * 5, event + "0", "f" * 8):
        with pytest.raises(NotFoundError, match="There is no event"):
            registry.test_automation("a", text)


@pytest.mark.tampers
def test_a_beginning_that_two_events_share(open_at, database_url, model_file) -> None:
    """It names neither of them, as events of one change may differ in their last digits only."""
    registry = open_at(database_url, host=host_of(Act()))
    registry.log("p/a", model_file("a"))
    registry.automate("a", "act", events=["tag.added"])
    (delivery,) = tagged(registry, "x")
    event = registry.delivery(delivery).delivery.event
    twin = event.replace("-", "")[:-1] + ("0" if event[-1] != "0" else "1")
    columns = "stream_name, type, subject, before, after, reason, origin, previous, hash, created_at, created_by"
    copy = f"insert into events (id, stream, sequence, {columns}) select :twin, stream, 99, {columns} from events"
    with registry._database.write() as connection:
        connection.execute(sa.text(f"{copy} where type = 'tag.added'"), {"twin": twin})
    with pytest.raises(InvalidValueError, match="Several events begin"):
        registry.test_automation("a", event[:-1])
    assert registry.test_automation("a", event).event == event
