"""Rules over metrics: the verdict, the sentence for a manager, and the facts."""

from __future__ import annotations

import pytest

from podium.domain.metric_gates import Holder, Subject, parse_rule, rule_gate
from podium.errors import InvalidValueError

SUBJECT = Subject(
    "model-registry/Churn:v3",
    3,
    "sha256:x",
    {"accuracy": 0.93, "val/acc": 1.0, "a.b": 2.0},
    {"card": "yes", "data": {"rows": 5000}, "sites": ["eu", "us"]},
    ("gold",),
)
HOLDERS = {"staging": None, "production": Holder(2, "sha256:y", {"accuracy": 0.95}), "eu.live": Holder(1, "", {"x": 1})}


@pytest.mark.parametrize(
    ("rule", "verdict", "words"),
    [
        ("accuracy >= 0.93", "passed", "accuracy is 0.93; at least 0.93 is asked for."),
        ("accuracy > 0.93", "failed", "accuracy is 0.93; more than 0.93 is asked for."),
        ("0.95 <= accuracy", "failed", "accuracy is 0.93; at least 0.95"),
        ("accuracy != 0.93", "failed", "other than 0.93"),
        ("accuracy >= 0.9300001", "failed", "accuracy is 0.93; at least 0.9300001 is asked for"),
        ("metric.accuracy >= 0.9", "passed", "accuracy is 0.93"),
        ("`val/acc` = 1", "passed", "val/acc is 1"),
        ("a.b = 2", "passed", "a.b is 2"),
        ("accuracy >= production.accuracy", "failed", "production.accuracy is 0.95 (v2)"),
        ("accuracy >= production.accuracy - 0.03", "passed", "at least 0.92"),
        ("accuracy / production.accuracy >= 0.99", "failed", "does not hold: accuracy is 0.93, production.accuracy"),
        ("accuracy >= staging.accuracy", "passed", "Nobody holds 'staging' yet"),
        ("not accuracy < staging.accuracy", "passed", "Nobody holds 'staging' yet"),
        ("not (accuracy > 0.9 and accuracy > staging.accuracy)", "passed", "holds"),
        ("f1 >= staging.f1", "failed", "v3 has no metric 'f1'"),
        ("accurcy >= 0.9", "failed", "It has 'accuracy'."),
        ("accuracy >= production.f1", "failed", "production (v2) has no metric 'f1'"),
        ("accuracy >= 0.9 or f1 > 1", "passed", "holds"),
        ("accuracy >= 0.99 or f1 > 1", "failed", "no metric 'f1'"),
        ("accuracy >= 0.99 and f1 > 1", "failed", "does not hold"),
        ("f1 is null", "passed", "holds"),
        ("`eu.live`.x = 1", "passed", "eu.live.x is 1"),
        ("eu.live.x >= 1", "passed", "eu.live.x is 1"),
        ("metadata.data.rows >= 1000", "passed", "metadata.data.rows is 5000"),
        ("metadata.card = 'yes'", "passed", "metadata.card is 'yes'"),
        ("metadata.sites = 'eu'", "passed", "holds"),
        ("metadata.gone = 'yes'", "failed", "no metadata 'gone'"),
        ("tag = 'gold' and tag != 'raw'", "passed", "holds"),
    ],
)
def test_a_rule(rule: str, verdict: str, words: str) -> None:
    """The verdict, and a sentence with the numbers."""
    gate = rule_gate(rule, SUBJECT, HOLDERS)
    assert (gate.kind, gate.name, gate.verdict) == ("metric", rule, verdict), gate.reason
    assert words in gate.reason
    assert gate.reason.endswith(".")


@pytest.mark.parametrize(("tags", "words"), [((), "it has no tags"), (("a", "b"), "its tags are 'a', 'b'")])
def test_tags_are_told_in_words(tags: tuple[str, ...], words: str) -> None:
    """A sentence for people shows no tuple of Python."""
    gate = rule_gate("tag = 'ok'", Subject("m:v1", 1, "", tags=tags), {})
    assert (gate.verdict, words in gate.reason) == ("failed", True)


def test_numbers_that_look_alike_are_told_apart() -> None:
    """A number that misses by less than one sees is written in full."""
    holder = {"production": Holder(2, "", {"accuracy": 0.87})}
    gate = rule_gate("accuracy > production.accuracy - 0", Subject("m:v1", 1, "", {"accuracy": 0.8699999999}), holder)
    assert "accuracy is 0.8699999999; more than 0.87 is asked for" in gate.reason


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("accuracy >", "ends too early"),
        ("prodction.accuracy > 1", "Did you mean production.accuracy"),
        ("metadta.card = 1", "Did you mean metadata.card"),
        ("accuracy = 'high'", "is a number"),
        ("accuracy", ""),
        ("1 > 2", "Two constants"),
        (" ", "asks for nothing"),
        ("null = 1", ""),
        ("production = null", ""),
    ],
)
def test_a_rule_that_cannot_be_understood(rule: str, words: str) -> None:
    """The error shows where, and what was meant perhaps."""
    with pytest.raises(InvalidValueError) as caught:
        parse_rule(rule, HOLDERS)
    assert words in str(caught.value)
