"""Promotion: gates in the transaction that moves the stage, on the digest being promoted."""

from __future__ import annotations

import pytest

from podium.domain.checks import CheckResult
from podium.domain.policies import Policy, Stage
from podium.errors import (
    ConflictError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    PromotionRefusedError,
)

MODEL = "model-registry/Digits classifier"
STRICT = Policy((Stage("staging", ("accuracy",)), Stage("production", ("bias",), "staging")))


def test_without_a_policy_a_stage_is_free(registry, linked) -> None:
    """The default policy has staging and production and asks for nothing."""
    linked(registry, 2)
    assert registry.policy(MODEL).names == ("staging", "production")
    made = registry.promote(f"{MODEL}:v0", "production", reason="first")
    assert (made.status, made.changed, made.before, made.number, made.forced) == ("committed", True, None, 0, False)
    assert registry.resolve(f"{MODEL}:production").aliases == ("production",)
    assert registry.promote(f"{MODEL}:v1", "production").before == 0


def test_a_stage_is_held_by_one(registry, linked) -> None:
    """A promotion takes the stage from its holder; history says who held it."""
    linked(registry, 2)
    for number in (0, 1):
        registry.promote(f"{MODEL}:v{number}", "production")
    assert registry.model(MODEL).aliases["production"] == 1
    moves = registry.history(MODEL, "production")
    assert [(move.kind, move.before, move.after) for move in moves] == [("promoted", None, 0), ("promoted", 0, 1)]


def test_promoting_the_holder_changes_nothing(registry, linked, rows) -> None:
    """It says `changed=False`, tells nobody, and leaves every row as it was."""
    linked(registry, 1)
    registry.promote(MODEL, "production")
    registry.subscribe("all", "console", events=["*"])
    before = rows(registry)
    again = registry.promote(MODEL, "production")
    assert (again.status, again.changed, again.number) == ("committed", False, 0)
    assert rows(registry) == before


