"""Explanations: every attempt to move a stage can be told from the events alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from podium.domain.events import Event
from podium.domain.explaining import explain_events
from podium.domain.origin import Origin
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError, PromotionRefusedError

MODEL = "model-registry/Digits classifier"
POLICY = {
    "stages": [
        {"name": "staging"},
        {
            "name": "production",
            "from": "staging",
            "checks": [{"name": "bias", "max_age": "7d"}],
            "metrics": ["accuracy >= production.accuracy - 0.005"],
            "approvals": {"count": 1},
        },
    ]
}


@pytest.fixture
def lived(registry, model_file):
    """A model with a refusal, a request that was approved, one that was rejected, force, a rollback, a demotion."""
    for accuracy in (0.95, 0.9):
        logged = registry.log("digits/mlp", model_file(f"model {accuracy}"), metrics={"accuracy": accuracy})
        registry.link(logged.ref, MODEL)
    registry.set_policy(MODEL, POLICY)
    with pytest.raises(PromotionRefusedError):
        registry.promote(f"{MODEL}:v0", "production", reason="too early")
    for number in (0, 1):
        registry.promote(f"{MODEL}:v{number}", "staging")
        registry.record_check(f"{MODEL}:v{number}", "bias", "pass", "even", metrics={"gap": 0.01})
    registry.approve(registry.promote(f"{MODEL}:v0", "production").id, on_behalf_of="bob", comment="fine")
    with pytest.raises(PromotionRefusedError):
        registry.promote(f"{MODEL}:v1", "production", reason="newer")
    registry.promote(f"{MODEL}:v1", "production", force=True, reason="fire")
    registry.rollback(MODEL, reason="out")
    registry.demote(MODEL, "production", reason="end of life")
    return registry


def test_each_attempt_is_told(lived) -> None:
    """Newest first, with its kind, its status, who, and why."""
    told = [(item.kind, item.status, item.version, item.forced) for item in lived.explain(MODEL, "production")]
    assert told == [
        ("demoted", "committed", "v0", False),
        ("rolled_back", "committed", "v0", False),
        ("promoted", "committed", "v1", True),
        ("promoted", "refused", "v1", False),
        ("promoted", "committed", "v0", False),
        ("promoted", "refused", "v0", False),
    ]
    assert [item.status for item in lived.explain(MODEL, "staging")] == ["committed", "committed"]
    assert len(lived.explain(MODEL, limit=3)) == 3


def test_a_refusal_has_every_gate_with_its_facts(lived) -> None:
    """The values, the threshold, who held the stage, the check with its sequence, digest and age, the policy."""
    refusal = lived.explain(MODEL, "production")[3]
    gates = {gate.kind: gate for gate in refusal.gates}
    assert {kind: gate.verdict for kind, gate in gates.items()} == {
        "from": "passed",
        "check": "passed",
        "metric": "failed",
        "approvals": "pending",
    }
    assert gates["metric"].facts["values"] == {"accuracy": 0.9, "production.accuracy": 0.95}
    assert gates["metric"].facts["threshold"] == pytest.approx(0.945)
    assert gates["metric"].facts["holders"]["production"]["number"] == 0
    digest = lived.resolve(f"{MODEL}:v1").digest
    check = gates["check"].facts
    assert (check["digest"], check["sequence"], check["max_age"], check["metrics"]) == (digest, 2, "7d", {"gap": 0.01})
    assert check["age_seconds"] >= 0
    assert refusal.policy == {"target": MODEL, "revision": 1}
    assert (refusal.reason, refusal.asked_by, refusal.before) == ("newer", "ann", "v0")


def test_who_approved_is_told(lived) -> None:
    """The request, the word of the person, and the commit are one attempt."""
    approved = lived.explain(MODEL, "production")[4]
    (word,) = approved.said
    assert (word.person, word.decision, word.comment, word.actor) == ("bob", "approved", "fine", "ann")
    assert len(approved.sequences) == 3
    assert approved.gates[-1].facts["approved"] == ["bob"]


def test_the_events_alone_are_enough(lived) -> None:
    """Events that went through JSON, with no registry at hand, tell the same."""
    kept = json.loads(json.dumps([event.to_json() for event in lived.events(MODEL)]))
    for event in kept:
        event["origin"] = Origin.from_json(event["origin"])
    events = [Event(**{**event, "at": datetime.fromisoformat(event["at"])}) for event in kept]
    told = list(reversed(explain_events(events)))
    assert [item.to_json() for item in told] == [item.to_json() for item in lived.explain(MODEL)]


def test_each_attempt_has_one_sentence(lived) -> None:
    """It names the stage, the version, and why."""
    assert [item.summary for item in lived.explain(MODEL, "production")][:4] == [
        "production taken from v0: end of life",
        "production rolled back to v0 (before: v1): out",
        "production was given to v1 (before: v0), forced: fire",
        "production was refused to v1 (before: v0): newer",
    ]


def test_a_deleted_model_can_be_explained(lived) -> None:
    """Its events stay, and so does what they explain; that staging was lost with it is the newest of that."""
    before = lived.explain(MODEL)
    lived.delete_collection(MODEL, force=True, reason="gone")
    newest, *others = lived.explain(MODEL)
    assert (others, newest.summary) == (before, "staging taken from v1: gone")


@pytest.mark.parametrize(
    ("model", "stage", "limit", "error"),
    [
        ("model-registry/Other", None, None, NotFoundError),
        ("digits/mlp", None, None, NotFoundError),
        (MODEL, "a b", None, InvalidNameError),
        (MODEL, None, 0, InvalidValueError),
    ],
)
def test_what_cannot_be_explained(lived, model, stage, limit, error) -> None:
    """A typed error."""
    with pytest.raises(error):
        lived.explain(model, stage, limit=limit)


def test_what_an_older_podium_recorded_is_told() -> None:
    """Gates of before had a name and a verdict only, and no policy; they are told as far as they go."""
    after = {"stage": "production", "number": 1, "digest": "sha256:x", "transition": "t1", "reasons": ["No."]}
    after["gates"] = [
        {"gate": "check:bias", "passed": False, "reason": "No."},
        {"gate": "from:staging", "passed": True, "reason": "m:v1 has been in 'staging'."},
    ]
    event = Event(
        id="e1",
        type="model_version.promotion_refused",
        stream=MODEL,
        sequence=4,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        actor="ann",
        origin=Origin(),
        subject=f"{MODEL}:v1",
        before={"stage": "production", "number": 0},
        after=after,
    )
    (told,) = explain_events([event])
    assert (told.gates[0].gate, told.gates[0].verdict, told.gates[0].reason) == ("check:bias", "failed", "No.")
    assert (told.policy, told.status, told.before, told.sequences) == (None, "refused", "v0", (4,))
