"""A person answers in a paused flow run, and it is on record in the registry; on a real server."""

import asyncio
import contextlib
import contextvars
import threading
import time

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow

import podium
from podium.prefect import NotPromotedError, ask_for_approval, promote_model

pytestmark = pytest.mark.usefixtures("server")

MODEL = "model-registry/Classifier"


@pytest.fixture
def policy(registry, linked):
    """One lead approves; bob is one, eve is not."""
    registry.set_policy(linked, {"stages": [{"name": "production", "approvals": {"count": 1, "roles": ["lead"]}}]})
    registry.grant_role("model-registry", "bob", "lead")
    return registry


@flow
def ship(timeout=60, asks=1):
    asked = promote_model(f"{MODEL}:v0", "production", "Nightly.")
    for _ in range(asks):
        asked = ask_for_approval(asked, timeout=timeout, poll_interval=1)
    return asked


def paused_run(flow_name):
    """Return the newest flow run once it is paused."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
            if runs and runs[0].state.is_paused():
                return runs[0].id
        time.sleep(0.1)
    raise AssertionError(f"{flow_name} was not paused.")


def respond(*answers, flow_name="ship"):
    """Answer the questions of the flow run that comes, one after the other, as people do in the UI."""

    def work():
        for answer in answers:
            run = paused_run(flow_name)
            with get_client(sync_client=True) as client:
                said.append(client.resume_flow_run(run, run_input=answer).status.value)
            time.sleep(0.3)

    said = []
    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
    thread.start()
    return thread, said


def yes(person, comment=""):
    return {"decision": "approve", "person": person, "comment": comment}


def run(*answers, **given):
    """Run the flow, answer, and return what it returned or raised."""
    thread, said = respond(*answers)
    result = ship(**given, return_state=True).result(raise_on_failure=False)
    thread.join(60)
    assert said[-1] == "ACCEPT"
    return result


def test_an_approval_is_on_record_in_the_name_of_who_gave_it(policy):
    """With the comment, and the task run that told it; the stage moves. A form that is not filled in is not taken."""
    nobody, maybe = yes(""), {**yes("bob"), "decision": "maybe"}
    thread, said = respond(nobody, maybe, yes("bob", "Seen the curves."))
    done = ship()
    thread.join(60)
    (word,) = policy.transition(done.id).approvals
    assert said == ["REJECT", "REJECT", "ACCEPT"]
    assert (done.status, word.person, word.decision, word.comment) == (
        "committed",
        "bob",
        "approved",
        "Seen the curves.",
    )
    assert (word.origin.kind, word.origin.details["task_name"]) == ("prefect", "Record decision")
    assert policy.resolve(f"{MODEL}:production").number == 0


def test_a_rejection_fails_the_flow_run(policy):
    """The request ended with what was said, or that nothing was said; the next run asks anew."""
    error = run({"decision": "reject", "person": "bob"})
    assert isinstance(error, NotPromotedError)
    assert (error.status, "Rejected by bob: Rejected in Prefect" in str(error)) == ("rejected", True)
    assert run(yes("bob")).status == "committed"


def test_who_may_not_is_told_so_and_the_request_stays(policy):
    """The flow run fails; the next one asks about the same request."""
    error = run(yes("eve"))
    assert isinstance(error, podium.PermissionDeniedError)
    assert "eve does not have the role lead" in str(error)
    (waiting,) = policy.list_requests(MODEL)
    assert waiting.approvals == ()
    done = run(yes("bob"))
    assert (done.id, done.status) == (waiting.id, "committed")


def test_nobody_answers_in_time(policy):
    """The flow run fails as Prefect has it, and the request stays."""
    state = ship(timeout=1, return_state=True)
    assert (state.type.value, "never resumed" in state.message) == ("FAILED", True)
    assert [made.status for made in policy.list_requests(MODEL)] == ["pending"]


def test_what_was_decided_elsewhere_counts(policy):
    """While the question stands open, the flow run goes on by itself; before, nobody is asked."""

    def elsewhere():
        paused_run("ship")
        policy.approve(policy.list_requests(MODEL)[0].id, on_behalf_of="bob")

    thread = threading.Thread(target=contextvars.copy_context().run, args=(elsewhere,))
    thread.start()
    done = ship()
    thread.join(60)
    assert (done.status, [word["person"] for word in done.approvals]) == ("committed", ["bob"])
    assert ship().changed is False


@pytest.mark.parametrize(("decision", "ends"), [("approve", True), ("reject", False)])
def test_an_answer_that_comes_too_late(policy, monkeypatch, decision, ends):
    """An approval of what is committed is no failure; a rejection has stopped nothing, and says so."""
    monkeypatch.setattr("podium.prefect.approval._resumed_by_others", lambda *_: contextlib.nullcontext())

    def both():
        run_id = paused_run("ship")
        policy.approve(policy.list_requests(MODEL)[0].id, on_behalf_of="bob")
        with get_client(sync_client=True) as client:
            client.resume_flow_run(run_id, run_input={"decision": decision, "person": "cy", "comment": "No."})

    thread = threading.Thread(target=contextvars.copy_context().run, args=(both,))
    thread.start()
    result = ship(return_state=True).result(raise_on_failure=False)
    thread.join(60)
    assert result.status == "committed"
    assert isinstance(result, NotPromotedError) is not ends
    assert [word.person for word in policy.list_requests(MODEL, status=None)[0].approvals] == ["bob"]


def test_two_people_are_asked_one_after_the_other(policy):
    """Each pause has an answer of its own."""
    policy.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"count": 2}}]})
    done = run(yes("bob"), yes("cy"), asks=2)
    assert (done.status, [word["person"] for word in done.approvals]) == ("committed", ["bob", "cy"])


def test_a_retried_flow_asks_again_only_what_is_not_on_record(policy):
    """The first answer was of somebody who may not; the second one is on record, and nobody is asked a third time."""
    attempts = []

    @flow(retries=4, name="ship")  # Prefect 3.7 counts each pause as an attempt, too
    def again():
        attempts.append(1)
        done = ask_for_approval(promote_model(f"{MODEL}:v0", "production"), timeout=60, poll_interval=1)
        if len(attempts) == 2:
            raise RuntimeError("It dies after the answer.")
        return done

    thread, said = respond(yes("eve"), yes("bob"))
    done = again()
    thread.join(60)
    assert (len(attempts), said, done.status) == (3, ["ACCEPT", "ACCEPT"], "committed")


# Prefect's asynchronous client leaves its sockets to the garbage collector when its loop ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_async_flow_asks_in_a_thread(policy):
    """The function blocks, so it must not block the loop of the flow."""

    @flow(name="ship")
    async def ships():
        asked = promote_model(f"{MODEL}:v0", "production")
        return await asyncio.to_thread(ask_for_approval, asked, timeout=60, poll_interval=1)

    thread, said = respond(yes("bob"))
    done = asyncio.run(ships())
    thread.join(60)
    assert (said, done.status) == (["ACCEPT"], "committed")


def test_nobody_is_asked_in_a_task(policy):
    """Prefect pauses flows, not tasks; the sentence says so."""

    @task
    def asks(request):
        ask_for_approval(request)

    @flow
    def wrong():
        asks(promote_model(f"{MODEL}:v0", "production").id)

    with pytest.raises(podium.InvalidValueError, match="in the flow itself"):
        wrong()


def test_a_suspended_flow_run_frees_its_process(policy):
    """It ends while people think, and from the top again its tasks find what they did."""

    @flow(name="suspends", persist_result=True)
    def suspends():
        asked = promote_model(f"{MODEL}:v0", "production")
        done = ask_for_approval(asked, suspend=True)
        return [asked.id, done.id, done.status]

    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(suspends), "suspends")
        run_id = client.create_flow_run_from_deployment(deployment).id
        with pytest.raises(Pause):  # what ends the process
            run_flow(suspends, flow_run=client.read_flow_run(run_id))
        assert client.read_flow_run(run_id).state.name == "Suspended"
        assert [made.status for made in policy.list_requests(MODEL)] == ["pending"]
        client.resume_flow_run(run_id, run_input=yes("bob"))
        asked, done, status = run_flow(suspends, flow_run=client.read_flow_run(run_id))
    assert (asked == done, status) == (True, "committed")
    assert len(policy.list_requests(MODEL, status=None)) == 1


def test_the_example_flow(registry, load_flow):
    """Train, test with a suite of pytest, ask, and the answer moves the stage; once more, and nobody is asked."""
    ships = load_flow("approve_and_promote")
    thread, _ = respond(yes("mia"), flow_name="approve-and-promote")
    done = ships(candidate="naive_bayes", poll_interval=1)
    thread.join(60)
    checks = {item.result.name: item.result.status for item in registry.checks(done.ref)}
    assert (done.status, done.approvals[0]["person"]) == ("committed", "mia")
    assert (checks["held_out_images"], checks["not_worse"], len(checks)) == ("pass", "skipped", 12)
    assert ships(candidate="naive_bayes", poll_interval=1).changed is False
