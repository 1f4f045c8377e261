"""Metrics: names and values that every backend can hold."""

from __future__ import annotations

import math

import pytest

from podium.domain.runs import flatten_metrics, numbers_only
from podium.errors import InvalidValueError


class Scalar:
    """Stands for a NumPy scalar."""

    def tolist(self) -> float:
        return 0.5


def test_nested_metrics_are_joined_by_dots() -> None:
    """A dict in a dict is a name with dots."""
    assert flatten_metrics({"a": {"b": {"c": 1}}, "d": True}) == {"a.b.c": 1, "d": True}


def test_scalars_of_libraries_are_numbers() -> None:
    """Whatever has `tolist` and gives a number is a number."""
    assert flatten_metrics({"acc": Scalar()}) == {"acc": 0.5}


def test_nan_and_infinity_are_kept_as_text() -> None:
    """JSON has no NaN; it is kept and never becomes a metric of a version."""
    flat = flatten_metrics({"a": math.nan, "b": -math.inf, "c": 1})
    assert flat == {"a": "NaN", "b": "-Infinity", "c": 1}
    assert numbers_only(flat) == {"c": 1.0}


@pytest.mark.parametrize(
    "data",
    [
        {"": 1},
        {"x" * 251: 1},
        {"x" * 200: {"y" * 100: 1}},
        {3: 1},
        {"a\0": 1},
        {"\ud800": 1},
        {"a": "\ud800"},
        {"a": "b\0"},
        {"a": [1, 2]},
        {"a": None},
        {"a": b"x"},
        {"a": 10**400},
        {"a.b": 1, "a": {"b": 2}},
    ],
    ids=lambda data: ascii(data)[:40],
)
def test_metrics_that_cannot_be_kept(data) -> None:
    """A name or value that a backend cannot hold is refused before anything is written."""
    with pytest.raises(InvalidValueError):
        flatten_metrics(data)


def test_booleans_are_no_numbers() -> None:
    """True is shown, and does not count as 1."""
    assert numbers_only({"ok": True, "n": 2}) == {"n": 2.0}
