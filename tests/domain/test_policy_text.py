"""Policies as YAML: strict, every mistake with its line and what was meant; one schema for editors and reader."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.domain.policies import ApprovalRule, FreezeWindow, Policy, RequiredCheck, Stage
from podium.domain.policy_reading import window_times
from podium.domain.policy_schema import SCHEMA, SCHEMA_FILE, schema_text
from podium.errors import InvalidNameError, InvalidValueError
from tests.core.promotion_truth import POLICIES

LAST = "9999-12-31T23:59:59.999999+00:00"
ROOT = Path(__file__).parents[2]
FULL = Policy(
    (
        Stage("staging"),
        Stage(
            "production",
            checks=("accuracy", RequiredCheck("bias", "7d", "error")),
            from_stage="staging",
            metrics=("accuracy >= production.accuracy - 0.005",),
            approvals=ApprovalRule(2, ("lead", "risk"), not_author=False, expires="3d"),
            freeze=(FreezeWindow("2026-12-20", "2027-01-03T08:00", "Holidays", "Europe/Berlin"),),
            plugins=("compliance",),
            archive_as="archived",
        ),
    )
)

# What is wrong, in which line, and a word of the error.
MISTAKES = [
    ("stages:\n- name: a\n  form: b\n", 3, "Did you mean 'from'"),
    ("stages:\n- name: a\n  checks: accuracy\n", 3, "Write a list"),
    ("stages:\n- name: a\n  checks:\n  - name: x\n    max_age: 7 days\n", 5, "no span of time"),
    ("stages:\n- name: a\n  checks:\n  - name: x\n    maxage: 7d\n", 5, "Did you mean 'max_age'"),
    ("stages:\n- name: a\n  checks:\n  - {name: x, severity: warning}\n", 4, "Did you mean 'warn'"),
    ("stages:\n- name: a\n  checks: [x, x]\n", 3, "asks for a check twice"),
    ("stages:\n- name: a\n- name: metric\n", 3, "is what rules call something else"),
    ("stages:\n- name: a\n  approvals: {expires: 999999w}\n", 3, "longer than a hundred years"),
    ("stages:\n- name: a\n  checks:\n  - {name: x, max_age: 36526d}\n", 4, "longer than a hundred years"),
    ("stages:\n- name: a\n  checks: [{max_age: 7d}]\n", 3, "'name' is missing"),
    ("stages:\n- name: a\n  approvals: 2\n", 3, "a mapping is meant"),
    ("stages:\n- name: a\n  approvals:\n    count: 0\n", 4, "out of range"),
    ("stages:\n- name: a\n  approvals:\n    count: true\n", 4, "a whole number is meant"),
    ("stages:\n- name: a\n  approvals:\n    coutn: 1\n", 4, "Did you mean 'count'"),
    ("stages:\n- name: a\n  approvals: {not_author: perhaps}\n", 3, "true or false is meant"),
    ("stages:\n- name: a\n  approvals: {roles: [lead, lead]}\n", 3, "twice"),
    ("stages:\n- name: a\n  metrics:\n  - accuracy >\n", 4, "ends too early"),
    ("stages:\n- name: a\n- name: production\n  metrics: [prodction.x > 1]\n", 4, "Did you mean production.x"),
    ("stages:\n- name: a\n  metrics: ['']\n", 3, "This is empty"),
    ("stages:\n- name: a\n  metrics: [3]\n", 3, "text is meant"),
    ("stages:\n- name: off\n", 2, "text is meant. Write it in quotes: 'off'."),
    ("stages:\n- name: a\n  freeze: [{from: 2026-02-30, to: 2026-03-01, reason: x}]\n", 3, "no date or time"),
    ("stages:\n- name: a\n  freeze: [{from: 2026-03-02, to: 2026-03-01, reason: x}]\n", 3, "before it begins"),
    ("stages:\n- name: a\n  freeze: [{from: 2026-03-01, to: 2026-03-02}]\n", 3, "'reason' is missing"),
    (
        "stages:\n- name: a\n  freeze: [{from: 2026-03-01, to: 2026-03-02, reason: x, timezone: Berlin}]\n",
        3,
        "no time zone",
    ),
    ("stages:\n- name: a\n- name: a\n", 3, "stands twice"),
    ("stages:\n- name: b\n  from: a\n- name: a\n", 2, "does not stand before it"),
    ("stages:\n- name: a\n  archive_as: a\n", 3, "is a stage"),
    ("stages:\n- name: v3\n", 2, "version number"),
    ("stages:\n- name: latest\n", 2, "latest"),
    ("stages:\n- name: a\n  name: b\n", 3, "stands here twice"),
    ("stages:\n- name: a\n  checks: [x\n", 4, "no YAML"),
    ("stages: []\n", 1, "This is empty"),
    ("stages:\n- 3\n", 2, "a mapping is meant"),
    ("stages:\n- name: a\nstage: 3\n", 3, "Did you mean 'stages'"),
    ("stages:\n- name:\n", 2, "name"),
    ("- a\n", 1, "no list of 'stages'"),
    ("", 1, "is empty"),
    ("a: !!python/object/apply:os.system ['true']\n", 1, "no YAML"),
    ("a: &a [*a]\n", 1, "too much"),
    ("stages: !!python/name:os.system\n", 1, ""),
]


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_has_its_line(text: str, line: int, words: str) -> None:
    """The error names the file, the line, and what to do."""
    with pytest.raises((InvalidNameError, InvalidValueError)) as caught:
        Policy.from_yaml(text, "policy.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("policy.yaml")
    assert caught.value.facts.get("line", 1) == line


def test_a_full_policy_survives_yaml_and_json() -> None:
    """Written and read again it is the same policy, and the text is the same, too."""
    assert Policy.from_yaml(FULL.to_yaml()) == FULL
    assert Policy.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL
    assert Policy.from_yaml(FULL.to_yaml()).to_yaml() == FULL.to_yaml()
    assert Policy.from_yaml(json.dumps(FULL.to_json())) == FULL


def test_what_the_first_podium_wrote_is_read() -> None:
    """`from_stage`, also where it is null, and checks as names."""
    old = {
        "stages": [{"name": "a", "checks": [], "from_stage": None}, {"name": "b", "checks": ["x"], "from_stage": "a"}]
    }
    assert Policy.from_json(old) == Policy((Stage("a"), Stage("b", ("x",), "a")))


def test_a_bomb_is_refused() -> None:
    """A text whose references multiply is refused before memory is full."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidValueError, match="too much"):
        Policy.from_yaml("\n".join(levels))


