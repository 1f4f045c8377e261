"""Tasks that are run again: the same answer, nothing twice, and no stage taken back."""

from __future__ import annotations

import pytest

from podium.domain.policies import Policy, Stage
from podium.errors import PromotionRefusedError

MODEL = "model-registry/Digits classifier"


def test_a_retried_promotion_repeats_its_answer(as_task, linked, rows) -> None:
    """The second attempt gets the first one's transition with `changed=False`, and no row is added."""
    registry = as_task("dag/run/promote")
    linked(registry, 1)
    first = registry.promote(MODEL, "production", reason="go")
    before = rows(registry)
    retry = as_task("dag/run/promote").promote(MODEL, "production", reason="go")
    assert (retry.id, retry.changed, retry.to_json()) == (first.id, False, {**first.to_json(), "changed": False})
    assert rows(registry) == before


def test_a_retry_never_takes_a_stage_back(as_task, linked) -> None:
    """When somebody else holds the stage by now, the retry still repeats its answer and moves nothing."""
    task = as_task("dag/run/promote")
    linked(task, 2)
    task.promote(f"{MODEL}:v0", "production")
    as_task(None).promote(f"{MODEL}:v1", "production")
    retry = task.promote(f"{MODEL}:v0", "production")
    assert (retry.status, retry.changed) == ("committed", False)
    assert task.resolve(f"{MODEL}:production").number == 1


def test_a_retry_with_an_expectation_is_no_conflict(as_task, linked) -> None:
    """The holder expected by the first attempt is gone because of it; its retry is answered all the same."""
    task = as_task("dag/run/promote")
    linked(task, 2)
    task.promote(f"{MODEL}:v0", "production", expected=None)
    assert task.promote(f"{MODEL}:v0", "production", expected=None).changed is False


def test_another_run_of_the_task_is_another_question(as_task, linked) -> None:
    """The next run of the same DAG may take the stage back: it has an identity of its own."""
    linked(as_task(None), 2)
    as_task("dag/run1/promote").promote(f"{MODEL}:v0", "production")
    as_task("dag/run1/other").promote(f"{MODEL}:v1", "production")
    assert as_task("dag/run2/promote").promote(f"{MODEL}:v0", "production").changed


def test_a_refused_promotion_may_be_tried_again(as_task, linked) -> None:
    """A refusal is no answer for ever: the retry evaluates the gates anew."""
    task = as_task("dag/run/promote")
    linked(task, 1)
    task.set_policy(MODEL, Policy((Stage("production", ("accuracy",)),)))
    with pytest.raises(PromotionRefusedError):
        task.promote(MODEL, "production")
    task.record_check(MODEL, "accuracy", "pass")
    assert task.promote(MODEL, "production").changed


def test_a_retried_rollback_goes_back_once(as_task, linked) -> None:
    """The second attempt of a rollback repeats its answer instead of going back a further step."""
    script = as_task(None)
    linked(script, 3)
    for number in range(3):
        script.promote(f"{MODEL}:v{number}", "production")
    task = as_task("dag/run/rollback")
    first = task.rollback(MODEL)
    retry = as_task("dag/run/rollback").rollback(MODEL)
    assert (first.number, retry.number, retry.id, retry.changed) == (1, 1, first.id, False)
    assert script.resolve(f"{MODEL}:production").number == 1


def test_a_retried_link_is_the_same_link(as_task, linked, rows) -> None:
    """Log, link and alias of a task that runs again add no row."""
    registry = as_task("dag/run/link")
    linked(registry, 1)
    registry.link("digits/mlp:v0", MODEL, aliases=["candidate"])
    before = rows(registry)
    again = as_task("dag/run/link").link("digits/mlp:v0", MODEL, aliases=["candidate"])
    assert again.created is False
    assert rows(registry) == before
