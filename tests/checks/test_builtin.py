"""Built-in checks: each says what it measured, passes what is good and fails what is not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import podium
from podium import checks
from podium.checks import Check, TestSubject
from podium.checks.builtin.samples import bootstrap_interval

Make = Callable[..., TestSubject]


def result_of(item: Check, version: TestSubject, champion: TestSubject | None = None) -> podium.CheckResult:
    """Run one check."""
    return checks.run_check(item, version, champion)


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (checks.metric_at_least("accuracy", 0.9), "pass"),
        (checks.metric_at_least("accuracy", 0.91), "fail"),
        (checks.metric_at_most("loss", 0.1), "pass"),
        (checks.metric_at_most("loss", 0.09), "fail"),
        (checks.metric_at_most("only/in/summary", 3), "pass"),
        (checks.metric_at_least("nothing", 0), "error"),
    ],
)
def test_a_metric_has_a_limit(subject: Make, item: Check, status: str) -> None:
    """A metric of the version, else of its run, is held against the limit; one that is missing is an error."""
    version = subject(metrics={"accuracy": 0.9, "loss": 0.1}, summary={"only/in/summary": 3, "accuracy": 0.1})
    assert result_of(item, version).status == status


# Metric, options, value of the champion, value of the version, and what comes out.
WORSE = [
    ("accuracy", {}, 0.9, 0.9, "pass"),
    ("accuracy", {}, 0.9, 0.89, "fail"),
    ("accuracy", {"absolute": 0.01}, 0.9, 0.89, "pass"),
    ("accuracy", {"absolute": 0.01}, 0.9, 0.8899, "fail"),
    ("accuracy", {"relative": 0.1}, 0.9, 0.81, "pass"),
    ("accuracy", {"relative": 0.1}, 0.9, 0.80, "fail"),
    ("loss", {}, 0.5, 0.4, "pass"),
    ("loss", {}, 0.5, 0.6, "fail"),
    ("loss", {"absolute": 0.2}, 0.5, 0.6, "pass"),
    ("loss", {"relative": 0.5}, -0.5, -0.3, "pass"),
    ("profit", {"better": "higher"}, 5, 4, "fail"),
    ("profit", {"better": "lower"}, 5, 4, "pass"),
    ("profit", {}, 5, 4, "error"),
    ("declared", {}, 5, 4, "pass"),
]


@pytest.mark.parametrize(("metric", "options", "best", "value", "status"), WORSE)
def test_not_worse_than_the_champion(subject: Make, metric, options, best, value, status) -> None:
    """Which way is better is what somebody said, else what the name says; the tolerance is on the worse side only."""
    goals = {"declared": "minimize"}
    version = subject(metrics={metric: value}, goals=goals)
    champion = subject(metrics={metric: best}, goals=goals, number=1)
    found = result_of(checks.not_worse_than_champion(metric, **options), version, champion)
    assert (found.status, found.name) == (status, f"not_worse_than_champion.{metric}")
    assert result_of(checks.not_worse_than_champion(metric, **options), version).status == "pass"


def table(rows: list[tuple[int, str, str]]) -> str:
    """Write predictions as CSV."""
    return "id,prediction,label\n" + "".join(f"{key},{given},{right}\n" for key, given, right in rows)


def predictions(wrong: int, size: int = 400) -> list[tuple[int, str, str]]:
    """Return predictions of which the first so many are wrong."""
    return [(key, "no" if key < wrong else "yes", "yes") for key in range(size)]


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance", "status"),
    [
        (20, 20, 0.0, "pass"),
        (20, 60, 0.0, "pass"),
        (60, 20, 0.01, "fail"),
        (24, 20, 0.01, "fail"),
        (24, 20, 0.05, "pass"),
    ],
)
def test_not_worse_on_samples(subject: Make, ours, theirs, tolerance, status) -> None:
    """The whole bootstrap interval of the paired difference lies above minus the tolerance."""
    version = subject({"predictions.csv": table(predictions(ours))})
    champion = subject({"predictions.csv": table(predictions(theirs))}, number=1)
    item = checks.not_worse_on_samples("predictions.csv", tolerance=tolerance)
    found = result_of(item, version, champion)
    assert found.status == status, found.message
    assert found.metrics["difference"] == pytest.approx((theirs - ours) / 400)
    assert found.metrics["low"] <= found.metrics["difference"] <= found.metrics["high"]
    assert result_of(item, version, champion).metrics == found.metrics  # the same seed


def test_samples_are_paired_by_their_key(subject: Make) -> None:
    """Rows in another order are the same samples when a column tells them apart; without it their labels differ."""
    rows = [(key, str(key % 7), str(key % 5)) for key in range(100)]
    shuffled = random.Random(1).sample(rows, len(rows))
    version = subject({"p.csv": table(rows)})
    champion = subject({"p.csv": table(shuffled)}, number=1)
    found = result_of(checks.not_worse_on_samples("p.csv", tolerance=0, key="id"), version, champion)
    assert (found.status, found.metrics["difference"]) == ("pass", 0.0)
    assert "labels" in result_of(checks.not_worse_on_samples("p.csv", tolerance=0), version, champion).message


@pytest.mark.parametrize(
    ("score", "options", "status"),
    [
        ("absolute_error", {}, "fail"),
        ("squared_error", {}, "fail"),
        ("loss", {"better": "lower"}, "fail"),
        ("loss", {}, "pass"),
    ],
)
def test_errors_and_scores_of_samples(subject: Make, score, options, status) -> None:
    """Of errors less is better; of a column of scores it is what is said."""

    def rows(shift: float) -> str:
        found = [{"prediction": n + shift, "label": n, "loss": shift} for n in range(50)]
        return "\n".join(map(json.dumps, found))

    version, champion = subject({"p.jsonl": rows(0.5)}), subject({"p.jsonl": rows(0.1)}, number=1)
    item = checks.not_worse_on_samples("p.jsonl", tolerance=0.1, score=score, **options)
    assert result_of(item, version, champion).status == status


def test_the_interval_is_that_of_scipy() -> None:
    """SciPy's percentile bootstrap of the mean gives the same interval, but for the noise of drawing."""
    stats = pytest.importorskip("scipy.stats")
    numpy = pytest.importorskip("numpy")
    values = list(numpy.random.default_rng(7).normal(0.02, 0.3, 500))
    mean, low, high = bootstrap_interval(values, 0.95, 5_000, 1)
    other = stats.bootstrap((values,), numpy.mean, method="percentile", n_resamples=5_000, rng=2).confidence_interval
    assert mean == pytest.approx(numpy.mean(values))
    assert (low, high) == pytest.approx((other.low, other.high), abs=0.002)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (table(predictions(1, 10)), "not the same"),
        ("a,b\n1,2\n", "no column 'label'"),
        ("", "no column"),
        (None, "no file"),
    ],
)
def test_samples_that_do_not_fit_are_an_error(subject: Make, other, words) -> None:
    """Other samples, a table without the columns, no table: the check cannot say anything, and says why."""
    version = subject({"p.csv": table(predictions(1))})
    champion = subject({} if other is None else {"p.csv": other}, number=1)
    found = result_of(checks.not_worse_on_samples("p.csv", tolerance=0), version, champion)
    assert found.status == "error"
    assert words in found.message


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ("owner", "pass"),
        (["owner", "training.seed"], "pass"),
        ("training.none", "fail"),
        ("blank", "fail"),
        ("a.b", "pass"),
    ],
)
def test_metadata_is_required(subject: Make, keys, status) -> None:
    """Under each key stands something; zero and False are something."""
    metadata = {"owner": "ann", "training": {"seed": 0, "none": None}, "blank": " ", "a.b": False}
    assert result_of(checks.required_metadata(keys), subject(metadata=metadata)).status == status


