"""Operators around a promotion that waits for people: ask, record who answered, wait, roll back, demote."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import podium
import podium.airflow as face
from tests.on_airflow.test_origin import task_instance

MODEL = "model-registry/Small"
ONE = {"stages": [{"name": "production", "approvals": {"count": 1, "roles": ["lead"]}}]}
Ask = Callable[..., dict[str, Any]]


def operator(name: str, **fields: Any) -> Any:
    return getattr(face, name)(task_id="task", **fields)


def answer(choice: str, person: str | None, comment: str = "", **more: Any) -> dict[str, Any]:
    """What Airflow hands to a task that resumes."""
    user = {"id": f"id-of-{person}", "name": person} if person else None
    form = {"params_input": {"comment": comment}} if comment else {"params_input": {}}
    return {"chosen_options": [choice], "responded_at": datetime.now(UTC), "responded_by_user": user, **form, **more}


class Ti:
    """The two things of a task instance that a skip needs."""

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}
        self.map_index = -1

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


@pytest.fixture
def request_(registry: podium.Registry, weights: Any) -> dict[str, Any]:
    """A request that waits for one lead; bob is one, eve is not."""
    linked = registry.link(registry.log("digits/small", weights).ref, MODEL)
    registry.set_policy(MODEL, ONE)
    registry.grant_role("model-registry", "bob", "lead")
    return operator("PromoteModelOperator", ref=linked.ref, to="production", reason="Nightly.").execute({})


@pytest.fixture
def respond(request_: dict[str, Any]) -> Ask:
    """Answer the question of an `ApproveModelOperator` as Airflow does."""

    def respond(choice: str, person: str | None, comment: str = "", **fields: Any) -> dict[str, Any]:
        asked = operator("ApproveModelOperator", request=request_, **fields)
        return asked.execute_complete({"task": asked, "ti": Ti()}, answer(choice, person, comment))

    return respond


def test_a_promotion_that_waits_succeeds_as_pending(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """Nothing moved, and another task asking for the same gets the same request."""
    assert (request_["status"], request_["before"], registry.model(MODEL).aliases) == ("pending", None, {"latest": 0})
    again = operator("PromoteModelOperator", ref=request_, to="production").execute({})
    assert (again["id"], again["status"]) == (request_["id"], "pending")


def test_an_approval_is_on_record_in_the_name_of_who_gave_it(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask
) -> None:
    """With the comment, told by the process of the task; and the stage moves."""
    made = respond("Approve", "bob", "Seen the curves.")
    (word,) = registry.transition(request_["id"]).approvals
    assert (word.person, word.decision, word.comment, word.actor) == (
        "bob",
        "approved",
        "Seen the curves.",
        request_["actor"],
    )
    assert (made["status"], made["ref"]) == ("committed", f"{MODEL}:v0")
    assert registry.resolve(f"{MODEL}:production").number == 0


@pytest.mark.parametrize(("comment", "said"), [("Too slow.", "Too slow."), ("", "Rejected in Airflow")])
def test_a_rejection_ends_the_request(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask, comment: str, said: str
) -> None:
    """With what was said, or with a sentence that nothing was said."""
    assert respond("Reject", "bob", comment)["status"] == "rejected"
    assert said in registry.transition(request_["id"]).outcome


def test_a_rejection_skips_what_follows(request_: dict[str, Any]) -> None:
    """As Airflow's own operator does."""
    from airflow.providers.common.compat.sdk import BaseOperator
    from airflow.sdk import DAG

    with DAG("rejected", schedule=None):
        asked = operator("ApproveModelOperator", request=request_)
        asked >> BaseOperator(task_id="deploy")
    ti = Ti()
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    with pytest.raises(DownstreamTasksSkipped) as skipped:
        asked.execute_complete({"task": asked, "ti": ti}, answer("Reject", "bob"))
    assert list(skipped.value.tasks) == ["deploy"]


def test_a_rejection_may_fail_the_task(respond: Ask) -> None:
    """With `fail_on_reject`, as of Airflow's own operator."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=r"Rejected by bob: No\."):
        respond("Reject", "bob", "No.", fail_on_reject=True)


@pytest.mark.parametrize("choice", ["Approve", "Reject"])
def test_who_may_not_is_told_so_and_the_request_stays(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask, choice: str
) -> None:
    """The task fails without a retry, and somebody else can still decide."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="eve does not have the role lead"):
        respond(choice, "eve", "Mine.")
    waiting = registry.transition(request_["id"])
    assert (waiting.status, waiting.approvals) == ("pending", ())
    assert respond("Approve", "bob")["status"] == "committed"


