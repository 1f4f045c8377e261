"""Rows side by side with what the events say of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.sql import tables as t
from podium.usecases.audit.facts import VIEWS, Fact, Found, Table, find_rows
from podium.usecases.audit.findings import Notes, read, shown
from podium.usecases.unit import Unit

_BATCH = 500


class Comparer:
    """Compares the rows of one stream after another.

    Args:
        unit: The unit.
        notes: Where findings go.
    """

    def __init__(self, unit: Unit, notes: Notes) -> None:
        self.unit = unit
        self.notes = notes
        self._called: dict[tuple[UUID, str], bool] = {}

    def compare(self, stream: str, scope: UUID, facts: Iterable[Fact]) -> None:
        """Look up the row of each fact and compare it; rows without a fact are left alone."""
        for some in _batches(facts):
            for table, asked in _by_table(some).items():
                found = find_rows(self.unit, VIEWS[table], scope, [fact.key for fact in asked])
                self._note_differences(stream, asked, found)

    def compare_all(self, stream: str, scope: UUID, table: Table, facts: Iterable[Fact]) -> None:
        """Compare all rows of a table that belong to a stream; a row without a fact is a finding, too."""
        asked = list(facts)
        found = find_rows(self.unit, VIEWS[table], scope, None)
        self._note_differences(stream, asked, found)
        self._note_unrecorded(stream, table, sorted(set(found) - {fact.key for fact in asked}, key=repr))

    def require_recorded(
        self, stream: str, scope: UUID, table: Table, count: int, known: Callable[[tuple[Any, ...]], bool]
    ) -> None:
        """Note down the rows of a large table that no event speaks of.

        Args:
            stream: The stream.
            scope: Whose rows.
            table: The table.
            count: How many rows there should be, -1 if no event tells; each is looked at where the number differs.
            known: Whether an event speaks of the row of a key.
        """
        view = VIEWS[table]
        assert view.scope is not None
        only = [view.query.whereclause] if view.query.whereclause is not None else []
        query = sa.select(*view.keys).where(view.scope == scope, *only)
        counted = sa.select(sa.func.count()).select_from(query.subquery())
        there = self.unit.connection.execute(counted).scalar_one()
        if there == count:
            return
        keys = (tuple(row) for row in read(self.unit.connection, query))
        unknown = sorted((key for key in keys if not known(key)), key=repr)
        self._note_unrecorded(stream, table, unknown)
        if there > count >= 0 and not unknown:
            text = f"{stream} has {there} rows of {table}, but its events tell of {count}."
            self.notes.note("state_unrecorded", stream, text, subject=table, expected=count, found=there)

    def _note_differences(self, stream: str, facts: list[Fact], found: dict[tuple[Any, ...], Found]) -> None:
        self.notes.rows += len(facts)
        for fact in facts:
            row = found.get(fact.key)
            if row is None:
                text = f"The {fact.table} of {fact.subject} is not there, but the events of {stream} tell of it."
                self._note("state_missing", stream, fact, text)
                continue
            for column, expected in fact.values.items():
                if not self._same(column, expected, row):
                    self._note_difference(stream, fact, column, row[column])

    def _note_difference(self, stream: str, fact: Fact, column: str, found: Any) -> None:
        says = f"{column} is {shown(found)}, but the events say {shown(fact.values[column])}"
        text = f"The {fact.table} of {fact.subject} was altered: {says}."
        more = {"expected": {column: fact.values[column]}, "found": {column: found}}
        self._note("state_differs", stream, fact, text, **more)

    def _note(self, kind: Any, stream: str, fact: Fact, text: str, **more: Any) -> None:
        self.notes.note(kind, stream, text, sequence=fact.sequence, subject=f"{fact.table} of {fact.subject}", **more)

    def _note_unrecorded(self, stream: str, table: Table, keys: Iterable[tuple[Any, ...]]) -> None:
        for key in keys:
            name = " ".join(str(part) for part in key)
            text = f"The {table} {name} of {stream} is there, but no event tells of it."
            self.notes.note("state_unrecorded", stream, text, subject=f"{table} {name}", found=[str(k) for k in key])

    def _same(self, column: str, expected: Any, row: Found) -> bool:
        if type(expected) is type(row[column]) and expected == row[column]:
            return True
        if column == "source" and row["home_id"] is not None:  # an artifact that was renamed since
            place, _, number = str(expected).rpartition(":v")
            return number == str(row["source_number"]) and self._was_called(row["home_id"], place)
        numbers = isinstance(expected, int | float) and isinstance(row[column], int | float)
        return numbers and not isinstance(expected, bool) and bool(expected == row[column])

    def _was_called(self, collection_id: UUID, place: str) -> bool:
        """Whether an artifact has gone by a name at some time."""
        key = (collection_id, place)
        if key not in self._called:
            e = t.events.c
            query = sa.select(sa.literal(1)).where(e.stream == collection_id, e.stream_name == place).limit(1)
            self._called[key] = self.unit.connection.execute(query).first() is not None
        return self._called[key]


def _batches(facts: Iterable[Fact]) -> Iterator[list[Fact]]:
    remaining = iter(facts)
    while some := list(islice(remaining, _BATCH)):
        yield some


def _by_table(facts: Iterable[Fact]) -> dict[Table, list[Fact]]:
    sorted_out: defaultdict[Table, list[Fact]] = defaultdict(list)
    for fact in facts:
        sorted_out[fact.table].append(fact)
    return sorted_out
