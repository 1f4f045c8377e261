"""A run: steps, history, summary, config, and how it ends."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys

import pytest

import podium
from podium.errors import DatabaseUnavailableError, InvalidNameError, InvalidValueError, NotFoundError


@pytest.fixture
def run(lite) -> podium.Run:
    return podium.init("p", registry=lite)


def history(run, name: str) -> list[tuple[int, object]]:
    return [(point.step, point.value) for point in run._registry.metrics(run.id) if point.name == name]


def test_each_call_is_one_step(run, lite) -> None:
    """Steps count up from 0; history keeps all, the summary the last."""
    for value in (0.1, 0.2, 0.3):
        run.log({"acc": value, "note": "x"})
    run.finish()
    assert history(run, "acc") == [(0, 0.1), (1, 0.2), (2, 0.3)]
    assert lite.run(run.id).summary == run.summary == {"acc": 0.3, "note": "x"}
    assert lite.run(run.id).steps == run.step == 3


def test_a_step_may_be_given(run) -> None:
    """A step of one's own may jump ahead and be added to, and never lies in the past."""
    run.log({"a": 1}, step=5)
    run.log({"b": 2}, step=5)
    run.log({"a": 3}, step=7)
    with pytest.raises(InvalidValueError, match="lies in the past"):
        run.log({"a": 4}, step=6)
    run.finish()
    assert (history(run, "a"), history(run, "b")) == ([(5, 1.0), (7, 3.0)], [(5, 2.0)])


def test_a_step_may_stay_open(run) -> None:
    """`commit=False` keeps the step for the next call."""
    run.log({"a": 1}, commit=False)
    run.log({"b": 2})
    run.log({"a": 3})
    run.finish()
    assert (history(run, "a"), history(run, "b")) == ([(0, 1.0), (1, 3.0)], [(0, 2.0)])


def test_nested_nan_and_text(run) -> None:
    """Nested dicts are flattened; NaN, text and booleans are kept, and do not become metrics of a version."""
    run.log({"a": {"b": {"c": 1}}, "nan": math.nan, "inf": math.inf, "text": "é", "flag": True})
    assert run.summary == {"a.b.c": 1, "nan": "NaN", "inf": "Infinity", "text": "é", "flag": True}
    run.finish()
    assert history(run, "nan") == [(0, "NaN")]


def test_many_points_are_written_in_batches(run, lite) -> None:
    """A thousand steps come out whole and in order."""
    for step in range(1000):
        run.log({"loss": 1 / (step + 1)})
    assert 0 < len(lite.metrics(run.id)) <= 1000
    run.finish()
    assert history(run, "loss") == [(step, 1 / (step + 1)) for step in range(1000)]


@pytest.mark.parametrize(
    "data",
    [None, 3, [("a", 1)], {"": 1}, {1: 1}, {"a": [1]}, {"a": None}, {"a": "\0"}, {"\ud800": 1}, {"a": 10**400}],
    ids=ascii,
)
def test_what_cannot_be_logged(run, data) -> None:
    """Bad data is refused at the call, and does not poison the run: what is good is still written."""
    run.log({"good": 1})
    with pytest.raises(InvalidValueError):
        run.log(data)
    run.log({"good": 2})
    run.finish()
    assert history(run, "good") == [(0, 1.0), (1, 2.0)]


@pytest.mark.parametrize("step", ["3", 1.5, True, 2**80, -1], ids=repr)
def test_steps_that_are_none(run, step) -> None:
    """A step is a whole number that a database can hold."""
    with pytest.raises(InvalidValueError):
        run.log({"a": 1}, step=step)
    run.finish()
    assert history(run, "a") == []


def test_the_config_as_items_and_attributes(run, lite) -> None:
    """Settings are read and written in both ways, and kept with the run."""
    run.config["lr"] = 0.1
    run.config.epochs = 3
    run.config.update({"seed": 7, "nested": {"a": [1]}})
    assert (run.config.lr, run.config["epochs"], dict(run.config)["seed"]) == (0.1, 3, 7)
    run.finish()
    assert lite.run(run.id).config == {"lr": 0.1, "epochs": 3, "seed": 7, "nested": {"a": [1]}}
    with pytest.raises(AttributeError):
        _ = run.config.nothing
    with pytest.raises(InvalidValueError):
        run.config.bad = object()


def test_the_default_project(lite, monkeypatch) -> None:
    """Without a project it is PODIUM_PROJECT, else `uncategorized`."""
    assert podium.init(registry=lite).project == "uncategorized"
    monkeypatch.setenv("PODIUM_PROJECT", "mine")
    assert podium.init(registry=lite).project == "mine"


@pytest.mark.parametrize("given", [{"project": "a b"}, {"project": "x/y"}, {"id": "a b"}])
def test_runs_that_cannot_begin(lite, given) -> None:
    """A bad name is a typed error."""
    with pytest.raises(InvalidNameError):
        podium.init(registry=lite, **given)


