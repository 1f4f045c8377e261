"""Requests that wait for people: what is kept, who is told, and what a retry finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podium.errors import (
    ConflictError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
    PluginError,
    PromotionRefusedError,
)
from podium.plugins import PluginHost, hookimpl
from podium.registry import Registry
from tests.core.promotion_truth import at

MODEL = "model-registry/Digits classifier"
ONE = {"stages": [{"name": "staging"}, {"name": "production", "approvals": {"count": 1, "expires": "1d"}}]}
TWO = {"stages": [{"name": "production", "checks": ["bias"], "approvals": {"count": 2}}]}


@pytest.fixture
def waiting(registry: Registry, linked: Callable[..., str]) -> Registry:
    """Two versions, and v0 waits for one approval."""
    linked(registry, 2)
    registry.set_policy(MODEL, ONE)
    registry.promote(f"{MODEL}:v0", "production", reason="better")
    return registry


def test_a_request_is_kept(waiting) -> None:
    """It is listed with what it waits for, who asked, why, and until when; nothing moved, and an event tells it."""
    (made,) = waiting.list_requests()
    assert (made.status, made.ref, made.stage, made.actor, made.reason) == (
        "pending",
        f"{MODEL}:v0",
        "production",
        "ann",
        "better",
    )
    assert (made.expires_at - made.at).days == 1
    event = waiting.events(MODEL)[-1]
    assert (event.type, event.after["waiting_for"]) == ("model_version.promotion_requested", list(made.waiting_for))
    assert "production" not in waiting.model(MODEL).aliases
    assert waiting.transition(made.id) == made


def test_an_approval_is_kept(waiting, open_at, database_url) -> None:
    """Who decided, what they said, and which process told it: in the request, in its event, and in the promotion."""
    bridge = open_at(database_url, actor="airflow")
    made = bridge.approve(f"{MODEL}:v0", stage="production", comment="fine", on_behalf_of="bob")
    (word,) = made.approvals
    assert (word.person, word.actor, word.comment, word.decision) == ("bob", "airflow", "fine", "approved")
    assert (made.status, made.ended_by, made.outcome) == ("committed", "airflow", "Approved by bob.")
    approved, promoted = waiting.events(MODEL)[-2:]
    assert (approved.type, approved.actor, approved.after["person"]) == (
        "model_version.promotion_approved",
        "airflow",
        "bob",
    )
    assert promoted.after["approvals"][0]["person"] == "bob"
    assert promoted.after["asked"]["by"] == "ann"
    assert waiting.resolve(f"{MODEL}:production").number == 0


def test_asking_again_writes_nothing(waiting, rows) -> None:
    """The same version, stage and holder is the same request, for whoever asks."""
    before = rows(waiting)
    again = waiting.promote(f"{MODEL}:v0", "production", reason="again")
    assert (again.changed, again.id) == (False, waiting.list_requests()[0].id)
    assert rows(waiting) == before


@pytest.mark.parametrize("verb", ["approve", "withdraw"])
def test_saying_it_again_writes_nothing(waiting, open_at, database_url, rows, verb) -> None:
    """A bridge may tell twice what a person said."""
    waiting.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"count": 2}}]})
    bob = open_at(database_url, actor="bob")
    bob.approve(f"{MODEL}:v0", stage="production")
    getattr(bob, verb)(f"{MODEL}:v0", stage="production")
    before = rows(waiting)
    assert getattr(bob, verb)(f"{MODEL}:v0", stage="production").changed is False
    assert rows(waiting) == before


def test_withdrawn_twice_by_who_asked(waiting, rows) -> None:
    """The second time finds it withdrawn, and is no error."""
    made = waiting.withdraw(f"{MODEL}:v0", stage="production", comment="not yet")
    assert (made.status, made.outcome) == ("cancelled", "Withdrawn by ann, who asked for it: not yet")
    before = rows(waiting)
    assert waiting.withdraw(made.id).changed is False
    assert rows(waiting) == before


def test_who_may_not_approve_changes_nothing(waiting, rows) -> None:
    """The author's attempt is an error that says why, and leaves no trace that could count."""
    before = rows(waiting)
    with pytest.raises(PermissionDeniedError, match="ann asked for this promotion") as caught:
        waiting.approve(waiting.list_requests()[0].id)
    assert caught.value.person == "ann"
    assert rows(waiting) == before


def test_what_expired_is_cancelled_by_whoever_looks(registry, linked) -> None:
    """A list and a look at the request itself both cancel it, once, with its reason."""
    linked(registry, 1)
    registry.set_policy(MODEL, ONE)
    with at("25h"):
        asked = registry.promote(MODEL, "production")
    assert registry.list_requests() == []
    made = registry.transition(asked.id)
    assert (made.status, "and expired" in made.outcome) == ("cancelled", True)
    assert [event.type for event in registry.events(MODEL)].count("model_version.promotion_cancelled") == 1


