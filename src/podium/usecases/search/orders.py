"""The order of what is found: by any field with one value, what has no value last, ties broken by the key.

An order is cut into segments, within which nothing is missing: then a page starts after a row by one comparison of
rows, which an index can answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import Found, Type, Vocabulary, mistake, read_field
from podium.errors import InvalidValueError
from podium.usecases.search.compiling import Compiler
from podium.usecases.search.sources import Column, Rows, Several


@dataclass(frozen=True, slots=True)
class Order:
    """What to sort by.

    Attributes:
        found: The field.
        descending: Whether the greatest comes first.
    """

    found: Found
    descending: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an order.

    Attributes:
        keys: What it is sorted by, before the ties; never NULL within the segment.
        condition: Which rows are in it; None for all.
        of: The field, if its rows are those that have a value of it.
    """

    keys: tuple[Column, ...]
    condition: Column | None = None
    of: Found | None = None


def read_order(text: str, vocabulary: Vocabulary) -> Order:
    """Return the order that a text says: a field, with a minus before it for the greatest first.

    Raises:
        ExpressionError: There is no such field, or it has several values.
        InvalidValueError: It is no text.
    """
    if not isinstance(text, str):
        raise InvalidValueError(f"An order is text, not {type(text).__name__}.", hint="Such as '-created'.")
    name = text.strip().removeprefix("-").removeprefix("+")
    found = read_field(name, vocabulary)
    if found.field.many:
        raise mistake(text, 1, f"{found.path} has several values.", "Sort by a field with one, such as -created.")
    return Order(found, text.strip().startswith("-"))


def segments_of(order: Order, compiler: Compiler) -> list[Segment]:
    """Return the parts of an order, the first one first."""
    source = compiler.sources(order.found)
    if isinstance(source, Several):
        return _of_any(source, compiler)
    column = source.column()
    key = compiler.sorted_text(column) if order.found.field.type is Type.TEXT else column
    if source.never_null:
        return [Segment((key,))]
    return [Segment((key,), column.is_not(None), order.found), Segment((), column.is_(None))]


def _of_any(source: Several, compiler: Compiler) -> list[Segment]:
    """Numbers first, then texts, then the rest: lists, true and false, and what is missing."""
    number, text = (_only(source, kind) for kind in ("n", "s"))
    rest = sa.and_(number.is_(None), text.is_(None))
    return [
        Segment((number,), number.is_not(None)),
        Segment((compiler.sorted_text(text),), text.is_not(None)),
        Segment((), rest),
    ]


def _only(source: Several, kind: str) -> Column:
    """Return the value of fields that have one row, of one kind."""
    parts = []
    for rows in source.places:
        value = _value_of(rows, kind)
        one = sa.case((sa.func.count() == 1, sa.func.min(value)))
        parts.append((rows.guard, rows.query.with_only_columns(one).scalar_subquery()))
    if len(parts) == 1:
        return parts[0][1]
    return sa.case(*((guard, value) for guard, value in parts if guard is not None))


def _value_of(rows: Rows, kind: str) -> Column:
    assert rows.kind is not None
    assert rows.number is not None
    return sa.case((rows.kind == kind, rows.number if kind == "n" else rows.text))


def after(columns: Sequence[Column], values: Sequence[Any], *, descending: bool) -> Column:
    """Return the condition for the rows that come after one."""
    place = sa.tuple_(*(sa.literal(value, column.type) for column, value in zip(columns, values, strict=True)))
    row = sa.tuple_(*columns)
    return row < place if descending else row > place