def test_a_block_that_fails_marks_the_run(lite) -> None:
    """The run is `failed`, its metrics are kept, and the error of the block is the one that is seen."""
    with contextlib.suppress(ZeroDivisionError), podium.init("p", registry=lite) as run:
        run.log({"a": 1 / (run.step or 1)})
        run.log({"a": 1 / (run.step - 1)})
    assert lite.run(run.id).status == "failed"
    assert history(run, "a") == [(0, 1.0)]


@pytest.mark.parametrize(("code", "status"), [(None, "finished"), (0, "finished"), (1, "failed"), (137, "failed")])
def test_the_exit_code_says_how_it_ended(run, lite, code, status) -> None:
    """Anything but 0 and None is a failure; finishing twice does nothing."""
    run.finish(code)
    run.finish(1)
    assert lite.run(run.id).status == status


def test_an_ended_run_takes_nothing(run, model_file) -> None:
    """After the end, metrics and artifacts are refused with a hint."""
    run.finish()
    for call in (
        lambda: run.log({"a": 1}),
        lambda: run.log_artifact(str(model_file("a"))),
        lambda: run.use_artifact("p/a"),
    ):
        with pytest.raises(InvalidValueError, match="has ended"):
            call()


def test_metrics_outlive_a_database_that_was_away(run, lite, tmp_path) -> None:
    """A flush that fails loses nothing: the next one writes what it could not, config included."""
    run.log({"a": 1})
    run.config.lr = 0.1
    good, lite._database = lite._database, lite._database.__class__("postgresql://u@127.0.0.1:9/x")
    with pytest.raises(DatabaseUnavailableError):
        run.finish()
    lite._database = good
    run.finish()
    assert history(run, "a") == [(0, 1.0)]
    assert lite.run(run.id).config == {"lr": 0.1}


SCRIPT = "import podium; run = podium.init('p', id='myrun'); run.log({'a': 1}); "


@pytest.mark.parametrize(
    ("end", "status"),
    [("pass", "finished"), ("1/0", "failed"), ("import sys; sys.exit(0)", "finished"), ("run.finish()", "finished")],
)
def test_a_script_that_just_ends(tmp_path, open_at, end, status) -> None:
    """A run that nobody finished ends with its process, as a failure if the script broke."""
    environment = {**os.environ, "PODIUM_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", SCRIPT + end], env=environment, check=False, capture_output=True, timeout=60)
    registry = open_at(f"sqlite:///{tmp_path / 'home' / 'podium.db'}", content=None)
    assert (registry.run("myrun").status, registry.run("myrun").summary) == (status, {"a": 1})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_does_not_end_the_run(tmp_path, open_at) -> None:
    """A child process that leaves normally leaves the run of its parent alone."""
    code = SCRIPT + (
        "import os, sys\n"
        "if os.fork() == 0: sys.exit(0)\n"
        "os.wait(); print(run._registry.run('myrun').status); run.log({'a': 2})"
    )
    environment = {**os.environ, "PODIUM_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("running\n", "")
    registry = open_at(f"sqlite:///{tmp_path / 'home' / 'podium.db'}", content=None)
    assert registry.run("myrun").summary == {"a": 2}


def test_use_artifact(run, lite, model_file) -> None:
    """A name of the project, a full reference, a stage, or an artifact; a wrong type is refused."""
    lite.log("p/a", model_file("a"), type="dataset", metadata={"n": 1})
    lite.link("p/a", "model-registry/M", aliases=["best"])
    assert run.use_artifact("a").ref == run.use_artifact("p/a:v0", type="dataset").ref == "p/a:v0"
    registered = run.use_artifact("model-registry/M:best")
    assert (registered.name, registered.version, registered.metadata) == ("M:v0", "v0", {"n": 1})
    assert run.use_artifact(registered).ref == "model-registry/M:v0"
    with pytest.raises(InvalidValueError, match="type 'dataset'"):
        run.use_artifact("a", type="model")
    with pytest.raises(NotFoundError):
        run.use_artifact("nothing:latest")


def test_the_summary_may_be_written(run, lite, model_file) -> None:
    """A value put into the summary by hand is kept, and carried by versions that are logged after it."""
    run.log({"acc": 0.5})
    run.summary["best"] = 0.75
    run.log_artifact(str(model_file("a")), name="mlp", type="model")
    run.finish()
    assert lite.run(run.id).summary == {"acc": 0.5, "best": 0.75}
    assert lite.resolve("p/mlp").metrics == {"acc": 0.5, "best": 0.75}


def test_what_is_lost_at_the_end_is_said(tmp_path) -> None:
    """A process that ends when its database is gone says so on standard error, and does not fail for it."""
    script = (
        "import os, podium, shutil\n"
        "run = podium.init(project='p')\n"
        "run.log({'a': 1})\n"
        "run._registry.close()\n"
        "shutil.rmtree(os.environ['PODIUM_HOME'])\n"
    )
    environment = {**os.environ, "PODIUM_HOME": str(tmp_path / "gone")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert "could not be ended, its last metrics may be lost" in done.stderr