CARD = """
# Digits

## Intended *use* ##
Reading numbers.

Limits
------
None known.

## Empty

## Parent
### Child
Words.

```text
## In code
words
```
"""


@pytest.mark.parametrize(
    ("sections", "status"),
    [
        ("Intended use", "pass"),
        (["digits", "LIMITS", "child"], "pass"),
        ("Parent", "pass"),
        ("Empty", "fail"),
        ("In code", "fail"),
        ("Nothing", "fail"),
    ],
)
def test_the_card_has_sections(subject: Make, sections, status) -> None:
    """Headings by CommonMark, in any case, with words below; in the description, a README, or the file named."""
    item = checks.card_sections(sections)
    assert result_of(item, subject(card=CARD)).status == status
    assert result_of(item, subject({"readme.md": CARD}, number=1)).status == status
    assert (
        result_of(checks.card_sections(sections, file="doc.md"), subject({"doc.md": CARD}, number=2)).status == status
    )


CALLS = """
import time

def sleeper(model_version):
    return lambda: time.sleep(0.002)

def not_callable(model_version):
    return 3
"""


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [
        ("sleeper", {"median_ms": 1}, "fail"),
        ("sleeper", {"p95_ms": 1}, "fail"),
        ("sleeper", {"median_ms": 5_000, "p95_ms": 5_000}, "pass"),
        ("not_callable", {"median_ms": 1}, "error"),
        ("nobody", {"median_ms": 1}, "error"),
    ],
)
def test_latency_has_a_limit(subject: Make, write, name, options, status) -> None:
    """A call that takes two milliseconds takes longer than one, and less than five seconds."""
    write("calls.py", CALLS)
    found = result_of(checks.latency(f"calls.py:{name}", repeats=20, warm_up=1, **options), subject())
    assert found.status == status
    assert found.metrics == {} or 2 <= found.metrics["median_ms"] <= found.metrics["p95_ms"]


