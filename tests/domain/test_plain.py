"""Plain JSON: what may be kept, and the canonical text."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.domain.plain import canonical, check_text, iso, plain_dict, to_plain
from podium.errors import InvalidValueError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Colour(Enum):
    RED = "red"


class ArrayLike:
    """Stands for arrays and scalars of any library: they have `tolist`."""

    def tolist(self) -> list[float]:
        return [1.0, math.nan]


@given(JSON)
def test_canonical_text_reads_back_to_itself(value) -> None:
    """What was read from canonical text has the same canonical text: the hash chain depends on it."""
    text = canonical(to_plain(value))
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        ({1: "a"}, {"1": "a"}),
        (Colour.RED, "red"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00.000000Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (ArrayLike(), [1.0, "NaN"]),
    ],
)
def test_what_becomes_plain(value, plain) -> None:
    """NaN, tuples, sets, enums, times, ids, paths and arrays have a plain form."""
    assert to_plain(value) == plain


def endless() -> dict[str, object]:
    value: dict[str, object] = {}
    value["me"] = value
    return value


def deep() -> list[object]:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [object(), b"bytes", lambda: 1, 1j, endless(), 10**5000, "\ud800", {"\ud800": 1}, "a\0b", {"a\0": 1}],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_kept_is_refused(value) -> None:
    """A value that JSON or a database cannot hold is an InvalidValueError, whatever is wrong with it."""
    with pytest.raises(InvalidValueError):
        plain_dict({"key": value}, "The metadata")


def test_too_deep_a_value_is_refused() -> None:
    """Nesting beyond what Python itself can read back is refused."""
    with pytest.raises(InvalidValueError):
        plain_dict({"key": deep()}, "The metadata")


def test_two_keys_of_one_text_are_refused() -> None:
    """The keys 1 and "1" would be one key; neither is dropped silently."""
    with pytest.raises(InvalidValueError):
        plain_dict({1: "a", "1": "b"}, "The metadata")


def test_text_that_only_looks_like_nul_is_kept() -> None:
    """Six characters that spell the escape of NUL are an ordinary text."""
    assert plain_dict({"regex": "[\\u0000-x]"}, "The metadata") == {"regex": "[\\u0000-x]"}


@pytest.mark.parametrize("value", [[], "text", 3, object()])
def test_only_a_mapping_is_metadata(value) -> None:
    """Metadata is a dict, nothing that looks similar."""
    with pytest.raises(InvalidValueError):
        plain_dict(value, "The metadata")


@pytest.mark.parametrize("text", ["a\0", "\ud800", 3, b"x"], ids=ascii)
def test_text_that_cannot_be_kept(text) -> None:
    """Free text without a form in every database is refused."""
    with pytest.raises(InvalidValueError):
        check_text(text, "The reason")


def test_a_time_is_always_of_the_same_length() -> None:
    """Times are UTC with six digits, whatever zone they came in."""
    there = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert iso(there) == "2025-12-31T23:00:00.000000Z"
