"""Runs: one execution that logs or uses artifacts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from podium.domain.origin import Origin
from podium.domain.plain import Value, to_plain
from podium.errors import InvalidValueError

RunStatus = Literal["running", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class RunInfo(Value):
    """A run as the registry knows it.

    Attributes:
        id: Eight letters and digits, unique in the registry.
        project: The project it belongs to.
        name: A name for people.
        status: ``running``, ``finished`` or ``failed``.
        config: Settings of the run, as plain JSON.
        summary: The last value of each metric.
        steps: How many steps were logged.
        job_type: What kind of work it does, if said.
        origin: Where it runs.
        started_at: UTC.
        finished_at: UTC; None while it runs.
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


def flatten_metrics(data: Mapping[str, Any]) -> dict[str, float | int | bool | str]:
    """Flatten what ``run.log`` was given to names and simple values; ``{"a": {"b": 1}}`` becomes ``{"a.b": 1}``.

    Raises:
        InvalidValueError: A name is empty or too long, or a value is neither number, text nor boolean.
    """
    flat: dict[str, float | int | bool | str] = {}
    for name, value in data.items():
        if not isinstance(name, str) or not 1 <= len(name) <= 250 or "\x00" in name:
            raise InvalidValueError(f"{name!r} is not a metric name.", hint="Use text of 1 to 250 characters.")
        if isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": item for inner, item in flatten_metrics(value).items()})
            continue
        simple = to_plain(value)
        if not isinstance(simple, float | int | bool | str):
            raise InvalidValueError(
                f"The metric {name!r} is a {type(value).__name__}.", hint="Log numbers, text or booleans.", name=name
            )
        flat[name] = simple
    return flat


def numbers_only(values: Mapping[str, Any]) -> dict[str, float]:
    """Keep the finite numbers of a summary: these are the metrics that a version carries."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
