"""Finding a page: the keys first, by the cheapest way, then everything about the few rows that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from podium.domain.expressions import Expression, Found, read_expression, tree
from podium.domain.search import CollectionPage, RunPage, VersionPage
from podium.domain.versions import CollectionKind
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.rows import load_collections, to_run
from podium.sql.versions import load_members
from podium.usecases.places import COLLECTIONS
from podium.usecases.runs import RUNS
from podium.usecases.search.compiling import Compiler
from podium.usecases.search.cursors import Cursor, place_of, question_of, read_cursor, write_cursor
from podium.usecases.search.drivers import is_exact
from podium.usecases.search.orders import Segment, after, read_order, segments_of
from podium.usecases.search.sources import Column, Source, Walk
from podium.usecases.search.subjects import COLLECTION, RUN, VERSION, Subject
from podium.usecases.unit import Unit

MOST = 10_000
# Up to so many rows are taken from an index and sorted; more are met soon enough by walking in the order asked for.
_FEW = 1_000


@dataclass(frozen=True, slots=True)
class Search:
    """A question, and which page of its answer.

    Attributes:
        where: An expression; empty for everything.
        kind: Only artifacts or only models; None for both.
        order_by: A field, with a minus before it for the greatest first.
        limit: How many at most.
        after: The ``next`` of the page before; None for the first page.
    """

    where: str = ""
    kind: CollectionKind | None = None
    order_by: str = "-created"
    limit: int = 100
    after: str | None = None


def search_versions(unit: Unit, command: Search) -> VersionPage:
    """Return a page of versions.

    Raises:
        InvalidValueError: As `_find`.
    """
    keys, following = _find(unit, VERSION, command)
    members = [(collection_id, number) for collection_id, number in keys]
    return VersionPage(tuple(load_members(unit.connection, members)), following)


def search_collections(unit: Unit, command: Search) -> CollectionPage:
    """Return a page of models or artifacts.

    Raises:
        InvalidValueError: As `_find`.
    """
    keys, following = _find(unit, COLLECTION, command)
    ids = [key[0] for key in keys]
    rows = {row.id: row for row in unit.connection.execute(_COLLECTIONS, {"ids": ids})} if ids else {}
    ordered = [rows[key] for key in ids if key in rows]  # one may have gone since
    return CollectionPage(tuple(load_collections(unit.connection, ordered)), following)


def search_runs(unit: Unit, command: Search) -> RunPage:
    """Return a page of runs.

    Raises:
        InvalidValueError: As `_find`.
    """
    keys, following = _find(unit, RUN, command)
    ids = [key[0] for key in keys]
    rows = {row.id: row for row in unit.connection.execute(_RUNS, {"ids": ids})} if ids else {}
    return RunPage(tuple(to_run(rows[key], unit.now) for key in ids if key in rows), following)


_COLLECTIONS = COLLECTIONS.where(t.collections.c.id.in_(sa.bindparam("ids", expanding=True)))
_RUNS = RUNS.where(t.runs.c.id.in_(sa.bindparam("ids", expanding=True)))


def _find(unit: Unit, subject: Subject, command: Search) -> tuple[list[tuple[Any, ...]], str | None]:
    """Return the keys of a page, and where the next one starts, None at the end.

    Raises:
        ExpressionError: The expression or the order cannot be understood.
        InvalidValueError: Kind, limit or place cannot be used.
    """
    _check(command)
    question = question_of(subject.vocabulary.subject, command.where, command.kind, command.order_by)
    place = None if command.after is None else read_cursor(command.after, question)
    now = unit.now if place is None else place.now
    finder = _Finder(unit, subject, command, now)
    found = finder.page(place)
    if len(found) <= command.limit:
        return [key for _, _, key in found], None
    found = found[: command.limit]
    segment, values, key = found[-1]
    following = write_cursor(Cursor(question, now, segment, (*values, *key)))
    return [key for _, _, key in found], following


def _check(command: Search) -> None:
    limit = command.limit
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST:
        raise InvalidValueError(f"{limit!r} is no size of a page.", hint=f"Ask for 1 to {MOST:,} at once.")
    if command.kind is not None and command.kind not in get_args(CollectionKind):
        raise InvalidValueError(f"There is no kind {command.kind!r}.", hint="Use 'artifact' or 'model'.")


Row = tuple[int, tuple[Any, ...], tuple[Any, ...]]


class _Finder:
    """Finds the keys of one page."""

    def __init__(self, unit: Unit, subject: Subject, command: Search, now: datetime) -> None:
        self.unit, self.subject, self.limit = unit, subject, command.limit + 1
        dialect = unit.connection.dialect.name

        def source(found: Found) -> Source:
            return subject.source(found, dialect, now)

        self.compiler = Compiler(source, dialect)
        expression = read_expression(command.where, subject.vocabulary, now)
        self.order = read_order(command.order_by, subject.vocabulary)
        self.driver, answered = self._driver(expression)
        self.conditions = self._conditions(expression, command.kind, answered)

    def page(self, place: Cursor | None) -> list[Row]:
        """Return the rows of a page and one more: segment, values of its keys, key."""
        found: list[Row] = []
        segments = segments_of(self.order, self.compiler)
        start = 0 if place is None else place.segment
        if not 0 <= start < len(segments):
            raise InvalidValueError("This is no place in a search.", hint="Pass the 'next' of the page before.")
        for index in range(start, len(segments)):
            here = place if index == start else None
            rows = self._rows(segments[index], here, self.limit - len(found))
            size = len(segments[index].keys)
            found += [(index, tuple(row[:size]), tuple(row[size:])) for row in rows]
            if len(found) >= self.limit:
                break
        return found

    def _rows(self, segment: Segment, place: Cursor | None, limit: int) -> Sequence[Any]:
        walk = self.subject.walk(segment.of) if self.driver is None and segment.of is not None else None
        columns = ((walk.key,) if walk is not None else segment.keys) + self.subject.key
        conditions = list(self.conditions)
        if walk is not None:
            conditions.append(walk.condition)
        elif segment.condition is not None:
            conditions.append(segment.condition)
        if place is not None:
            kinds = (*(type(value) for value in place.values[: len(segment.keys)]), *self.subject.key_types)
            values = place_of(place, kinds)
            conditions.append(after(columns, values, descending=self.order.descending))
            if walk is not None:  # for the index, which knows only the first of the columns
                key = sa.literal(values[0], walk.key.type)
                conditions.append(walk.key <= key if self.order.descending else walk.key >= key)
        query = self._start(columns, walk).where(*conditions).limit(limit)
        query = query.order_by(*(column.desc() if self.order.descending else column for column in columns))
        return self.unit.connection.execute(query).all()

    def _start(self, columns: tuple[Column, ...], walk: Walk | None) -> sa.Select[Any]:
        table, key = self.subject.table, self.subject.key
        query = sa.select(*columns)
        if walk is not None:
            return query.select_from(walk.rows)
        if self.driver is None:
            return query.select_from(table)
        driven = self.driver.distinct().cte("driving")
        same = [column == driven.c[place] for place, column in enumerate(key)]
        return query.select_from(driven).join(table, sa.and_(*same))

    def _conditions(
        self, expression: Expression, kind: CollectionKind | None, answered: tree.Node | None
    ) -> list[Column]:
        """Return what a row must fulfil, less the one condition that its driver answers already."""
        conditions: list[Column] = []
        if self.subject.live is not None and not any(f.field.name == "deleted" for f in expression.fields):
            conditions.append(self.subject.live)
        if kind is not None and self.subject.kind is not None:
            conditions.append(self.subject.kind == kind)
        asked = [item for item in _conjuncts(expression) if item is not answered]
        return conditions + [self.compiler.condition(item) for item in asked]

    def _driver(self, expression: Expression) -> tuple[sa.Select[Any] | None, tree.Node | None]:
        """Return the condition that the fewest rows can fulfil, if they are few, and which one it answers in full."""
        make = self.subject.driver
        if make is None:
            return None, None
        pairs = [(item, make(item, self.compiler)) for item in _conjuncts(expression)]
        drivers = [(item, driver) for item, driver in pairs if driver is not None]
        if not drivers:
            return None, None
        counts = [
            sa.select(sa.func.count()).select_from(driver.limit(_FEW + 1).subquery()).scalar_subquery()
            for _, driver in drivers
        ]
        found = self.unit.connection.execute(sa.select(*counts)).one()
        fewest = min(range(len(drivers)), key=lambda index: found[index])
        if found[fewest] > _FEW:
            return None, None
        item, driver = drivers[fewest]
        return driver, item if is_exact(item) else None


def _conjuncts(expression: Expression) -> tuple[tree.Node, ...]:
    """Return the conditions that must all hold."""
    node = expression.condition
    if node is None:
        return ()
    return tuple(node.items) if isinstance(node, tree.And) else (node,)
