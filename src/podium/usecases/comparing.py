"""Versions side by side, from what the database knows: their runs, files, checks and histories of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from podium.domain.comparison import Compared, Comparison, compare_versions
from podium.domain.histories import History, Series, thin
from podium.domain.plain import check_text
from podium.domain.predictions import NAMES
from podium.domain.versions import Version
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.rows import load_manifest
from podium.usecases.checks import newest_checks
from podium.usecases.resolving import resolve_version
from podium.usecases.runs import show_run
from podium.usecases.unit import Unit

MOST_VERSIONS = 100
MOST_HISTORIES = 100
_M = t.run_metrics.c
_RUNS: sa.BindParameter[Any] = sa.bindparam("runs", expanding=True)
# Values that are no numbers, NaN among them, have no place in a chart.
_COUNTS = (
    sa.select(_M.name, _M.run_id, sa.func.count(), sa.func.min(_M.step), sa.func.max(_M.step))
    .where(_M.run_id.in_(_RUNS), _M.value.is_not(None))
    .group_by(_M.name, _M.run_id)
)
_POINTS = (
    sa.select(_M.step, _M.value)
    .where(
        _M.run_id == sa.bindparam("run"),
        _M.name == sa.bindparam("metric"),
        _M.value.is_not(None),
        _M.step > sa.bindparam("after"),
        _M.step <= sa.bindparam("last"),
    )
    .order_by(_M.step)
    .limit(10_000)
)
_TABLES = (
    sa.select(t.run_media.c.name)
    .where(t.run_media.c.run_id.in_(_RUNS), t.run_media.c.kind == "table")
    .group_by(t.run_media.c.name)
)


@dataclass(frozen=True, slots=True)
class CompareVersions:
    """Put versions side by side.

    Attributes:
        refs: References of the versions.
        baseline: The one that changes are measured against; the first if None. It is added if it is not there.
        histories: Whether the histories of the metrics are read.
    """

    refs: Sequence[str]
    baseline: str | None = None
    histories: bool = False


def compare(unit: Unit, command: CompareVersions) -> Comparison:
    """Put versions side by side.

    Raises:
        InvalidNameError: A text is no reference.
        InvalidValueError: There is nothing to compare, or too much.
        NotFoundError: A reference names nothing.
    """
    if isinstance(command.refs, str) or not command.refs:
        raise InvalidValueError("There is nothing to compare.", hint="Pass a list of references.")
    if len(command.refs) > MOST_VERSIONS:
        raise InvalidValueError(
            f"{len(command.refs)} versions are too many to compare.", hint=f"Name at most {MOST_VERSIONS}."
        )
    wanted = [*([command.baseline] if command.baseline is not None else []), *command.refs]
    found = [resolve_version(unit, ref) for ref in wanted]
    base = found[0].ref
    if command.baseline is not None and any(version.ref == base for version in found[1:]):
        found = found[1:]  # it is in the list already, at the place where the caller put it
    manifests = {version.digest: load_manifest(unit.connection, version.digest) for version in found}
    runs = {version.run: show_run(unit, version.run) for version in found if version.run is not None}
    compared = [
        Compared(
            version,
            newest_checks(unit, version.ref),
            manifests[version.digest],
            None if version.run is None else runs[version.run],
        )
        for version in found
    ]
    histories = read_histories(unit, found) if command.histories else []
    return compare_versions(compared, next(at for at, one in enumerate(found) if one.ref == base), histories)


def read_histories(unit: Unit, versions: Sequence[Version]) -> list[History]:
    """Return the histories of the metrics that a run logged more than once, thinned for charts, sorted by name.

    At most 100 metrics are read, first those that the versions carry.
    """
    runs = sorted({version.run for version in versions if version.run is not None})
    if not runs:
        return []
    rows = sorted(unit.connection.execute(_COUNTS, {"runs": runs}), key=lambda row: row[0])
    by_name = {name: {row[1]: row for row in group} for name, group in groupby(rows, key=lambda row: row[0])}
    carried = {name for version in versions for name in version.metrics}
    drawn = [name for name, found in by_name.items() if any(row[2] > 1 for row in found.values())]
    chosen = sorted(sorted(drawn, key=lambda name: name not in carried)[:MOST_HISTORIES])
    histories = []
    for name in chosen:
        series = {run: _series(unit, run, name, *row[2:]) for run, row in by_name[name].items()}
        histories.append(History(name, tuple(series.get(version.run or "") for version in versions)))
    return histories


def _series(unit: Unit, run: str, name: str, logged: int, first: int, last: int) -> Series:
    return thin(_points(unit, run, name, first, last), logged, first, last)


def _points(unit: Unit, run: str, name: str, first: int, last: int) -> Iterator[tuple[int, float]]:
    """Read a history page by page: it may have millions of points, and only some hundred are kept."""
    after = first - 1
    while after < last:
        keys = {"run": run, "metric": name, "after": after, "last": last}
        page = unit.connection.execute(_POINTS, keys).all()
        if not page:
            return
        yield from ((step, value) for step, value in page)
        after = page[-1][0]


def find_predictions(unit: Unit, versions: Sequence[Version], name: str | None = None) -> str | None:
    """Return the name of the table with sample predictions that the runs of versions logged.

    Args:
        unit: The unit.
        versions: The versions.
        name: The table that is asked for; one with a usual name if None.

    Raises:
        InvalidValueError: None of the runs logged the table that was asked for.
    """
    runs = sorted({version.run for version in versions if version.run is not None})
    logged = set(unit.connection.scalars(_TABLES, {"runs": runs})) if runs else set()
    if name is None:
        return next((usual for usual in NAMES if usual in logged), None) or next(
            (found for found in sorted(logged) if found.rpartition(".")[2].rpartition("/")[2] in NAMES), None
        )
    check_text(name, "The name of a table")
    if name not in logged:
        known = f"There is {', '.join(sorted(logged))}." if logged else "They logged no podium.Table."
        raise InvalidValueError(f"No run of these versions logged a table {name!r}.", hint=known, name=name)
    return name
