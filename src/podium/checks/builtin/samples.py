"""The check of predictions, sample by sample: not worse than the champion, with a bootstrap interval.

Each sample gives one difference of scores, version less champion. The samples are drawn again with replacement, as
pairs; the percentile interval of the mean difference is that of B. Efron and R. J. Tibshirani, "An Introduction to the
Bootstrap" (1993), chapter 13. The check passes if the whole interval lies above minus the tolerance: the test of
non-inferiority.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

from podium.checks.builtin.making import Common, built, number_of
from podium.checks.builtin.metrics import check_better
from podium.checks.builtin.tables import Columns, column_of, is_number, read_columns
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError

_SCORES = ("accuracy", "absolute_error", "squared_error")
_MOST = 100_000


class _Columns(NamedTuple):
    """Which columns of the table are read."""

    score: str
    prediction: str
    label: str
    key: str | None


class _Drawing(NamedTuple):
    """How samples are drawn again, and what is asked of the interval."""

    tolerance: float
    confidence: float
    resamples: int
    seed: int


def not_worse_on_samples(
    file: str = "predictions",
    *,
    tolerance: float,
    score: str = "accuracy",
    prediction: str = "prediction",
    label: str = "label",
    key: str | None = None,
    better: str | None = None,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
    **common: Unpack[Common],
) -> Check:
    """On the same samples, the version is not worse than the champion by more than a tolerance, with confidence.

    The method stands at the head of this module. Without a champion it passes. Needs NumPy.

    Args:
        file: A file of each version (``predictions.csv``), or the table ``predictions`` that the run of each logged.
        tolerance: How much worse the mean may be, in the unit of the score.
        score: ``accuracy`` (the prediction is the label), ``absolute_error``, ``squared_error``, or a column of scores.
        prediction: The column of predictions.
        label: The column of what is right.
        key: The column that tells samples apart; None where the rows of both are in one order.
        better: ``higher`` or ``lower``, for a column of scores; ``higher`` if None.
        confidence: Of the two-sided interval.
        resamples: How often samples are drawn.
        seed: Of the random numbers; the same seed gives the same interval.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    columns = _Columns(score, prediction, label, key)
    drawing = _Drawing(tolerance, confidence, resamples, seed)
    _check(columns, drawing, better)
    sign = -1.0 if score in _SCORES[1:] or better == "lower" else 1.0

    def compare(model_version: TestSubject, champion: TestSubject | None) -> CheckResult:
        if champion is None:
            return CheckResult("-", "pass", "Nobody to compare with.")
        ours, theirs = (_scores(subject, file, columns) for subject in (model_version, champion))
        return _judge(_paired(ours, theirs, sign), drawing, score, champion.ref)

    options = {"file": file, **columns._asdict(), **drawing._asdict(), "better": better}
    return built("not_worse_on_samples", compare, options, common)


def _check(columns: _Columns, drawing: _Drawing, better: str | None) -> None:
    number_of(drawing.tolerance, "tolerance", least=0)
    number_of(drawing.confidence, "confidence", least=0.5, most=0.9999)
    number_of(drawing.resamples, "resamples", least=100, most=_MOST)
    for name, value in (("resamples", drawing.resamples), ("seed", drawing.seed)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidValueError(f"{name} is {value!r}.", hint="Give a whole number.")
    check_better(better)
    if better is not None and columns.score in _SCORES:
        raise InvalidValueError(f"{columns.score} says by itself what is better.", hint="Leave better= away.")


def _judge(differences: list[float], drawing: _Drawing, score: str, champion: str) -> CheckResult:
    mean, low, high = bootstrap_interval(differences, drawing.confidence, drawing.resamples, drawing.seed)
    good = low >= -drawing.tolerance
    message = (
        f"{score} on {len(differences)} samples: the version is {'better' if mean >= 0 else 'worse'} by "
        f"{abs(mean):.4g} than {champion}; {drawing.confidence:.4g} interval of the change for the better "
        f"{low:.4g} to {high:.4g}, {'not' if good else 'which reaches'} below {-drawing.tolerance or 0:.4g}."
    )
    metrics = {"difference": mean, "low": low, "high": high, "samples": len(differences)}
    return CheckResult("-", "pass" if good else "fail", message, metrics)


def bootstrap_interval(
    differences: list[float], confidence: float, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Return the mean of differences and the percentile interval of it.

    Args:
        differences: One per sample.
        confidence: Of the two-sided interval.
        resamples: How often samples are drawn.
        seed: Of the random numbers.

    Raises:
        InvalidValueError: NumPy is not installed.
    """
    try:
        import numpy
    except ImportError as error:
        raise InvalidValueError(
            "NumPy is not installed.", hint="Install it: pip install numpy, or the extra 'podium[drift]'."
        ) from error
    values = numpy.asarray(differences, dtype=float)
    random = numpy.random.default_rng(seed)
    size = len(values)
    means = numpy.array([values[random.integers(0, size, size)].mean() for _ in range(resamples)])
    low, high = numpy.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(values.mean()), float(low), float(high)


def _scores(subject: TestSubject, file: str, names: _Columns) -> dict[Any, tuple[float, Any]]:
    """Return for each sample its score and its label."""
    columns = read_columns(subject.file(file))
    where = f"{file} of {subject.ref}"
    if names.score in _SCORES:
        labels = column_of(columns, names.label, where)
        values = _measured(names.score, column_of(columns, names.prediction, where), labels, where)
    else:
        values = [_number(value, names.score, where) for value in column_of(columns, names.score, where)]
        labels = columns.get(names.label, [None] * len(values))
    keys = _keys(columns, names.key, where, len(values))
    return dict(zip(keys, zip(values, labels, strict=True), strict=True))


def _keys(columns: Columns, key: str | None, where: str, size: int) -> list[Any]:
    keys = list(range(size)) if key is None else column_of(columns, key, where)
    if len(set(keys)) != size or None in keys:
        raise InvalidValueError(f"{where} names a sample twice, or not at all.", hint=f"Give each its own {key}.")
    return keys


def _measured(score: str, predictions: list[Any], labels: list[Any], where: str) -> list[float]:
    if score == "accuracy":
        return [float(given is not None and given == right) for given, right in zip(predictions, labels, strict=True)]
    pairs = zip(predictions, labels, strict=True)
    errors = [abs(_number(given, score, where) - _number(right, score, where)) for given, right in pairs]
    return errors if score == "absolute_error" else [error**2 for error in errors]


def _number(value: Any, what: str, where: str) -> float:
    if not is_number(value):
        raise InvalidValueError(f"{where} has {value!r} where {what} needs a number.", hint="Look at the table.")
    return float(value)


def _paired(ours: dict[Any, tuple[float, Any]], theirs: dict[Any, tuple[float, Any]], sign: float) -> list[float]:
    """Return the change for the better of each sample.

    Raises:
        InvalidValueError: They are not the same samples.
    """
    if ours.keys() != theirs.keys() or not ours:
        odd = len(ours.keys() ^ theirs.keys())
        raise InvalidValueError(
            f"The samples are not the same: {len(ours)} and {len(theirs)}, {odd} of them in one only.",
            hint="Predict on the same samples with both, or name their key=.",
        )
    if any(ours[sample][1] != theirs[sample][1] for sample in ours):
        raise InvalidValueError(
            "The labels of the two tables differ.", hint="Put the rows in one order, or name their key=."
        )
    return [sign * (ours[sample][0] - theirs[sample][0]) for sample in ours]
