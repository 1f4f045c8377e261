"""``run.define_metric``: which way a metric gets better, and what its summary keeps."""

from __future__ import annotations

import math

import pytest

import podium
from podium.errors import InvalidValueError


@pytest.fixture
def run(lite) -> podium.Run:
    return podium.init("p", id="r", registry=lite)


def log(run, *values) -> None:
    for value in values:
        run.log({"loss": value})


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("min", {"loss.min": 1.0}),
        ("max", {"loss.max": 4.0}),
        ("mean", {"loss.mean": 2.5}),
        ("best", {"loss.best": 1.0}),
        ("min, max", {"loss.min": 1.0, "loss.max": 4.0}),
        ("last", {}),
        (None, {}),
    ],
)
def test_the_summary_keeps_what_was_asked_for(run, lite, asked, kept) -> None:
    """Beside the last value stands what was asked for, in the run and in the registry."""
    run.define_metric("loss", goal="minimize", summary=asked)
    log(run, 4, 1, 2, 3)
    run.finish()
    assert dict(run.summary) == dict(lite.run("r").summary) == {"loss": 3, **kept}


def test_what_was_logged_before_counts(run) -> None:
    """A definition that comes late looks at the history, also at what is not written yet."""
    log(run, 1, 5)
    run.define_metric("loss", summary="min,mean")
    assert (run.summary["loss.min"], run.summary["loss.mean"]) == (1.0, 3.0)
    log(run, 9)
    assert run.summary["loss.mean"] == 5.0


def test_a_resumed_run_goes_on(run, lite) -> None:
    """The script that is run again defines again, and the minimum of before counts; goals stay."""
    run.define_metric("loss", goal="minimize", summary="min")
    log(run, 1)
    run.finish()
    again = podium.init("p", id="r", resume="must", registry=lite)
    again.define_metric("loss", summary="best")
    log(again, 2)
    assert again.summary["loss.best"] == 1.0
    again.finish()


def test_patterns(run) -> None:
    """``val/*`` speaks of all that begin so, but for those that are defined by themselves."""
    run.define_metric("val/*", summary="max")
    run.define_metric("val/loss", summary="min")
    for value in (1, 3, 2):
        run.log({"val/acc": value, "val/loss": value, "train": value})
    kept = {name: value for name, value in run.summary.items() if name.count(".")}
    assert kept == {"val/acc.max": 3.0, "val/loss.min": 1.0}


def test_values_that_are_no_numbers_are_passed_over(run) -> None:
    """NaN, infinities, text and booleans are in no minimum."""
    run.define_metric("loss", summary="min")
    log(run, math.nan, True, "x", 3, -math.inf)
    assert run.summary["loss.min"] == 3.0


def test_a_version_takes_it_along_and_the_goal_is_known(run, lite, model_file) -> None:
    """The version carries ``loss.min`` as a metric, and its direction is that of the loss."""
    run.define_metric("margin", goal="maximize", summary="best")
    run.log({"margin": 1.0})
    run.log({"margin": 0.5})
    run.log_artifact(str(model_file("a")), name="a", type="model")
    assert lite.run("r").goals == {"margin": "maximize"}
    rows = {row.name: (row.values, row.better, row.direction_from) for row in lite.compare(["p/a"]).metrics}
    assert rows == {"margin": ((0.5,), "higher", "run"), "margin.best": ((1.0,), "higher", "run")}


def test_a_goal_alone_is_written(run, lite) -> None:
    """A run that logs nothing keeps what it was told."""
    run.define_metric("loss", goal="minimize")
    run.finish()
    assert lite.run("r").goals == {"loss": "minimize"}


@pytest.mark.parametrize(
    "given",
    [{"goal": "down"}, {"summary": "median"}, {"summary": "min,none"}, {"summary": 1}, {"summary": "best"}],
    ids=str,
)
def test_what_does_not_work_is_refused(run, given) -> None:
    """An unknown word, and a best without a goal, are said at once; nothing of the call holds."""
    with pytest.raises(InvalidValueError):
        run.define_metric("loss", **given)
    log(run, 1)
    assert dict(run.summary) == {"loss": 1}


def test_a_run_that_has_ended(run) -> None:
    """Nothing is defined any more."""
    run.finish()
    with pytest.raises(InvalidValueError, match="has ended"):
        run.define_metric("loss", goal="minimize")


def test_a_name_that_is_too_long_for_its_summary(run) -> None:
    """The call that logs it is refused, and takes nothing."""
    run.define_metric("*", summary="mean")
    with pytest.raises(InvalidValueError):
        run.log({"x": 1, "y" * 248: 1})
    run.log({"x": 3})
    assert dict(run.summary) == {"x": 3, "x.mean": 3.0}
