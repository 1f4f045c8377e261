"""Versions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.domain.checks import RecordedCheck
from podium.domain.plain import Value
from podium.domain.versions import Version


@dataclass(frozen=True, slots=True)
class MetricRow(Value):
    """One metric over all versions.

    Attributes:
        name: The metric.
        values: One per version, None where it was not logged.
        changes: ``value - baseline``, None where either is missing; 0 for the baseline itself.
    """

    name: str
    values: tuple[float | None, ...]
    changes: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Value):
    """n versions side by side.

    Attributes:
        versions: In the order asked for.
        baseline: The position of the version that changes are measured against.
        metrics: One row per metric, sorted by name.
        metadata: Metadata key to one value per version, for keys whose values differ.
        checks: Check name to one status per version, None where it did not run.
    """

    versions: tuple[Version, ...]
    baseline: int
    metrics: tuple[MetricRow, ...]
    metadata: Mapping[str, tuple[Any, ...]]
    checks: Mapping[str, tuple[str | None, ...]]


def compare_versions(
    versions: Sequence[Version], checks: Sequence[Mapping[str, RecordedCheck]], baseline: int = 0
) -> Comparison:
    """Put versions side by side.

    Args:
        versions: At least one.
        checks: For each version, its newest results by name.
        baseline: The position of the version that changes are measured against.
    """
    names = sorted({name for version in versions for name in version.metrics})
    keys = sorted({key for version in versions for key in version.metadata})
    metadata = {key: tuple(version.metadata.get(key) for version in versions) for key in keys}
    check_names = sorted({name for results in checks for name in results})
    return Comparison(
        versions=tuple(versions),
        baseline=baseline,
        metrics=tuple(_metric_row(name, versions, baseline) for name in names),
        metadata={key: values for key, values in metadata.items() if any(value != values[0] for value in values)},
        checks={
            name: tuple(results[name].result.status if name in results else None for results in checks)
            for name in check_names
        },
    )


def _metric_row(name: str, versions: Sequence[Version], baseline: int) -> MetricRow:
    values = tuple(version.metrics.get(name) for version in versions)
    base = values[baseline]
    changes = tuple(None if value is None or base is None else value - base for value in values)
    return MetricRow(name, values, changes)
