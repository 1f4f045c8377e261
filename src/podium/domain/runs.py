"""Runs: one execution that logs or uses artifacts."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from podium.domain.origin import Origin
from podium.domain.plain import Value, check_text, to_plain
from podium.errors import InvalidValueError

RunStatus = Literal["running", "finished", "failed", "crashed"]
Resume = Literal["never", "allow", "must"]
SILENCE = timedelta(minutes=5)  # ten heartbeats: a database may be away for a while
_STEPS = 2**62  # what a signed 64-bit column holds, with room to count on


@dataclass(frozen=True, slots=True)
class RunInfo(Value):
    """A run as the registry knows it.

    Attributes:
        id: Eight letters and digits, unique in the registry.
        project: The project it belongs to.
        name: A name for people.
        status: ``running``, ``finished``, ``failed``, or ``crashed``: nobody ended it, and its process is gone or has
            given no sign for five minutes. Another sign makes it ``running`` again.
        config: Settings of the run, as plain JSON.
        summary: The last value of each metric; a short word for each table or image.
        steps: How many steps were logged.
        job_type: What kind of work it does, if said.
        origin: Where it runs.
        started_at: UTC.
        finished_at: UTC; None while it runs, and of a run that crashed.
        heartbeat_at: When it last gave a sign, UTC.
        goals: Metric to ``minimize`` or ``maximize``, as `Run.define_metric` declared it; a name may end in ``*``.
    """

    id: str
    project: str
    name: str
    status: RunStatus
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    steps: int
    job_type: str | None
    origin: Origin
    started_at: datetime
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricPoint(Value):
    """One value of one metric.

    Attributes:
        name: The metric; nested dicts are joined by dots.
        step: 0 for the first call of ``run.log``, then counting up.
        value: A number, or a string or boolean kept for display. ``NaN`` and infinities are kept as strings.
    """

    name: str
    step: int
    value: float | int | bool | str


def read_status(status: RunStatus, heartbeat: datetime, now: datetime, *, ended: bool) -> RunStatus:
    """Return what a run is now, by what was written of it.

    A process that is killed cannot say so; a run that says ``running`` is believed while its process lives and speaks.

    Args:
        status: What was written.
        heartbeat: When it last gave a sign.
        now: The time.
        ended: Whether its process has certainly ended.
    """
    return "crashed" if status == "running" and (ended or now - heartbeat > SILENCE) else status


def check_resume(resume: Any, *, id_given: bool) -> Resume:
    """Return how to take a run that exists; W&B's ``True`` and ``"auto"`` mean ``allow``, and None ``never``.

    Raises:
        InvalidValueError: The word is unknown, or a run must exist and no id says which.
    """
    words: dict[Any, Resume] = {None: "never", False: "never", True: "allow", "auto": "allow"}
    words |= {word: word for word in get_args(Resume)}
    word = words.get(resume) if isinstance(resume, bool | str | None) else None
    if word is None:
        raise InvalidValueError(f"resume={resume!r} is unknown.", hint="Use 'never', 'allow' or 'must'.")
    if word == "must" and not id_given:
        raise InvalidValueError("No id says which run to go on with.", hint="Pass id=, or resume='allow'.")
    return word


def flatten_metrics(data: Mapping[str, Any], prefix: str = "") -> dict[str, float | int | bool | str]:
    """Flatten what ``run.log`` was given to names and simple values; ``{"a": {"b": 1}}`` becomes ``{"a.b": 1}``.

    Args:
        data: Names to values.
        prefix: Stands before each name.

    Raises:
        InvalidValueError: A name is empty, too long or given twice, or a value is neither number, text nor boolean.
    """
    if not isinstance(data, Mapping):
        raise InvalidValueError(f"Metrics are a dict, not {type(data).__name__}.", hint='Give {"accuracy": 0.97}.')
    flat: dict[str, float | int | bool | str] = {}
    for key, value in data.items():
        name = check_metric_name(f"{prefix}{key}" if isinstance(key, str) and key else key)
        inner = flatten_metrics(value, f"{name}.") if isinstance(value, Mapping) else {name: _simple(name, value)}
        for twice in flat.keys() & inner.keys():
            raise InvalidValueError(f"The metric {twice!r} is given twice.", hint="Name each once.", name=twice)
        flat |= inner
    return flat


def check_metric_name(name: Any) -> str:
    """Return the name of a metric unchanged if every backend can store it.

    Raises:
        InvalidValueError: It is no text of 1 to 250 characters.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= 250:
        raise InvalidValueError(f"{name!r} is not a metric name.", hint="Use text of 1 to 250 characters.")
    check_text(name, "The name of a metric")
    return name


def check_point(point: MetricPoint) -> MetricPoint:
    """Return a point with its value plain, as every backend can store it.

    Raises:
        InvalidValueError: Its name, step or value cannot be stored.
    """
    check_metric_name(point.name)
    check_step(point.step)
    return MetricPoint(point.name, point.step, _simple(point.name, point.value))


def check_step(step: Any) -> int:
    """Return a step unchanged if it is one.

    Raises:
        InvalidValueError: It is no whole number from 0 on that every backend can store.
    """
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < _STEPS:
        raise InvalidValueError(f"{step!r} is not a step.", hint="Steps are whole numbers that count up from 0.")
    return step


def _simple(name: str, value: Any) -> float | int | bool | str:
    try:
        simple = to_plain(value)
    except RecursionError as error:
        raise InvalidValueError(
            f"The metric {name!r} contains itself.", hint="Log numbers, text or booleans."
        ) from error
    if isinstance(simple, str):
        check_text(simple, f"The metric {name!r}")
    if not isinstance(simple, float | int | bool | str):
        raise InvalidValueError(
            f"The metric {name!r} is a {type(value).__name__}.", hint="Log numbers, text or booleans.", name=name
        )
    if isinstance(simple, int) and abs(simple) > sys.float_info.max:
        raise InvalidValueError(f"The metric {name!r} is too large a number.", hint="Log it as text.", name=name)
    return simple


def numbers_only(values: Mapping[str, Any]) -> dict[str, float]:
    """Keep the finite numbers of a summary: these are the metrics that a version carries."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
