"""The report of a test run as Markdown for pull requests and as JUnit XML for CI servers."""

from __future__ import annotations

from itertools import accumulate

from podium.domain.checks import CheckResult, TestReport
from podium.domain.junit import Case, Outcome, junit_xml
from podium.domain.markup import markdown_cell

_MARKS = {"pass": "✅", "fail": "❌", "error": "💥", "warn": "⚠️", "skipped": "⏭️"}
_ROOM = 40_000  # characters of the table; a comment on GitHub has room for 65,536
_FEW = 50
_PLAIN = "checks"


def report_markdown(report: TestReport) -> str:
    """Return a report as Markdown: a verdict, then a table with a row per check, those that failed first.

    What users wrote stands in it as it is: no markup, no link, no mention of a person.
    """
    parts = [f"### {'✅' if report.passed else '❌'} {markdown_cell(report.ref)} {verdict(report)}"]
    if report.champion is not None:
        parts.append(f"Compared with {markdown_cell(report.champion)}.")
    lines = ["| | Check | Result | Message | Time |", "|---|---|---|---|---:|"]
    rows = worst_first(report)
    for result in rows:
        cells = [_MARKS[result.status], markdown_cell(result.name), status_words(result), markdown_cell(result.message)]
        lines.append(f"| {' | '.join(cells)} | {result.duration:.2f} s |")
    shown = _fitting(lines)
    parts.append("\n".join(shown))
    if left := rows[len(shown) - 2 :]:
        failed = sum(_rank(result) == 0 for result in left)
        parts.append(f"And {len(left)} more, {failed or 'none'} of which failed.")
    if report.not_run:
        more = f" and {len(report.not_run) - _FEW} more" if len(report.not_run) > _FEW else ""
        parts.append(f"Not run: {', '.join(map(markdown_cell, report.not_run[:_FEW]))}{more}.")
    parts.append(f"<sub>Digest {report.digest}</sub>")
    return "\n\n".join(parts) + "\n"


def report_junit(report: TestReport) -> str:
    """Return a report as JUnit XML: one suite per group of checks, as the Jenkins xUnit plugin's schema has it.

    A check of severity ``warn`` that failed is a case that passed, with its message as output: it refuses nothing.
    What XML 1.0 cannot hold is spelled out.
    """
    about = {"ref": report.ref, "digest": report.digest, "champion": report.champion or ""}
    return junit_xml([_case(result) for result in report.results], about)


def verdict(report: TestReport) -> str:
    """Return how a test run ended: ``passed 12 checks``, ``failed 2 of 12 checks``."""
    count = f"{len(report.results)} check{'s' * (len(report.results) != 1)}"
    left = f", {len(report.not_run)} not run" if report.not_run else ""
    skipped = sum(result.status == "skipped" for result in report.results)
    beside = f", {skipped} skipped" if skipped else ""
    words = f"failed {len(report.failures)} of {count}" if report.failures else f"passed {count}"
    return f"{words}{beside}{left}"


def worst_first(report: TestReport) -> list[CheckResult]:
    """Return the results: those that refuse a promotion, then whatever else did not simply pass, then the rest."""
    return sorted(report.results, key=_rank)


def status_words(result: CheckResult) -> str:
    """Return the status of a result, and whether it only warns."""
    return f"{result.status}{' (warns only)' if result.severity == 'warn' else ''}"


def _case(result: CheckResult) -> Case:
    outcomes: dict[str, Outcome] = {"skipped": "skipped", "error": "error"}
    outcome = outcomes.get(result.status, "passed" if result.passed else "failure")
    warned = [f"{result.status}: {result.message}"] if result.passed and result.status != "pass" else []
    metrics = [f"{key}={value}" for key, value in sorted(result.metrics.items())]
    return Case(
        result.suite or _PLAIN,
        result.name,
        outcome,
        "" if result.passed else result.message,
        result.status,
        "\n".join([*warned, *metrics]),
        result.duration,
    )


def _fitting(lines: list[str]) -> list[str]:
    """Return as many lines from the beginning as a comment has room for."""
    ends = accumulate(len(line) + 1 for line in lines)
    return [line for line, end in zip(lines, ends, strict=True) if end <= _ROOM]


def _rank(result: CheckResult) -> int:
    return 0 if not result.passed and result.status != "skipped" else 1 if result.status != "pass" else 2
