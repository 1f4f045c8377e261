"""A run: metrics are logged, artifacts are logged, used and linked."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import time
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, Self

from podium.domain.media import Media, summary_word
from podium.domain.runs import MetricPoint, Resume, RunInfo, check_step, flatten_metrics
from podium.errors import InvalidValueError, StorageError
from podium.plugins.guard import call_here
from podium.registry import Registry, open_registry
from podium.registry.heartbeat import Heartbeat
from podium.sdk.definitions import Definitions
from podium.sdk.media import split_media
from podium.sdk.run_artifacts import RunArtifacts
from podium.sdk.values import Values
from podium.settings import Settings, read_settings

_log = logging.getLogger("podium.sdk")
_DEFAULT_PROJECT = "uncategorized"
_FLUSH_POINTS = 500
_FLUSH_SECONDS = 2.0


def init(
    project: str | None = None,
    *,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    job_type: str | None = None,
    id: str | None = None,
    resume: Resume | bool | Literal["auto"] | None = None,
    registry: Registry | None = None,
) -> Run:
    """Start a run, or go on with one.

    Args:
        project: Its project; ``PODIUM_PROJECT``, else ``uncategorized``.
        name: A name for people; the id if None.
        config: Settings of the run.
        job_type: What kind of work it does.
        id: Unique in the registry; chosen if None.
        resume: ``never`` (or None) refuses an id that is taken; ``allow`` (or True, or ``auto``) goes on with its run
            at the next step; ``must`` refuses an id that is not there.
        registry: Where to; the one that the environment names if None.

    Raises:
        AlreadyExistsError: The id is taken.
        InvalidNameError, InvalidValueError: A value cannot be used, or the run belongs to another project.
        NotFoundError: There is no run to go on with.
        SettingsError, DatabaseUnavailableError, SchemaOutdatedError: The registry cannot be opened.
    """
    chosen = project or os.environ.get("PODIUM_PROJECT") or _DEFAULT_PROJECT
    home = registry if registry is not None else _shared(read_settings())
    info = home.start_run(chosen, id=id, name=name, config=config, job_type=job_type, resume=resume)
    return Run(home, info)


@functools.cache
def _shared(settings: Settings) -> Registry:
    """Return the registry that all runs of this process use while the environment names the same place."""
    return open_registry(settings.url, content=settings.content, actor=settings.actor)


class Run(RunArtifacts):
    """One execution that logs or uses artifacts; made by `init`, and ended by `finish` or the end of its block.

    Metrics are written in batches: every two seconds or 500 points, before an artifact is logged, and at the end. A
    process that is killed loses at most the last batch of metrics. Tables and images are written at once, with what was
    logged before them. Every 30 seconds a thread says that the run is alive, so that one whose process is killed is
    known as ``crashed``.

    Attributes:
        config: The settings.
        summary: The last value of each metric, and what `define_metric` asked for.
    """

    def __init__(self, registry: Registry, info: RunInfo) -> None:
        self._registry = registry
        self._info = info
        self.config = Values(info.config)
        self.summary = Values(info.summary)
        self._definitions = Definitions(info.goals)
        self._step = info.steps
        self._points: list[MetricPoint] = []
        self._media: list[Media] = []
        self._flushed = time.monotonic()
        self._open = True
        self._heartbeat = Heartbeat(
            lambda: registry.beat_run(info.id), join=lambda: registry.beat_run(info.id, join=True)
        )
        weakref.finalize(self, self._heartbeat.stop).atexit = False  # a run that is dropped is not kept alive
        atexit.register(_finish_at_exit, weakref.ref(self), os.getpid())

    @property
    def id(self) -> str:
        """Eight letters and digits, unique in the registry."""
        return self._info.id

    @property
    def name(self) -> str:
        """A name for people."""
        return self._info.name

    @property
    def project(self) -> str:
        """The project."""
        return self._info.project

    @property
    def step(self) -> int:
        """The step that the next call of `log` gets."""
        return self._step

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Log metrics, tables and images; each call is one step.

        Args:
            data: Names to numbers, texts, booleans, `podium.Table`, `podium.Image` or lists of images; nested dicts
                are flattened with dots.
            step: The step to log at, not smaller than any before; the next one if None.
            commit: False keeps the step open, so that the next call adds to it.

        Raises:
            InvalidValueError: A value cannot be logged, the step lies in the past, or the run has ended.
            DatabaseUnavailableError, StorageError: It could not be written now; the next call tries again.
        """
        self._require_open()
        if not isinstance(data, Mapping):
            raise InvalidValueError(f"Metrics are a dict, not {type(data).__name__}.", hint='Log {"accuracy": 0.97}.')
        at = self._step if step is None else check_step(step)
        plain, media = split_media(data, at)
        values = flatten_metrics(plain)
        for twice in values.keys() & {item.name for item in media}:
            raise InvalidValueError(f"{twice!r} is given twice.", hint="Name each once.", name=twice)
        if at < self._step:
            raise InvalidValueError(f"Step {at} lies in the past; the next is {self._step}.", hint="Leave step out.")
        kept = self._definitions.take(values)
        self._points += [MetricPoint(name, at, value) for name, value in values.items()]
        self._media += media
        self.summary._take_over({**values, **{item.name: summary_word(item) for item in media}})
        self.summary.update(kept)
        self._step = at if commit is False or (step is not None and commit is None) else at + 1
        if media or len(self._points) >= _FLUSH_POINTS or time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._flush()

    def define_metric(
        self, name: str, *, goal: Literal["minimize", "maximize"] | None = None, summary: str | None = None
    ) -> None:
        """Say which way a metric gets better, and what the summary keeps of it beside the last value.

        Args:
            name: The metric; ``val/*`` speaks of all whose names begin so and that are not defined by themselves.
            goal: ``minimize`` or ``maximize``: what `Registry.compare` calls better. It is kept with the run.
            summary: ``min``, ``max``, ``mean`` or ``best``, or several with commas: ``loss.min`` stands in the summary
                then, and becomes a metric of the versions that the run logs. What was logged before counts, too.

        Raises:
            InvalidValueError: Name, goal or summary cannot be used, ``best`` has no goal, or the run has ended.
            DatabaseUnavailableError: What was logged before could not be read; the next call tries again.
        """
        self._require_open()
        if self._definitions.define(name, goal, summary) and self._step_was_logged():
            self._flush()
            self._definitions.again((point.name, point.value) for point in self._registry.metrics(self.id))
            self.summary.update(self._definitions.summary())

    def _step_was_logged(self) -> bool:
        return self._step > 0 or bool(self._points)

    def finish(self, exit_code: int | None = None) -> None:
        """End the run; ending it again does nothing.

        Args:
            exit_code: Anything but 0 and None marks the run as failed.
        """
        if self._open:
            self._flush()
            self._heartbeat.stop()
            self._info = self._registry.finish_run(self.id, "failed" if exit_code else "finished")
            self._open = False
            self._registry.close()

    def _finish_or_say(self, exit_code: int) -> None:
        """End the run where nobody is left to catch an error; what could not be written is said, never hidden."""
        outcome = call_here(lambda: self.finish(exit_code))
        if self._media and isinstance(outcome.cause, StorageError):  # metrics do not get lost for want of a store
            _log.warning("Tables and images of the run %s are lost: %s", self.id, outcome.error)
            self._media = []
            outcome = call_here(lambda: self.finish(exit_code))
        if outcome.error is not None:
            _log.warning("The run %s could not be ended, its last metrics may be lost: %s", self.id, outcome.error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self._finish_or_say(1)  # the error of the block is the one to see

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id}>"

    def _flush(self) -> None:
        self._heartbeat.here()
        config, summary = self.config._pending(), self.summary._pending()
        goals = dict(self._definitions.pending)
        if self._points or self._media or config or summary or goals:
            self._registry.log_metrics(
                self.id, self._points, config=config, summary=summary, media=self._media, goals=goals
            )
            self._points, self._media = [], []  # not before: what could not be written is tried again
            self._definitions.pending = {}
            self.config._forget_pending()
            self.summary._forget_pending()
        self._flushed = time.monotonic()

    def _require_open(self) -> None:
        if not self._open:
            raise InvalidValueError(f"The run {self.id!r} has ended.", hint="Start a new one with podium.init().")


def _finish_at_exit(reference: weakref.ref[Run], pid: int) -> None:
    run = reference()
    if run is not None and os.getpid() == pid:  # a forked child that leaves does not end the run of its parent
        crashed = getattr(sys, "last_value", None) is not None  # Python notes here what it printed a traceback of
        run._finish_or_say(1 if crashed else 0)
