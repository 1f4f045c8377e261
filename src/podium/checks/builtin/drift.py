"""The check of data drift: whether new data look like those that were logged. SciPy does the statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from podium.checks.builtin.making import Common, built, number_of, texts_of
from podium.checks.builtin.tables import Columns, column_of, is_number, read_columns
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError

_NAMED = 5
_CATEGORIES = 1_000


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one column moved.

    Attributes:
        column: Its name.
        distance: From 0, the same, to 1.
        p_value: How likely such a distance is, or a larger one, if both are drawn from the same source.
        test: What was measured.
    """

    column: str
    distance: float
    p_value: float
    test: str


def data_drift(
    reference: str,
    current: str,
    *,
    columns: str | Sequence[str] | None = None,
    limit: float = 0.2,
    alpha: float = 0.05,
    allowed: int = 0,
    **common: Unpack[Common],
) -> Check:
    """New data look like the logged ones, column by column; needs SciPy, the extra ``drift``.

    A column drifted if its distance is over the limit and that is no accident of a small sample (its p-value is below
    ``alpha`` divided by the number of columns, Bonferroni). Of numbers: the two-sample Kolmogorov-Smirnov statistic and
    test (``scipy.stats.ks_2samp``). Of words: the Jensen-Shannon distance to base 2
    (``scipy.spatial.distance.jensenshannon``) and the chi-squared test (``scipy.stats.chi2_contingency``).

    Args:
        reference: The data that the model was made with: a file of the version, or a name of ``data=``.
        current: The new data: a name of ``data=``, or a file of the version.
        columns: Which columns; all of the reference if None.
        limit: The largest distance, from 0 to 1.
        alpha: The share of false alarms over all columns.
        allowed: How many columns may have drifted.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    wanted = None if columns is None else texts_of(columns, "columns")
    number_of(limit, "limit", least=0, most=1)
    number_of(alpha, "alpha", least=0, most=1)
    number_of(allowed, "allowed", least=0)

    def compare(model_version: TestSubject) -> CheckResult:
        before, after = (read_columns(model_version.file(name)) for name in (reference, current))
        found = measure_drift(before, after, wanted or tuple(before), (reference, current))
        level = alpha / len(found)
        moved = sorted((item for item in found if item.distance > limit and item.p_value < level), key=_distance)
        good = len(moved) <= allowed
        named = "; ".join(f"{item.column} by {item.distance:.3g} ({item.test})" for item in moved[:_NAMED])
        message = f"{len(moved)} of {len(found)} columns drifted" + (f": {named}." if moved else ".")
        farthest = min(found, key=_distance)
        metrics = {"drifted": len(moved), "columns": len(found), "largest": farthest.distance}
        return CheckResult("-", "pass" if good else "fail", message, metrics)

    given = list(wanted) if wanted is not None else None
    options = {"reference": reference, "current": current, "columns": given, "limit": limit, "alpha": alpha}
    return built("data_drift", compare, {**options, "allowed": allowed}, common)


def measure_drift(before: Columns, after: Columns, names: Sequence[str], places: tuple[str, str]) -> list[Drift]:
    """Return how far each column moved.

    Raises:
        InvalidValueError: A column is missing or has no value, or SciPy is not installed.
    """
    if not names:
        raise InvalidValueError(f"{places[0]} has no column.", hint="Look at the file.")
    return [_of_column(name, column_of(before, name, places[0]), column_of(after, name, places[1])) for name in names]


def _of_column(name: str, before: list[Any], after: list[Any]) -> Drift:
    old, new = ([value for value in values if value is not None] for values in (before, after))
    if not old or not new:
        raise InvalidValueError(f"The column {name!r} has no value on one side.", hint="Leave it out: columns=.")
    if all(is_number(value) for value in (*old, *new)):
        stats = _scipy("stats")
        found = stats.ks_2samp([float(value) for value in old], [float(value) for value in new])
        return Drift(name, float(found.statistic), float(found.pvalue), "Kolmogorov-Smirnov")
    return _of_words(name, [str(value) for value in old], [str(value) for value in new])


def _of_words(name: str, old: list[str], new: list[str]) -> Drift:
    words = sorted({*old, *new})
    if len(words) > _CATEGORIES:
        raise InvalidValueError(
            f"The column {name!r} has {len(words)} different words.", hint="It is no category; leave it out: columns=."
        )
    counts = [[counted[word] for word in words] for counted in (Counter(old), Counter(new))]
    distance = float(_scipy("spatial.distance").jensenshannon(counts[0], counts[1], base=2))
    p_value = 1.0 if len(words) == 1 else float(_scipy("stats").chi2_contingency(counts).pvalue)
    return Drift(name, distance, p_value, "Jensen-Shannon")


def _scipy(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"scipy.{name}")
    except ImportError as error:
        raise InvalidValueError(
            "SciPy is not installed.", hint="Install the extra: pip install 'podium[drift]'."
        ) from error


def _distance(item: Drift) -> float:
    return -item.distance
