"""Runs that go on: after a crash, in a retry, on another day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from podium.domain.runs import MetricPoint, check_resume
from podium.errors import AlreadyExistsError, InvalidValueError, NotFoundError


def test_a_run_goes_on(registry) -> None:
    """Steps and summary stay, the config is merged, and an ended run is running again."""
    registry.start_run("p", id="mine", name="first", config={"lr": 0.1, "n": 1}, job_type="train")
    registry.log_metrics("mine", [MetricPoint("a", 4, 1.0)])
    registry.finish_run("mine", "failed")
    run = registry.start_run("p", id="mine", config={"n": 2}, resume="allow")
    assert (run.status, run.finished_at, run.steps, run.summary) == ("running", None, 5, {"a": 1.0})
    assert (run.config, run.name, run.job_type) == ({"lr": 0.1, "n": 2}, "first", "train")


def test_the_resumption_is_noted(registry) -> None:
    """The environment says when, by whom, at which step and after what the run went on, and where it was before."""
    registry.start_run("p", id="mine")
    registry.log_metrics("mine", [MetricPoint("a", 0, 1.0)])
    registry.finish_run("mine", "failed")
    for _ in range(2):
        registry.start_run("p", id="mine", resume="must")
    first, second = registry.environment("mine")["resumed"]
    assert (first["by"], first["step"], first["status"], second["status"]) == ("ann", 1, "failed", "running")
    assert first["at"] < second["at"]
    assert (first["origin"]["kind"], "hostname" in first["before"]) == ("script", True)


def test_allow_starts_what_is_not_there(registry) -> None:
    """`allow` is for scripts that do not know whether they are the first attempt."""
    assert registry.start_run("p", id="mine", resume="allow").steps == 0
    assert "resumed" not in registry.environment("mine")


def test_must_needs_a_run(registry, rows) -> None:
    """`must` makes neither run nor project, and needs an id."""
    before = rows(registry)
    with pytest.raises(NotFoundError):
        registry.start_run("p", id="mine", resume="must")
    with pytest.raises(InvalidValueError, match="No id"):
        registry.start_run("p", resume="must")
    assert rows(registry) == before


@pytest.mark.parametrize("resume", ["never", None, False])
def test_never_is_the_default(registry, rows, resume) -> None:
    """A run is not taken over by accident."""
    registry.start_run("p", id="mine")
    before = rows(registry)
    with pytest.raises(AlreadyExistsError, match="resume='allow'"):
        registry.start_run("p", id="mine", resume=resume)
    assert rows(registry) == before


@pytest.mark.parametrize("resume", ["allow", "must"])
def test_a_run_of_another_project(registry, rows, resume) -> None:
    """An id does not carry a run into another project, nor make that project."""
    registry.start_run("p", id="mine")
    before = rows(registry)
    with pytest.raises(InvalidValueError, match="another project"):
        registry.start_run("q", id="mine", resume=resume)
    assert rows(registry) == before


def test_a_bad_config_resumes_nothing(registry, rows) -> None:
    """What cannot be kept leaves the run as it was."""
    registry.start_run("p", id="mine")
    registry.finish_run("mine")
    before = rows(registry)
    with pytest.raises(InvalidValueError):
        registry.start_run("p", id="mine", resume="allow", config={"a": "b\0"})
    assert rows(registry) == before


@pytest.mark.parametrize(("given", "meant"), [(True, "allow"), ("auto", "allow"), (None, "never"), ("must", "must")])
def test_the_words_of_wandb(given, meant) -> None:
    """True, "auto" and None mean what they do there."""
    assert check_resume(given, id_given=True) == meant


@pytest.mark.parametrize("resume", ["yes", 1.5, [], {}, "Must"])
def test_unknown_words(lite, resume) -> None:
    """Any other word is a typed error."""
    with pytest.raises(InvalidValueError):
        lite.start_run("p", id="mine", resume=resume)


@pytest.mark.parametrize(("resume", "won"), [("allow", 8), ("never", 1)])
def test_many_start_the_same_run_at_once(registry, resume, won) -> None:
    """Eight threads, one run: with `allow` all go on with it, with `never` one has it and the others are told."""
    registry.start_run("p")

    def start(number: int) -> str:
        try:
            return registry.start_run("p", id="mine", config={f"n{number}": number}, resume=resume).id
        except AlreadyExistsError:
            return "taken"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(8)))
    assert (answers.count("mine"), answers.count("taken")) == (won, 8 - won)
    assert len(registry.run("mine").config) == won
