"""Aliases: one holder each, compare-and-set, and every move is history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.errors import ConflictError, InvalidNameError, InvalidValueError, NotFoundError
from podium.sql.schema import HEAD

MODEL = "model-registry/Digits classifier"


def test_an_alias_moves_and_says_from_where(registry, linked) -> None:
    """Without an expectation an alias moves from wherever it is; the answer has both ends."""
    linked(registry, 2)
    first = registry.set_alias(f"{MODEL}:v0", "best", reason="first")
    second = registry.set_alias(f"{MODEL}:v1", "best")
    assert (first.before, first.after, first.changed, first.reason) == (None, 0, True, "first")
    assert (second.before, second.after, second.actor) == (0, 1, "ann")
    assert registry.model(MODEL).aliases == {"latest": 1, "best": 1}


def test_an_alias_that_stands_there_leaves_no_trace(registry, linked, rows) -> None:
    """Set again, nothing changes: no history, no event, `changed` is False."""
    linked(registry, 1)
    registry.set_alias(f"{MODEL}:v0", "best")
    before = rows(registry)
    assert registry.set_alias(f"{MODEL}:v0", "best").changed is False
    assert rows(registry) == before


@pytest.mark.parametrize("expected", ["v0", "0", 0, f"{MODEL}:v0"])
def test_compare_and_set(registry, linked, expected) -> None:
    """With the right expectation, written in any way, the alias moves."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "best", expected=None)
    assert registry.set_alias(f"{MODEL}:v1", "best", expected=expected).after == 1


@pytest.mark.parametrize(
    ("held", "expected", "holder"), [("v0", None, "v0"), ("v0", "v1", "v0"), (None, "v0", None), ("v0", 7, "v0")]
)
def test_a_wrong_expectation(registry, linked, rows, held, expected, holder) -> None:
    """A mismatch is a retryable ConflictError that carries the holder, and nothing changes."""
    linked(registry, 2)
    if held:
        registry.set_alias(f"{MODEL}:{held}", "best")
    before = rows(registry)
    with pytest.raises(ConflictError) as caught:
        registry.set_alias(f"{MODEL}:v1", "best", expected=expected)
    assert (caught.value.holder, caught.value.retryable) == (holder, True)
    assert rows(registry) == before


@pytest.mark.parametrize(
    "expected", ["best", "", "v", "v-1", "\u0663", "v" + "9" * 5000, 1.0, True, -1, [], "other/a:v0"], ids=repr
)
def test_an_expectation_that_is_no_version(registry, linked, rows, expected) -> None:
    """What names no version of this model is an InvalidValueError, not a conflict."""
    linked(registry, 2)
    before = rows(registry)
    with pytest.raises(InvalidValueError):
        registry.set_alias(f"{MODEL}:v1", "best", expected=expected)
    assert rows(registry) == before


@pytest.mark.parametrize(
    ("ref", "alias", "error"),
    [
        (f"{MODEL}:v0", "v3", InvalidNameError),
        (f"{MODEL}:v0", "V3", InvalidNameError),
        (f"{MODEL}:v0", "latest", InvalidNameError),
        (f"{MODEL}:v0", "a b", InvalidNameError),
        (f"{MODEL}:v0", None, InvalidNameError),
        (f"{MODEL}:v0", "staging", InvalidValueError),
        (f"{MODEL}:v0", "production", InvalidValueError),
        (f"{MODEL}:v9", "best", NotFoundError),
        (f"{MODEL}:nobody", "best", NotFoundError),
        ("model-registry/Other", "best", NotFoundError),
        ("not a ref", "best", InvalidNameError),
    ],
)
def test_aliases_that_are_refused(registry, linked, rows, ref, alias, error) -> None:
    """Numbers, `latest`, stages and unknown versions are refused, and nothing changes."""
    linked(registry, 1)
    before = rows(registry)
    with pytest.raises(error) as caught:
        registry.set_alias(ref, alias)
    assert caught.value.hint
    assert rows(registry) == before


@pytest.mark.parametrize("reason", ["a\0", "\ud800", 3], ids=ascii)
def test_a_reason_that_cannot_be_kept(registry, linked, reason) -> None:
    """A reason must be text that every database can hold."""
    linked(registry, 1)
    with pytest.raises(InvalidValueError):
        registry.set_alias(f"{MODEL}:v0", "best", reason=reason)


def test_stages_are_aliases_in_a_project(registry, model_file) -> None:
    """An artifact has no stages, so the words are free there."""
    registry.log("p/a", model_file("a"))
    assert registry.set_alias("p/a", "production").after == 0


