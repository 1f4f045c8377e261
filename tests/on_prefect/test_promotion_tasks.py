"""Tasks around a promotion that waits for people, called as plain functions: no server, no flow."""

import threading
import time

import pytest

import podium
from podium.prefect import (
    NotPromotedError,
    ask_for_approval,
    demote_model,
    promote_model,
    rollback_model,
    test_model,
    wait_for_promotion,
)

MODEL = "model-registry/Classifier"
ONE = {"stages": [{"name": "production", "approvals": {"count": 1}}]}
SUITE = """
def test_small(model_version):
    assert sum(file.stat().st_size for file in model_version.path.iterdir()) < 100

def test_worse(model_version):
    assert False, "It reads ones as sevens."
"""


@pytest.fixture
def request_(registry, linked):
    """A request that waits for one person who is not its author."""
    registry.set_policy(linked, ONE)
    return promote_model.fn(f"{linked}:v0", "production", "Nightly.")


def test_a_promotion_that_waits_says_for_what(registry, request_):
    """Nothing moved, and whoever asks again gets the same request."""
    assert (request_.status, request_.version, registry.model(MODEL).aliases) == ("pending", "v0", {"latest": 1})
    assert request_.waiting_for == ["It needs 1 approval; nobody approved yet."]
    assert promote_model.fn(request_, "production").id == request_.id


def test_waiting_ends_when_somebody_approves(registry, request_):
    """Somewhere else, while the task looks again and again."""
    timer = threading.Timer(0.5, lambda: registry.approve(request_.id, on_behalf_of="bob"))
    timer.start()
    done = wait_for_promotion.fn(request_, timeout=30, poll_interval=0.1)
    timer.join()
    assert (done.status, done.version, done.approvals[0]["person"]) == ("committed", "v0", "bob")


@pytest.mark.parametrize("status", ["rejected", "cancelled"])
def test_waiting_for_what_ends_otherwise_fails(registry, request_, status):
    """With how it ended; it is not retried."""
    if status == "rejected":
        registry.reject(request_.id, "Too slow.", on_behalf_of="bob")
    else:
        registry.withdraw(request_.id)
    with pytest.raises(NotPromotedError, match=r"Too slow|Withdrawn") as caught:
        wait_for_promotion.fn(request_.id)
    assert (caught.value.status, caught.value.retryable) == (status, False)


def test_nobody_waits_for_what_held_the_stage_already(linked):
    """There is no request then, and the promotion itself is the answer."""
    promote_model.fn(f"{linked}:v0", "production")
    again = promote_model.fn(f"{linked}:v0", "production")
    assert (wait_for_promotion.fn(again) is again, again.changed) == (True, False)


def test_waiting_ends_in_time(registry, request_):
    """The request stays."""
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="nobody approved yet"):
        wait_for_promotion.fn(request_, timeout=0.3, poll_interval=0.1)
    assert 0.3 <= time.monotonic() - started < 20
    assert registry.transition(request_.id).status == "pending"


def test_what_is_no_promotion_cannot_be_waited_for(registry, linked):
    """A sentence, not a KeyError."""
    report = test_model.fn(f"{linked}:v0", "required_files('model.bin')")
    with pytest.raises(podium.InvalidValueError, match="no promotion"):
        wait_for_promotion.fn(report)
    with pytest.raises(podium.NotFoundError, match="no promotion request"):
        wait_for_promotion.fn("nothing")


def test_nobody_is_asked_outside_a_flow(request_):
    """There is no flow run to pause."""
    with pytest.raises(podium.InvalidValueError, match="outside a flow"):
        ask_for_approval(request_)


def test_roll_back_and_demote(registry, linked):
    """Back to who held it before; then nobody; each result is a reference."""
    for number in (0, 1):
        promote_model.fn(f"{linked}:v{number}", "production")
    back = rollback_model.fn(MODEL, reason="Slow.")
    assert (back.ref, back.before, back.kind) == (f"{MODEL}:v0", 1, "rolled_back")
    gone = demote_model.fn(MODEL, "production", "Wrong.", "v0")
    assert (gone.version, gone.kind, registry.model(MODEL).aliases) == ("v0", "demoted", {"latest": 1})


def test_force_needs_a_reason_and_waits_for_nobody(registry, request_):
    """It ends the request that waited."""
    with pytest.raises(podium.InvalidValueError, match="needs a reason"):
        promote_model.fn(request_, "production", force=True)
    assert promote_model.fn(request_, "production", "Fire.", force=True).status == "committed"
    assert registry.transition(request_.id).status == "cancelled"


def test_a_suite_of_pytest_beside_a_built_in_check(registry, linked, tmp_path):
    """Every test of it is a check; a slow one would be ended by `timeout`."""
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE)
    report = test_model.fn(
        f"{linked}:v0", "max_size('1 MB')", raise_on_failure=False, suite=suite, pytest_options=["-q"], timeout=60
    )
    assert {item["name"].removeprefix("test_suite-"): item["status"] for item in report.results} == {
        "max_size": "pass",
        "test_small": "pass",
        "test_worse": "fail",
    }
    assert len(registry.checks(f"{linked}:v0")) == 3
