"""Versions side by side."""

from __future__ import annotations

import pytest

import podium
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError


@pytest.fixture
def three(lite, model_file):
    """Three versions with different metrics and metadata."""
    for number, acc in enumerate((0.5, 0.75, None)):
        metrics = {"loss": 1.0 - number / 4, **({"acc": acc} if acc else {})}
        lite.log("p/a", model_file(str(number)), metrics=metrics, metadata={"kind": "tree", "depth": number})
    lite.record_check("p/a:v0", "bias", "pass")
    return lite


def test_metrics_with_changes(three) -> None:
    """Each metric has one value per version and the change against the first; what is missing is None."""
    rows = {row.name: (row.values, row.changes) for row in three.compare(["p/a:v0", "p/a:v1", "p/a:v2"]).metrics}
    assert rows["acc"] == ((0.5, 0.75, None), (0.0, 0.25, None))
    assert rows["loss"] == ((1.0, 0.75, 0.5), (0.0, -0.25, -0.5))


@pytest.mark.parametrize(
    ("refs", "baseline", "order", "position"),
    [
        (["p/a:v0", "p/a:v1"], "p/a:v1", [0, 1], 1),
        (["p/a:v0"], "p/a:v1", [1, 0], 0),
        (["p/a:v0", "p/a:latest"], None, [0, 2], 0),
    ],
)
def test_the_baseline(three, refs, baseline, order, position) -> None:
    """The baseline stands where the caller put it, or comes first."""
    found = three.compare(refs, baseline)
    assert ([version.number for version in found.versions], found.baseline) == (order, position)


def test_only_metadata_that_differs(three) -> None:
    """Metadata that is the same everywhere is left out; checks are by name."""
    found = three.compare(["p/a:v0", "p/a:v1"])
    assert found.metadata == {"depth": (0, 1)}
    assert found.checks == {"bias": ("pass", None)}


@pytest.mark.parametrize(
    ("refs", "error"),
    [([], InvalidValueError), ("p/a", InvalidValueError), (["p/a:v9"], NotFoundError), (["p"], InvalidNameError)],
)
def test_nothing_to_compare(three, refs, error) -> None:
    """No version, a text instead of a list, or an unknown version is a typed error."""
    with pytest.raises(error):
        three.compare(refs)


def log_with(lite, model_file, metrics, goals=None, config=None, table=None, name="a"):
    """Log a version from a run of its own."""
    with podium.init("p", registry=lite, config=config) as run:
        for metric, goal in (goals or {}).items():
            run.define_metric(metric, goal=goal)
        for values in metrics:
            run.log(values)
        if table is not None:
            run.log(table)
        return run.log_artifact(str(model_file(run.id)), name=name, type="model").ref


def test_better_and_worse(three) -> None:
    """Each change says whether it is better, by the direction of the metric, and where that comes from."""
    rows = {row.name: row for row in three.compare(["p/a:v0", "p/a:v1", "p/a:v2"]).metrics}
    assert (rows["acc"].better, rows["acc"].direction_from) == ("higher", "name")
    assert rows["acc"].verdicts == ("same", "better", None)
    assert (rows["loss"].verdicts, rows["loss"].best) == (("same", "better", "better"), (2,))
    assert rows["loss"].relative == (0.0, -0.25, -0.5)


def test_nothing_is_claimed_of_what_nobody_knows(lite, model_file) -> None:
    """Where neither run nor name says it, there is no better, no worse and no best."""
    refs = [log_with(lite, model_file, [{"zeta": value}]) for value in (0.0, 2.0)]
    (row,) = lite.compare(refs).metrics
    assert (row.better, row.verdicts, row.best, row.relative) == (None, ("same", None), (), (None, None))


def test_runs_that_disagree_about_a_goal(lite, model_file) -> None:
    """Two goals for one metric are no goal."""
    refs = [log_with(lite, model_file, [{"loss": 1.0}], {"loss": goal}) for goal in ("minimize", "maximize")]
    assert lite.compare(refs).metrics[0].better is None


def test_equal_values_are_best_together(lite, model_file) -> None:
    """Whoever shares the best value is best."""
    refs = [log_with(lite, model_file, [{"acc": value}]) for value in (0.5, 0.9, 0.9)]
    assert lite.compare(refs).metrics[0].best == (1, 2)


def test_configuration_of_the_runs(lite, model_file) -> None:
    """Settings that differ stand there by their joined names, the others apart; 1 is not True."""
    configs = ({"net": {"depth": 2, "width": 8}, "lr": 1, "seed": 0}, {"net": {"depth": 3, "width": 8}, "lr": True})
    refs = [log_with(lite, model_file, [{"acc": 1}], config=config) for config in configs]
    found = lite.compare(refs)
    assert found.config == {"lr": (1, True), "net.depth": (2, 3), "seed": (0, None)}
    assert found.same_config == {"net.width": 8}


