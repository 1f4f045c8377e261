"""The verbs about runs."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from podium.domain.runs import MetricPoint, RunInfo
from podium.registry.base import Joint
from podium.usecases import runs

_LETTERS = string.ascii_lowercase + string.digits


class RunVerbs(Joint):
    """What can be done with runs; `podium.init` is the comfortable way."""

    def start_run(
        self,
        project: str,
        *,
        id: str | None = None,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        job_type: str | None = None,
    ) -> RunInfo:
        """Start a run in a project, which is made if new.

        Raises:
            AlreadyExistsError: The id is taken.
            InvalidNameError, InvalidValueError: A value cannot be used.
        """
        command = runs.StartRun(id or new_run_id(), project, name, config or {}, job_type)
        with self._write() as unit:
            return runs.start_run(unit, command)

    def log_metrics(
        self,
        run: str,
        points: Sequence[MetricPoint],
        *,
        config: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> RunInfo:
        """Add points to the history of a run; the last one per metric becomes its summary.

        Args:
            run: Its id.
            points: One per metric and step.
            config: Settings to add or replace.
            summary: Values to put into the summary by hand.

        Raises:
            InvalidValueError: The run has ended.
            NotFoundError: There is no such run.
        """
        with self._write() as unit:
            return runs.log_metrics(unit, runs.LogMetrics(run, points, config or {}, summary or {}))

    def finish_run(self, run: str, status: Literal["finished", "failed"] = "finished") -> RunInfo:
        """End a run; ending it again changes nothing.

        Raises:
            NotFoundError: There is no such run.
        """
        with self._write() as unit:
            return runs.finish_run(unit, runs.FinishRun(run, status))

    def run(self, run: str) -> RunInfo:
        """Return a run.

        Raises:
            NotFoundError: There is none.
        """
        with self._read() as unit:
            return runs.show_run(unit, run)

    def runs(self, project: str, limit: int = 100) -> list[RunInfo]:
        """Return the runs of a project, newest first; none if there is no such project.

        Raises:
            InvalidNameError: The name breaks the rules.
        """
        with self._read() as unit:
            return runs.list_runs(unit, project, limit)

    def metrics(self, run: str) -> list[MetricPoint]:
        """Return the history of a run, by metric and step.

        Raises:
            NotFoundError: There is no such run.
        """
        with self._read() as unit:
            return runs.list_metrics(unit, run)


def new_run_id() -> str:
    """Return eight random letters and digits: short enough to read, and 41 bits against collisions."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))