def data(shift: float, words: str, rows: int = 500) -> str:
    """Return a data set of a number and a word, as CSV."""
    source = random.Random(f"{shift}{words}")
    lines = [f"{source.gauss(shift, 1)},{source.choice(words)}" for _ in range(rows)]
    return "age,place\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("shift", "words", "drifted"), [(0.0, "aab", 0), (2.0, "aab", 1), (0.0, "bbbbc", 1), (2.0, "bbbbc", 2)]
)
def test_data_drift_by_column(subject: Make, tmp_path: Path, shift, words, drifted) -> None:
    """A number that moved by two deviations and words that come in other shares are drift, the same is none."""
    pytest.importorskip("scipy")
    (tmp_path / "new.csv").write_text(data(shift, words, 499))
    version = subject({"train.csv": data(0.0, "aab")}, data={"new": tmp_path / "new.csv"})
    found = result_of(checks.data_drift("train.csv", "new"), version)
    assert (found.status, found.metrics["drifted"]) == ("fail" if drifted else "pass", drifted)
    assert result_of(checks.data_drift("train.csv", "new", allowed=2), version).status == "pass"


def test_a_small_sample_is_no_proof_of_drift(subject: Make) -> None:
    """Five values may look far away by accident."""
    pytest.importorskip("scipy")
    version = subject({"old.csv": "a\n1\n2\n3\n4\n5\n", "new.csv": "a\n3\n4\n5\n6\n7\n"})
    found = result_of(checks.data_drift("old.csv", "new.csv"), version)
    assert (found.status, found.metrics["largest"]) == ("pass", pytest.approx(0.4))


@pytest.mark.parametrize(
    ("new", "words"), [("b\n1\n", "no column 'a'"), ("a,b\n,1\n", "no value"), (None, "no file 'new.csv'")]
)
def test_data_that_cannot_be_compared_are_an_error(subject: Make, new, words) -> None:
    """A missing column, file or value is no pass."""
    pytest.importorskip("scipy")
    files = {"old.csv": "a\n1\n2\n"} | ({} if new is None else {"new.csv": new})
    found = result_of(checks.data_drift("old.csv", "new.csv"), subject(files))
    assert found.status == "error"
    assert words in found.message


BAD = [
    lambda: checks.metric_at_least("", 1),
    lambda: checks.metric_at_least("a", "1"),
    lambda: checks.metric_at_least("a", float("nan")),
    lambda: checks.metric_at_least("a", 1, severity="fatal"),
    lambda: checks.metric_at_least("a", 1, timeout=-1),
    lambda: checks.not_worse_than_champion("a", absolute=-1),
    lambda: checks.not_worse_than_champion("a", better="up"),
    lambda: checks.not_worse_on_samples(tolerance=-0.1),
    lambda: checks.not_worse_on_samples(tolerance=0, confidence=2),
    lambda: checks.not_worse_on_samples(tolerance=0, score="accuracy", better="lower"),
    lambda: checks.max_size("big"),
    lambda: checks.max_size(-1),
    lambda: checks.max_size(True),
    lambda: checks.required_files([]),
    lambda: checks.required_files([1]),
    lambda: checks.forbidden_files(kinds=["virus"]),
    lambda: checks.latency("a:b"),
    lambda: checks.latency("a:b", median_ms=-1),
    lambda: checks.latency("a:b", median_ms=1, repeats=0),
    lambda: checks.data_drift("a", "b", limit=2),
]


@pytest.mark.parametrize("make", BAD)
def test_an_option_that_makes_no_sense_is_refused(make: Callable[[], Check]) -> None:
    """At once, when the check is made, and with what to do."""
    with pytest.raises(podium.InvalidValueError) as refused:
        make()
    assert refused.value.hint


def test_names_and_other_options() -> None:
    """A built-in check has a name of its own, and takes another one, a severity, a suite and a limit."""
    assert checks.metric_at_least("val/acc", 1).name.startswith("metric_at_least.val.acc-")
    item = checks.max_size(1, name="small", severity="warn", suite="files", timeout=5)
    assert (item.name, item.severity, item.suite, item.timeout) == ("small", "warn", "files", 5)
    with pytest.raises(TypeError, match="colour"):
        checks.max_size(1, colour="red")
    with pytest.raises(podium.InvalidNameError):
        checks.max_size(1, name="not a name")
