"""Runs: started, fed with metrics, finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from podium.domain.goals import check_goals
from podium.domain.names import check_label, check_project
from podium.domain.plain import canonical, check_text, iso, plain_dict
from podium.domain.runs import (
    MetricPoint,
    Resume,
    RunInfo,
    check_point,
    flatten_metrics,
)
from podium.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from podium.processes import has_ended
from podium.sql import tables as t
from podium.sql.rows import to_run
from podium.sql.types import PlainJson
from podium.sql.write import upsert
from podium.usecases.fields import add_fields, replace_fields
from podium.usecases.places import ensure_project
from podium.usecases.unit import Unit

_LIVE = sa.case((t.runs.c.status == "running", t.runs.c.environment))
# Which packages were installed is kilobytes per run, and no list shows it; it says whether a run lives while it runs.
RUNS = sa.select(
    *(column for column in t.runs.c if column is not t.runs.c.environment),
    sa.type_coerce(_LIVE, PlainJson).label("environment"),
    t.namespaces.c.name.label("namespace"),
).join(t.namespaces, t.namespaces.c.id == t.runs.c.namespace_id)
_MOST_RESUMED = 100  # notes of resumptions that a run keeps


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start a run, or go on with one.

    Attributes:
        id: Unique in the registry, by the rule of aliases.
        project: Its project; made if new.
        name: For people; the id if None.
        config: Settings, plain JSON; of a run that goes on they are added and replaced.
        job_type: What kind of work it does.
        environment: Where it runs, plain JSON; ``processes`` says which process must live.
        resume: Whether a run of this id may or must be there.
    """

    id: str
    project: str
    name: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    job_type: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    resume: Resume = "never"


@dataclass(frozen=True, slots=True)
class LogMetrics:
    """Add points to the history of a run.

    Attributes:
        run: Its id.
        points: One per metric and step; the last one per metric becomes the summary.
        config: Settings to add or replace.
        summary: Values to put into the summary by hand, over those of the points.
        words: Short words for media that are logged with them, each with its ``step``.
        goals: Metrics to ``minimize`` or ``maximize``; a name may end in ``*``.
    """

    run: str
    points: Sequence[MetricPoint] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    goals: Mapping[str, str] = field(default_factory=dict)


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
    """Start a run, or go on with the one that has this id where `resume` allows it.

    Raises:
        AlreadyExistsError: The id is taken, and `resume` is ``never``.
        InvalidNameError, InvalidValueError: A value cannot be used, or the run belongs to another project.
        NotFoundError: There is no such run, and `resume` is ``must``.
    """
    check_label(command.id, "run id")
    check_project(command.project)
    check_text(command.name, "The name of a run")
    check_text(command.job_type, "The job type of a run")
    space = ensure_project(unit, command.project)
    query = sa.select(t.runs).where(t.runs.c.id == command.id).with_for_update()
    row = unit.connection.execute(query).one_or_none()
    if row is None:
        if command.resume == "must":
            raise unknown_run(command.id)
        _insert_run(unit, space.id, command)
    elif command.resume == "never":
        raise AlreadyExistsError(
            f"There is a run {command.id!r} already.", hint="Leave the id out, or pass resume='allow' to go on with it."
        )
    else:
        _resume_run(unit, row, space.id, command)
    return show_run(unit, command.id)


def _insert_run(unit: Unit, namespace_id: UUID, command: StartRun) -> None:
    config = plain_dict(command.config, "The config")
    unit.add(
        t.runs,
        id=command.id,
        namespace_id=namespace_id,
        name=command.name or command.id,
        status="running",
        job_type=command.job_type,
        config=config,
        summary={},
        goals={},
        steps=0,
        origin=unit.plain_origin,
        environment=plain_dict(command.environment, "The environment"),
        heartbeat_at=unit.now,
        **unit.who,
    )
    add_fields(unit, t.run_fields, {"run_id": command.id}, config)


def _resume_run(unit: Unit, row: Any, namespace_id: UUID, command: StartRun) -> None:
    """Let a run go on at its next step, and note what it was and where it comes from now."""
    if row.namespace_id != namespace_id:
        raise InvalidValueError(
            f"The run {command.id!r} belongs to another project than {command.project!r}.",
            hint="Name its own project, or leave the id out.",
        )
    old = row.environment
    note = {
        "at": iso(unit.now),
        "by": unit.actor,
        "step": row.steps,
        "status": show_run(unit, row.id).status,
        "origin": unit.plain_origin,
        "before": {name: old[name] for name in ("hostname", "command", "git") if name in old},
    }
    resumed = [*old.get("resumed", ()), note][-_MOST_RESUMED:]
    config = _more_config(unit, row, command.config)
    unit.connection.execute(
        sa.update(t.runs)
        .where(t.runs.c.id == row.id)
        .values(
            name=command.name or row.name,
            job_type=command.job_type or row.job_type,
            status="running",
            config=config,
            environment={**plain_dict(command.environment, "The environment"), "resumed": resumed},
            heartbeat_at=unit.now,
            finished_at=None,
        )
    )


