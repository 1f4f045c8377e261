"""A bound expression as SQL, with every value a bound parameter.

SQL has three truths, too, but its NOT over EXISTS has two. So no condition is ever negated: for each there is one that
says when it is true, and one that says when it is false; where neither holds, it is unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import tree
from podium.domain.expressions.arithmetic import LARGEST, SIGNS, SMALLEST, usable
from podium.domain.expressions.evaluation import like
from podium.domain.expressions.tree import Constant, Node, Use
from podium.domain.expressions.vocabulary import Found, Type
from podium.domain.fields import PREFIX
from podium.sql.types import UtcDateTime
from podium.usecases.search.patterns import fits
from podium.usecases.search.sources import Column, Rows, Several, Single, Sources

_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_KINDS = {str: "s", float: "n", bool: "b"}
Test = Callable[[Column], Column]


class Compiler:
    """Makes conditions of expressions about one subject.

    Args:
        sources: Where the fields of the subject stand.
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, sources: Sources, dialect: str) -> None:
        self.sources = sources
        self.dialect = dialect

    def condition(self, node: Node, wanted: bool = True) -> Column:
        """Return the condition under which an expression is true, or false.

        Args:
            node: Bound to the vocabulary of the subject.
            wanted: Which of both.
        """
        match node:
            case tree.Not(_, item):
                return self.condition(item, not wanted)
            case tree.And(_, items) | tree.Or(_, items):
                parts = [self.condition(item, wanted) for item in items]
                return sa.and_(*parts) if isinstance(node, tree.And) is wanted else sa.or_(*parts)
            case tree.IsNull(_, Use(_, found), negated):
                return self._is_null(found, wanted is not negated)
            case tree.In(_, Use(_, found), options, negated):
                values = [option.value for option in options if isinstance(option, Constant)]
                return self._any(found, "in", values, wanted is not negated)
            case tree.Like(_, Use(_, found), pattern, negated):
                return self._any(found, "like", [pattern], wanted is not negated)
            case tree.Comparison(_, "!=", Use(_, found), Constant(_, value)):
                return self._any(found, "=", [value], not wanted)
            case tree.Comparison(_, sign, Use(_, found), Constant(_, value)):
                return self._any(found, sign, [value], wanted)
            case tree.Comparison(_, sign, left, right):
                return self._compare(sign if wanted else _OPPOSITE[sign], left, right)
        raise AssertionError(node)

    def test(self, sign: str, values: list[Any], *, wanted: bool = True) -> Test:
        """Return what tests a column for a comparison with values of one type; NULL never passes."""
        value = values[0]
        if sign == "like":
            return lambda column: fits(column, value, self.dialect) if wanted else ~fits(column, value, self.dialect)
        if sign == "in":
            return lambda column: (column.in_ if wanted else column.not_in)([self.bound(v, column) for v in values])
        compare = SIGNS[sign if wanted else _OPPOSITE[sign]]
        ordered = sign not in ("=", "!=") and isinstance(value, str)
        return lambda column: compare(self.sorted_text(column) if ordered else column, self.bound(value, column))

    def bound(self, value: Any, column: Column) -> Column:
        """Return a value as a bound parameter that an index of the column can be asked with."""
        if isinstance(value, datetime):
            return sa.literal(value, UtcDateTime())
        if isinstance(value, str):
            return sa.literal(value, sa.Text())
        if isinstance(column.type, sa.Integer) and float(value).is_integer() and abs(value) < 2**53:
            return sa.literal(int(value), sa.BigInteger())
        return sa.literal(float(value), sa.Double())

    def sorted_text(self, column: Column) -> Column:
        """Return a column of texts that are in the order of their code points, as SQLite and Python have it."""
        return column.collate("C") if self.dialect == "postgresql" else column

    def _any(self, found: Found, sign: str, values: list[Any], wanted: bool) -> Column:
        source = self.sources(found)
        if isinstance(source, Single):
            return self.test(sign, values, wanted=wanted)(source.column())
        kind = None if found.field.many else _KINDS[type(values[0])]
        there = self._exists(source, lambda rows: self.row_test(rows, sign, values, kind), sign, values)
        if wanted:
            return there
        if kind is None:
            return sa.not_(there)
        return sa.and_(self._exists(source, lambda rows: _of_kind(rows, kind)), sa.not_(there))

    def row_test(self, rows: Rows, sign: str, values: list[Any], kind: str | None) -> list[Column]:
        """Return what a row of a field must fulfil to pass a comparison."""
        test = self.test(sign, values)
        if kind is None:
            return [test(rows.text)]
        if kind != "s":
            assert rows.number is not None
            return [*_of_kind(rows, kind), test(rows.number)]
        assert rows.prefix is not None
        if sign in ("=", "in"):
            # The index has the first characters; the whole text is compared only where there may be more.
            starts = [value[:PREFIX] for value in values]
            conditions = [self.test("in", starts)(rows.prefix) if sign == "in" else self.test("=", starts)(rows.prefix)]
            return conditions if all(len(value) < PREFIX for value in values) else [*conditions, test(rows.text)]
        return [*_of_kind(rows, kind), test(rows.text)]

    def _exists(
        self,
        source: Several,
        conditions: Callable[[Rows], list[Column]],
        sign: str | None = None,
        values: list[Any] | None = None,
    ) -> Column:
        parts: list[Column] = []
        for rows in source.places:
            query = rows.query.where(*conditions(rows))
            if self.dialect == "postgresql":
                # Else the planner makes a join of it, reads all rows of a frequent label, and sorts them for one page.
                query = query.offset(0)
            there = query.exists()
            parts.append(there if rows.guard is None else sa.and_(rows.guard, there))
        for constant, condition in source.constants.items():
            if sign is None or self._holds(constant, sign, values or []):
                parts.append(condition)
        return sa.or_(*parts)

    def _holds(self, constant: str, sign: str, values: list[Any]) -> bool:
        if sign == "in":
            return constant in values
        return like(constant, values[0]) if sign == "like" else bool(SIGNS[sign](constant, values[0]))

    def _is_null(self, found: Found, wanted: bool) -> Column:
        source = self.sources(found)
        if isinstance(source, Single):
            column = source.column()
            return column.is_(None) if wanted else column.is_not(None)
        there = self._exists(source, lambda rows: [])
        return sa.not_(there) if wanted else there

    def _compare(self, sign: str, left: Node, right: Node) -> Column:
        wanted = Type.NUMBER
        for side in (left, right):
            if isinstance(side, Use) and side.found.field.type is not Type.ANY:
                wanted = side.found.field.type
        columns = [self._value(side, wanted) for side in (left, right)]
        if wanted is Type.TEXT and sign not in ("=", "!="):
            columns = [self.sorted_text(column) for column in columns]
        return SIGNS[sign](columns[0], columns[1])  # type: ignore[no-any-return]  # columns compare to columns

    def _value(self, node: Node, wanted: Type) -> Column:
        match node:
            case tree.Arithmetic(_, sign, left, right):
                first, second = self._operand(left), self._operand(right)
                if sign == "/":
                    return first / sa.func.nullif(second, sa.literal(0.0, sa.Double()), type_=sa.Double())
                return _COMPUTE[sign](first, second)  # type: ignore[no-any-return]  # as above
            case Constant(_, value):
                return self.bound(value, sa.column("constant"))
            case Use(_, found):
                return self._scalar(found, wanted, limited=False)
        raise AssertionError(node)

    def _operand(self, node: Node) -> Column:
        if isinstance(node, Use):
            return self._scalar(node.found, Type.NUMBER, limited=True)
        value = self._value(node, Type.NUMBER)
        return sa.literal(None, sa.Double()) if isinstance(node, Constant) and not _usable(node.value) else value

    def _scalar(self, found: Found, wanted: Type, *, limited: bool) -> Column:
        source = self.sources(found)
        if isinstance(source, Single):
            value = source.value if wanted is not Type.NUMBER else sa.cast(source.value, sa.Double())
            return source.column(_only_usable(value) if limited else value)
        parts = [(rows.guard, self._only_one(rows, wanted, limited=limited)) for rows in source.places]
        if len(parts) == 1:
            return parts[0][1]
        return sa.case(*((guard, value) for guard, value in parts if guard is not None))

    def _only_one(self, rows: Rows, wanted: Type, *, limited: bool) -> Column:
        """Return the value of a field that has one row, of the type that is wanted; NULL otherwise."""
        assert rows.kind is not None
        assert rows.number is not None
        kind, value = ("s", rows.text) if wanted is Type.TEXT else ("n", rows.number)
        fitting = sa.case((rows.kind == kind, _only_usable(value) if limited else value))
        one = sa.case((sa.func.count() == 1, sa.func.min(fitting)))
        return rows.query.with_only_columns(one).scalar_subquery()


def _of_kind(rows: Rows, kind: str) -> list[Column]:
    assert rows.kind is not None
    return [rows.kind == kind]


def _usable(value: Any) -> bool:
    return isinstance(value, float) and usable(value) is not None


def _only_usable(value: Column) -> Column:
    size: Column = sa.func.abs(value, type_=sa.Double())
    return sa.case((sa.or_(value == 0, size.between(SMALLEST, LARGEST)), value))
