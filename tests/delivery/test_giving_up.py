"""Giving deliveries up by hand: not tried any more, in nobody's way, and brought back by a retry."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa

from podium.delivery.worker import DeliveryReport
from podium.errors import InvalidValueError, NotFoundError, PermissionDeniedError
from podium.sql import tables as t
from tests.delivery.acting import Act, host_of, soon


@pytest.fixture
def line(ordered, model_file):
    """A registry with an ordered channel that accepted nothing, the channel, and the ids of a line of three."""
    registry, channel = ordered
    registry.log("p/a", model_file("a"))
    for tag in "xyz":
        registry.tag("p/a", tag)
    registry.close()
    return registry, channel, sorted(item.id for item in registry.deliveries())


def tags(channel) -> list[str]:
    return [message.event.after["tag"] for message in channel.sent]


def test_where_there_are_admins_only_they_give_up(open_at, database_url, model_file) -> None:
    """Whoever may not end a subscription may not keep people from being told either; elsewhere anybody may."""
    ann, eve = (open_at(database_url, actor=who, host=host_of()) for who in ("ann", "eve"))
    ann.subscribe("s", "console", events=["tag.added"], digest="1d")
    ann.log("p/a", model_file("a"))
    ann.link("p/a", "model-registry/M")
    ann.grant_role("model-registry", "ann", "admin")
    ann.tag("model-registry/M:v0", "x")
    (delivery,) = ann.deliveries()
    for choice in ({"delivery": delivery.id}, {"subscription": "s"}, {"model": "model-registry/*"}):
        with pytest.raises(PermissionDeniedError, match="needs the role 'admin'"):
            eve.drop_deliveries(**choice)
    assert ann.deliveries("pending") == [delivery]
    for number in range(3):
        ann.tag("p/a:v0", f"y{number}")
    with ann._database.write() as connection:  # what was sent of the closed registry bars nobody
        connection.execute(sa.update(t.deliveries).where(t.deliveries.c.id == UUID(delivery.id)).values(status="sent"))
    assert eve.drop_deliveries(subscription="s") == 3
    with pytest.raises(NotFoundError, match="it was sent"):
        ann.drop_deliveries(delivery.id)


def test_where_there_are_admins_only_they_let_an_action_run_again(open_at, database_url, model_file) -> None:
    """A retry of an automation acts, in its name; a message that is sent again harms nobody."""
    ann, eve = (open_at(database_url, actor=who, host=host_of(Act())) for who in ("ann", "eve"))
    ann.automate("a", "act", events=["tag.added"])
    ann.subscribe("s", "console", events=["tag.added"])
    ann.log("p/a", model_file("a"))
    ann.link("p/a", "model-registry/M")
    ann.tag("model-registry/M:v0", "x")
    ann.close()
    ann.grant_role("model-registry", "ann", "admin")
    acted = next(item.id for item in ann.deliveries() if item.kind == "automation")
    for choice in ({"delivery": acted}, {"subscription": "a"}, {"model": "model-registry/M"}):
        with pytest.raises(PermissionDeniedError, match="needs the role 'admin'"):
            eve.retry(**choice, sent=True)
    assert eve.retry(subscription="s", sent=True) == 1
    assert ann.retry(acted, sent=True) == 1


def test_what_was_dropped_holds_nothing_up(line) -> None:
    """The rest of the line goes out at once, and it is not tried itself; it says who gave it up, and why."""
    registry, channel, (first, *_) = line
    assert registry.drop_deliveries(first, reason="old token") == 1
    channel.act = lambda message, settings: "ok"
    soon(registry)
    assert registry.deliver() == DeliveryReport(sent=2)
    assert tags(channel) == ["x", "y", "z"]
    dropped = registry.delivery(first[:30]).delivery
    assert (dropped.status, dropped.error, dropped.attempts) == ("dead", "Given up by ann: old token", 1)


def test_a_retry_brings_it_back(line) -> None:
    """What was given up by hand is sent like all that was given up."""
    registry, channel, ids = line
    assert registry.drop_deliveries(subscription="s") == 3
    assert {item.error for item in registry.deliveries("dead")} == {"Given up by ann."}
    assert registry.deliver() == DeliveryReport()
    channel.act = lambda message, settings: "ok"
    assert registry.retry() == 3
    assert registry.deliver() == DeliveryReport(sent=3)
    assert [message.id for message in channel.sent[1:]] == ids


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"subscription": "s"}, 3),
        ({"channel": "other"}, 0),
        ({"event_type": "tag.*", "model": "p/*"}, 3),
        ({"since": datetime(2999, 1, 1, tzinfo=UTC)}, 0),
    ],
)
def test_by_filter(line, asked, found) -> None:
    """Each filter of a retry narrows it; what was sent stays what it is."""
    registry, channel, _ = line
    channel.act = lambda message, settings: "ok"
    registry.unsubscribe("s")
    registry.subscribe("t", "probe", events=["alias.set"])
    registry.set_alias("p/a", "sent")
    registry.close()
    assert registry.drop_deliveries(**asked) == found
    assert [item.subscription for item in registry.deliveries("sent")] == ["t"]
    assert len(registry.deliveries("dead")) == found


def test_not_everything_is_given_up_by_a_slip(line) -> None:
    """It needs an id or a filter, and not both; what does not wait is not given up."""
    registry, _, (first, *_) = line
    with pytest.raises(InvalidValueError, match="Everything that waits would be given up"):
        registry.drop_deliveries(reason="tidy")
    with pytest.raises(InvalidValueError, match="Both"):
        registry.drop_deliveries(first, model="p/a")
    registry.drop_deliveries(first)
    with pytest.raises(NotFoundError, match="was given up"):
        registry.drop_deliveries(first)


def test_what_a_worker_has_in_hand_is_left_to_it(line) -> None:
    """By its id it is refused, a filter leaves it out, and it is sent; once its worker died it can be given up."""
    registry, channel, (first, *others) = line
    began, go_on = threading.Event(), threading.Event()

    def slow(message: object, settings: object) -> str:
        began.set()
        return str(go_on.wait(10))

    channel.act = slow
    soon(registry)
    worker = threading.Thread(target=registry.deliver)
    worker.start()
    assert began.wait(10)
    try:
        with pytest.raises(InvalidValueError, match="is being sent now"):
            registry.drop_deliveries(first)
        assert registry.drop_deliveries(subscription="s") == 2
    finally:
        go_on.set()
        worker.join()
    assert [registry.delivery(item).delivery.status for item in (first, *others)] == ["sent", "dead", "dead"]
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set status = 'sending', leased_until = '2020-01-01 00:00:00'"))
    assert registry.drop_deliveries(first) == 1
    assert registry.drop_deliveries(channel="probe") == 2


def test_an_automation_that_is_gone_is_given_up(open_at, database_url, model_file) -> None:
    """What would still be tried for three days for one that was removed is tried no more."""
    act = Act(do=lambda call, settings: 1 / 0)
    registry = open_at(database_url, host=host_of(act))
    registry.log("p/a", model_file("a"))
    registry.automate("a", "act", events=["tag.added"])
    registry.tag("p/a", "x")
    registry.close()
    registry.deliver()
    registry.stop_automation("a")
    assert registry.drop_deliveries(subscription="a", reason="stopped") == 1
    soon(registry)
    assert (registry.deliver(), len(act.calls)) == (DeliveryReport(), 1)
