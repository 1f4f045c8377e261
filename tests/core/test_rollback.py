"""Rollback: one call back to the newest earlier holder that still verifies."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.errors import IntegrityError, InvalidValueError, NotFoundError

MODEL = "model-registry/Digits classifier"


@pytest.fixture
def promoted(registry, linked):
    """Three versions that held production one after the other."""
    linked(registry, 3)
    for number in range(3):
        registry.promote(f"{MODEL}:v{number}", "production")
    return registry


def damage(registry, ref: str) -> None:
    """Flip a byte in the only file of a version."""
    (entry,) = registry.files(ref).manifest.entries
    (blob,) = Path(registry.content).rglob(entry.sha256)
    data = bytearray(blob.read_bytes())
    data[0] ^= 1
    blob.write_bytes(data)


def test_back_and_back_again(promoted) -> None:
    """Rolling back twice goes back two steps, not to and fro."""
    first = promoted.rollback(MODEL, reason="bad")
    assert (first.kind, first.before, first.number, first.reason) == ("rolled_back", 2, 1, "bad")
    assert promoted.rollback(MODEL).number == 0
    with pytest.raises(NotFoundError):
        promoted.rollback(MODEL)
    kinds = [(move.kind, move.after) for move in promoted.history(MODEL, "production")]
    assert kinds[3:] == [("rolled_back", 1), ("rolled_back", 0)]


def test_a_rollback_is_told(promoted) -> None:
    """The event names both holders and their metrics."""
    promoted.rollback(MODEL, reason="bad")
    event = promoted.events(MODEL)[-1]
    assert (event.type, event.before["number"], event.after["number"]) == ("model_version.rolled_back", 2, 1)
    assert (event.subject, event.reason) == (f"{MODEL}:v1", "bad")


def test_a_promotion_after_a_rollback(promoted) -> None:
    """After v3 was rolled away, the next promotion falls back to where the rollback went."""
    promoted.rollback(MODEL)
    promoted.rollback(MODEL)
    promoted.promote(f"{MODEL}:v2", "production")
    assert promoted.rollback(MODEL).number == 0


def test_a_damaged_holder_is_passed_over(promoted) -> None:
    """An earlier holder whose bytes are damaged is skipped for the next one that verifies."""
    damage(promoted, f"{MODEL}:v1")
    assert promoted.rollback(MODEL).number == 0


def test_no_holder_is_intact(promoted, rows) -> None:
    """When all are damaged it is an IntegrityError that names them, and the stage stays."""
    damage(promoted, f"{MODEL}:v0")
    damage(promoted, f"{MODEL}:v1")
    before = rows(promoted)
    with pytest.raises(IntegrityError) as caught:
        promoted.rollback(MODEL)
    assert caught.value.candidates == ["v1", "v0"]
    assert rows(promoted) == before


def test_nothing_to_go_back_to(registry, linked, rows) -> None:
    """Without an earlier holder, or without any holder, it is a NotFoundError and nothing moves."""
    linked(registry, 1)
    for _ in range(2):
        before = rows(registry)
        with pytest.raises(NotFoundError, match="Nothing held"):
            registry.rollback(MODEL)
        assert rows(registry) == before
        registry.promote(MODEL, "production")


@pytest.mark.parametrize(
    ("model", "stage", "reason", "error"),
    [
        (MODEL, "prod", None, NotFoundError),
        ("model-registry/Other", "production", None, NotFoundError),
        ("digits/mlp", "production", None, NotFoundError),
        (MODEL, "production", "a\0", InvalidValueError),
    ],
)
def test_rollbacks_that_make_no_sense(promoted, rows, model, stage, reason, error) -> None:
    """An unknown stage or model, or a reason that cannot be kept, is a typed error, and the stage stays."""
    before = rows(promoted)
    with pytest.raises(error):
        promoted.rollback(model, stage, reason=reason)
    assert rows(promoted) == before


def test_stages_roll_back_apart(promoted) -> None:
    """Each stage has a history of its own."""
    for number in (1, 0):
        promoted.promote(f"{MODEL}:v{number}", "staging")
    assert promoted.rollback(MODEL, "staging").number == 1
    assert promoted.resolve(f"{MODEL}:production").number == 2


def test_back_to_a_named_holder(promoted) -> None:
    """Any version that held the stage before can be named, also one that was rolled away."""
    promoted.rollback(MODEL)
    made = promoted.rollback(MODEL, to="v2", reason="it was right")
    assert (made.before, made.number, made.kind) == (1, 2, "rolled_back")
    assert promoted.rollback(MODEL, to=f"{MODEL}:v0").number == 0


def test_a_named_holder_that_is_damaged(promoted, rows) -> None:
    """It is an IntegrityError, and no other version is taken in its place."""
    damage(promoted, f"{MODEL}:v1")
    before = rows(promoted)
    with pytest.raises(IntegrityError, match="v1 is not intact"):
        promoted.rollback(MODEL, to="v1")
    assert rows(promoted) == before


def test_a_demotion(promoted) -> None:
    """The stage is empty, history and event say by whom and why, and a rollback brings the version back."""
    made = promoted.demote(MODEL, "production", reason="leaks memory")
    assert (made.kind, made.number, made.before, made.status) == ("demoted", 2, 2, "committed")
    assert "production" not in promoted.model(MODEL).aliases
    move = promoted.history(MODEL, "production")[-1]
    assert (move.kind, move.before, move.after, move.reason) == ("demoted", 2, None, "leaks memory")
    event = promoted.events(MODEL)[-1]
    assert (event.type, event.before["number"], event.after["number"]) == ("model_version.demoted", 2, None)
    assert promoted.rollback(MODEL).number == 2


def test_who_loses_a_stage_is_archived(promoted) -> None:
    """By promotion, rollback and demotion alike, where the policy says so; the alias is free otherwise."""
    promoted.set_policy(MODEL, {"stages": [{"name": "production", "archive_as": "archived"}]})
    promoted.promote(f"{MODEL}:v0", "production")
    assert promoted.resolve(f"{MODEL}:archived").number == 2
    promoted.rollback(MODEL)
    assert promoted.resolve(f"{MODEL}:archived").number == 0
    promoted.demote(MODEL, "production", reason="x")
    assert promoted.resolve(f"{MODEL}:archived").number == 2
    assert [move.reason for move in promoted.history(MODEL, "archived")] == ["It lost 'production'."] * 3


@pytest.mark.parametrize("back", ["rollback", "promote"])
def test_who_gets_a_stage_back_is_archived_no_more(promoted, back) -> None:
    """After a demotion: nothing holds the stage and is archived at once, and the history says why."""
    promoted.set_policy(MODEL, {"stages": [{"name": "production", "archive_as": "archived"}]})
    promoted.demote(MODEL, "production", reason="x")
    promoted.rollback(MODEL) if back == "rollback" else promoted.promote(f"{MODEL}:v2", "production")
    assert promoted.resolve(f"{MODEL}:v2").aliases == ("latest", "production")
    move = promoted.history(MODEL, "archived")[-1]
    assert (move.kind, move.before, move.reason) == ("removed", 2, "It holds 'production' now.")


def test_a_task_that_demotes_again(as_task, linked) -> None:
    """A retry repeats its answer, and never takes the stage from a later holder."""
    first = as_task("t1")
    linked(first, 2)
    first.promote(f"{MODEL}:v0", "production")
    done = first.demote(MODEL, "production", reason="bad")
    as_task("t2").promote(f"{MODEL}:v1", "production")
    again = as_task("t1").demote(MODEL, "production", reason="bad")
    assert (again.id, again.changed) == (done.id, False)
    assert first.resolve(f"{MODEL}:production").number == 1
