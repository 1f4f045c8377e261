"""Channels that want order get it per collection, and know what was sent before."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from podium.domain.policies import ApprovalRule, Policy, Stage
from podium.plugins import DeliveryFailedError

MODEL = "model-registry/Digits"


def fail(message: object, settings: object) -> str:
    raise DeliveryFailedError("not accepted")


def due_now(registry) -> None:
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set next_at = '2020-01-01 00:00:00' where status = 'pending'"))


@pytest.fixture
def told(with_channels, probe, database_url, model_file):
    """A registry with a channel that wants order, told of aliases of two artifacts, and the channel."""
    channel = probe(act=fail)
    type(channel).ordered = True
    registry = with_channels(channel, url=database_url)
    registry.subscribe("s", "probe", events=["alias.set"])
    for name in ("p/a", "p/b"):
        registry.log(name, model_file(name))
    yield registry, channel
    type(channel).ordered = False


def aliases(channel, collection: str) -> list[str]:
    return [message.event.after["alias"] for message in channel.sent if message.model == collection]


def test_the_next_one_waits_for_the_one_before(told) -> None:
    """While the first message about an artifact fails, the next is not tried; another artifact has its own line."""
    registry, channel = told
    for alias in ("first", "second", "third"):
        registry.set_alias("p/a", alias)
    registry.set_alias("p/b", "other")
    registry.close()
    assert (aliases(channel, "p/a"), aliases(channel, "p/b")) == (["first"], ["other"])
    channel.act = lambda message, settings: "ok"
    due_now(registry)
    assert registry.deliver().sent == 4
    assert aliases(channel, "p/a") == ["first", "first", "second", "third"]


def test_one_that_was_given_up_holds_nothing_up(told) -> None:
    """A dead message is passed over; what comes after goes out."""
    registry, channel = told
    registry.set_alias("p/a", "first")
    registry.set_alias("p/a", "second")
    registry.close()
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set status = 'dead' where attempts > 0"))
    channel.act = lambda message, settings: "ok"
    assert registry.deliver().sent == 1
    assert aliases(channel, "p/a") == ["first", "second"]


def only_right(message: object, settings: Mapping[str, str]) -> str:
    if settings.get("room") != "right":
        raise DeliveryFailedError("no such room")
    return "ok"


def test_a_mended_subscription_speaks_at_once(told) -> None:
    """What waits with settings that were replaced since holds up nothing but its like, and goes on being tried."""
    registry, channel = told
    channel.act = only_right
    for room, alias in (("wrong", "first"), ("wrong", "second"), ("right", "third"), ("right", "fourth")):
        registry.subscribe("s", "probe", events=["alias.set"], settings={"room": room})
        registry.set_alias("p/a", alias)
        registry.close()
    assert aliases(channel, "p/a") == ["first", "third", "fourth"]
    due_now(registry)
    assert (registry.deliver().failed, aliases(channel, "p/a")[3:]) == (1, ["first"])


def test_a_line_goes_on_behind_the_settings_of_before(told) -> None:
    """Two mended messages keep their order, also in one round with what still fails."""
    registry, channel = told
    channel.act = lambda message, settings: only_right(message, {})
    for room, alias in (("wrong", "first"), ("right", "second"), ("right", "third")):
        registry.subscribe("s", "probe", events=["alias.set"], settings={"room": room})
        registry.set_alias("p/a", alias)
        registry.close()
    assert aliases(channel, "p/a") == ["first", "second"]
    channel.act = only_right
    due_now(registry)
    assert registry.deliver().sent == 2
    assert aliases(channel, "p/a")[2:] == ["first", "second", "third"]


def test_a_digest_that_is_not_due_holds_nobody_up(told) -> None:
    """Once a subscription tells at once what it summed up before, it does not wait for the end of the day."""
    registry, channel = told
    channel.act = lambda message, settings: "ok"
    registry.subscribe("s", "probe", events=["alias.set"], digest="1d")
    registry.set_alias("p/a", "summed")
    registry.subscribe("s", "probe", events=["alias.set"])
    for alias in ("first", "second"):
        registry.set_alias("p/a", alias)
        registry.close()
    assert aliases(channel, "p/a") == ["first", "second"]


def test_a_digest_that_is_due_goes_first(told) -> None:
    """From the end of its span on a digest holds up what comes after it, its own next tries included."""
    registry, channel = told
    registry.subscribe("s", "probe", events=["alias.set"], digest="1d")
    registry.set_alias("p/a", "summed")
    due_now(registry)
    registry.deliver()
    registry.subscribe("s", "probe", events=["alias.set"])
    registry.set_alias("p/a", "first")
    registry.close()
    assert aliases(channel, "p/a") == ["summed"]
    channel.act = lambda message, settings: "ok"
    due_now(registry)
    assert registry.deliver().sent == 2
    assert aliases(channel, "p/a") == ["summed", "summed", "first"]


def test_a_change_takes_what_waits_before_it_along(told) -> None:
    """A process that makes a change sends the older message of the same line first, and then its own."""
    registry, channel = told
    registry.set_alias("p/a", "first")
    registry.close()
    due_now(registry)
    channel.act = lambda message, settings: "ok"
    registry.set_alias("p/a", "second")
    registry.close()
    assert aliases(channel, "p/a") == ["first", "first", "second"]


def test_without_order_nothing_waits(told) -> None:
    """A channel that does not ask for order gets the next message while the first one still fails."""
    registry, channel = told
    type(channel).ordered = False
    registry.set_alias("p/a", "first")
    registry.close()
    channel.act = lambda message, settings: "ok"
    registry.set_alias("p/a", "second")
    registry.close()
    assert [item.status for item in registry.deliveries()] == ["sent", "pending"]


@pytest.fixture
def thread(with_channels, probe, database_url, model_file):
    """Every message about a version that was asked for, approved and promoted, by event type."""
    numbers = iter(range(100))
    channel = probe(act=lambda message, settings: f"receipt {next(numbers)}")
    registry = with_channels(channel, url=database_url)
    registry.subscribe("s", "probe", events=["model_version.*"])
    registry.log("p/a", model_file("a"))
    registry.link("p/a", MODEL)
    registry.set_policy(MODEL, Policy((Stage("production", approvals=ApprovalRule(not_author=False)),)))
    request = registry.promote(MODEL, "production")
    registry.approve(request.id)
    registry.close()
    return {message.event.type: message for message in channel.sent}, request


def test_a_message_knows_what_was_sent_about_the_version_before(thread) -> None:
    """Receipts of the same version come oldest first, with what they were about."""
    messages, _ = thread
    earlier = messages["model_version.promoted"].earlier
    assert [item.event_type.partition(".")[2] for item in earlier] == [
        "linked",
        "promotion_requested",
        "promotion_approved",
    ]
    assert [item.receipt for item in earlier] == ["receipt 0", "receipt 1", "receipt 2"]
    assert messages["model_version.linked"].earlier == ()


def test_messages_of_one_request_share_its_id(thread) -> None:
    """The request, the approval and the promotion name the same promotion; the link names none."""
    messages, request = thread
    for kind in ("promotion_requested", "promotion_approved", "promoted"):
        assert messages[f"model_version.{kind}"].request == request.id
    assert {item.request for item in messages["model_version.promoted"].earlier} == {None, request.id}


def test_a_long_thread_keeps_its_first_message(with_channels, probe, model_file) -> None:
    """Of more than 50 messages about one version the first and the newest 49 are given."""
    numbers = iter(range(100))
    channel = probe(act=lambda message, settings: str(next(numbers)))
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["tag.added"])
    registry.log("p/a", model_file("a"))
    for number in range(53):
        registry.tag("p/a:v0", f"tag{number}")
    registry.close()
    registry.deliver()
    last = max(channel.sent, key=lambda message: message.event.sequence)
    assert [item.receipt for item in last.earlier] == ["0", *(str(number) for number in range(3, 52))]


def test_other_subscriptions_and_versions_are_no_part_of_the_thread(with_channels, probe, model_file) -> None:
    """What another subscription sent, or what was about another version, is not given."""
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("other", "probe", events=["tag.added"])
    for text in "ab":
        registry.log("p/a", model_file(text))
    registry.tag("p/a:v0", "x")
    registry.subscribe("s", "probe", events=["tag.added"])
    registry.unsubscribe("other")
    registry.tag("p/a:v0", "y")
    registry.tag("p/a:v1", "z")
    registry.close()
    assert [message.earlier for message in channel.sent[1:]] == [(), ()]


@pytest.mark.tampers
def test_order_holds_among_several_workers(with_channels, probe, database_url, model_file, monkeypatch) -> None:
    """Four workers on two lines of 20: each line arrives in order, each message once, though a send takes a while."""
    channel = probe(act=lambda message, settings: threading.Event().wait(random.uniform(0, 0.02)) or "ok")
    monkeypatch.setattr(type(channel), "ordered", True)
    with_channels(channel, url=database_url).subscribe("s", "probe", events=["tag.added"])
    poor = with_channels(url=database_url)
    for name in ("p/a", "p/b"):
        poor.log(name, model_file(name))
    for number in range(20):
        for name in ("p/a", "p/b"):
            poor.tag(name, f"tag{number}")
    workers = [with_channels(channel, url=database_url) for _ in range(4)]
    threads = [threading.Thread(target=worker.deliver) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    poor.close()
    workers[0].deliver()  # what was held up when the last worker looked
    for name in ("p/a", "p/b"):
        said = [message.event.after["tag"] for message in channel.sent if message.model == name]
        assert said == [f"tag{number}" for number in range(20)]
