"""Looking at deliveries, page by page and filtered, and sending them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.errors import InvalidValueError, NotFoundError


@pytest.fixture
def told(with_channels, probe, database_url, model_file):
    """A registry with deliveries of two subscriptions about two artifacts; those of ``bad`` were given up."""
    bad, good = probe("bad", act=lambda message, settings: 1 / 0), probe("good")
    registry = with_channels(bad, good, url=database_url)
    for name in ("p/a", "q/b_1"):
        registry.log(name, model_file(name))
    for name in ("bad", "good"):
        registry.subscribe(name, name, events=["alias.set", "tag.added"])
    for ref in ("p/a", "q/b_1"):
        registry.set_alias(ref, "best")
        registry.tag(ref, "eu")
    registry.close()
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set status = 'dead' where channel = 'bad'"))
    return registry, bad, good


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 8),
        ({"status": "dead"}, 4),
        ({"subscription": "good"}, 4),
        ({"channel": "bad", "event_type": "tag.*"}, 2),
        ({"event_type": "tag_added"}, 0),
        ({"model": "p"}, 4),
        ({"model": "p/a"}, 4),
        ({"model": "Q/*_1"}, 4),
        ({"model": "q/b?2"}, 0),
        ({"model": "%"}, 0),
        ({"since": datetime(2020, 1, 1, tzinfo=UTC)}, 8),
        ({"since": datetime(2999, 1, 1, tzinfo=UTC)}, 0),
        ({"limit": 3}, 3),
    ],
)
def test_filters(told, asked, found) -> None:
    """Each filter leaves what it names; signs of SQL in a pattern mean themselves."""
    assert len(told[0].deliveries(**asked)) == found


def test_pages(told) -> None:
    """Page by page everything comes once, newest first."""
    registry = told[0]
    whole, pages, after = registry.deliveries(), [], None
    while page := registry.deliveries(limit=3, after=after):
        pages += page
        after = page[-1].id
    assert pages == whole
    assert [item.id for item in whole] == sorted((item.id for item in whole), reverse=True)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"status": "late"}, InvalidValueError),
        ({"limit": 0}, InvalidValueError),
        ({"since": datetime(2026, 1, 1)}, InvalidValueError),
        ({"after": "nonsense"}, NotFoundError),
    ],
)
def test_what_cannot_be_asked(told, asked, error) -> None:
    """A question that makes no sense is no empty list."""
    with pytest.raises(error) as caught:
        told[0].deliveries(**asked)
    assert caught.value.hint


def test_the_log_of_attempts(told) -> None:
    """A delivery comes with each attempt, its settings, and whose it is; the beginning of its id is enough."""
    registry = told[0]
    (item,) = registry.deliveries("dead", subscription="bad", model="p/a", event_type="alias.set")
    details = registry.delivery(item.id)
    assert (details.delivery, details.model, details.actor) == (item, "p/a", "ann")
    (attempt,) = details.attempts
    assert (attempt.number, attempt.receipt) == (1, None)
    assert attempt.error.startswith("ZeroDivisionError")
    assert attempt.started_at <= attempt.finished_at
    assert registry.delivery(item.id[:30].upper()).delivery == item


@pytest.mark.parametrize("text", ["", "0", "zzzzzzzz", "00000000", "x" * 99, None, 7], ids=repr)
def test_an_id_that_names_nothing(told, text) -> None:
    """What is no id, or one of nothing, is not found."""
    with pytest.raises(NotFoundError):
        told[0].delivery(text)


def test_a_beginning_that_several_share(told) -> None:
    """The beginning of several ids names none of them."""
    registry = told[0]
    start = registry.deliveries()[0].id[:8]
    with pytest.raises(InvalidValueError, match="Several deliveries"):
        registry.delivery(start)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({}, 4),
        ({"model": "p/a"}, 2),
        ({"subscription": "good"}, 0),
        ({"event_type": "tag.added", "since": datetime(2020, 1, 1, tzinfo=UTC)}, 2),
        ({"subscription": "good", "sent": True}, 4),
        ({"model": "p/a", "sent": True}, 4),
    ],
)
def test_sending_again_by_filter(told, asked, sent) -> None:
    """What was given up and fits goes out again; what was sent only if that is said; under the same ids."""
    registry, bad, good = told
    ids = {message.id for message in [*bad.sent, *good.sent]}
    bad.sent.clear()
    good.sent.clear()
    bad.act = good.act
    assert registry.retry(**asked) == sent
    assert registry.deliver().sent == sent
    assert {message.id for message in [*bad.sent, *good.sent]} <= ids


def test_not_everything_is_sent_again_by_a_slip(told) -> None:
    """What was sent needs a filter or an id; an id and a filter are too much."""
    registry = told[0]
    with pytest.raises(InvalidValueError, match="would be sent again"):
        registry.retry(sent=True)
    with pytest.raises(InvalidValueError, match="Both"):
        registry.retry(registry.deliveries()[0].id, model="p/a")


def test_one_that_was_sent_is_sent_again(told) -> None:
    """By its id and with ``sent``; without, it is said how."""
    registry, _, good = told
    (item, *_) = registry.deliveries("sent")
    with pytest.raises(NotFoundError) as caught:
        registry.retry(item.id)
    assert "--sent" in caught.value.hint
    assert registry.retry(item.id, sent=True) == 1
    assert registry.deliver().sent == 1
    assert [message.id for message in good.sent].count(item.id) == 2


def test_one_that_is_being_sent_is_left(told) -> None:
    """A delivery that a worker has in hand is not made due."""
    registry = told[0]
    (item, *_) = registry.deliveries("dead")
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set status = 'sending', leased_until = '2999-01-01 00:00:00'"))
    with pytest.raises(InvalidValueError, match="is being sent now"):
        registry.retry(item.id)


def test_a_second_schedule(with_channels, probe, model_file) -> None:
    """What is sent again by hand and fails goes through the whole schedule once more."""
    registry = with_channels(probe(act=lambda message, settings: 1 / 0))
    registry.subscribe("s", "probe", events=["alias.set"])
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "best")
    registry.close()
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set status = 'dead', attempts = 10"))
    registry.retry()
    assert registry.deliver().failed == 1
    (item,) = registry.deliveries("pending")
    assert timedelta(seconds=3) < item.next_at - datetime.now(UTC) < timedelta(seconds=7)


def test_what_is_late(told) -> None:
    """Due for long and not sent, or left by a worker that died; what waits for its next attempt is not late."""
    registry = told[0]
    assert registry.deliveries(late=timedelta(minutes=10)) == []
    with registry._database.write() as connection:
        for status, due, lease, name in (
            ("pending", "2020-01-01 00:00:00.000000", None, "p/a"),
            ("sending", "2999-01-01 00:00:00.000000", "2020-01-01 00:00:00.000000", "q/b_1"),
        ):
            change = "update deliveries set status = :status, next_at = :due, leased_until = :lease"
            where = " where channel = 'bad' and event_id in (select id from events where stream_name = :name)"
            values = {"status": status, "due": due, "lease": lease, "name": name}
            connection.execute(sa.text(change + where), values)
    assert len(registry.deliveries(late=timedelta(minutes=10))) == 4