def test_a_late_approval_is_told_and_kept(waiting, open_at, database_url) -> None:
    """The stage moved: a ConflictError says so, the request is cancelled, and its approval moves nothing."""
    bob = open_at(database_url, actor="bob")
    asked = waiting.list_requests()[0]
    waiting.set_policy(MODEL, {"stages": [{"name": "production", "archive_as": "old"}]})
    waiting.promote(f"{MODEL}:v1", "production")
    with pytest.raises(ConflictError, match="held by v1, and was held by nobody") as caught:
        bob.approve(asked.id)
    assert caught.value.status == "cancelled"
    assert waiting.resolve(f"{MODEL}:production").number == 1


def test_the_last_approval_asks_every_gate_again(registry, linked, open_at, database_url) -> None:
    """What passed when it was asked and fails now refuses, on record, with everybody's approval."""
    linked(registry, 1)
    registry.set_policy(MODEL, TWO)
    registry.record_check(MODEL, "bias", "pass")
    asked = registry.promote(MODEL, "production")
    bob, cy = (open_at(database_url, actor=actor) for actor in ("bob", "cy"))
    bob.approve(asked.id)
    registry.record_check(MODEL, "bias", "fail", "drifted")
    with pytest.raises(PromotionRefusedError, match="drifted"):
        cy.approve(asked.id)
    made = registry.transition(asked.id)
    assert (made.status, len(made.approvals), len(made.reasons)) == ("refused", 2, 1)
    assert registry.events(MODEL)[-1].type == "model_version.promotion_refused"


def test_plugins_are_asked_when_it_is_asked_and_when_it_commits(linked, open_at, database_url) -> None:
    """A gate of a plugin that has changed its mind refuses the last approval."""

    class Gate:
        answer = None

        @hookimpl
        def podium_check_promotion(self, request: object) -> object:
            return self.answer

    gate, host = Gate(), PluginHost(discover=False)
    host.register(gate, "gate")
    registry = open_at(database_url, host=host)
    linked(registry, 1)
    registry.set_policy(MODEL, {"stages": [{"name": "production", "plugins": ["gate"], "approvals": {}}]})
    asked = registry.promote(MODEL, "production")
    gate.answer = "Not today."
    with pytest.raises(PromotionRefusedError, match="gate: Not today"):
        registry.approve(asked.id, on_behalf_of="bob")


def test_a_task_that_is_run_again(as_task, linked) -> None:
    """Its retry finds its request, waiting or committed, and never takes the stage back."""
    first = as_task("t1")
    linked(first, 1)
    first.set_policy(MODEL, ONE)
    asked = first.promote(MODEL, "production")
    assert as_task("t1").promote(MODEL, "production").id == asked.id
    first.approve(asked.id, on_behalf_of="bob")
    first.demote(MODEL, "production", reason="bad")
    again = as_task("t1").promote(MODEL, "production")
    assert (again.id, again.status, again.changed) == (asked.id, "committed", False)
    assert "production" not in first.model(MODEL).aliases


def test_a_task_does_not_approve_again_for_who_took_it_back(as_task, linked) -> None:
    """Its retry tells what the person said before, not what they say now; they themselves may approve again."""
    task = as_task("t1")
    linked(task, 1)
    task.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"count": 2}}]})
    asked = task.promote(MODEL, "production")
    task.approve(asked.id, on_behalf_of="bob")
    as_task(None).withdraw(asked.id, on_behalf_of="bob")
    with pytest.raises(ConflictError, match="took it back"):
        as_task("t1").approve(asked.id, on_behalf_of="Bob")
    assert [word.decision for word in task.transition(asked.id).approvals] == ["approved", "withdrawn"]
    assert as_task(None).approve(asked.id, on_behalf_of="bob").changed


@pytest.mark.parametrize("asker", ["Ann\u200b", "an\u00adn", "\u202eann", "ann\x1b"])
def test_who_asks_under_a_name_that_looks_the_same_is_the_same(open_at, database_url, linked, asker) -> None:
    """What nobody sees in a name makes no other person of it: they may not approve what they asked for."""
    registry = open_at(database_url, actor="cy")
    linked(registry, 1)
    registry.set_policy(MODEL, ONE)
    asked = open_at(database_url, actor=asker).promote(MODEL, "production")
    with pytest.raises(PermissionDeniedError, match="asked for this promotion"):
        registry.approve(asked.id, on_behalf_of="ann")


