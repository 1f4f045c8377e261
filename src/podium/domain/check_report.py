"""The report of a test run as Markdown for pull requests and as JUnit XML for CI servers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from podium.domain.checks import CheckResult, TestReport

_MARKS = {"pass": "✅", "fail": "❌", "error": "💥", "warn": "⚠️", "skipped": "⏭️"}
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#$@]|(?<=[A-Za-z]):(?=//)|(?<=www)\.")
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no way to hold
_CELL = 500
_PLAIN = "checks"


def report_markdown(report: TestReport) -> str:
    """Return a report as Markdown: a verdict, then a table with a row per check, those that failed first.

    What users wrote stands in it as it is: no markup, no link, no mention of a person.
    """
    parts = [f"### {'✅' if report.passed else '❌'} {_cell(report.ref)} {verdict(report)}"]
    if report.champion is not None:
        parts.append(f"Compared with {_cell(report.champion)}.")
    lines = ["| | Check | Result | Message | Time |", "|---|---|---|---|---:|"]
    for result in sorted(report.results, key=_rank):
        word = f"{result.status}{' (warns only)' if result.severity == 'warn' else ''}"
        cells = [_MARKS[result.status], _cell(result.name), word, _cell(result.message), f"{result.duration:.2f} s"]
        lines.append(f"| {' | '.join(cells)} |")
    parts.append("\n".join(lines))
    if report.not_run:
        parts.append(f"Not run: {', '.join(map(_cell, report.not_run))}.")
    parts.append(f"<sub>Digest {report.digest}</sub>")
    return "\n\n".join(parts) + "\n"


def report_junit(report: TestReport) -> str:
    """Return a report as JUnit XML: one suite per group of checks, as the Jenkins xUnit plugin's schema has it.

    A check of severity ``warn`` that failed is a case that passed, with its message as output: it refuses nothing.
    What XML 1.0 cannot hold is spelled out.
    """
    root = Element("testsuites", name="podium", **_counts(report.results))
    in_order = sorted(report.results, key=lambda result: result.suite or _PLAIN)  # a stable sort
    for name, group in groupby(in_order, key=lambda result: result.suite or _PLAIN):
        results = list(group)
        suite = SubElement(root, "testsuite", name=name, **_counts(results))
        properties = SubElement(suite, "properties")
        for key, value in (("ref", report.ref), ("digest", report.digest), ("champion", report.champion or "")):
            SubElement(properties, "property", name=key, value=_xml(value))
        for result in results:
            _case(suite, name, result)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def verdict(report: TestReport) -> str:
    """Return how a test run ended: ``passed 12 checks``, ``failed 2 of 12 checks``."""
    count = f"{len(report.results)} check{'s' * (len(report.results) != 1)}"
    left = f", {len(report.not_run)} not run" if report.not_run else ""
    skipped = sum(result.status == "skipped" for result in report.results)
    beside = f", {skipped} skipped" if skipped else ""
    words = f"failed {len(report.failures)} of {count}" if report.failures else f"passed {count}"
    return f"{words}{beside}{left}"


def _case(suite: Element, name: str, result: CheckResult) -> None:
    case = SubElement(suite, "testcase", name=result.name, classname=name, time=f"{result.duration:.6f}")
    message = _xml(result.message)
    if result.status == "skipped":
        SubElement(case, "skipped", message=message)
    elif not result.passed:
        kind = "error" if result.status == "error" else "failure"
        SubElement(case, kind, message=message, type=result.status).text = message
    metrics = [f"{key}={value}" for key, value in sorted(result.metrics.items())]
    warned = [f"{result.status}: {result.message}"] if result.passed and result.status != "pass" else []
    if metrics or warned:
        SubElement(case, "system-out").text = _xml("\n".join([*warned, *metrics]))


def _counts(results: Iterable[CheckResult]) -> dict[str, Any]:
    several = list(results)
    errors = sum(result.status == "error" and not result.passed for result in several)
    skipped = sum(result.status == "skipped" for result in several)
    failures = sum(not result.passed for result in several) - errors - skipped
    time = f"{sum(result.duration for result in several):.6f}"
    counts = {"tests": str(len(several)), "failures": str(failures), "errors": str(errors), "time": time}
    return {**counts, "skipped": str(skipped)}


def _rank(result: CheckResult) -> int:
    return 0 if not result.passed and result.status != "skipped" else 1 if result.status != "pass" else 2


def _cell(text: str) -> str:
    """Return text for one cell of a table: one line, every mark of Markdown escaped, nothing that turns the writing."""
    shown = text if len(text) <= _CELL else f"{text[:_CELL]}…"
    spelled = "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown)
    return _SPECIAL.sub(lambda match: _entity(match[0]), spelled)


def _entity(char: str) -> str:
    """Escape a character: by its number where a backslash does not keep GitHub from making a link of it."""
    return f"&#{ord(char)};" if char in "@#<>&:." else f"\\{char}"


def _xml(text: str) -> str:
    return _NO_XML.sub(lambda match: repr(match[0])[1:-1], text)
