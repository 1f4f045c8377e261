"""Nested JSON as flat fields that a database can index: what `metadata.train.rows > 1000` is looked up in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

PREFIX = 128
LONGEST_NAME = 250
MOST_ELEMENTS = 100
MOST_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """One scalar of a JSON document.

    Attributes:
        name: The keys on the way to it, joined by dots; elements of a list have the name of the list.
        position: Counts the scalars of one name from 0.
        kind: Text, number or truth.
        text: A text in full, None for the others.
        prefix: The first 128 characters of a text: indexes of PostgreSQL cannot hold long ones.
        value: A number, or 1 and 0 for true and false.
    """

    name: str
    position: int
    kind: Literal["s", "n", "b"]
    text: str | None
    prefix: str | None
    value: float | None


def flatten(document: Mapping[str, Any]) -> list[Field]:
    """Return the scalars of a document that can be searched.

    Nothing is kept of null, which is as good as missing. So that one huge document does not burden everybody, at most
    1,000 fields are kept of a document, 100 elements of a name, and names of at most 250 characters.

    Args:
        document: Plain JSON.
    """
    seen: Counter[str] = Counter()
    fields: list[Field] = []
    for name, value in _scalars("", document):
        if len(fields) == MOST_FIELDS:
            break
        if len(name) <= LONGEST_NAME and seen[name] < MOST_ELEMENTS:
            fields.append(_field(name, seen[name], value))
            seen[name] += 1
    return fields


def _scalars(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _scalars(f"{name}.{key}" if name else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(name, item)
    elif value is not None:
        yield name, value


def _field(name: str, position: int, value: bool | float | str) -> Field:
    if isinstance(value, bool):
        return Field(name, position, "b", None, None, float(value))
    if isinstance(value, str):
        return Field(name, position, "s", value, value[:PREFIX], None)
    try:
        return Field(name, position, "n", None, None, float(value))
    except OverflowError:  # a whole number that no double holds is found by its digits
        return Field(name, position, "s", str(value), str(value)[:PREFIX], None)