def _more_config(unit: Unit, row: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a locked run with some settings added or replaced; it is searched so from now on."""
    config: dict[str, Any] = {**row.config, **plain_dict(more, "The config")}
    if more and canonical(config) != canonical(row.config):  # as texts: in Python, 1 equals True
        replace_fields(unit, t.run_fields, {"run_id": row.id}, config)
    return config


def beat_run(unit: Unit, run: str, process: Mapping[str, Any] | None = None) -> None:
    """Note that a run is alive; of one that has ended or does not exist nothing is noted.

    Args:
        unit: The unit.
        run: Its id.
        process: A further process that works for it, such as a fork: the run lives as long as one of them.

    Raises:
        InvalidNameError: The text is no id of a run.
    """
    check_label(run, "run id")
    running = (t.runs.c.id == run, t.runs.c.status == "running")
    values: dict[str, Any] = {"heartbeat_at": unit.now}
    if process is not None:
        row = unit.connection.execute(sa.select(t.runs.c.environment).where(*running).with_for_update()).one_or_none()
        if row is not None:
            alive = [known for known in row.environment.get("processes", ()) if not has_ended(known)]
            values["environment"] = {**row.environment, "processes": [*alive, plain_dict(process, "The process")]}
    unit.connection.execute(sa.update(t.runs).where(*running).values(values))


def log_metrics(unit: Unit, command: LogMetrics) -> RunInfo:
    """Add points to the history of a run and bring its summary up to date.

    Raises:
        NotFoundError: There is no such run.
        InvalidValueError: It has ended, or a point or goal cannot be stored.
    """
    row = lock_run(unit, command.run)
    _require_running(row.status, command.run)
    # A step logged again takes the newer value; one statement must not touch a row twice.
    points = [check_point(point) for point in command.points]
    newest = {(point.name, point.step): _point_row(command.run, point) for point in points}
    upsert(unit.connection, t.run_metrics, list(newest.values()))
    summary = {**row.summary, **{point.name: point.value for point in points}}
    summary |= {**command.words, **flatten_metrics(command.summary)}
    logged = (*(point.step for point in points), *(word["step"] for word in command.words.values()))
    values = {
        "summary": plain_dict(summary, "The summary"),
        "steps": max(row.steps, *(step + 1 for step in (*logged, -1))),
        "config": _more_config(unit, row, command.config),
        "goals": {**row.goals, **check_goals(command.goals)},
        "heartbeat_at": unit.now,
    }
    unit.connection.execute(sa.update(t.runs).where(t.runs.c.id == command.run).values(values))
    return show_run(unit, command.run)


def check_running(unit: Unit, run: str) -> None:
    """Refuse a run that takes nothing any more, before bytes are stored for it.

    Raises:
        InvalidValueError: It has ended.
        NotFoundError: There is no such run.
    """
    status = show_run(unit, run).status
    _require_running("running" if status == "crashed" else status, run)  # whoever logs shows that it lives


def _require_running(status: str, run: str) -> None:
    if status != "running":
        raise InvalidValueError(
            f"The run {run!r} has ended.", hint="Start a new one with podium.init(), or go on with resume='must'."
        )


def finish_run(unit: Unit, command: FinishRun) -> RunInfo:
    """End a run, also one that crashed; ending it again changes nothing.

    Raises:
        InvalidValueError: No run ends so.
        NotFoundError: There is no such run.
    """
    if command.status not in ("finished", "failed"):
        raise InvalidValueError(f"No run ends as {command.status!r}.", hint="Use 'finished' or 'failed'.")
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
    row = unit.connection.execute(RUNS.where(t.runs.c.id == run)).one_or_none()
    if row is None:
        raise unknown_run(run)
    return to_run(row, unit.now)


def lock_run(unit: Unit, run: str) -> Any:
    """Return the locked row of a run.

    Raises:
        InvalidNameError: The text is no id of a run.
        NotFoundError: There is none.
    """
    check_label(run, "run id")
    row = unit.connection.execute(sa.select(t.runs).where(t.runs.c.id == run).with_for_update()).one_or_none()
    if row is None:
        raise unknown_run(run)
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


def unknown_run(run: str) -> NotFoundError:
    """Return the error for a run that is not there."""
    return NotFoundError(f"There is no run {run!r}.", hint="podium.init() starts one and gives its id.", run=run)
