"""Runs on their way from MLflow: settings, every point of every metric, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from podium.domain.runs import MetricPoint, RunInfo, check_point
from podium.errors import NotFoundError
from podium.moving.mlflow.job import Job
from podium.moving.mlflow.naming import run_config, run_environment
from podium.moving.mlflow.source import SourcePoint, SourceRun

_AT_ONCE = 5000  # points in one transaction
_ENDS: dict[str, Literal["finished", "failed"]] = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "failed"}


def bring_run(job: Job, run: str) -> bool | None:
    """Bring a run over unless it is here, finished; one that still ran when it came is brought up to date.

    Returns:
        Whether something of it came now; None if MLflow has it no more and it is not here either.

    Raises:
        InvalidNameError, InvalidValueError: MLflow's run holds what cannot be stored here.
        StorageError: MLflow could not give it.
    """
    if run in job.runs:
        return False if job.runs[run] else None
    here = _here(job, run)
    if here is not None and here.status in ("finished", "failed"):
        job.runs[run] = True
        return False
    found = job.source.run(run)
    job.runs[run] = here is not None or found is not None
    if found is None:
        return False if here is not None else None
    return _bring(job, found, here)


def _bring(job: Job, run: SourceRun, here: RunInfo | None) -> bool:
    job.at(f"run {run.name}")
    histories = {metric: job.source.history(run.id, metric) for metric in sorted(run.metrics)}
    renumbered = [metric for metric, points in histories.items() if not _counts(points)]
    points = [point for metric, found in histories.items() for point in _points(metric, found)]
    config = run_config(run, renumbered)
    end = _ENDS.get(run.status)
    same = here is not None and end is None and dict(here.config) == config
    if same and sorted(map(repr, job.registry.metrics(run.id))) == sorted(map(repr, points)):
        return False
    project = here.project if here is not None else job.options.project
    job.registry.adopt_run(project, id=run.id, name=run.name, config=config, environment=run_environment(run))
    for first in range(0, len(points), _AT_ONCE):
        job.registry.log_metrics(run.id, points[first : first + _AT_ONCE])
    if end is not None:
        job.registry.finish_run(run.id, end)
    return True


def _counts(points: Sequence[SourcePoint]) -> bool:
    """Whether the steps can be kept: MLflow has several points of one step, and steps below 0."""
    return all(point.step >= 0 for point in points) and len({point.step for point in points}) == len(points)


def _points(metric: str, found: Sequence[SourcePoint]) -> list[MetricPoint]:
    """Return points with MLflow's steps, or counted through in MLflow's order where those are no steps here."""
    kept = _counts(found)
    made = [MetricPoint(metric, point.step if kept else place, point.value) for place, point in enumerate(found)]
    return [check_point(point) for point in made]


def _here(job: Job, run: str) -> RunInfo | None:
    try:
        return job.registry.run(run)
    except NotFoundError:
        return None
