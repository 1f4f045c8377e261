"""Runs: started, fed with metrics, finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from podium.domain.names import check_label, check_project
from podium.domain.plain import check_text, plain_dict
from podium.domain.runs import MetricPoint, RunInfo, check_point, flatten_metrics
from podium.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.rows import to_run
from podium.sql.write import upsert
from podium.usecases.places import ensure_project
from podium.usecases.unit import Unit

_RUNS = sa.select(t.runs, t.namespaces.c.name.label("namespace")).join(
    t.namespaces, t.namespaces.c.id == t.runs.c.namespace_id
)


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start a run.

    Attributes:
        id: Unique in the registry, by the rule of aliases.
        project: Its project; made if new.
        name: For people; the id if None.
        config: Settings, plain JSON.
        job_type: What kind of work it does.
    """

    id: str
    project: str
    name: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    job_type: str | None = None


@dataclass(frozen=True, slots=True)
class LogMetrics:
    """Add points to the history of a run.

    Attributes:
        run: Its id.
        points: One per metric and step; the last one per metric becomes the summary.
        config: Settings to add or replace.
        summary: Values to put into the summary by hand, over those of the points.
    """

    run: str
    points: Sequence[MetricPoint] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FinishRun:
    """End a run.

    Attributes:
        run: Its id.
        status: How it ended.
    """

    run: str
    status: Literal["finished", "failed"] = "finished"


def start_run(unit: Unit, command: StartRun) -> RunInfo:
    """Start a run.

    Raises:
        AlreadyExistsError: The id is taken.
        InvalidNameError, InvalidValueError: A value cannot be used.
    """
    check_label(command.id, "run id")
    check_project(command.project)
    check_text(command.name, "The name of a run")
    check_text(command.job_type, "The job type of a run")
    space = ensure_project(unit, command.project)
    if unit.connection.execute(sa.select(t.runs.c.id).where(t.runs.c.id == command.id)).first() is not None:
        raise AlreadyExistsError(f"There is a run {command.id!r} already.", hint="Leave the id out to get a new one.")
    unit.connection.execute(
        sa.insert(t.runs).values(
            id=command.id,
            namespace_id=space.id,
            name=command.name or command.id,
            status="running",
            job_type=command.job_type,
            config=plain_dict(command.config, "The config"),
            summary={},
            steps=0,
            origin=unit.plain_origin,
            **unit.who,
        )
    )
    return show_run(unit, command.id)


def log_metrics(unit: Unit, command: LogMetrics) -> RunInfo:
    """Add points to the history of a run and bring its summary up to date.

    Raises:
        NotFoundError: There is no such run.
        InvalidValueError: It has ended, or a point cannot be stored.
    """
    row = lock_run(unit, command.run)
    if row.status != "running":
        raise InvalidValueError(f"The run {command.run!r} has ended.", hint="Start a new one with podium.init().")
    # A step logged again takes the newer value; one statement must not touch a row twice.
    points = [check_point(point) for point in command.points]
    newest = {(point.name, point.step): _point_row(command.run, point) for point in points}
    upsert(unit.connection, t.run_metrics, list(newest.values()))
    summary = {**row.summary, **{point.name: point.value for point in points}}
    summary |= flatten_metrics(command.summary)
    steps = max([row.steps, *(point.step + 1 for point in points)])
    config = {**row.config, **plain_dict(command.config, "The config")}
    values = {"summary": plain_dict(summary, "The summary"), "steps": steps, "config": config}
    unit.connection.execute(sa.update(t.runs).where(t.runs.c.id == command.run).values(values))
    return show_run(unit, command.run)


def finish_run(unit: Unit, command: FinishRun) -> RunInfo:
    """End a run; ending it again changes nothing.

    Raises:
        NotFoundError: There is no such run.
    """
    row = lock_run(unit, command.run)
    if row.status == "running":
        values = {"status": command.status, "finished_at": unit.now}
        unit.connection.execute(sa.update(t.runs).where(t.runs.c.id == command.run).values(values))
    return show_run(unit, command.run)


def show_run(unit: Unit, run: str) -> RunInfo:
    """Return a run.

    Raises:
        InvalidNameError: The text is no id of a run.
        NotFoundError: There is none.
    """
    check_label(run, "run id")
    row = unit.connection.execute(_RUNS.where(t.runs.c.id == run)).one_or_none()
    if row is None:
        raise _unknown(run)
    return to_run(row)


def list_runs(unit: Unit, project: str, limit: int = 100) -> list[RunInfo]:
    """Return the runs of a project, newest first.

    Raises:
        InvalidNameError: The name breaks the rules.
    """
    check_project(project)
    query = _RUNS.where(t.namespaces.c.name == project).order_by(t.runs.c.created_at.desc()).limit(limit)
    return [to_run(row) for row in unit.connection.execute(query)]


def list_metrics(unit: Unit, run: str) -> list[MetricPoint]:
    """Return the history of a run, by name and step.

    Raises:
        NotFoundError: There is no such run.
    """
    show_run(unit, run)
    m = t.run_metrics.c
    rows = unit.connection.execute(sa.select(t.run_metrics).where(m.run_id == run).order_by(m.name, m.step))
    return [MetricPoint(row.name, row.step, row.value if row.text is None else row.text) for row in rows]


def lock_run(unit: Unit, run: str) -> Any:
    """Return the locked row of a run.

    Raises:
        InvalidNameError: The text is no id of a run.
        NotFoundError: There is none.
    """
    check_label(run, "run id")
    row = unit.connection.execute(sa.select(t.runs).where(t.runs.c.id == run).with_for_update()).one_or_none()
    if row is None:
        raise _unknown(run)
    return row


def _point_row(run: str, point: MetricPoint) -> dict[str, Any]:
    number = isinstance(point.value, int | float) and not isinstance(point.value, bool)
    return {
        "run_id": run,
        "name": point.name,
        "step": point.step,
        "value": float(point.value) if number else None,
        "text": None if number else str(point.value),
    }


def _unknown(run: str) -> NotFoundError:
    return NotFoundError(f"There is no run {run!r}.", hint="podium.init() starts one and gives its id.", run=run)
