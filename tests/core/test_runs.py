"""Runs as the registry keeps them."""

from __future__ import annotations

import math

import pytest

from podium.domain.runs import MetricPoint
from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, NotFoundError


def test_a_run_begins_empty(registry) -> None:
    """A new run is running, has eight letters and digits for an id, and its origin."""
    run = registry.start_run("p", config={"lr": 0.1}, job_type="train")
    assert (run.status, run.config, run.summary, run.steps, run.job_type) == ("running", {"lr": 0.1}, {}, 0, "train")
    assert (len(run.id), run.name, run.origin.kind, run.finished_at) == (8, run.id, "script", None)
    assert registry.run(run.id) == run


def test_the_last_value_is_the_summary(registry) -> None:
    """History keeps every point; the summary keeps the last value per metric."""
    run = registry.start_run("p").id
    points = [MetricPoint("acc", 0, 0.5), MetricPoint("acc", 1, 0.7), MetricPoint("note", 1, "ok")]
    info = registry.log_metrics(run, points)
    assert (info.summary, info.steps) == ({"acc": 0.7, "note": "ok"}, 2)
    assert registry.metrics(run) == points


def test_a_thousand_points(registry) -> None:
    """A thousand points at once are kept, in order."""
    run = registry.start_run("p").id
    points = [MetricPoint("loss", step, 1 / (step + 1)) for step in range(1000)]
    assert registry.log_metrics(run, points).steps == 1000
    assert registry.metrics(run) == points


def test_a_step_logged_again_takes_the_newer_value(registry) -> None:
    """The same step twice, in one call or in two, keeps one point."""
    run = registry.start_run("p").id
    registry.log_metrics(run, [MetricPoint("a", 0, 1.0), MetricPoint("a", 0, 2.0)])
    assert registry.log_metrics(run, [MetricPoint("a", 0, 3.0)]).summary == {"a": 3.0}
    assert registry.metrics(run) == [MetricPoint("a", 0, 3.0)]


def test_values_that_are_no_numbers(registry) -> None:
    """NaN and infinities are kept as text, booleans and text for display."""
    run = registry.start_run("p").id
    values = {"nan": "NaN", "inf": "Infinity", "flag": True, "note": "ü"}
    registry.log_metrics(run, [MetricPoint(name, 0, value) for name, value in values.items()])
    assert registry.run(run).summary == values
    assert {point.name: point.value for point in registry.metrics(run)} == {**values, "flag": "True"}


def test_the_config_grows(registry) -> None:
    """Settings are added and replaced with the metrics."""
    run = registry.start_run("p", config={"lr": 0.1, "n": 1}).id
    assert registry.log_metrics(run, [], config={"n": 2, "seed": 7}).config == {"lr": 0.1, "n": 2, "seed": 7}


def test_a_run_ends_once(registry) -> None:
    """The first end counts; after it no metric is taken."""
    run = registry.start_run("p").id
    ended = registry.finish_run(run, "failed")
    assert registry.finish_run(run) == ended
    assert (ended.status, ended.finished_at is not None) == ("failed", True)
    with pytest.raises(InvalidValueError, match="has ended"):
        registry.log_metrics(run, [MetricPoint("a", 0, 1.0)])


def test_runs_of_a_project(registry) -> None:
    """Newest first, and only those of the project."""
    ids = [registry.start_run("p").id for _ in range(3)]
    registry.start_run("q")
    assert [run.id for run in registry.runs("p")] == ids[::-1]
    assert registry.runs("r") == []


def test_an_id_is_taken_once(registry, rows) -> None:
    """A second run of the same id is refused."""
    registry.start_run("p", id="mine")
    before = rows(registry)
    with pytest.raises(AlreadyExistsError):
        registry.start_run("q", id="mine")
    assert rows(registry) == before


@pytest.mark.parametrize(
    "point",
    [
        MetricPoint("", 0, 1.0),
        MetricPoint("x" * 251, 0, 1.0),
        MetricPoint("a\0", 0, 1.0),
        MetricPoint("\ud800", 0, 1.0),
        MetricPoint("a", -1, 1.0),
        MetricPoint("a", 2**80, 1.0),
        MetricPoint("a", 1.5, 1.0),
        MetricPoint("a", True, 1.0),
        MetricPoint("a", 0, "\ud800"),
        MetricPoint("a", 0, "b\0"),
        MetricPoint("a", 0, 10**400),
        MetricPoint("a", 0, None),
        MetricPoint("a", 0, [1]),
    ],
    ids=lambda point: ascii(point)[:60],
)
def test_points_that_cannot_be_kept(registry, rows, point) -> None:
    """The same points are refused on both databases, and the good ones beside them are not stored either."""
    run = registry.start_run("p").id
    before = rows(registry)
    with pytest.raises(InvalidValueError):
        registry.log_metrics(run, [MetricPoint("fine", 0, 1.0), point])
    assert rows(registry) == before


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"project": "a b"}, InvalidNameError),
        ({"project": "model-registry"}, InvalidValueError),
        ({"id": "a b"}, InvalidNameError),
        ({"id": "x" * 65}, InvalidNameError),
        ({"name": "a\0"}, InvalidValueError),
        ({"name": 3}, InvalidValueError),
        ({"job_type": "\ud800"}, InvalidValueError),
        ({"config": [1]}, InvalidValueError),
        ({"config": {"a": b"x"}}, InvalidValueError),
    ],
    ids=ascii,
)
def test_runs_that_cannot_begin(registry, rows, given, error) -> None:
    """A bad name, id, text or config is a typed error, and no run or project is made."""
    registry.start_run("p")
    before = rows(registry)
    with pytest.raises(error):
        registry.start_run(**{"project": "fresh", **given})
    assert rows(registry) == before


def test_an_unknown_run(registry) -> None:
    """Every verb about a run says that there is none."""
    for verb in (registry.run, registry.metrics, registry.finish_run, lambda run: registry.log_metrics(run, [])):
        with pytest.raises(NotFoundError):
            verb("nosuchrun")


def test_nan_may_come_as_a_number(registry) -> None:
    """A point that holds the number NaN itself is kept as its text."""
    run = registry.start_run("p").id
    assert registry.log_metrics(run, [MetricPoint("a", 0, math.nan)]).summary == {"a": "NaN"}
    assert registry.metrics(run) == [MetricPoint("a", 0, "NaN")]


def test_logging_in_a_run_of_its_own(registry, model_file):
    """One call starts a run, keeps its metrics and inputs, logs the version, and ends the run."""
    data = registry.log("digits/data", model_file("data"), type="dataset")
    version = registry.log_in_run(
        "digits/mlp", model_file("a"), metrics={"acc": 0.9}, uses=[data.ref], job_type="train"
    )
    run = registry.run(version.run)
    assert (run.status, run.job_type, run.summary, version.metrics) == ("finished", "train", {"acc": 0.9}, {"acc": 0.9})


def test_logging_in_a_run_marks_it_failed(registry, model_file):
    """An input that does not exist fails the run, and no version is made."""
    with pytest.raises(NotFoundError):
        registry.log_in_run("digits/mlp", model_file("a"), uses=["digits/data"])
    assert [run.status for run in registry.runs("digits")] == ["failed"]
    assert registry.collections() == []


def test_bad_values_start_no_run(lite, model_file, tmp_path):
    """A bad name and a missing file are refused before a run is started."""
    with pytest.raises(InvalidNameError):
        lite.log_in_run("digits/m l p", model_file("a"))
    with pytest.raises(NotFoundError):
        lite.log_in_run("digits/mlp", tmp_path / "missing")
    assert lite.collections() == []
    assert lite.runs("digits") == []
