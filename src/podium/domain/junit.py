"""JUnit XML as CI servers read it: valid by the schema of Jenkins' xUnit plugin (``junit-10.xsd``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from podium.domain.markup import xml_text

Outcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """One test case.

    Attributes:
        suite: The group that it stands in.
        name: Its name.
        outcome: ``passed``, ``failure``, ``error`` or ``skipped``.
        message: Why, for what did not pass.
        type: A word for the kind of failure.
        output: What else there is to say.
        seconds: How long it took.
    """

    suite: str
    name: str
    outcome: Outcome
    message: str = ""
    type: str = ""
    output: str = ""
    seconds: float = 0.0


def junit_xml(cases: Sequence[Case], properties: Mapping[str, str]) -> str:
    """Return cases as JUnit XML, one suite per group, each with the same properties."""
    root = Element("testsuites", name="podium", **_counts(cases))
    in_order = sorted(cases, key=lambda case: case.suite)  # a stable sort
    for name, group in groupby(in_order, key=lambda case: case.suite):
        own = list(group)
        skipped = sum(case.outcome == "skipped" for case in own)
        suite = SubElement(root, "testsuite", name=xml_text(name), skipped=str(skipped), **_counts(own))
        about = SubElement(suite, "properties")
        for key, value in properties.items():
            SubElement(about, "property", name=key, value=xml_text(value))
        for case in own:
            _add(suite, case)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add(suite: Element, case: Case) -> None:
    name, group, message = xml_text(case.name), xml_text(case.suite), xml_text(case.message)
    element = SubElement(suite, "testcase", name=name, classname=group, time=f"{case.seconds:.6f}")
    if case.outcome == "skipped":
        SubElement(element, "skipped", message=message)
    elif case.outcome != "passed":
        SubElement(element, case.outcome, message=message, type=xml_text(case.type)).text = message
    if case.output:
        SubElement(element, "system-out").text = xml_text(case.output)


def _counts(cases: Iterable[Case]) -> dict[str, Any]:
    """Return what the root and each suite may say; the number of skipped cases is for suites alone."""
    several = list(cases)
    outcomes = [case.outcome for case in several]
    return {
        "tests": str(len(several)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "time": f"{sum(case.seconds for case in several):.6f}",
    }