def test_an_alias_is_taken_away(registry, linked) -> None:
    """Removed, it names nothing; the history keeps both moves."""
    linked(registry, 1)
    registry.set_alias(f"{MODEL}:v0", "best")
    gone = registry.remove_alias(MODEL, "best", expected="v0", reason="over")
    assert (gone.before, gone.after, gone.kind) == (0, None, "removed")
    with pytest.raises(NotFoundError):
        registry.resolve(f"{MODEL}:best")
    assert [(move.before, move.after) for move in registry.history(MODEL, "best")] == [(None, 0), (0, None)]


@pytest.mark.parametrize(
    ("collection", "alias", "expected", "error"),
    [
        (MODEL, "best", "v1", ConflictError),
        (MODEL, "best", None, ConflictError),
        (MODEL, "other", None, NotFoundError),
        (MODEL, "latest", "v0", InvalidNameError),
        (MODEL, "production", None, InvalidValueError),
        (f"{MODEL}:v0", "best", "v0", InvalidNameError),
        ("model-registry/Other", "best", "v0", NotFoundError),
    ],
)
def test_removals_that_are_refused(registry, linked, rows, collection, alias, expected, error) -> None:
    """A wrong expectation, an unknown alias, `latest` and a stage stay where they are."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "best")
    before = rows(registry)
    with pytest.raises(error):
        registry.remove_alias(collection, alias, expected=expected)
    assert rows(registry) == before


def test_who_held_an_alias_then(registry, linked) -> None:
    """`resolve(at=)` answers for every moment: before, between, after, and once it was removed."""
    linked(registry, 2)
    moves = [registry.set_alias(f"{MODEL}:v{number}", "best") for number in (0, 1)]
    gone = registry.remove_alias(MODEL, "best")
    instant = timedelta(microseconds=1)
    assert registry.resolve(f"{MODEL}:best", at=moves[0].at).number == 0
    assert registry.resolve(f"{MODEL}:best", at=moves[1].at - instant).number == 0
    assert registry.resolve(f"{MODEL}:best", at=gone.at - instant).number == 1
    for at in (moves[0].at - instant, gone.at, datetime.now(UTC)):
        with pytest.raises(NotFoundError):
            registry.resolve(f"{MODEL}:best", at=at)


def test_latest_and_numbers_then(registry, linked) -> None:
    """`latest` and a number name only what was there at that time."""
    linked(registry, 2)
    first, second = (registry.resolve(f"{MODEL}:v{number}").created_at for number in (0, 1))
    assert registry.resolve(MODEL, at=first).number == 0
    assert registry.resolve(f"{MODEL}:latest", at=second).number == 1
    with pytest.raises(NotFoundError):
        registry.resolve(f"{MODEL}:v1", at=first)
    with pytest.raises(NotFoundError):
        registry.resolve(MODEL, at=first - timedelta(days=1))


def test_a_time_without_a_zone_is_refused(lite, model_file) -> None:
    """A naive time could mean two moments."""
    lite.log("p/a", model_file("a"))
    with pytest.raises(InvalidValueError):
        lite.resolve("p/a", at=datetime(2026, 1, 1))


def test_history_is_in_order_and_complete(registry, linked) -> None:
    """All moves of all aliases, oldest first, each saying by whom and why."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "a", reason="one")
    registry.set_alias(f"{MODEL}:v0", "b")
    registry.set_alias(f"{MODEL}:v1", "a", reason="two")
    said = [(move.alias, move.before, move.after, move.reason, move.actor) for move in registry.history(MODEL)]
    assert said == [("a", None, 0, "one", "ann"), ("b", None, 0, None, "ann"), ("a", 0, 1, "two", "ann")]
    assert registry.history(MODEL, "nobody") == []


def test_one_holder_by_constraint(registry, linked) -> None:
    """The database itself refuses a second holder, and an alias that points at nothing."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "best")
    with registry._database.read() as connection:
        collection = connection.exec_driver_sql("select collection_id from aliases").scalar()
    insert = sa.text("insert into aliases (collection_id, name, number) values (:c, :n, :v)")
    for name, number in (("best", 1), ("ghost", 99)):
        with pytest.raises(ConflictError), registry._database.write() as connection:
            connection.execute(insert, {"c": collection, "n": name, "v": number})


def test_a_conflict_always_has_a_holder(registry, linked) -> None:
    """Who catches a ConflictError may always ask for its holder, even when the database found the conflict."""
    linked(registry, 1)
    with pytest.raises(ConflictError) as caught, registry._database.write() as connection:
        connection.execute(sa.text("insert into podium_schema (version_num) values (:v)"), {"v": HEAD})
    assert caught.value.holder is None


def test_no_version_is_no_latest(registry, model_file) -> None:
    """Where every version was deleted, the error does not offer ``latest`` as an alias that is there."""
    version = registry.log("p/a", model_file("a"))
    registry.delete(version.ref)
    with pytest.raises(NotFoundError) as caught:
        registry.resolve("p/a")
    assert "It has no version" in (caught.value.hint or "")