def test_the_schema_file_is_the_schema() -> None:
    """The file for editors, in the package and in the docs, is what the reader reads by."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    assert (ROOT / "docs" / "policy.schema.json").read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", POLICIES)
def test_policies_fit_the_schema(name: str) -> None:
    """What the reader takes, the schema takes."""
    jsonschema.validate(Policy.from_yaml(POLICIES[name]).to_json(), SCHEMA)


NAMES = st.sampled_from(["a", "b", "production", "v3", "latest", "A b", "", "x" * 65])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 101) | NAMES | st.sampled_from(["7d", "7 d", "warn", "error"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["name", "from", "checks", "max_age", "severity", "approvals", "count", "roles", "plugins"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
STAGES = st.lists(
    st.dictionaries(st.sampled_from(["name", "checks", "approvals", "plugins", "from", "metrics"]), VALUES), max_size=2
)


@given(STAGES)
def test_what_the_schema_refuses_the_reader_refuses(stages: list[object]) -> None:
    """The reader is at least as strict as the schema that editors show."""
    data = {"stages": stages}
    try:
        read = Policy.from_json(data)
    except (InvalidNameError, InvalidValueError):
        return
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(data), read


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "- " * 3000 + "x"])
def test_a_text_without_end_is_no_policy(text: str) -> None:
    """PyYAML goes down a level by recursion; what is too deep for it is refused in words."""
    with pytest.raises(InvalidValueError, match="nested too deeply"):
        Policy.from_yaml(text)


@pytest.mark.parametrize(
    ("start", "end", "zone", "expected"),
    [
        ("2026-12-20", "2026-12-20", "UTC", ("2026-12-20T00:00:00+00:00", "2026-12-21T00:00:00+00:00")),
        ("2026-12-20", "2027-01-03", "Europe/Berlin", ("2026-12-19T23:00:00+00:00", "2027-01-03T23:00:00+00:00")),
        ("2026-03-29", "2026-03-29", "Europe/Berlin", ("2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00")),
        ("2026-12-20T18:00", "2026-12-20T19:00", "UTC", ("2026-12-20T18:00:00+00:00", "2026-12-20T19:00:00+00:00")),
        (
            "2026-12-20T18:00+02:00",
            "2026-12-20T19:00",
            "UTC",
            ("2026-12-20T16:00:00+00:00", "2026-12-20T19:00:00+00:00"),
        ),
        ("0001-01-01", "9999-12-31", "UTC", ("0001-01-01T00:00:00+00:00", LAST)),
        ("0001-01-01", "9999-12-31T23:59", "Asia/Tokyo", ("0001-01-01T00:00:00+00:00", "9999-12-31T14:59:00+00:00")),
        ("2026-01-01", "9999-12-31T23:59", "America/New_York", ("2026-01-01T05:00:00+00:00", LAST)),
    ],
)
def test_when_a_window_is_open(start: str, end: str, zone: str, expected: tuple[str, str]) -> None:
    """Dates are whole days of the zone, daylight saving included; a time with a zone of its own keeps it."""
    begins, ends = window_times(FreezeWindow(start, end, "x", zone))
    assert (begins.astimezone(UTC).isoformat(), ends.astimezone(UTC).isoformat()) == expected
