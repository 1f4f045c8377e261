"""Reports as the registry gives them: with the version, the policy, and the comparison with the champion."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

import podium
from podium.registry import Registry
from tests.reports.page import Page

MODEL = "model-registry/digits"
POLICY = """
stages:
  - name: production
    checks: [bias]
    metrics: [accuracy >= production.accuracy - 0.005]
"""


@pytest.fixture
def make(model_file: Callable[[str], Path]) -> Callable[[Registry, float], str]:
    """Log a version with its accuracy from a run that used a data set, link it, and let it pass 'bias'."""

    def make(registry: Registry, accuracy: float) -> str:
        registry.log("p/images", model_file("images"), type="dataset")
        with podium.init("p", registry=registry, config={"lr": accuracy}) as run:
            run.use_artifact("p/images")
            run.log({"accuracy": accuracy / 2})
            run.log({"accuracy": accuracy})
            made = podium.Artifact("a", type="model")
            made.add_file(str(model_file(str(accuracy))), name="model.bin")
            ref = registry.link(run.log_artifact(made).ref, MODEL).ref
        registry.record_check(ref, "bias", "pass", "even")
        return ref

    return make


def refusal(registry: Registry, make: Callable[[Registry, float], str]) -> str:
    """Return the id of a promotion that was refused: the new one is worse than the holder."""
    registry.set_policy(MODEL.partition("/")[0], podium.Policy.from_yaml(POLICY), reason="Agreed")
    registry.promote(make(registry, 0.97), to="production")
    worse = make(registry, 0.96)
    with pytest.raises(podium.PromotionRefusedError) as refused:
        registry.promote(worse, to="production")
    return str(refused.value.facts["transition"])


def test_a_refusal_in_each_form(registry, make) -> None:
    """The sentence, the policy with its revision, the data set, and the comparison with the holder."""
    request = refusal(registry, make)
    sentence = "its accuracy of 0.96 is too low. At least 0.965 is needed to replace v0, which has 0.97."
    page = Page(registry.promotion_report(request))
    for part in (
        sentence,
        "p/images:v0 dataset",
        "- accuracy >= production.accuracy - 0.005",
        "Agreed",
        "-1.03% worse",
    ):
        assert part in page.text
    assert page.all("figure")
    text = registry.promotion_report(request, "markdown")
    assert sentence in text
    assert "| v0 (baseline) | v1 |" in text
    assert ET.fromstring(registry.promotion_report(request, "junit")).get("failures") == "2"


def test_a_report_stays_when_versions_and_names_go(lite, make) -> None:
    """A year later the model has another name and the loser is gone: the decision is told all the same."""
    request = refusal(lite, make)
    lite.rename(MODEL, "numbers")
    lite.unlink("model-registry/numbers:v1")
    page = Page(lite.promotion_report(request))
    assert "numbers v1 was refused" in page.text
    assert "The version is not in the registry any more." in page.text


def test_what_test_returned_and_what_is_on_record(lite, make) -> None:
    """Right after the test there is the environment; later, by the version, its newest results without it."""
    lite.promote(make(lite, 0.97), to="production")
    ref = make(lite, 0.96)
    made = lite.test(ref, podium.check(name="late")(lambda model_version: False))
    fresh, later = Page(lite.test_report(made)), Page(lite.test_report(ref))
    assert "1 of 1 check failed: 'late'" in fresh.text
    assert "Where the checks ran" in fresh.text
    assert "1 of 2 checks failed: 'late'" in later.text
    assert "Where the checks ran" not in later.text
    assert "model-registry/digits:v0, is the baseline" in later.text
    assert "accuracy" in lite.test_report(ref, "markdown")
    assert "accuracy" not in lite.test_report(ref, "markdown", champion=None)


def test_predictions_out_of_reach_cost_no_report(lite, make, monkeypatch) -> None:
    """The store does not answer: the report has everything else."""
    request = refusal(lite, make)

    def away(*_: object) -> None:
        raise podium.StorageError("away")

    monkeypatch.setattr(type(lite), "_predictions", away)
    monkeypatch.setattr("podium.usecases.comparing.find_predictions", lambda *_: "predictions")
    assert Page(lite.promotion_report(request)).all("figure")


@pytest.mark.parametrize("verb", ["test_report", "promotion_report"])
def test_unknown_forms_and_names(lite, verb) -> None:
    """A typed error that says which forms there are, or what is not there."""
    with pytest.raises(podium.InvalidValueError, match="html, markdown, junit"):
        getattr(lite, verb)("model-registry/digits", "pdf")
    with pytest.raises(podium.NotFoundError):
        getattr(lite, verb)(
            "model-registry/digits" if verb == "test_report" else "0199b3c1-52aa-7000-8000-000000000000"
        )
