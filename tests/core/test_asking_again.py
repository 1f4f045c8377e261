"""Asking once more for what waits, for what people ended, and for what a forced promotion took."""

from __future__ import annotations

import pytest

from podium.errors import PromotionRefusedError

MODEL = "model-registry/Digits classifier"
ONE = {"stages": [{"name": "production", "approvals": {"count": 1}}]}
TWO = {"stages": [{"name": "production", "checks": ["bias"], "approvals": {"count": 2}}]}
NONE = {"stages": [{"name": "production", "checks": ["bias"]}]}


@pytest.fixture
def task(as_task, linked):
    """A task that asked for v0; one approval is missing."""
    first = as_task("t1")
    linked(first, 2)
    first.set_policy(MODEL, ONE)
    first.promote(f"{MODEL}:v0", "production")
    return first


def again(as_task, **more):
    """Run the task once more."""
    return as_task("t1").promote(f"{MODEL}:v0", "production", **more)


@pytest.mark.parametrize("ended", ["rejected", "cancelled"])
def test_people_are_not_asked_again_by_a_retry(task, as_task, rows, ended) -> None:
    """The task that asked is told that it was rejected, or withdrawn; nothing is written."""
    (asked,) = task.list_requests()
    if ended == "rejected":
        task.reject(asked.id, "not yet", on_behalf_of="bob")
    else:
        task.withdraw(asked.id)
    before = rows(task)
    made = again(as_task)
    assert (made.id, made.status, made.changed) == (asked.id, ended, False)
    assert rows(task) == before


def test_another_task_may_ask_again(task, as_task) -> None:
    """As of the next run of a DAG or flow."""
    task.reject(task.list_requests()[0].id, "not yet", on_behalf_of="bob")
    assert as_task("t2").promote(f"{MODEL}:v0", "production").status == "pending"


def test_a_retry_finds_what_a_person_asked_anew(task, as_task, registry) -> None:
    """Whoever rejects may be asked by hand; the task goes along with that request, and with how it ends."""
    task.reject(task.list_requests()[0].id, "not yet", on_behalf_of="bob")
    anew = registry.promote(f"{MODEL}:v0", "production")
    assert again(as_task).id == anew.id
    registry.approve(anew.id, on_behalf_of="bob")
    made = again(as_task)
    assert (made.id, made.status, made.changed) == (anew.id, "committed", False)
    registry.demote(MODEL, "production", reason="bad")
    assert again(as_task).status == "rejected"


@pytest.mark.parametrize("stale", ["refused", "moved"])
def test_a_retry_asks_again_for_what_nobody_ended(task, as_task, stale) -> None:
    """After a gate refused it, or the stage moved, the same task asks anew."""
    (asked,) = task.list_requests()
    if stale == "refused":
        task.freeze(MODEL, reason="audit")
        with pytest.raises(PromotionRefusedError):
            task.approve(asked.id, on_behalf_of="bob")
        task.unfreeze(MODEL)
    else:
        as_task("t2").promote(f"{MODEL}:v1", "production", force=True, reason="fire")
    made = again(as_task)
    assert (made.id != asked.id, made.status) == (True, "pending")


@pytest.mark.parametrize("ended", ["pending", "rejected"])
def test_a_forced_promotion_is_made_once(task, as_task, ended) -> None:
    """Whatever became of what the task asked for before, and although somebody took the stage away since."""
    if ended == "rejected":
        task.reject(task.list_requests()[0].id, "no", on_behalf_of="bob")
    forced = again(as_task, force=True, reason="fire")
    assert (forced.status, forced.forced, task.list_requests()) == ("committed", True, [])
    task.demote(MODEL, "production", reason="bad")
    for more in ({"force": True, "reason": "fire"}, {}):
        made = again(as_task, **more)
        assert (made.id, made.changed) == (forced.id, False)
    assert "production" not in task.model(MODEL).aliases


