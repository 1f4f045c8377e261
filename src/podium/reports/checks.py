"""The report of a test run: Markdown for a pull request, JUnit XML for CI, one HTML file for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from podium.domain.check_report import report_junit, report_markdown, status_words, worst_first
from podium.domain.checks import CheckResult, TestReport
from podium.reports.about import about_environment, about_inputs, about_version, packages
from podium.reports.compared import comparison_view
from podium.reports.decisions import Decision
from podium.reports.facts import TestFacts
from podium.reports.markdown import metrics_markdown
from podium.reports.pages import render, stamp
from podium.reports.sections import STATUS_TONES
from podium.reports.text import all_of, number, plain_text

_FEW = 3
_LONG = 300  # characters of a message that stand there without being asked for


@dataclass(frozen=True, slots=True)
class _Row:
    status: str
    tone: str
    name: str
    suite: str
    message: str
    more: str
    metrics: tuple[tuple[str, str], ...]
    time: str


def checks_html(report: TestReport, facts: TestFacts | None = None, *, at: datetime | None = None) -> str:
    """Return the report of a test run as one HTML page that needs nothing beside it.

    Args:
        report: What `Registry.test` returned.
        facts: What else there is to tell; `Registry.test_report` gathers it.
        at: When it was made; now if None.
    """
    known = facts or TestFacts()
    page: dict[str, Any] = {
        "title": version_name(report.ref),
        "verdict": decide_test(report),
        "champion": report.champion,
        "rows": [_row(result) for result in worst_first(report)],
        "not_run": report.not_run,
        "about": about_version(report.ref, report.digest, known.about),
        "inputs": about_inputs(known.about),
        "environment": about_environment(known.environment),
        "packages": packages(known.environment),
        "compared": comparison_view(known.comparison, level=3) if known.comparison is not None else None,
        "at": stamp(at),
    }
    return render("checks.html.j2", **page)


def checks_markdown(report: TestReport, facts: TestFacts | None = None) -> str:
    """Return the report of a test run as Markdown, with the metrics beside those of the champion.

    Args:
        report: What `Registry.test` returned.
        facts: What else there is to tell.
    """
    compared = metrics_markdown(facts.comparison) if facts is not None and facts.comparison is not None else ""
    return report_markdown(report) + (f"\n{compared}" if compared else "")


def checks_junit(report: TestReport) -> str:
    """Return the report of a test run as JUnit XML; see `TestReport.to_junit`."""
    return report_junit(report)


def decide_test(report: TestReport) -> Decision:
    """Return how a test run ended, in words."""
    name, count = version_name(report.ref), len(report.results)
    skipped = sum(result.status == "skipped" for result in report.results)
    warned = sum(result.passed and result.status != "pass" for result in report.results)
    quiet = [f"{number} {word}" for number, word in ((warned, "only warned"), (skipped, "skipped")) if number]
    beside = f" ({', '.join(quiet)})" if quiet else ""
    if count == skipped and not report.not_run:
        return Decision("Nothing ran", "warn", f"No check ran on {name}{beside}.")
    if report.passed:
        ran = count - skipped
        checks = f"{ran} check{'s' * (ran != 1)}" if skipped else all_of(count, "check")
        return Decision("Passed", "pass", f"{name} passed {checks}{beside}.")
    if not report.failures:
        return Decision("Not finished", "fail", f"No check of {name} failed, but {len(report.not_run)} did not run.")
    names = [f"'{result.name}'" for result in report.failures]
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    ran_text = f"{len(names)} of {count} check{'s' * (count != 1)} failed{beside}: {', '.join(names[:_FEW])}{more}."
    left = f" {len(report.not_run)} more did not run." if report.not_run else ""
    return Decision("Failed", "fail", f"{name} is not good enough yet. {ran_text}{left}")


def version_name(ref: str) -> str:
    """Return a version as people call it: ``Digits classifier v3``."""
    collection, _, version = ref.rpartition(":")
    return f"{collection.partition('/')[2]} {version}"


def _row(result: CheckResult) -> _Row:
    tone = STATUS_TONES.get(result.status, "plain") if result.status != "skipped" else "skip"
    metrics = tuple((name, _number(value)) for name, value in result.metrics.items())
    only_warns = "warn" if tone == "fail" and result.passed else tone
    head, _, more = result.message.strip().partition("\n")
    return _Row(
        status_words(result),
        only_warns,
        result.name,
        result.suite or "",
        head if len(head) <= _LONG else f"{head[:_LONG]}…",
        result.message.strip() if more or len(head) > _LONG else "",
        metrics,
        f"{result.duration:.2f} s",
    )


def _number(value: Any) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else plain_text(value)
