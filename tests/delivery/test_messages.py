"""What a message says about each event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from podium.delivery.messages import message_of
from podium.domain.events import TYPES, Event
from podium.domain.origin import Origin
from podium.domain.policies import Policy, Stage
from podium.errors import PromotionRefusedError

MODEL = "model-registry/Digits"


@pytest.fixture
def messages(with_channels, probe, model_file):
    """Every message of a story, by event type; the last one of each."""
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["*"])
    for number, acc in enumerate((0.5, 0.75)):
        registry.log("p/a", model_file(str(number)), metrics={"acc": acc})
        registry.link("p/a", MODEL)
        registry.promote(MODEL, "production", reason="better")
    registry.set_alias(MODEL, "best")
    registry.remove_alias(MODEL, "best")
    registry.rollback(MODEL, reason="bad")
    registry.record_check(MODEL, "bias", "fail", "too much")
    registry.set_policy(MODEL, Policy((Stage("production", ("bias",)),)))
    with pytest.raises(PromotionRefusedError):
        registry.promote(MODEL, "production")
    registry.promote(MODEL, "production", force=True, reason="now")
    registry.close()
    return {message.event.type: message for message in channel.sent}


TITLES = {
    "artifact_version.logged": "p/a v1 was logged",
    "model_version.linked": f"{MODEL} v1 is linked from p/a:v1",
    "model_version.promoted": f"{MODEL} v1 is now production after v0",
    "model_version.promotion_refused": f"{MODEL} v1 was refused for production",
    "model_version.promotion_forced": f"{MODEL} v1 was forced into production past its gates",
    "model_version.rolled_back": f"production of {MODEL} is rolled back to v0 from v1",
    "alias.set": f"best of {MODEL} is now v1",
    "alias.removed": f"best of {MODEL} was removed from v1",
}


@pytest.mark.parametrize("kind", TITLES)
def test_the_title(messages, kind) -> None:
    """The title says in one sentence what happened to which version."""
    assert messages[kind].title == TITLES[kind]


def test_every_event_has_words(messages) -> None:
    """No event type leaves a reader with nothing."""
    assert all(message.title and message.as_text() for message in messages.values())
    assert set(messages) <= set(TYPES)


def test_metrics_with_the_change_against_the_previous_holder(messages) -> None:
    """A promotion shows the metrics and how they changed against who held the stage before."""
    message = messages["model_version.rolled_back"]
    assert (message.previous, message.version) == ("v1", "v0")
    assert [(metric.name, metric.value, metric.change) for metric in message.metrics] == [("acc", 0.5, -0.25)]
    assert "acc 0.5 (-0.25)" in message.as_text()


def test_a_refusal_says_why(messages) -> None:
    """Each reason is a line, and so is the result of a check."""
    assert messages["model_version.promotion_refused"].lines == (
        "The check 'bias' failed on model-registry/Digits:v1: too much.",
    )
    assert messages["model_version.checked"].lines == ("bias: fail, too much",)
    assert messages["model_version.promotion_forced"].lines[-1] == "Reason: now"


def test_by_whom_and_from_where(messages) -> None:
    """The last line says who did it, and in which execution."""
    assert messages["alias.set"].as_text().splitlines()[-1].startswith("by ann from script ")


def event(kind: str, subject: str = MODEL, *, reason: str | None = None, before=(), **after: object) -> Event:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Event("1", kind, MODEL, 1, at, "ann", Origin(), subject, dict(before), after, reason)


@pytest.mark.parametrize(
    ("told", "title", "lines"),
    [
        (
            event(
                "model_version.promotion_requested",
                number=3,
                stage="production",
                transition="0192",
                reason="please",
                waiting_for=["1 approval, not by the author"],
                expires_at="2026-12-01T00:00:00Z",
            ),
            f"{MODEL} v3 waits to become production",
            (
                "1 approval, not by the author",
                "It waits until 2026-12-01T00:00:00Z",
                "To decide: podium approve 0192, or podium reject with a comment",
                "Reason: please",
            ),
        ),
        (
            event(
                "model_version.promotion_approved",
                number=3,
                stage="production",
                person="bob",
                comment="fine",
                missing=1,
                reason="fine",
                asked={"by": "ann", "reason": "please"},
            ),
            f"{MODEL} v3 was approved for production by bob",
            ("Comment: fine", "1 more needed", "Asked for by ann: please"),
        ),
        (
            event("model_version.promotion_rejected", number=3, stage="production", person="bob", comment="no"),
            f"{MODEL} v3 was rejected for production by bob",
            ("Comment: no",),
        ),
        (
            event(
                "model_version.promotion_cancelled", number=3, stage="production", why="It expired", reason="It expired"
            ),
            f"{MODEL} v3 does not become production: the request was cancelled",
            ("It expired",),
        ),
        (
            event("model_version.approval_withdrawn", number=3, stage="production", person="bob", missing=2),
            f"bob took back the approval of {MODEL} v3 for production",
            ("2 more needed",),
        ),
        (
            event(
                "model_version.promoted",
                number=3,
                stage="production",
                approvals=[
                    {"person": "bob", "decision": "approved"},
                    {"person": "cat", "decision": "approved"},
                    {"person": "cat", "decision": "withdrawn"},
                ],
            ),
            f"{MODEL} v3 is now production",
            ("Approved by bob",),
        ),
        (
            event(
                "model_version.demoted",
                before={"number": 3, "stage": "production"},
                number=None,
                stage="production",
                unlinked=True,
            ),
            f"production of {MODEL} was taken from v3, which was taken out of the model; nobody holds it",
            (),
        ),
        (
            event(
                "model_version.checked",
                number=3,
                checks=[
                    {"name": "bias", "status": "fail", "message": "0.4"},
                    {"name": "size", "status": "pass", "message": ""},
                ],
            ),
            f"{MODEL} v3 failed bias",
            ("bias: fail, 0.4", "size: pass"),
        ),
        (
            event("stage.frozen", stage=None, until="2026-12-24", why="holidays", reason="holidays"),
            f"Every stage of {MODEL} is frozen",
            ("Until 2026-12-24", "Reason: holidays"),
        ),
        (
            event("stage.adopted", f"{MODEL}:v3", number=3, stage="live"),
            f"live became a stage of {MODEL} by a new policy; v3 holds it without a gate",
            (),
        ),
        (
            event("stage.released", f"{MODEL}:v3", number=3, stage="live"),
            f"live of {MODEL} is no stage any more by a new policy; it stays an alias of v3",
            (),
        ),
        (
            event("policy.set", stages=[{"name": "staging"}, {"name": "production"}], revision=2),
            f"{MODEL} has a new policy: staging -> production",
            (),
        ),
        (event("role.granted", person="bob", role="approver"), f"bob is now approver in {MODEL}", ()),
        (
            event("model.updated", before={"owner": None}, owner="bob", description="x" * 200),
            f"{MODEL} was edited",
            ("owner: nothing -> bob", "description changed"),
        ),
        (
            event("automation.fired", automation="deploy", action="airflow.trigger_dag", receipt="run 7"),
            f"The automation deploy did its work for {MODEL}",
            ("airflow.trigger_dag: run 7",),
        ),
        (
            event(
                "automation.failed", automation="deploy", action="airflow.trigger_dag", error="HTTP 503", attempts=10
            ),
            f"The automation deploy failed for {MODEL}",
            ("airflow.trigger_dag: HTTP 503", "Given up after 10 attempts"),
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else "",
)
def test_words_of_what_people_decide_and_what_runs_by_itself(told, title, lines) -> None:
    """Decisions, freezes, policies, roles and automations have sentences of their own, and say each thing once."""
    message = message_of("1", told)
    assert message.title == title
    assert message.lines == lines
