"""The verbs about runs."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from podium.domain.names import alias_names
from podium.domain.runs import MetricPoint, RunInfo, flatten_metrics
from podium.domain.versions import Version
from podium.errors import PodiumError
from podium.registry.artifacts import ArtifactVerbs, Files, stage_files
from podium.usecases import runs
from podium.usecases.versions import LogVersion, check_log

_LETTERS = string.ascii_lowercase + string.digits


class RunVerbs(ArtifactVerbs):
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

    def log_in_run(
        self,
        artifact: str,
        files: Files,
        *,
        type: str = "model",
        metadata: Mapping[str, Any] | None = None,
        description: str | None = None,
        aliases: str | Iterable[str] = (),
        metrics: Mapping[str, Any] | None = None,
        uses: Iterable[str] = (),
        job_type: str | None = None,
    ) -> Version:
        """Log files as a version from a run of its own: what one task of a pipeline does.

        Args:
            artifact: ``PROJECT/ARTIFACT``; the run belongs to the project.
            files: As for `log`.
            type: As for `log`.
            metadata: As for `log`.
            description: As for `log`.
            aliases: As for `log`.
            metrics: Names to numbers, kept with the run and the version; nested dicts are flattened with dots.
            uses: References of what it was made from; they become inputs of the run.
            job_type: What kind of work it does.

        Raises:
            The same as `log`, and the run is marked as failed. An input that cannot be used starts no run.
        """
        command = LogVersion(artifact, type, metadata=metadata or {}, description=description)
        command = replace(command, aliases=alias_names(aliases))
        ref = check_log(command)
        points = [MetricPoint(name, 0, value) for name, value in flatten_metrics(metrics or {}).items()]
        staged = stage_files(files)
        run = self.start_run(ref.namespace, job_type=job_type).id
        try:
            if points:
                self.log_metrics(run, points)
            for used in uses:
                self.use(used, run)
            version = self.log_staged(staged, replace(command, run=run))
        except BaseException:
            with suppress(PodiumError):  # the first error is the one to see
                self.finish_run(run, "failed")
            raise
        self.finish_run(run)
        return version

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
