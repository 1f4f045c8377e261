"""The verbs about runs."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from podium.content.store import Staged
from podium.domain.media import Media
from podium.domain.names import alias_names, parse_reference
from podium.domain.runs import MetricPoint, Resume, RunInfo, RunStatus, check_resume, flatten_metrics
from podium.domain.versions import Version
from podium.errors import PodiumError
from podium.processes import this_process
from podium.registry.artifacts import Files
from podium.registry.environment import describe_environment
from podium.registry.heartbeat import Heartbeat
from podium.registry.media import MediaVerbs
from podium.usecases import run_history, runs
from podium.usecases.versions import LogVersion, check_log

_LETTERS = string.ascii_lowercase + string.digits


class RunVerbs(MediaVerbs):
    """What can be done with runs; `podium.init` is the comfortable way."""

    def start_run(
        self,
        project: str,
        *,
        id: str | None = None,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        job_type: str | None = None,
        resume: Resume | bool | Literal["auto"] | None = "never",
    ) -> RunInfo:
        """Start a run in a project, which is made if new, or go on with one.

        It is noted where it runs: Python, platform, command, packages and revision of the source; see `environment`.
        A run that nobody ends and that gives no sign for five minutes counts as crashed: call `beat_run` now and then,
        unless points are logged more often anyway. `podium.init` does it by itself.

        Args:
            project: Its project.
            id: Unique in the registry; chosen if None.
            name: A name for people; the id if None.
            config: Settings; of a run that goes on they are added and replaced.
            job_type: What kind of work it does.
            resume: ``never`` refuses an id that is taken, ``allow`` goes on with its run at the next step, ``must``
                refuses an id that is not there.

        Raises:
            AlreadyExistsError: The id is taken.
            InvalidNameError, InvalidValueError: A value cannot be used, or the run belongs to another project.
            NotFoundError: There is no run to go on with.
        """
        command = runs.StartRun(
            id=id or new_run_id(),
            project=project,
            name=name,
            config=config or {},
            job_type=job_type,
            resume=check_resume(resume, id_given=bool(id)),
            environment=describe_environment(),
        )
        return self._change(lambda unit: runs.start_run(unit, command))

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
        check_log(command)
        points = [MetricPoint(name, 0, value) for name, value in flatten_metrics(metrics or {}).items()]
        with self._staged(files) as staged:
            return self._log_once(command, staged, points, tuple(uses), job_type)

    def _log_once(
        self,
        command: LogVersion,
        staged: list[Staged],
        points: Sequence[MetricPoint],
        uses: Sequence[str],
        job_type: str | None,
    ) -> Version:
        """Log staged files from a run that is started and ended here."""
        run = self.start_run(parse_reference(command.artifact).namespace, job_type=job_type).id
        try:
            if points:
                self.log_metrics(run, points)
            with Heartbeat(lambda: self.beat_run(run)):  # large files take longer than a run may be silent
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
        media: Sequence[Media] = (),
        goals: Mapping[str, str] | None = None,
    ) -> RunInfo:
        """Add points to the history of a run; the last one per metric becomes its summary.

        Args:
            run: Its id.
            points: One per metric and step; a step that is logged again takes the newer value.
            config: Settings to add or replace.
            summary: Values to put into the summary by hand.
            media: Tables and images, visible together with the points.
            goals: Metrics to ``minimize`` or ``maximize``, for comparisons; a name may end in ``*``.

        Raises:
            InvalidValueError: The run has ended, or a value cannot be kept; nothing is written.
            NotFoundError: There is no such run.
            StorageError: The content store failed; nothing is written.
        """
        command = runs.LogMetrics(run, points, config or {}, summary or {}, goals=goals or {})
        if media:
            return self._log_media(command, media)
        return self._change(lambda unit: runs.log_metrics(unit, command))

    def beat_run(self, run: str, *, join: bool = False) -> None:
        """Note that a run is alive; of one that has ended nothing is noted.

        Args:
            run: Its id.
            join: This process works for it, too, such as a fork: the run lives as long as one of them.

        Raises:
            InvalidNameError: The text is no id of a run.
        """
        process = this_process() if join else None
        self._change(lambda unit: runs.beat_run(unit, run, process))

    def finish_run(self, run: str, status: Literal["finished", "failed"] = "finished") -> RunInfo:
        """End a run, also one that crashed; ending it again changes nothing.

        Raises:
            InvalidValueError: No run ends so.
            NotFoundError: There is no such run.
        """
        return self._change(lambda unit: runs.finish_run(unit, runs.FinishRun(run, status)))

    def run(self, run: str) -> RunInfo:
        """Return a run.

        Raises:
            NotFoundError: There is none.
        """
        with self._read() as unit:
            return runs.show_run(unit, run)

    def environment(self, run: str) -> dict[str, Any]:
        """Return where a run ran, as plain JSON.

        Returns:
            ``python, implementation, platform, hostname, pid, cpus, command, podium``, and if they are known
            ``packages`` (name to version), ``git`` (``commit, branch, dirty, remote``) and ``resumed`` (one note per
            resumption). Empty for runs of Podium 0.1.

        Raises:
            NotFoundError: There is no such run.
        """
        with self._read() as unit:
            return run_history.show_environment(unit, run)

    def runs(
        self,
        project: str,
        limit: int = 100,
        *,
        status: RunStatus | None = None,
        before: str | datetime | None = None,
    ) -> list[RunInfo]:
        """Return the runs of a project, newest first; none if there is no such project.

        Args:
            project: The project.
            limit: At most so many.
            status: Only runs that are ``running``, ``finished``, ``failed`` or ``crashed``.
            before: Only runs that were started before this time, or before the run of this id: the last one of a page
                leads to the next.

        Raises:
            InvalidNameError, InvalidValueError: The name breaks the rules, or limit, status or time make no sense.
            NotFoundError: The project has no run `before`.
        """
        with self._read() as unit:
            return run_history.list_runs(unit, run_history.FindRuns(project, limit, status, before))

    def metrics(self, run: str, name: str | None = None) -> list[MetricPoint]:
        """Return the history of a run by metric and step, or that of one metric; empty if it was never logged.

        Raises:
            InvalidValueError: The text is no name of a metric.
            NotFoundError: There is no such run.
        """
        with self._read() as unit:
            return run_history.list_metrics(unit, run, name)


def new_run_id() -> str:
    """Return eight random letters and digits: short enough to read, and 41 bits against collisions."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))
