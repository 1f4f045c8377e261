"""Checks of metrics that the registry has already: a limit, and not worse than the champion."""

from __future__ import annotations

from typing import Any, Unpack

from podium.checks.builtin.making import Common, built, number_of
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.domain.goals import direction_of
from podium.domain.runs import check_metric_name, numbers_only
from podium.errors import InvalidValueError, NotFoundError


def metric_at_least(metric: str, limit: float, **common: Unpack[Common]) -> Check:
    """A metric of the version is as large as a limit or larger.

    Args:
        metric: The metric; its name in the check is ``metric_at_least.METRIC`` unless you give one.
        limit: The smallest value that passes.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    return _against("metric_at_least", metric, limit, common)


def metric_at_most(metric: str, limit: float, **common: Unpack[Common]) -> Check:
    """A metric of the version is as small as a limit or smaller; see `metric_at_least`."""
    return _against("metric_at_most", metric, limit, common)


def not_worse_than_champion(
    metric: str,
    *,
    absolute: float = 0.0,
    relative: float = 0.0,
    better: str | None = None,
    **common: Unpack[Common],
) -> Check:
    """A metric is not worse than that of the champion, by more than a tolerance; without a champion it passes.

    Args:
        metric: The metric.
        absolute: How much worse it may be, in the unit of the metric.
        relative: How much worse it may be, as a share of the champion's value. The larger of the two allowances holds.
        better: ``higher`` or ``lower``; None for what `Run.define_metric` said, else what the metric's name says.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    check_metric_name(metric)
    number_of(absolute, "absolute", least=0)
    number_of(relative, "relative", least=0)
    check_better(better)

    def compare(model_version: TestSubject, champion: TestSubject | None) -> CheckResult:
        value = metric_of(model_version, metric)
        if champion is None:
            return CheckResult("-", "pass", f"{metric} is {value:.6g}; nobody to compare with.", {metric: value})
        best = metric_of(champion, metric)
        way = better or _direction(metric, model_version, champion)
        allowed = max(absolute, relative * abs(best))
        worse = best - value if way == "higher" else value - best
        limit = best - allowed if way == "higher" else best + allowed
        good = value >= limit if way == "higher" else value <= limit
        message = f"{metric} is {value:.6g}, the champion {champion.ref} has {best:.6g}; " + (
            f"worse by {worse:.4g}" if worse > 0 else "not worse" if worse == 0 else f"better by {-worse:.4g}"
        )
        message += f", allowed is {allowed:.4g}." if worse > 0 else "."
        metrics = {metric: value, f"champion.{metric}": best}
        return CheckResult("-", "pass" if good else "fail", message, metrics)

    options = {"metric": metric, "absolute": absolute, "relative": relative, "better": better}
    return built("not_worse_than_champion", compare, options, common, f"not_worse_than_champion.{metric}")


def metric_of(subject: TestSubject, metric: str) -> float:
    """Return a metric of a version, else of the run that logged it.

    Raises:
        NotFoundError: Neither has it.
    """
    found = {**numbers_only(subject.summary), **subject.metrics}
    if metric not in found:
        raise NotFoundError(
            f"{subject.ref} has no metric {metric!r}.", hint=f"It has {', '.join(sorted(found)[:10]) or 'none'}."
        )
    return found[metric]


def check_better(better: Any) -> None:
    """Refuse a direction that is none.

    Raises:
        InvalidValueError: It is neither ``higher``, ``lower`` nor None.
    """
    if better not in ("higher", "lower", None):
        raise InvalidValueError(f"better is {better!r}.", hint="Use 'higher' or 'lower'.")


def _direction(metric: str, *subjects: TestSubject) -> str:
    found = direction_of(metric, [subject.goals for subject in subjects]).better
    if found is None:
        raise InvalidValueError(
            f"Nobody says whether more of {metric!r} is better.",
            hint="Give better='higher' or 'lower', or declare it with run.define_metric.",
        )
    return found


def _against(factory: str, metric: str, limit: float, common: Common) -> Check:
    check_metric_name(metric)
    bound = number_of(limit, "limit")
    least = factory == "metric_at_least"

    def compare(model_version: TestSubject) -> CheckResult:
        value = metric_of(model_version, metric)
        good = value >= bound if least else value <= bound
        word = f"{'as asked for' if good else 'but asked for is'} at {'least' if least else 'most'} {bound:g}"
        return CheckResult("-", "pass" if good else "fail", f"{metric} is {value:.6g}, {word}.", {metric: value})

    return built(factory, compare, {"metric": metric, "limit": limit}, common, f"{factory}.{metric}")
