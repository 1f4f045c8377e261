"""Where the value of a field stands: in one place, or in several rows. The compiler asks for nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import Found

Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Single:
    """A value that stands in one place, NULL where it is missing.

    Attributes:
        value: The value; a column of another table if there is a query.
        query: Leads to it from the row that is looked at, None if it stands there.
        never_null: Whether it is always there.
    """

    value: Column
    query: sa.Select[Any] | None = None
    never_null: bool = False

    def column(self, value: Column | None = None) -> Column:
        """Return the value, or what is made of it, as a column of the row that is looked at."""
        made = self.value if value is None else value
        return made if self.query is None else self.query.with_only_columns(made).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Rows:
    """Values that stand in rows of a table.

    Attributes:
        query: Leads to the rows from the row that is looked at.
        text: The column of texts.
        kind: The column that says what a value is: ``s``, ``n``, ``b``; None where all are texts.
        prefix: The column that has the first characters of texts, and an index.
        number: The column of numbers.
        guard: Which rows that are looked at have their values here; None for all.
    """

    query: sa.Select[Any]
    text: Column
    kind: Column | None = None
    prefix: Column | None = None
    number: Column | None = None
    guard: Column | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """A field with several values.

    Attributes:
        places: Where its rows are.
        constants: Values that some rows have without a row of their own, each with the condition for it.
    """

    places: tuple[Rows, ...]
    constants: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Walk:
    """An index that has the rows looked at in the order of a field that stands in another table.

    Attributes:
        rows: That table, joined with the rows looked at.
        key: What the index is sorted by.
        condition: Which part of the index.
    """

    rows: sa.FromClause
    key: Column
    condition: Column


Source = Single | Several
# How a subject finds the source of a field, on a dialect, at a time.
Sources = Callable[[Found], Source]
