"""Versions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from podium.domain.checks import RecordedCheck
from podium.domain.file_changes import FileChanges, FileRow, compare_files
from podium.domain.goals import Better, DirectionSource, direction_of
from podium.domain.histories import History
from podium.domain.manifest import Manifest
from podium.domain.plain import Value
from podium.domain.predictions import Predictions
from podium.domain.runs import RunInfo
from podium.domain.versions import Version

Verdict = Literal["better", "worse", "same"]


@dataclass(frozen=True, slots=True)
class MetricRow(Value):
    """One metric over all versions.

    Attributes:
        name: The metric.
        values: One per version, None where it was not logged.
        changes: ``value - baseline``, None where either is missing; 0 for the baseline itself.
        relative: The change as a share of the baseline's absolute value, None where it is missing or the baseline is 0.
        better: Which values are better, ``lower`` or ``higher``; None where nobody knows, and then nothing is claimed.
        direction_from: ``run`` where a run declared the goal, ``name`` where the name of the metric says it.
        verdicts: ``better``, ``worse`` or ``same`` than the baseline; None where it cannot be said.
        best: The positions of the best value; empty where nobody knows what is better, or one version has a value.
    """

    name: str
    values: tuple[float | None, ...]
    changes: tuple[float | None, ...]
    relative: tuple[float | None, ...] = ()
    better: Better | None = None
    direction_from: DirectionSource | None = None
    verdicts: tuple[Verdict | None, ...] = ()
    best: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison(Value):
    """n versions side by side.

    Attributes:
        versions: In the order asked for.
        baseline: The position of the version that changes are measured against.
        metrics: One row per metric, sorted by name.
        metadata: Metadata key to one value per version, for keys whose values differ.
        checks: Check name to one status per version, None where it did not run.
        config: Settings of the runs behind the versions that differ, nested names joined by dots, to one value per
            version; None where it was not set.
        same_metadata: Metadata that all versions share.
        same_config: Settings that all runs share.
        file_changes: What changed in the files of each version against those of the baseline.
        files: The paths whose content is not the same in all versions, sorted; at most 1,000.
        runs: The ids of the runs, None where a version was logged without one.
        histories: Histories of the metrics; empty unless asked for.
        predictions: Sample predictions; None unless asked for, and where no run logged any.
    """

    versions: tuple[Version, ...]
    baseline: int
    metrics: tuple[MetricRow, ...]
    metadata: Mapping[str, tuple[Any, ...]]
    checks: Mapping[str, tuple[str | None, ...]]
    config: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    same_metadata: Mapping[str, Any] = field(default_factory=dict)
    same_config: Mapping[str, Any] = field(default_factory=dict)
    file_changes: tuple[FileChanges, ...] = ()
    files: tuple[FileRow, ...] = ()
    runs: tuple[str | None, ...] = ()
    histories: tuple[History, ...] = ()
    predictions: Predictions | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known of one version before it is put beside others.

    Attributes:
        version: The version.
        checks: Its newest results by name.
        manifest: Its files.
        run: The run that logged it, if any.
    """

    version: Version
    checks: Mapping[str, RecordedCheck]
    manifest: Manifest
    run: RunInfo | None


def compare_versions(compared: Sequence[Compared], baseline: int = 0, histories: Sequence[History] = ()) -> Comparison:
    """Put versions side by side.

    Args:
        compared: At least one.
        baseline: The position of the version that changes are measured against.
        histories: Histories of their metrics.
    """
    versions = [one.version for one in compared]
    goals = [one.run.goals for one in compared if one.run is not None]
    metadata = _by_key([version.metadata for version in versions])
    config = _by_key([{} if one.run is None else flat(one.run.config) for one in compared])
    check_names = sorted({name for one in compared for name in one.checks})
    changes, files = compare_files(
        [(version.digest, one.manifest) for version, one in zip(versions, compared, strict=True)], baseline
    )
    return Comparison(
        versions=tuple(versions),
        baseline=baseline,
        metrics=tuple(
            _metric_row(name, versions, baseline, goals)
            for name in sorted({name for version in versions for name in version.metrics})
        ),
        metadata={key: values for key, values in metadata.items() if _differ(values)},
        checks={
            name: tuple(one.checks[name].result.status if name in one.checks else None for one in compared)
            for name in check_names
        },
        config={key: values for key, values in config.items() if _differ(values)},
        same_metadata={key: values[0] for key, values in metadata.items() if not _differ(values)},
        same_config={key: values[0] for key, values in config.items() if not _differ(values)},
        file_changes=changes,
        files=files,
        runs=tuple(version.run for version in versions),
        histories=tuple(histories),
    )


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with their names joined by dots; lists and empty dicts stay as they are."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found


def _by_key(documents: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    keys = sorted({key for document in documents for key in document})
    return {key: tuple(document.get(key) for document in documents) for key in keys}


def _differ(values: Sequence[Any]) -> bool:
    # 1 and True are equal to Python, and not to whoever reads a setting.
    return any(value != values[0] or isinstance(value, bool) != isinstance(values[0], bool) for value in values)


def _metric_row(name: str, versions: Sequence[Version], baseline: int, goals: Sequence[Mapping[str, str]]) -> MetricRow:
    values = tuple(version.metrics.get(name) for version in versions)
    base = values[baseline]
    changes = tuple(None if value is None or base is None else value - base for value in values)
    direction = direction_of(name, goals)
    return MetricRow(
        name=name,
        values=values,
        changes=changes,
        relative=tuple(_share(change, base) for change in changes),
        better=direction.better,
        direction_from=direction.source,
        verdicts=tuple(_verdict(change, direction.better) for change in changes),
        best=_best(values, direction.better),
    )


def _share(change: float | None, base: float | None) -> float | None:
    return None if change is None or not base else change / abs(base)


def _verdict(change: float | None, better: Better | None) -> Verdict | None:
    if change is None or (change and better is None):
        return None
    if not change:
        return "same"
    return "better" if (change > 0) == (better == "higher") else "worse"


def _best(values: Sequence[float | None], better: Better | None) -> tuple[int, ...]:
    known = [value for value in values if value is not None]
    if better is None or len(known) < 2:
        return ()
    best = max(known) if better == "higher" else min(known)
    return tuple(place for place, value in enumerate(values) if value == best)
