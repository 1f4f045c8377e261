"""What became of a promotion or a test, in a sentence for people who do not read expressions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podium.domain.checks import TestReport
from podium.domain.gates import GateResult
from podium.reports.checks import decide_test
from podium.reports.decisions import decide, plain_reason
from tests.reports.stories import FROM, NO_CHECK, PEOPLE, REF, REPORT, RESULTS, WORSE, attempt, rule

NAME = "Digits classifier v1"


def test_a_worse_model_is_refused_in_plain_words() -> None:
    """`accuracy >= production.accuracy - 0.005`: no expression, no reference, both numbers and what is needed."""
    found = decide(attempt("refused", FROM, WORSE))
    assert (found.word, found.tone) == ("Refused", "fail")
    assert found.sentence == (
        "Digits classifier v1 was refused for production: its accuracy of 0.96 is too low. "
        "At least 0.965 is needed to replace v0, which has 0.97."
    )


@pytest.mark.parametrize(
    ("text", "metrics", "held", "reason"),
    [
        ("accuracy >= 0.95", {"accuracy": 0.9}, None, "its accuracy of 0.9 is too low. At least 0.95 is needed."),
        ("loss < 1", {"loss": 2}, None, "its loss of 2 is too high. Less than 1 is needed."),
        (
            "loss <= production.loss * 1.1",
            {"loss": 2},
            {"loss": 1},
            "its loss of 2 is too high. At most 1.1 is needed to replace v0, which has 1.",
        ),
        (
            "f1 > production.accuracy",
            {"f1": 0.1},
            {"accuracy": 0.5},
            "its f1 of 0.1 is too low. More than 0.5 is needed to replace v0, which has 0.5 (accuracy).",
        ),
    ],
)
def test_simple_rules_are_told_without_their_expression(text, metrics, held, reason) -> None:
    """One metric against one number that was worked out."""
    assert plain_reason(rule(text, metrics, held), "production") == reason


@pytest.mark.parametrize(
    "gate",
    [
        rule("accuracy >= 0.95 or f1 > 0.9", {"accuracy": 0.9, "f1": 0.1}),
        rule("accuracy = 1", {"accuracy": 0.9}),
        rule("accuracy >= 0.95", {}),
        rule("production.accuracy >= 0.98", {"accuracy": 0.9}, {"accuracy": 0.97}),
        NO_CHECK,
        GateResult("metric", "x ==== 1", "failed", "Of a later Podium.", {"expression": "x ==== 1", "threshold": 1}),
    ],
    ids=lambda gate: gate.name,
)
def test_whatever_is_not_simple_keeps_its_own_sentence(gate) -> None:
    """Nothing is claimed of what these words do not fit."""
    assert plain_reason(gate, "production") == gate.reason


PASSED = replace(WORSE, verdict="passed")
CASES = [
    (
        attempt("committed", FROM, PASSED),
        "Promoted",
        f"{NAME} holds production now in place of v0. It passed both gates.",
    ),
    (attempt("committed", FROM, before=None), "Promoted", f"{NAME} holds production now. It passed its only gate."),
    (attempt("committed"), "Promoted", f"{NAME} holds production now in place of v0. No gate was asked for."),
    (attempt("committed", before=1, changed=False), "Nothing to do", f"{NAME} holds production already."),
    (
        attempt("pending", PEOPLE),
        "Waiting",
        f"{NAME} is not in production yet. It needs 2 approvals of lead; approved by bob so far.",
    ),
    (
        attempt("rejected", PEOPLE, outcome="Rejected by bob: not now"),
        "Rejected",
        f"{NAME} was not given production. Rejected by bob: not now",
    ),
    (
        attempt("cancelled", PEOPLE, outcome="It waited until yesterday."),
        "Cancelled",
        f"{NAME} was not given production. It waited until yesterday.",
    ),
    (attempt("refused", WORSE, NO_CHECK, FROM), "Refused", f"{NAME} was refused for production: 2 of 3 gates say no."),
    (
        attempt("committed", WORSE, PEOPLE, FROM, forced=True),
        "Promoted by force",
        f"{NAME} holds production now in place of v0. ann overruled 2 of 3 gates: Retrained",
    ),
    (attempt("committed", kind="rolled_back", before=3), "Rolled back", f"production went back from v3 to {NAME}."),
    (
        attempt("committed", kind="demoted", before=1),
        "Demoted",
        f"{NAME} no longer holds production; nobody does now.",
    ),
    (
        attempt("committed", FROM, dry_run=True),
        "Only planned: promoted",
        f"{NAME} would hold production in place of v0. It passed its only gate.",
    ),
    (
        attempt("refused", NO_CHECK, dry_run=True),
        "Only planned: refused",
        f"{NAME} would be refused for production: The required check 'bias' has not run on {REF}.",
    ),
    (
        attempt("pending", PEOPLE, dry_run=True),
        "Only planned: waiting",
        f"{NAME} would wait before it is in production. It needs 2 approvals of lead; approved by bob so far.",
    ),
]


@pytest.mark.parametrize(
    ("made", "word", "sentence"), CASES, ids=[f"{number}-{case[1]}" for number, case in enumerate(CASES)]
)
def test_each_end_has_its_sentence(made, word, sentence) -> None:
    """Every status, kind and plan is told as what it is."""
    found = decide(made)
    assert (found.word, found.sentence) == (word, sentence)


def test_several_reasons_are_a_list() -> None:
    """Each reason begins like a sentence, those that were overruled as well."""
    refused = decide(attempt("refused", WORSE, NO_CHECK))
    forced = decide(attempt("committed", WORSE, PEOPLE, forced=True))
    assert refused.reasons[0].startswith("Its accuracy of 0.96 is too low.")
    assert refused.reasons[1] == NO_CHECK.reason
    assert forced.reasons == (refused.reasons[0], PEOPLE.reason)


@pytest.mark.parametrize(
    ("results", "left", "word", "sentence"),
    [
        (RESULTS[:1], (), "Passed", f"{NAME} passed its only check."),
        (RESULTS[:1] * 3, (), "Passed", f"{NAME} passed all 3 checks."),
        ((RESULTS[0], *RESULTS[2:4]), (), "Passed", f"{NAME} passed 2 checks (1 only warned, 1 skipped)."),
        (RESULTS[3:4], (), "Nothing ran", f"No check ran on {NAME} (1 skipped)."),
        ((), (), "Nothing ran", f"No check ran on {NAME}."),
        (RESULTS[:1], ("t",), "Not finished", f"No check of {NAME} failed, but 1 did not run."),
        (
            RESULTS,
            (),
            "Failed",
            f"{NAME} is not good enough yet. 2 of 5 checks failed (1 only warned, 1 skipped): 'size', 'weights'.",
        ),
        (
            RESULTS[1:2] * 5,
            ("t", "u"),
            "Failed",
            f"{NAME} is not good enough yet. 5 of 5 checks failed: 'size', 'size', 'size' and 2 more. "
            "2 more did not run.",
        ),
    ],
)
def test_each_test_run_has_its_sentence(results, left, word, sentence) -> None:
    """What passed, failed, only warned, was skipped and did not run."""
    found = decide_test(TestReport(REPORT.ref, REPORT.digest, None, results, left))
    assert (found.word, found.sentence) == (word, sentence)
    assert (found.tone == "pass") == (word == "Passed")
