"""Histories of metrics for charts: as many points as an eye can tell apart, and no peak lost."""

from __future__ import annotations

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
    lowest: dict[int, tuple[int, float]] = {}
    highest: dict[int, tuple[int, float]] = {}
    ends: list[tuple[int, float]] = []
    for point in points:
        bucket = (point[0] - first) // width
        if bucket not in lowest or point[1] < lowest[bucket][1]:
            lowest[bucket] = point
        if bucket not in highest or point[1] > highest[bucket][1]:
            highest[bucket] = point
        ends = [*ends[:1], point]
    kept = {point[0]: point for point in (*lowest.values(), *highest.values(), *ends)}
    return Series(tuple(kept[step] for step in sorted(kept)), logged)
