"""Checks: named tests of a model version, and their results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from podium.domain.names import check_label
from podium.domain.origin import Origin
from podium.domain.plain import Value, check_text
from podium.domain.runs import flatten_metrics
from podium.errors import InvalidValueError

CheckStatus = Literal["pass", "fail", "warn", "error", "skipped"]
Severity = Literal["error", "warn"]


@dataclass(frozen=True, slots=True)
class CheckResult(Value):
    """The result of one check.

    Attributes:
        name: The check, by the rule of aliases.
        status: ``pass``, ``fail``, ``warn``, ``error`` (it raised) or ``skipped``.
        message: One sentence that a person understands.
        metrics: Numbers that the check measured.
        severity: ``error`` refuses a promotion that requires the check; ``warn`` only tells.
        duration: Seconds.
        suite: The group it belongs to, if any.
    """

    name: str
    status: CheckStatus
    message: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "error"
    duration: float = 0.0
    suite: str | None = None

    @property
    def passed(self) -> bool:
        """Whether a gate that requires this check lets the version through."""
        return self.status in ("pass", "warn") or (self.severity == "warn" and self.status == "fail")


@dataclass(frozen=True, slots=True)
class RecordedCheck(Value):
    """A result as the registry keeps it; append-only, and the newest per name and digest counts.

    Attributes:
        collection: Where it was recorded: the model, or the artifact that the version was logged in.
        number: The version it ran on, by its number there.
        digest: The digest it ran on; a promotion asks for exactly this.
        result: The result.
        at: UTC.
        actor: Who.
        origin: From which execution.
    """

    collection: str
    number: int
    digest: str
    result: CheckResult
    at: datetime
    actor: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class TestReport(Value):
    """The results of one test run of one version.

    Attributes:
        ref: The version tested, as ``NAMESPACE/NAME:vN``.
        digest: Its digest.
        champion: The version it was compared with, if any.
        results: One per check.
        not_run: The names of tests that pytest found and did not run, as with ``-x``; they are not recorded.
    """

    __test__ = False  # the name is the field's own; pytest shall not collect it

    ref: str
    digest: str
    champion: str | None
    results: tuple[CheckResult, ...]
    not_run: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no check of severity ``error`` failed, and none was left out."""
        return not self.failures and not self.not_run

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The results that refuse a promotion; a check that was skipped is none of them."""
        return tuple(result for result in self.results if not result.passed and result.status != "skipped")

    def to_markdown(self) -> str:
        """Return the report as Markdown, for a pull request."""
        from podium.domain.check_report import report_markdown

        return report_markdown(self)

    def to_junit(self) -> str:
        """Return the report as JUnit XML, for a CI server."""
        from podium.domain.check_report import report_junit

        return report_junit(self)


def validate_result(result: CheckResult) -> CheckResult:
    """Return the result with its values plain.

    Raises:
        InvalidNameError: The name breaks the rule of aliases.
        InvalidValueError: Status, severity, message or metrics cannot be used.
    """
    if not isinstance(result, CheckResult):
        raise InvalidValueError(f"{result!r} is no result of a check.", hint="Pass a podium.CheckResult.")
    check_label(result.name, "check name")
    if not isinstance(result.duration, int | float) or not 0 <= result.duration < math.inf:
        raise InvalidValueError(f"{result.duration!r} is not a duration.", hint="Give seconds, 0 or more.")
    if result.suite is not None:
        check_label(result.suite, "suite name")
    if result.status not in get_args(CheckStatus):
        raise InvalidValueError(
            f"{result.status!r} is not the status of a check.", hint=f"Use one of {', '.join(get_args(CheckStatus))}."
        )
    if result.severity not in get_args(Severity):
        raise InvalidValueError(f"{result.severity!r} is not a severity.", hint="Use 'error' or 'warn'.")
    check_text(result.message, "The message of a check")
    return CheckResult(
        name=result.name,
        status=result.status,
        message=result.message[:4000],
        metrics=flatten_metrics(result.metrics),
        severity=result.severity,
        duration=round(float(result.duration), 6),
        suite=result.suite,
    )


def counting_checks(results: Iterable[RecordedCheck]) -> dict[str, RecordedCheck]:
    """Return the result per check name that counts for a version.

    In each place where results are recorded the newest counts, by their order there. Between a model and the artifact
    that its version was logged in there is no order but the clocks of whoever recorded, and a clock may be wrong: of
    the two the worse counts, until that check is run again there; only of equally good ones the later.

    Args:
        results: All for one version, those of each place in the order in which they were recorded.
    """
    newest = {(check.result.name, check.collection): check for check in results}
    counting: dict[str, RecordedCheck] = {}
    for (name, _), check in newest.items():
        other = counting.get(name)
        if other is None or _rank(check) > _rank(other):
            counting[name] = check
    return counting


def _rank(check: RecordedCheck) -> tuple[int, datetime]:
    """Return how bad a result is, whatever a policy makes of its severity, and when it was recorded."""
    result = check.result
    bad = 0 if result.status in ("pass", "warn") else 1 if result.passed else 2
    return bad, check.at
