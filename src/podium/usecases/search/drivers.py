"""Which rows a condition leads to by an index of another table.

A condition that few rows fulfil is better answered from its index than by walking everything in the order asked for.
What a driver gives is all that can fulfil the condition, perhaps a little more: the condition is looked at again where
`is_exact` does not say that it need not be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import tree
from podium.domain.expressions.tree import Constant, Node, Use
from podium.domain.expressions.vocabulary import Found
from podium.domain.names import LATEST
from podium.sql import tables as t
from podium.usecases.search.compiling import Compiler
from podium.usecases.search.patterns import beginning, starts
from podium.usecases.search.sources import Column, Rows, Several

Driver = Callable[[Node, Compiler], sa.Select[Any] | None]
Test = Callable[[Column], Column]
_m = t.memberships.alias("driven")
_MEMBER = (_m.c.collection_id, _m.c.number)


def version_driver(node: Node, compiler: Compiler) -> sa.Select[Any] | None:
    """Return the collection_id and number of all versions that can fulfil a condition; None if no index knows."""
    asked = _asked(node)
    if asked is None:
        return None
    found, sign, values = asked
    name = found.field.name
    if name in ("metadata", "config"):
        return _by_fields(found, sign, values, compiler)
    test = _test(sign, values, compiler)
    if test is None or (name == "alias" and (sign not in ("=", "in") or LATEST in values)):
        return None
    make = _MAKERS.get(name)
    return make(test, found.key) if make is not None else None


def is_exact(node: Node) -> bool:
    """Whether the driver of a condition gives just what fulfils it."""
    asked = _asked(node)
    return asked is not None and asked[0].field.name == "tag" and asked[1] in ("=", "in")


def _asked(node: Node) -> tuple[Found, str, list[Any]] | None:
    """Return field, sign and values of a condition that an index may answer."""
    match node:
        case tree.Comparison(_, sign, Use(_, found), Constant(_, value)) if sign != "!=":
            return found, sign, [value]
        case tree.In(_, Use(_, found), options, False):
            return found, "in", [option.value for option in options if isinstance(option, Constant)]
        case tree.Like(_, Use(_, found), pattern, False) if beginning(pattern):
            return found, "like", [beginning(pattern)]
    return None


def _test(sign: str, values: list[Any], compiler: Compiler) -> Test | None:
    if sign == "like":
        probe = starts(sa.column("probe", sa.Text()), values[0], compiler.dialect)
        return None if probe is None else lambda column: _must(starts(column, values[0], compiler.dialect))
    if sign not in ("=", "in") and isinstance(values[0], str):
        return None  # the order of texts is no index's
    return compiler.test(sign, values)


def _must(condition: Column | None) -> Column:
    assert condition is not None
    return condition


def _label(table: sa.Table, *more: Column) -> Callable[[Test, str | None], sa.Select[Any]]:
    c = table.c
    return lambda test, _key: sa.select(c.collection_id, c.number).where(test(c.name), *more)


def _metric(test: Test, key: str | None) -> sa.Select[Any]:
    x = t.version_metrics.c
    query = sa.select(*_MEMBER).select_from(t.version_metrics).join(_m, _m.c.version_id == x.version_id)
    return query.where(x.name == key, test(x.value))


def _name(test: Test, _key: str | None) -> sa.Select[Any]:
    c = t.collections.c  # by IN, not by a join: SQLite, which knows no counts, would begin at the versions
    return sa.select(*_MEMBER).where(_m.c.collection_id.in_(sa.select(c.id).where(test(c.name))))


def _creator(test: Test, _key: str | None) -> sa.Select[Any]:
    return sa.select(*_MEMBER).where(test(_m.c.created_by))


def _digest(test: Test, _key: str | None) -> sa.Select[Any]:
    v = t.versions.c
    return sa.select(*_MEMBER).select_from(t.versions).join(_m, _m.c.version_id == v.id).where(test(v.digest))


def _check(test: Test, key: str | None) -> sa.Select[Any]:
    k, v = t.checks.c, t.versions.c
    query = sa.select(*_MEMBER).select_from(t.checks).join(t.versions, v.digest == k.digest)
    return query.join(_m, _m.c.version_id == v.id).where(k.name == key, test(k.status))


def _run(test: Test, _key: str | None) -> sa.Select[Any]:
    e = t.run_versions.c
    query = sa.select(*_MEMBER).select_from(t.run_versions).join(_m, _m.c.version_id == e.version_id)
    return query.where(test(e.run_id), e.direction == "output")


_MAKERS: dict[str, Callable[[Test, str | None], sa.Select[Any]]] = {
    "tag": _label(t.version_tags),
    "alias": _label(t.aliases),
    "stage": _label(t.aliases, t.aliases.c.stage),
    "metric": _metric,
    "name": _name,
    "created_by": _creator,
    "digest": _digest,
    "check": _check,
    "run.id": _run,
}


def _by_fields(found: Found, sign: str, values: list[Any], compiler: Compiler) -> sa.Select[Any] | None:
    """The rows of metadata or configuration, and the versions that they belong to."""
    kind = {str: "s", float: "n", bool: "b"}[type(values[0])]
    if kind == "s" and sign not in ("=", "in", "like"):
        return None
    source = compiler.sources(found)
    assert isinstance(source, Several)
    queries = []
    for table, key in _FIELD_TABLES[found.field.name]:
        c = table.c
        rows = Rows(sa.select(sa.literal(1)), c.text, c.kind, c.prefix, c.value)
        if sign == "like":
            start = starts(c.prefix, values[0][:100], compiler.dialect)
            conditions = [] if start is None else [start]
        else:
            conditions = compiler.row_test(rows, sign, values, kind)
        queries.append(key(table).where(c.name == found.key, *conditions))
    union = sa.union_all(*queries).subquery()
    return sa.select(union.c.collection_id, union.c.number) if len(queries) > 1 else queries[0]


def _of_versions(table: sa.Table) -> sa.Select[Any]:
    return sa.select(*_MEMBER).select_from(table).join(_m, _m.c.version_id == table.c.version_id)


def _of_runs(table: sa.Table) -> sa.Select[Any]:
    e = t.run_versions.c
    made = sa.and_(e.run_id == table.c.run_id, e.direction == "output")
    query = sa.select(*_MEMBER).select_from(table).join(t.run_versions, made)
    return query.join(_m, _m.c.version_id == e.version_id)


def _of_members(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table.c.collection_id, table.c.number)


_FIELD_TABLES: dict[str, tuple[tuple[sa.Table, Callable[[sa.Table], sa.Select[Any]]], ...]] = {
    "metadata": ((t.version_fields, _of_versions), (t.member_fields, _of_members)),
    "config": ((t.run_fields, _of_runs),),
}
