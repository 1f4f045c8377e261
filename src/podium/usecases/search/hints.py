"""Why a search may have found nothing: a name that nothing has, and the names that are spelled like it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import sqlalchemy as sa

from podium.domain.expressions import near_names, read_expression, tree, written
from podium.domain.expressions.tree import Constant, Use
from podium.domain.names import LATEST
from podium.domain.search import COLLECTIONS, RUNS, VERSIONS
from podium.sql import tables as t
from podium.usecases.unit import Unit

Subject = Literal["versions", "collections", "runs"]
_VOCABULARIES = {"versions": VERSIONS, "collections": COLLECTIONS, "runs": RUNS}
_MOST = 500  # names that are compared with one
_FAMILIES: dict[tuple[str, str], tuple[sa.Column[Any], ...]] = {
    ("versions", "metric"): (t.version_metrics.c.name,),
    ("versions", "metadata"): (t.version_fields.c.name, t.member_fields.c.name),
    ("versions", "config"): (t.run_fields.c.name,),
    ("versions", "check"): (t.checks.c.name,),
    ("runs", "config"): (t.run_fields.c.name,),
}
_LABELS: dict[tuple[str, str], tuple[sa.Column[Any], ...]] = {
    ("versions", "tag"): (t.version_tags.c.name,),
    ("versions", "alias"): (t.aliases.c.name,),
    ("versions", "stage"): (t.aliases.c.name,),
    ("versions", "collection.tag"): (t.collection_tags.c.name,),
    ("collections", "tag"): (t.collection_tags.c.name,),
    ("collections", "alias"): (t.aliases.c.name,),
    ("collections", "stage"): (t.aliases.c.name,),
}


def name_hints(unit: Unit, where: str, subject: Subject) -> list[str]:
    """Return a sentence for each metric, key, check, tag or alias of an expression that nothing in the registry has.

    Raises:
        ExpressionError: The expression cannot be understood.
    """
    condition = read_expression(where, _VOCABULARIES[subject], unit.now).condition
    hints = []
    for what, name, columns, path in dict.fromkeys(_named(condition, subject)):
        known = {known for column in columns for known in _names(unit, column)}
        if name not in known and len(known) < _MOST:
            near = near_names(name, sorted(known))
            better = path + written(near[0]) if near and path else repr(near[0]) if near else ""
            hints.append(f"Nothing has the {what} {name!r}." + (f" Did you mean {better}?" if near else ""))
    return hints


def _named(condition: tree.Node | None, subject: str) -> Iterator[tuple[str, str, tuple[sa.Column[Any], ...], str]]:
    for node, _ in tree.walk(condition) if condition is not None else ():
        if isinstance(node, Use) and node.found.key is not None:
            family = node.found.field.name
            if columns := _FAMILIES.get((subject, family)):
                yield _CALLED.get(family, family), node.found.key, columns, f"{family}."
        if isinstance(node, tree.Comparison) and isinstance(node.left, Use) and isinstance(node.right, Constant):
            label, value = node.left.found.field.name, node.right.value
            columns = _LABELS.get((subject, label))
            if columns and isinstance(value, str) and not (label == "alias" and value == LATEST):
                yield label.removeprefix("collection."), value, columns, ""


_CALLED = {"metadata": "metadata key", "config": "setting"}


def _names(unit: Unit, column: sa.Column[Any]) -> list[str]:
    """Return the different names in a column, by hops in its index: not by reading every row."""
    least = sa.select(sa.func.min(column).label("name")).cte("names", recursive=True)
    hop = sa.select(sa.func.min(column)).where(column > least.c.name).scalar_subquery()
    names = least.union_all(sa.select(hop).where(least.c.name.is_not(None)))
    query = sa.select(names.c.name).where(names.c.name.is_not(None)).limit(_MOST)
    return list(unit.connection.scalars(query))
