"""Histories of metrics for charts: as many points as an eye can tell apart, and no peak lost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from podium.domain.plain import Value

BUCKETS = 200  # of a history with more than twice as many points


@dataclass(frozen=True, slots=True)
class Series(Value):
    """The history of one metric in the run of one version.

    Attributes:
        points: ``(step, value)`` in the order of the steps. Of a history of more than 400 points those that are the
            first, the last, the lowest and the highest in each of 200 equal ranges of steps.
        logged: How many points with a number were logged.
    """

    points: tuple[tuple[int, float], ...]
    logged: int


@dataclass(frozen=True, slots=True)
class History(Value):
    """The histories of one metric, one per version.

    Attributes:
        name: The metric.
        series: One per version; None where it has no run, or its run did not log the metric.
    """

    name: str
    series: tuple[Series | None, ...]


def thin(points: Iterable[tuple[int, float]], logged: int, first: int, last: int) -> Series:
    """Keep the lowest and the highest point of each range of steps, and the two ends.

    Minimum and maximum per bucket: unlike an average it keeps each peak where it was, and unlike LTTB it needs one look
    at points that come in a stream and keeps no more than it gives.

    Args:
        points: ``(step, value)`` in the order of the steps.
        logged: How many they are.
        first: The smallest step.
        last: The largest step.
    """
    if logged <= 2 * BUCKETS:
        return Series(tuple(points), logged)
    width = (last - first) // BUCKETS + 1
    kept: dict[int, float] = {}
    bucket, end = -1, first
    low = high = point = (first, math.nan)
    for point in points:
        if point[0] >= end:
            kept.update((low, high) if bucket >= 0 else (point,))
            bucket = (point[0] - first) // width
            end = first + (bucket + 1) * width
            low = high = point
        elif point[1] < low[1]:
            low = point
        elif point[1] > high[1]:
            high = point
    kept.update((low, high, point))
    return Series(tuple(sorted(kept.items())), logged)