def test_the_author_may_not(registry: podium.Registry, request_: dict[str, Any], respond: Ask) -> None:
    """Whoever asked, even with the role."""
    from airflow.sdk.exceptions import AirflowFailException

    registry.grant_role("model-registry", request_["actor"], "lead")
    with pytest.raises(AirflowFailException, match="asked for this promotion"):
        respond("Approve", request_["actor"])


def test_an_answer_of_nobody_is_not_recorded(registry: podium.Registry, request_: dict[str, Any], respond: Ask) -> None:
    """Nor may there be a default answer."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="does not say who answered"):
        respond("Approve", None)
    with pytest.raises(ValueError, match="no default answer"):
        operator("ApproveModelOperator", request=request_, defaults="Approve")
    assert registry.transition(request_["id"]).approvals == ()


def test_an_answer_that_cannot_be_recorded_is_asked_for_again(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away: an error that Airflow retries, and the next attempt puts the question anew."""
    from airflow.sdk.exceptions import TaskAwaitingInput

    with monkeypatch.context() as patch:
        away = podium.DatabaseUnavailableError("It restarts.")
        patch.setattr(podium.Registry, "approve", lambda *_, **__: (_ for _ in ()).throw(away))
        with pytest.raises(podium.DatabaseUnavailableError):
            respond("Approve", "bob")
    assert registry.transition(request_["id"]).approvals == ()
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **_: None)
    with pytest.raises(TaskAwaitingInput):
        operator("ApproveModelOperator", request=request_).execute({"task_instance": type("Ti", (), {"id": "1"})})


def test_a_second_answer_of_the_same_person_changes_nothing(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask
) -> None:
    """A retry after the answer was recorded, or a second task."""
    assert [respond("Approve", "bob")["changed"] for _ in range(2)] == [True, False]
    assert len(registry.transition(request_["id"]).approvals) == 1


def test_an_approval_that_comes_too_late_is_no_failure(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask
) -> None:
    """The stage moved, which is what the task was for; it is not on record that bob agreed."""
    registry.grant_role("model-registry", "cy", "lead")
    registry.approve(request_["id"], on_behalf_of="cy")
    assert respond("Approve", "bob")["status"] == "committed"
    assert [word.person for word in registry.transition(request_["id"]).approvals] == ["cy"]


def test_a_rejection_that_comes_too_late_fails(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask
) -> None:
    """The person believes to have stopped it, and has not."""
    from airflow.sdk.exceptions import AirflowFailException

    registry.approve(request_["id"], on_behalf_of="bob")
    with pytest.raises(AirflowFailException, match="A rollback takes it back"):
        respond("Reject", "cy", "Stop!")


def test_an_approval_of_what_was_cancelled_fails(
    registry: podium.Registry, request_: dict[str, Any], respond: Ask
) -> None:
    """Somebody withdrew it, or took the stage meanwhile."""
    from airflow.sdk.exceptions import AirflowFailException

    registry.withdraw(request_["id"])
    with pytest.raises(AirflowFailException, match="is cancelled: Withdrawn by"):
        respond("Approve", "bob")


def test_an_approval_whose_gates_fail_by_then_fails(registry: podium.Registry, respond: Ask) -> None:
    """With the sentence of the gate; the refusal is on record."""
    from airflow.sdk.exceptions import AirflowFailException

    registry.freeze(MODEL, reason="Audit")
    with pytest.raises(AirflowFailException, match="is frozen"):
        respond("Approve", "bob")