def test_a_model_version_has_the_run_of_its_source(lite, model_file) -> None:
    """What was linked is compared with what its run said."""
    ref = log_with(lite, model_file, [{"acc": 1}], config={"lr": 1})
    linked = lite.link(ref, "model-registry/M").ref
    found = lite.compare([linked, ref])
    assert found.runs[0] == found.runs[1] is not None
    assert found.same_config == {"lr": 1}


def test_files_by_path(registry, tmp_path) -> None:
    """Each version says which paths it added, lost, changed and kept; equal paths are left out of the rows."""
    for number, files in enumerate(({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "22", "d": "1"})):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        registry.log("p/x", folder)
    found = registry.compare(["p/x:v0", "p/x:v1"])
    assert [change.to_json() for change in found.file_changes] == [
        {"added": 0, "removed": 0, "changed": 0, "same": 3},
        {"added": 1, "removed": 1, "changed": 1, "same": 1},
    ]
    states = {row.path: (row.sizes, row.states[1]) for row in found.files}
    assert states == {"b": ((1, 2), "changed"), "c": ((1, None), "removed"), "d": ((None, 1), "added")}


def test_histories(registry, model_file) -> None:
    """A metric that was logged more than once has a history per run; what is no number is left out."""
    with podium.init("p", registry=registry) as run:
        for value in (3.0, float("nan"), 1.0):
            run.log({"loss": value})
        run.log({"once": 1})
        run.log_artifact(str(model_file("a")), name="a", type="model")
    registry.log("p/a", model_file("b"))
    (history,) = registry.compare(["p/a:v0", "p/a:v1"], histories=True).histories
    assert (history.name, history.series[1]) == ("loss", None)
    assert (history.series[0].points, history.series[0].logged) == (((0, 3.0), (2, 1.0)), 2)
    assert registry.compare(["p/a"]).histories == ()


def test_a_long_history_keeps_its_peaks(registry, model_file) -> None:
    """Of 5,000 points some hundred are left, the one peak, the lowest, and both ends among them."""
    with podium.init("p", registry=registry) as run:
        points = [podium.MetricPoint("m", step, float(step == 2345) - float(step == 77)) for step in range(5000)]
        registry.log_metrics(run.id, points)
        run.log_artifact(str(model_file("a")), name="a", type="model")
    series = registry.compare(["p/a"], histories=True).histories[0].series[0]
    assert series.logged == 5000
    assert len(series.points) <= 402
    assert {(0, 0.0), (77, -1.0), (2345, 1.0), (4999, 0.0)} <= set(series.points)
    assert list(series.points) == sorted(series.points)


def samples(rows, columns=("id", "truth", "guess")):
    return {"predictions": podium.Table(columns=list(columns), data=rows)}


def test_predictions_are_joined_by_id(registry, model_file) -> None:
    """Rows meet by their id whatever their order; what all say the same of stands once."""
    first = log_with(registry, model_file, [], table=samples([["x", 1, 1], ["y", 2, 2]]))
    second = log_with(registry, model_file, [], table=samples([["y", 2, 3], ["z", 3, 3]]))
    third = log_with(registry, model_file, [{"acc": 1}])
    found = registry.compare([first, second, third], predictions=True).predictions
    assert (found.name, found.key, found.shared, found.columns) == ("predictions", "id", ("truth",), ("guess",))
    assert [row.to_json() for row in found.rows] == [
        {"key": "x", "shared": [1], "cells": [[1], None, None]},
        {"key": "y", "shared": [2], "cells": [[2], [3], None]},
    ]
    assert found.logged == (2, 2, None)


def test_predictions_without_an_id_are_joined_by_their_place(lite, model_file) -> None:
    """A column that names two rows alike is no id."""
    refs = [log_with(lite, model_file, [], table=samples([[7, 1, n], [7, 2, n]])) for n in (0, 1)]
    found = lite.compare(refs, predictions="predictions").predictions
    assert (found.key, [row.key for row in found.rows]) == (None, [0, 1])
    assert found.shared == ("id", "truth")


def test_at_most_twenty_predictions(lite, model_file) -> None:
    """The first rows are enough to look at."""
    ref = log_with(lite, model_file, [], table=samples([[n, n, n] for n in range(50)]))
    found = lite.compare([ref], predictions=True).predictions
    assert (len(found.rows), found.logged) == (20, (50,))


def test_no_predictions(lite, model_file) -> None:
    """Asked for in general, none are none; asked for by name, the tables that are there are named."""
    ref = log_with(lite, model_file, [], table={"other": podium.Table(columns=["a"], data=[[1]])})
    assert lite.compare([ref], predictions=True).predictions is None
    with pytest.raises(InvalidValueError, match="There is other"):
        lite.compare([ref], predictions="preds")


def test_too_many_versions(three) -> None:
    """A list that nobody could read is refused before anything is read."""
    with pytest.raises(InvalidValueError, match="too many"):
        three.compare(["p/a:v0"] * 101)