def test_a_dry_run_writes_nothing(registry, linked, rows) -> None:
    """It says what would happen, with each gate, for a refusal, a request and a commit."""
    linked(registry, 1)
    registry.set_policy(MODEL, TWO)
    before = rows(registry)
    planned = registry.promote(MODEL, "production", dry_run=True)
    assert [(gate.gate, gate.verdict) for gate in planned.gates] == [
        ("check:bias", "failed"),
        ("approvals:anybody", "pending"),
    ]
    assert (planned.status, planned.changed, planned.dry_run) == ("refused", False, True)
    forced = registry.promote(MODEL, "production", dry_run=True, force=True, reason="x")
    assert (forced.status, forced.forced) == ("committed", True)
    assert rows(registry) == before
    registry.record_check(MODEL, "bias", "pass")
    assert registry.promote(MODEL, "production", dry_run=True).status == "pending"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda r, i: r.approve("nonsense"), NotFoundError),
        (lambda r, i: r.approve("00000000-0000-0000-0000-000000000000"), NotFoundError),
        (lambda r, i: r.approve(f"{MODEL}:v0"), InvalidValueError),
        (lambda r, i: r.approve(f"{MODEL}:v0", stage="prod"), NotFoundError),
        (lambda r, i: r.approve(f"{MODEL}:v9", stage="production"), NotFoundError),
        (lambda r, i: r.approve("digits/mlp:v0", stage="production"), NotFoundError),
        (lambda r, i: r.approve(i, on_behalf_of=""), InvalidValueError),
        (lambda r, i: r.approve(i, on_behalf_of="a\nb"), InvalidValueError),
        (lambda r, i: r.approve(i, on_behalf_of="bob", comment="a\0"), InvalidValueError),
        (lambda r, i: r.reject(i, " ", on_behalf_of="bob"), InvalidValueError),
        (lambda r, i: r.withdraw(i, on_behalf_of="bob"), InvalidValueError),
        (lambda r, i: r.list_requests(status="open"), InvalidValueError),
        (lambda r, i: r.list_requests("model-registry/Other"), NotFoundError),
        (lambda r, i: r.transition(None), NotFoundError),
    ],
    ids=range(14),
)
def test_what_makes_no_sense(waiting, rows, call, error) -> None:
    """A typed error that says what to do, and nothing is written."""
    request, before = waiting.list_requests()[0].id, rows(waiting)
    with pytest.raises(error) as caught:
        call(waiting, request)
    assert caught.value.hint
    assert rows(waiting) == before


def test_approving_where_a_gate_plugin_is_missing(linked, open_at, database_url, rows) -> None:
    """The last approval from an environment that lacks the plugin ends nothing: the request waits still."""

    class Gate:
        @hookimpl
        def podium_check_promotion(self, request: object) -> None:
            """Have no objection."""

    host = PluginHost(discover=False)
    host.register(Gate(), "compliance")
    with_plugin, without = open_at(database_url, host=host), open_at(database_url, actor="bob")
    linked(with_plugin, 1)
    with_plugin.set_policy(MODEL, {"stages": [{"name": "production", "plugins": ["compliance"], "approvals": {}}]})
    asked = with_plugin.promote(MODEL, "production")
    before = rows(without)
    with pytest.raises(PluginError, match="'compliance', which is not at work here"):
        without.approve(asked.id)
    assert rows(without) == before
    assert with_plugin.approve(asked.id, on_behalf_of="bob").status == "committed"


def test_force_does_not_wait_for_people(waiting) -> None:
    """What a forced promotion overruled is told: gates that failed, and those that waited; the request ends."""
    made = waiting.promote(f"{MODEL}:v0", "production", force=True, reason="fire")
    assert (made.forced, made.reasons, made.overruled) == (True, (), ("It needs 1 approval; nobody approved yet.",))
    told = {event.type: event for event in waiting.events(MODEL)[-3:]}
    assert told["model_version.promotion_forced"].after["overruled"] == list(made.overruled)
    assert "model_version.promotion_cancelled" in told
    assert waiting.list_requests() == []


@pytest.mark.parametrize("verb", ["unlink", "delete", "delete_collection"])
def test_what_is_taken_away_waits_no_more(waiting, verb) -> None:
    """A request for a version that goes ends with it, with its reason, whichever way it goes."""
    asked, what = waiting.list_requests()[0], {"unlink": f"{MODEL}:v0", "delete": "digits/mlp:v0"}.get(verb, MODEL)
    getattr(waiting, verb)(what, force=True, reason="wrong data")
    made = waiting.transition(asked.id)
    assert (made.status, made.outcome) == ("cancelled", "v0 is no longer there.")
    assert waiting.list_requests() == []
