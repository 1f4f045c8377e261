"""The report of a test run as Markdown and as JUnit XML, also of hostile text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import product

import pytest

from podium.domain.checks import CheckResult, TestReport

NASTY = "a|b\n<script>alert(1)</script> *x* `y` [z](http://e.org) @ann #12 ]]> \x1b[31m \u202e \ufffe ä"
RESULTS = tuple(
    CheckResult(f"{status}.{severity}", status, f"why {status}", {"m": 1.5}, severity, 0.25, suite)
    for status, (severity, suite) in product(
        ("pass", "fail", "warn", "error", "skipped"), (("error", None), ("warn", "speed"))
    )
)
REPORT = TestReport("model-registry/Digits:v3", "sha256:ab", "model-registry/Digits:v2", RESULTS, ("test_c",))

# What junit-10.xsd of Jenkins' xUnit plugin says of the elements that are used here: known attributes, children, and
# required attributes. https://github.com/jenkinsci/xunit-plugin
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}, set()),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
    ),
    "properties": (set(), {"property"}, set()),
    "property": ({"name", "value"}, set(), {"name", "value"}),
    "testcase": (
        {"name", "classname", "time"},
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
    ),
    "skipped": ({"message", "type"}, set(), set()),
    "error": ({"message", "type"}, set(), set()),
    "failure": ({"message", "type"}, set(), set()),
    "system-out": (set(), set(), set()),
}


def require_valid(element: ET.Element) -> None:
    """Hold an element and all in it against the schema."""
    known, children, required = SCHEMA[element.tag]
    assert required <= set(element.attrib) <= known
    assert {child.tag for child in element} <= children
    assert re.fullmatch(r"[0-9]+\.[0-9]{6}", element.get("time", "0.000000"))
    for name in set(element.attrib) & {"tests", "failures", "errors", "skipped"}:
        assert int(element.attrib[name]) >= 0
    for child in element:
        require_valid(child)


def test_junit_is_valid_and_counts() -> None:
    """Valid by the common schema; what fails with severity error is a failure, what warns is none."""
    root = ET.fromstring(REPORT.to_junit())
    require_valid(root)
    assert {key: root.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "10",
        "failures": "1",
        "errors": "2",
    }
    suites = {suite.get("name"): suite for suite in root}
    assert {name: len(suite.findall("testcase")) for name, suite in suites.items()} == {"checks": 5, "speed": 5}
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases["fail.error"] == ["failure", "system-out"]
    assert cases["error.error"] == ["error", "system-out"]
    assert cases["fail.warn"] == ["system-out"]
    assert root.find(".//failure").get("message") == "why fail"


def test_hostile_text_stays_text_in_junit() -> None:
    """Markup, control characters and what XML cannot hold: parsed again, it is the text with the rest spelled out."""
    report = TestReport(NASTY, "sha256:ab", None, (CheckResult("n", "fail", NASTY, {"<m>": NASTY}),))
    root = ET.fromstring(report.to_junit())
    require_valid(root)
    assert root.find(".//failure").get("message") == NASTY.replace("\x1b", r"\x1b").replace(
        "\ufffe", r"\ufffe"
    ).replace("\n", "\n")


def test_markdown_has_a_row_per_check_and_the_worst_first() -> None:
    """A verdict, the champion, a table, what was not run, the digest."""
    text = REPORT.to_markdown()
    assert text.startswith("### ❌ model-registry/Digits:v3 failed 3 of 10 checks, 2 skipped, 1 not run\n")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 10
    assert all("fail | " in row or "error | " in row for row in rows[:2])
    assert "Compared with model-registry/Digits:v2." in text
    assert "Not run: test_c." in text


def test_hostile_text_stays_text_in_markdown() -> None:
    """One line, no cell more than there are columns, no tag, no link, nobody mentioned, no turned writing."""
    report = TestReport("r/m:v0", "sha256:ab", None, (CheckResult("n", "fail", NASTY),))
    (row,) = [line for line in report.to_markdown().splitlines() if "why" in line or "alert" in line]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert not re.search(r"(?<!\\)(?:[<`]|\]\()", row.replace("<br>", ""))
    for bad in ("@ann", "#12", "\x1b", "\u202e", " *x*", "http://"):
        assert bad not in row


@pytest.mark.parametrize("results", [(), RESULTS[:1]])
def test_a_report_of_little(results) -> None:
    """No check, or one that passed."""
    report = TestReport("r/m:v0", "sha256:ab", None, results)
    assert report.passed
    require_valid(ET.fromstring(report.to_junit()))
    assert report.to_markdown().startswith("### ✅ r/m:v0 passed")