REFUSALS = {
    "missing": (None, "has not run"),
    "failed": (("fail", "error"), "failed"),
    "error": (("error", "error"), "could not run"),
    "skipped": (("skipped", "error"), "was skipped"),
    "skipped_warn": (("skipped", "warn"), "was skipped"),
    "error_warn": (("error", "warn"), "could not run"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_required_check_that_did_not_pass(registry, linked, case) -> None:
    """Missing, failed, broken or skipped: the promotion is refused with a sentence that says so."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    recorded, words = REFUSALS[case]
    if recorded:
        registry.record_check(MODEL, "accuracy", recorded[0], severity=recorded[1])
    with pytest.raises(PromotionRefusedError, match=words) as caught:
        registry.promote(MODEL, "staging")
    assert len(caught.value.reasons) == 1
    assert "staging" not in registry.model(MODEL).aliases


@pytest.mark.parametrize(("status", "severity"), [("pass", "error"), ("warn", "error"), ("fail", "warn")])
def test_a_required_check_that_lets_through(registry, linked, status, severity) -> None:
    """A pass, a warning, and a failure that only warns let the version through."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    registry.record_check(MODEL, "accuracy", status, severity=severity)
    assert registry.promote(MODEL, "staging").status == "committed"


def test_the_newest_result_counts(registry, linked) -> None:
    """A check that passed and then failed refuses; passed again, it lets through."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    for status in ("pass", "fail"):
        registry.record_check(MODEL, "accuracy", status)
    with pytest.raises(PromotionRefusedError):
        registry.promote(MODEL, "staging")
    registry.record_check(MODEL, "accuracy", True)
    assert registry.promote(MODEL, "staging").changed


def test_a_check_on_another_digest_does_not_count(registry, linked) -> None:
    """A pass of another version of the model refuses, and the reason names it."""
    linked(registry, 2)
    registry.set_policy(MODEL, STRICT)
    registry.record_check(f"{MODEL}:v0", "accuracy", "pass")
    with pytest.raises(PromotionRefusedError, match="ran on v0, whose files differ"):
        registry.promote(f"{MODEL}:v1", "staging")


def test_a_check_on_the_source_counts(registry, linked) -> None:
    """A result recorded where the version was logged counts in the model that it is linked into."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    registry.record_check("digits/mlp:v0", "accuracy", "pass")
    assert registry.promote(MODEL, "staging").gates[0].gate == "check:accuracy"


def test_a_check_on_another_model_does_not_count(registry, linked) -> None:
    """A result recorded on one model, where it compares with that champion, is not taken for another model."""
    linked(registry, 1)
    registry.link("digits/mlp", "model-registry/Other")
    registry.record_check("model-registry/Other", "accuracy", "pass")
    registry.set_policy(MODEL, STRICT)
    with pytest.raises(PromotionRefusedError, match="has not run"):
        registry.promote(MODEL, "staging")


def test_the_way_through_the_stages(registry, linked) -> None:
    """`from_stage` asks that the version holds or has held the stage before."""
    linked(registry, 2)
    registry.set_policy(MODEL, Policy((Stage("staging"), Stage("production", (), "staging"))))
    with pytest.raises(PromotionRefusedError, match="not been in 'staging'"):
        registry.promote(f"{MODEL}:v0", "production")
    registry.promote(f"{MODEL}:v0", "staging")
    registry.promote(f"{MODEL}:v1", "staging")
    assert registry.promote(f"{MODEL}:v0", "production").changed


def test_every_reason_is_given(registry, linked) -> None:
    """All gates are evaluated, and the error carries a sentence for each that failed."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    with pytest.raises(PromotionRefusedError) as caught:
        registry.promote(MODEL, "production")
    assert len(caught.value.reasons) == 2
    assert caught.value.stage == "production"
    assert caught.value.ref == f"{MODEL}:v0"


def test_a_refusal_is_on_record(registry, linked, rows) -> None:
    """It is stored as a transition and an event with its reasons, and moves nothing."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    before = rows(registry)
    with pytest.raises(PromotionRefusedError):
        registry.promote(MODEL, "staging", reason="try")
    after = rows(registry)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"transitions", "events", "collections"}
    event = registry.events(MODEL)[-1]
    assert (event.type, event.reason) == ("model_version.promotion_refused", "try")
    assert event.after["reasons"] == ["The required check 'accuracy' has not run on " + f"{MODEL}:v0."]
    assert registry.history(MODEL) == []


def test_force_is_an_event_of_its_own(registry, linked) -> None:
    """Overruled gates are told as such, with the reason, before the promotion itself."""
    linked(registry, 1)
    registry.set_policy(MODEL, STRICT)
    made = registry.promote(MODEL, "staging", force=True, reason="fire")
    assert (made.forced, made.status, len(made.reasons)) == (True, "committed", 1)
    told = [(event.type, event.reason) for event in registry.events(MODEL)[-2:]]
    assert told == [("model_version.promotion_forced", "fire"), ("model_version.promoted", "fire")]


def test_force_without_need_is_no_force(registry, linked) -> None:
    """When every gate passes, nothing was overruled and nothing says so."""
    linked(registry, 1)
    assert registry.promote(MODEL, "staging", force=True, reason="sure").forced is False
    assert registry.events(MODEL)[-1].type == "model_version.promoted"


@pytest.mark.parametrize("reason", [None, "", "  \n"])
def test_force_needs_a_reason(registry, linked, rows, reason) -> None:
    """Whoever overrules says why; otherwise nothing happens, not even a refusal."""
    linked(registry, 1)
    before = rows(registry)
    with pytest.raises(InvalidValueError, match="reason"):
        registry.promote(MODEL, "staging", force=True, reason=reason)
    assert rows(registry) == before


@pytest.mark.parametrize(("expected", "holder"), [("v1", "v0"), (None, "v0"), (5, "v0")])
def test_a_promotion_may_expect_a_holder(registry, linked, rows, expected, holder) -> None:
    """A wrong expectation is a ConflictError with the holder, and leaves no transition behind."""
    linked(registry, 2)
    registry.promote(f"{MODEL}:v0", "production", expected=None)
    before = rows(registry)
    with pytest.raises(ConflictError) as caught:
        registry.promote(f"{MODEL}:v1", "production", expected=expected)
    assert caught.value.holder == holder
    assert rows(registry) == before
    assert registry.promote(f"{MODEL}:v1", "production", expected="v0").changed


@pytest.mark.parametrize(
    ("ref", "to", "error"),
    [
        (MODEL, "prodcution", NotFoundError),
        (MODEL, "latest", NotFoundError),
        (MODEL, "", NotFoundError),
        (f"{MODEL}:v9", "production", NotFoundError),
        (f"{MODEL}:nobody", "production", NotFoundError),
        ("model-registry/Other", "production", NotFoundError),
        ("digits/mlp", "production", NotFoundError),
    ],
)
def test_promotions_that_make_no_sense(registry, linked, rows, ref, to, error) -> None:
    """An unknown stage or version, or an artifact that is linked nowhere, is a typed error and no transition."""
    linked(registry, 1)
    before = rows(registry)
    with pytest.raises(error) as caught:
        registry.promote(ref, to)
    assert caught.value.hint
    assert rows(registry) == before


def test_a_digest_is_text(registry, linked) -> None:
    """Anything else is refused as what it is, before anything is written."""
    linked(registry, 1)
    with pytest.raises(InvalidValueError, match="5 is no digest"):
        registry.record_check(f"{MODEL}:v0", "safety", "pass", digest=5)


def test_results_are_bound_to_the_digest(registry, linked) -> None:
    """A result of another digest than the reference names is not put on it."""
    linked(registry, 2)
    digest = registry.resolve(f"{MODEL}:v0").digest
    with pytest.raises(ConflictError) as caught:
        registry.record_check(MODEL, "accuracy", "pass", digest=digest)
    assert caught.value.holder == f"{MODEL}:v1"
    assert registry.checks(MODEL) == []
    recorded = registry.record_check(f"{MODEL}:v0", "accuracy", "pass", digest=digest)
    assert (recorded.digest, recorded.number) == (digest, 0)


def test_results_are_only_added(registry, linked) -> None:
    """Every result stays, in order, with its message, metrics, severity, suite and duration."""
    linked(registry, 1)
    results = [
        CheckResult("acc", "pass", "0.97", {"acc": 0.97}, "error", 0.25, "held-out"),
        CheckResult("acc", "fail", "0.5", {"acc": 0.5}, "warn"),
    ]
    for result in results:
        registry.record_checks(MODEL, [result])
    assert [check.result for check in registry.checks(MODEL)] == results


@pytest.mark.parametrize(
    "result",
    [
        CheckResult("a b", "pass"),
        CheckResult("acc", "passed"),
        CheckResult("acc", "pass", severity="fatal"),
        CheckResult("acc", "pass", "a\0"),
        CheckResult("acc", "pass", 3),
        CheckResult("acc", "pass", metrics={"a": [1]}),
        CheckResult("acc", "pass", metrics=[1]),
        CheckResult("acc", "pass", suite="a b"),
        CheckResult("acc", "pass", duration="fast"),
        CheckResult("acc", "pass", duration=None),
        CheckResult("acc", "pass", duration=float("nan")),
        "acc",
    ],
    ids=repr,
)
def test_results_that_cannot_be_kept(registry, linked, rows, result) -> None:
    """A result with a bad name, status, severity, text or number is a typed error; none of its siblings is stored."""
    linked(registry, 1)
    before = rows(registry)
    with pytest.raises((InvalidValueError, InvalidNameError)):
        registry.record_checks(MODEL, [CheckResult("fine", "pass"), result])
    assert rows(registry) == before


def test_no_result_is_no_record(registry, linked) -> None:
    """An empty list is a mistake of the caller."""
    linked(registry, 1)
    with pytest.raises(InvalidValueError):
        registry.record_checks(MODEL, [])


def test_what_holds_the_stage_already_is_answered_by_how_it_got_it(registry, model_file) -> None:
    """The answer says that this call changed nothing, and its id looks up the attempt that gave the stage."""
    registry.log("p/a", model_file("a"))
    registry.link("p/a", "model-registry/M")
    made = registry.promote("model-registry/M", "production", reason="first")
    again = registry.promote("model-registry/M", "production", reason="once more")
    planned = registry.promote("model-registry/M", "production", dry_run=True)
    assert {made.id, again.id, planned.id} == {made.id}
    assert (again.changed, again.before, again.number, again.gates) == (False, 0, 0, ())
    assert registry.transition(again.id).reason == "first"
