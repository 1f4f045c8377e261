"""What is known of runs: lists, histories of metrics, and where they ran."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from podium.domain.names import check_label, check_project
from podium.domain.runs import MetricPoint, RunInfo, RunStatus, check_metric_name
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.rows import to_run
from podium.usecases.runs import RUNS, show_run, unknown_run
from podium.usecases.unit import Unit

_AT_ONCE = 200  # rows that a filter by status reads at once


@dataclass(frozen=True, slots=True)
class FindRuns:
    """List the runs of a project, newest first.

    Attributes:
        project: The project.
        limit: At most so many.
        status: Only these.
        before: Only runs that started before this time, or before the run of this id.
    """

    project: str
    limit: int = 100
    status: RunStatus | None = None
    before: str | datetime | None = None


def show_environment(unit: Unit, run: str) -> dict[str, Any]:
    """Return where a run ran: Python, platform, command, packages, revision of the source, earlier places.

    Raises:
        InvalidNameError: The text is no id of a run.
        NotFoundError: There is none.
    """
    check_label(run, "run id")
    environment: dict[str, Any] | None = unit.connection.execute(
        sa.select(t.runs.c.environment).where(t.runs.c.id == run)
    ).scalar()
    if environment is None:
        raise unknown_run(run)
    return environment


def list_runs(unit: Unit, command: FindRuns) -> list[RunInfo]:
    """Return runs of a project, newest first; their points are not looked at.

    Whether a run that says ``running`` has crashed is known only after reading it, so a filter by status reads on until
    it has found enough.

    Raises:
        InvalidNameError, InvalidValueError: The name breaks the rules, or the limit or status makes no sense.
        NotFoundError: There is no run `before` in this project.
    """
    check_project(command.project)
    if not isinstance(command.limit, int) or command.limit < 1:
        raise InvalidValueError(f"{command.limit!r} runs cannot be listed.", hint="Give a limit of 1 or more.")
    if command.status is not None and command.status not in get_args(RunStatus):
        raise InvalidValueError(f"No run is {command.status!r}.", hint=f"Use one of {', '.join(get_args(RunStatus))}.")
    found: list[RunInfo] = []
    place = _place(unit, command)
    while len(found) < command.limit:
        rows = unit.connection.execute(_page(command, place)).all()
        some = [to_run(row, unit.now) for row in rows]
        found += [run for run in some if command.status in (None, run.status)]
        if len(rows) < _page_size(command):
            break
        place = (some[-1].started_at, some[-1].id)
    return found[: command.limit]


def _page_size(command: FindRuns) -> int:
    return command.limit if command.status is None else max(command.limit, _AT_ONCE)


def _page(command: FindRuns, place: tuple[datetime, str | None] | None) -> sa.Select[Any]:
    r = t.runs.c
    # The project is looked up on its own, so that the index gives its runs in order, and no page sorts them all.
    home = sa.select(t.namespaces.c.id).where(t.namespaces.c.name == command.project).scalar_subquery()
    query = RUNS.where(r.namespace_id == home)
    if command.status is not None:
        written = "running" if command.status == "crashed" else command.status
        query = query.where(r.status == written)
    if place is not None:
        at, run = place
        query = query.where(r.created_at < at if run is None else r.created_at <= at)
        if run is not None:
            query = query.where((r.created_at < at) | (r.id < run))
    return query.order_by(r.created_at.desc(), r.id.desc()).limit(_page_size(command))


def _place(unit: Unit, command: FindRuns) -> tuple[datetime, str | None] | None:
    if command.before is None:
        return None
    if isinstance(command.before, datetime):
        if command.before.tzinfo is None:
            raise InvalidValueError("The time has no zone.", hint="Pass datetime(..., tzinfo=UTC).")
        return command.before, None
    run = show_run(unit, command.before)
    if run.project != command.project:
        raise unknown_run(command.before)
    return run.started_at, run.id


def list_metrics(unit: Unit, run: str, name: str | None = None) -> list[MetricPoint]:
    """Return the history of a run, or of one of its metrics, by name and step.

    Raises:
        InvalidValueError: The text is no name of a metric.
        NotFoundError: There is no such run.
    """
    show_run(unit, run)
    m = t.run_metrics.c
    query = sa.select(m.name, m.step, m.value, m.text).where(m.run_id == run)
    if name is not None:
        query = query.where(m.name == check_metric_name(name))
    rows = unit.connection.execute(query.order_by(m.name, m.step))
    return [MetricPoint(row.name, row.step, row.value if row.text is None else row.text) for row in rows]
