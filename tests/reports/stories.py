"""Test runs and promotions to make reports of, as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from podium.domain.checks import CheckResult, TestReport
from podium.domain.gates import GateResult
from podium.domain.metric_gates import Holder, Subject, rule_gate
from podium.domain.origin import Origin
from podium.domain.transitions import Approval, Transition

AT = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
REF, DIGEST = "model-registry/Digits classifier:v1", f"sha256:{'ab' * 32}"
AIRFLOW = Origin("airflow", "DAG train · task promote", "https://airflow.example/dags/train?x=1&y=2")
NASTY = (
    "<script>alert(1)</script> \"'> & | `x` [a](http://evil.example) <img src=http://evil.example/x>\n"
    "\u202eevil {{ 7*7 }} @ann #12 ]]> \x1b[31m \ufffe ``` ~~~ www.evil.example"
)


def rule(text: str, metrics: dict[str, float], held: dict[str, float] | None = None) -> GateResult:
    """Return the gate of a rule, with `held` the metrics of v0, which holds production."""
    holder = Holder(0, "sha256:00", held) if held is not None else None
    return rule_gate(text, Subject(REF, 1, DIGEST, metrics), {"staging": None, "production": holder})


WORSE = rule("accuracy >= production.accuracy - 0.005", {"accuracy": 0.96}, {"accuracy": 0.97})
FROM = GateResult("from", "staging", "passed", f"{REF} is in 'staging'.", {"holds_now": True, "held_before": True})
NO_CHECK = GateResult("check", "bias", "failed", f"The required check 'bias' has not run on {REF}.", {"status": None})
PEOPLE = GateResult(
    "approvals",
    "lead",
    "pending",
    "It needs 2 approvals of lead; approved by bob so far.",
    {
        "count": 2,
        "roles": ["lead"],
        "not_author": True,
        "approved": ["bob"],
        "left_out": [{"person": "ann", "why": "logged this version"}],
        "missing": 1,
    },
)


def attempt(status: str, *gates: GateResult, **more: Any) -> Transition:
    """Return an attempt to give production, which v0 holds, to v1."""
    made = Transition(
        id="0199b3c1-52aa-7000-8000-000000000000",
        collection="model-registry/Digits classifier",
        stage="production",
        number=1,
        digest=DIGEST,
        before=0,
        status=status,  # type: ignore[arg-type]  # a word of the type
        kind="promoted",
        gates=gates,
        reason="Retrained",
        forced=False,
        actor="ann",
        origin=AIRFLOW,
        at=AT,
        policy={"target": "model-registry/*", "revision": 3},
    )
    return replace(made, **more)


def said(person: str, decision: str = "approved", comment: str | None = "fine", actor: str = "bridge") -> Approval:
    """Return what a person said about it."""
    return Approval(1, person, decision, comment, AT, actor, AIRFLOW)  # type: ignore[arg-type]  # a word of the type


NASTY_GATES = (
    GateResult("plugin", NASTY, "failed", NASTY, {NASTY: NASTY, "list": [NASTY]}),
    GateResult("check", NASTY, "passed", NASTY, {"status": 7}),
)
NASTY_ATTEMPT = attempt(
    "refused",
    *NASTY_GATES,
    collection=f"r/{NASTY}",
    stage=NASTY,
    reason=NASTY,
    actor=NASTY,
    outcome=NASTY,
    ended_at=AT,
    ended_by=NASTY,
    origin=Origin("script", NASTY, "javascript:alert(1)"),
    approvals=(said(NASTY, comment=NASTY, actor=NASTY),),
    policy={"target": NASTY, "revision": 3},
)
NASTY_REPORT = TestReport(
    f"r/{NASTY}:v0",
    "sha256:ab",
    f"r/{NASTY}:v1",
    (CheckResult(NASTY, "fail", NASTY, {NASTY: NASTY}, suite=NASTY), CheckResult("n", "error", NASTY * 30)),
    (NASTY,),
)
RESULTS = (
    CheckResult("accuracy", "pass", "0.96", {"accuracy": 0.96}, duration=0.25),
    CheckResult("size", "fail", "It has 120 MB.\nassert 120 <= 100", {"megabytes": 120.0}, suite="files"),
    CheckResult("card", "fail", "No section 'Limits'.", severity="warn"),
    CheckResult("gpu", "skipped", "There is no GPU."),
    CheckResult("weights", "error", "RuntimeError: no such file"),
)
REPORT = TestReport(REF, DIGEST, "model-registry/Digits classifier:v0", RESULTS, ("test_late",))