def test_nobody_is_asked_about_what_is_decided(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """The task answers at once; so do those after a promotion of what held the stage already: there is no request."""
    registry.approve(request_["id"], on_behalf_of="bob")
    assert operator("ApproveModelOperator", request=request_["id"]).execute({})["status"] == "committed"
    done = operator("PromoteModelOperator", ref=f"{MODEL}:v0", to="production").execute({})
    assert operator("ApproveModelOperator", request=done).execute({}) == done
    assert operator("WaitForPromotionSensor", request=done).poke({}).xcom_value == done


def test_the_form_has_no_fields_of_the_dag(respond: Ask) -> None:
    """Airflow merges the parameters of the DAG into those of each task, and refuses an answer that leaves one out."""
    from airflow.sdk import DAG

    with DAG("asking", schedule=None, params={"model": "m"}):
        assert list(operator("ApproveModelOperator", request="r").params) == ["comment"]
    with DAG("asking_more", schedule=None, params={"model": "m"}):
        more = operator("ApproveModelOperator", request="r", params={"ticket": "T-1"})
        more.validate_params_input({"comment": "Seen.", "ticket": "T-2"})
    with DAG("answered", schedule=None, params={"model": "m"}):
        assert respond("Approve", "bob", "Seen.")["status"] == "committed"


def test_the_question_says_what_it_is_about(request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Version, stage, each gate and who asked; one field for a comment."""
    from airflow.providers.standard.operators import hitl
    from airflow.sdk.exceptions import TaskAwaitingInput

    asked: dict[str, Any] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **fields: asked.update(fields))
    task = operator("ApproveModelOperator", request=request_)
    with pytest.raises(TaskAwaitingInput):
        task.execute({"task_instance": type("Ti", (), {"id": "1"})})
    assert asked["subject"] == f"Promote {MODEL}:v0 to production?"
    assert "approval" in asked["body"]
    assert list(asked["params"]) == ["comment"]


def test_no_answer_in_time_leaves_the_request(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """The task fails as Airflow's own; what was decided elsewhere until then counts."""
    from airflow.providers.standard.exceptions import HITLTimeoutError

    late = {"error": "timeout", "error_type": "timeout"}
    task = operator("ApproveModelOperator", request=request_)
    with pytest.raises(HITLTimeoutError):
        task.execute_complete({}, late)
    assert registry.transition(request_["id"]).status == "pending"
    registry.approve(request_["id"], on_behalf_of="bob")
    assert task.execute_complete({}, late)["status"] == "committed"


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("request_", "said"), [("nothing", "no promotion request"), ({"ref": "a/b:v1"}, "names no request")]
)
def test_what_names_no_request_is_refused(request_: Any, said: str) -> None:
    """With a sentence, and without a retry."""
    from airflow.sdk.exceptions import AirflowFailException

    for name, more in (("ApproveModelOperator", {}), ("WaitForPromotionSensor", {"deferrable": True})):
        with pytest.raises(AirflowFailException, match=said):
            operator(name, request=request_, **more).execute({})


def test_the_sensor_waits_until_it_is_committed(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """By giving its slot back, or by a trigger."""
    from airflow.sdk.exceptions import TaskDeferred

    sensor = operator("WaitForPromotionSensor", request=request_)
    assert (sensor.mode, sensor.poke({}).is_done) == ("reschedule", False)
    with pytest.raises(TaskDeferred) as deferred:
        operator("WaitForPromotionSensor", request=request_, deferrable=True).execute({})
    assert deferred.value.trigger.request == request_["id"]
    registry.approve(request_["id"], on_behalf_of="bob")
    assert sensor.poke({}).xcom_value["status"] == "committed"
    assert operator("WaitForPromotionSensor", request=request_, deferrable=True).execute({})["number"] == 0


def test_the_sensor_skips_or_fails_by_how_it_ended(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """A rejection is an answer; an expiry or a withdrawal is none."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    registry.reject(request_["id"], "No.", on_behalf_of="bob")
    with pytest.raises(AirflowSkipException, match="Rejected by bob"):
        operator("WaitForPromotionSensor", request=request_).poke({})
    with pytest.raises(AirflowFailException, match="Rejected by bob"):
        operator("WaitForPromotionSensor", request=request_, fail_on_reject=True).poke({})
    again = registry.promote(request_["ref"], "production")
    registry.withdraw(again.id)
    with pytest.raises(AirflowFailException, match="Withdrawn"):
        operator("WaitForPromotionSensor", request=again.id).poke({})


def decided(trigger: Any, meanwhile: Callable[[], object]) -> dict[str, Any]:
    """Run a trigger in a loop, and do something while it waits."""

    async def both() -> dict[str, Any]:
        events = trigger.run()
        waiting = asyncio.ensure_future(anext(events))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.3)
        assert not waiting.done()
        await asyncio.to_thread(meanwhile)
        return (await asyncio.wait_for(waiting, 30)).payload

    return asyncio.run(both())


def test_the_trigger_fires_when_it_is_decided(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """Made anew from what is stored of it; the task then reads the registry, not the message."""
    from airflow.sdk.exceptions import TaskDeferred

    task = operator("PromoteModelOperator", ref=f"{MODEL}:v0", to="production", wait=True, poll_interval=0.05)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute({})
    path, fields = deferred.value.trigger.serialize()
    trigger = type(deferred.value.trigger)(**fields)
    assert path == "podium.airflow.triggers.PromotionTrigger"
    event = decided(trigger, lambda: registry.approve(request_["id"], on_behalf_of="bob"))
    assert event == {"request": request_["id"], "status": "committed"}
    assert task.execute_complete({}, event)["status"] == "committed"


def test_a_rejection_fails_a_promotion_that_waits(registry: podium.Registry, request_: dict[str, Any]) -> None:
    """As a refusal does."""
    from airflow.sdk.exceptions import AirflowFailException

    registry.reject(request_["id"], "No.", on_behalf_of="bob")
    task = operator("PromoteModelOperator", ref=f"{MODEL}:v0", to="production", wait=True)
    with pytest.raises(AirflowFailException, match=r"Rejected by bob: No\."):
        task.execute_complete({}, {"request": request_["id"], "status": "rejected"})


def test_the_trigger_outlives_a_database_that_is_away(
    registry: podium.Registry, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may pass is tried again; what may not ends the wait with its sentence."""
    from podium.airflow.triggers import PromotionTrigger

    real, failures = podium.Registry.transition, [podium.DatabaseUnavailableError("It restarts.")] * 2

    def transition(self: podium.Registry, request: str) -> Any:
        if failures:
            raise failures.pop()
        return real(self, request)

    monkeypatch.setattr(podium.Registry, "transition", transition)
    trigger = PromotionTrigger(request_["id"], "podium_default", 0.05)
    event = decided(trigger, lambda: registry.approve(request_["id"], on_behalf_of="bob"))
    assert (event["status"], failures) == ("committed", [])
    gone = asyncio.run(anext(PromotionTrigger("0190aaaa", "podium_default").run()))
    assert "no request" in gone.payload["error"] or "0190aaaa" in gone.payload["error"]


def test_rollback_and_demotion(registry: podium.Registry, request_: dict[str, Any], weights: Any) -> None:
    """Back to who held it before; then nobody; each says what it did."""
    registry.approve(request_["id"], on_behalf_of="bob")
    weights.write_bytes(b"second")
    second = registry.link(registry.log("digits/small", weights).ref, MODEL)
    operator("PromoteModelOperator", ref=second.ref, to="production", force=True, reason="Fire.").execute({})
    back = operator("RollbackModelOperator", model=MODEL, reason="Slow.").execute({})
    assert (back["ref"], back["before"], back["kind"]) == (f"{MODEL}:v0", 1, "rolled_back")
    gone = operator("DemoteModelOperator", model=MODEL, stage="production", reason="Wrong.").execute({})
    assert (gone["ref"], gone["kind"], registry.model(MODEL).aliases) == (f"{MODEL}:v0", "demoted", {"latest": 1})


def test_a_cleared_task_does_not_ask_people_again(registry: podium.Registry, weights: Any) -> None:
    """It fails with what they said; the next DAG run asks them anew."""
    from airflow.sdk.exceptions import AirflowFailException

    linked = registry.link(registry.log("digits/small", weights).ref, MODEL)
    registry.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"count": 1}}]})
    asked = promoted_in("manual__1", linked.ref)
    registry.reject(asked["id"], "No.", on_behalf_of="bob")
    with pytest.raises(AirflowFailException, match=r"Rejected by bob: No\."):
        promoted_in("manual__1", linked.ref)
    assert registry.list_requests() == []
    assert promoted_in("manual__2", linked.ref)["status"] == "pending"


def promoted_in(dag_run: str, ref: str) -> Any:
    """Execute the operator as the task of a DAG run."""
    from airflow.sdk.execution_time.context import set_current_context

    with set_current_context({"ti": task_instance(run_id=dag_run)}):
        return operator("PromoteModelOperator", ref=ref, to="production").execute({})