def test_what_a_forced_promotion_did_not_wait_for_says_so(task, as_task) -> None:
    """The request ends by it, before the stage moves."""
    (asked,) = task.list_requests()
    again(as_task, force=True, reason="fire")
    ended = task.transition(asked.id)
    assert (ended.status, ended.outcome) == ("cancelled", "ann forced the promotion and did not wait for it.")


@pytest.fixture
def waiting(registry, linked):
    """A version that waits for two people."""
    linked(registry, 1)
    registry.record_check(MODEL, "bias", "pass")
    registry.set_policy(MODEL, TWO)
    registry.promote(MODEL, "production", reason="better")
    return registry


def test_what_waits_for_nobody_any_more_is_committed_when_it_is_asked_again(waiting) -> None:
    """As its dry run says; the request itself is committed, for whoever waits for it."""
    (asked,) = waiting.list_requests()
    waiting.set_policy(MODEL, NONE)
    assert waiting.promote(MODEL, "production", dry_run=True).status == "committed"
    made = waiting.promote(MODEL, "production")
    assert (made.id, made.status, made.changed, made.reason) == (asked.id, "committed", True, "better")
    assert waiting.resolve(f"{MODEL}:production").number == 0
    assert waiting.explain(MODEL)[0].outcome == "It was asked again, and waits for nobody any more."


def test_approvals_that_are_there_count_under_a_new_policy(waiting) -> None:
    """One of two is enough where the policy asks for one by now."""
    waiting.approve(waiting.list_requests()[0].id, on_behalf_of="bob")
    waiting.set_policy(MODEL, ONE)
    assert waiting.promote(MODEL, "production", dry_run=True).status == "committed"
    assert waiting.promote(MODEL, "production").status == "committed"


def test_what_waits_still_says_what_is_missing_now(waiting, rows) -> None:
    """Under the policy in force; nothing is written, and a gate that fails meanwhile does not end it."""
    waiting.set_policy(MODEL, ONE)
    waiting.freeze(MODEL, reason="audit")
    before = rows(waiting)
    made = waiting.promote(MODEL, "production")
    assert (made.status, made.changed, made.waiting_for) == (
        "pending",
        False,
        ("It needs 1 approval; nobody approved yet.",),
    )
    assert ["audit" in reason for reason in made.reasons] == [True]
    assert rows(waiting) == before


def test_a_task_by_which_it_is_committed_does_not_take_the_stage_twice(waiting, as_task) -> None:
    """Although somebody else had asked."""
    waiting.set_policy(MODEL, NONE)
    made = as_task("t1").promote(MODEL, "production")
    waiting.demote(MODEL, "production", reason="bad")
    assert (made.changed, as_task("t1").promote(MODEL, "production").id) == (True, made.id)
    assert "production" not in waiting.model(MODEL).aliases


LIVE = {"stages": [{"name": "live"}]}
DROPS = {
    "set": lambda r: r.set_policy(MODEL, LIVE),
    "remove": lambda r: r.remove_policy(MODEL),
    "rename": lambda r: r.rename(MODEL, "Other"),
}


@pytest.mark.parametrize("drop", DROPS)
def test_a_request_for_a_stage_that_is_gone_ends(registry, linked, drop) -> None:
    """When a policy is set or taken away, or the model gets a name by which another one is for it."""
    linked(registry, 1)
    registry.set_policy("model-registry", LIVE)
    registry.set_policy(MODEL if drop != "rename" else "model-registry/Digits*", ONE)
    asked = registry.promote(MODEL, "production")
    DROPS[drop](registry)
    made = registry.transition(asked.id)
    assert (made.status, made.outcome) == ("cancelled", "The policy has no stage 'production' any more.")
    assert registry.list_requests() == []


def test_a_request_for_a_stage_that_stays_waits_on(waiting) -> None:
    """Other gates are asked when the last approval is there."""
    waiting.set_policy(MODEL, ONE)
    assert [made.status for made in waiting.list_requests()] == ["pending"]
