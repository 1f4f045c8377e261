"""Facts that events tell of rows, and where a row is looked up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from podium.domain.audit import details_sha256
from podium.domain.plain import canonical
from podium.sql import tables as t
from podium.usecases.audit.chain import raw
from podium.usecases.audit.findings import UnreadableError, read
from podium.usecases.unit import Unit

Table = Literal[
    "version",
    "member",
    "alias",
    "alias move",
    "check",
    "transition",
    "approval",
    "freeze",
    "registry freeze",
    "role",
    "policy",
    "registry policy",
    "version tag",
    "collection tag",
    "former name",
    "collection",
    "namespace",
    "subscription",
    "automation",
]
Found = Mapping[str, Any]
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Fact:
    """What the row of a key must say.

    Attributes:
        table: Where the row is.
        key: Its key within the collection or namespace.
        values: Column to value; JSON as its canonical text.
        subject: What it is about, for people.
        sequence: The event that says so; None where several add up to it.
    """

    table: Table
    key: tuple[Any, ...]
    values: Mapping[str, Any]
    subject: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How the rows of a table are found.

    Attributes:
        query: Selects them, JSON as text.
        scope: The column that says whose they are; None for a table of its own.
        keys: The columns of the key.
        complete: Adds to the rows what is computed of them.
    """

    query: sa.Select[Any]
    scope: sa.ColumnElement[Any] | None
    keys: tuple[sa.ColumnElement[Any], ...]
    complete: Callable[[Unit, list[dict[str, Any]]], None] | None = None


def find_rows(
    unit: Unit, view: View, scope: UUID, keys: Sequence[tuple[Any, ...]] | None
) -> dict[tuple[Any, ...], Found]:
    """Return the rows of keys, or all in a scope, by key.

    Raises:
        UnreadableError: A row holds what its columns cannot.
    """
    query = view.query if view.scope is None else view.query.where(view.scope == scope)
    if keys is None:
        rows = [row._asdict() for row in read(unit.connection, query)]
    else:
        rows = []
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            chosen = view.keys[0].in_([key[0] for key in some]) if len(view.keys) == 1 else _tuples(view, some)
            rows += [row._asdict() for row in read(unit.connection, query.where(chosen))]
    if view.complete is not None:
        view.complete(unit, rows)
    return {tuple(row[column.name] for column in view.keys): row for row in rows}


def _tuples(view: View, keys: Sequence[tuple[Any, ...]]) -> sa.ColumnElement[bool]:
    return sa.tuple_(*view.keys).in_(list(keys))


def _complete_versions(unit: Unit, rows: list[dict[str, Any]]) -> None:
    metrics: dict[UUID, dict[str, float]] = {row["id"]: {} for row in rows}
    m = t.version_metrics.c
    for start in range(0, len(rows), _CHUNK):
        some = [row["id"] for row in rows[start : start + _CHUNK]]
        for found in read(unit.connection, sa.select(m.version_id, m.name, m.value).where(m.version_id.in_(some))):
            metrics[found.version_id][found.name] = found.value
    for row in rows:
        row["metrics"] = numbers(metrics[row["id"]])
        row["details"] = _details(row, row["expires_at"])


def _complete_members(_unit: Unit, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["details"] = _details(row, None)
        row["source"] = f"{row['home']}:v{row['source_number']}"


def numbers(metrics: Mapping[str, float]) -> str:
    """Return metrics as one text; 1 and 1.0 are the same number, and databases keep the second."""
    return canonical({name: float(value) + 0.0 for name, value in metrics.items()})  # SQLite keeps no negative zero


def _details(row: Mapping[str, Any], expires_at: Any) -> str:
    try:
        metadata = json.loads(row["metadata"]) if row["metadata"] is not None else None
        return details_sha256(metadata, row["description"], expires_at)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


_home, _space = t.collections.alias("home"), t.namespaces.alias("space")
_V, _M, _K = t.versions.c, t.memberships.c, t.checks.c
_PLACE = t.namespaces.c.name + "/" + t.collections.c.name
_MEMBERS = (
    sa.select(
        *raw(*_M),
        _V.number.label("source_number"),
        _V.digest.label("source_digest"),
        _home.c.id.label("home_id"),
        (_space.c.name + "/" + _home.c.name).label("home"),
    )
    .outerjoin(t.versions, _V.id == _M.version_id)
    .outerjoin(_home, _home.c.id == _V.collection_id)
    .outerjoin(_space, _space.c.id == _home.c.namespace_id)
)
_CHECKS = sa.select(*raw(*_K), (_K.version_id == _M.version_id).label("of_member")).outerjoin(
    t.memberships, sa.and_(_M.collection_id == _K.collection_id, _M.number == _K.number)
)
_COLLECTIONS = sa.select(*raw(*t.collections.c), _PLACE.label("ref")).outerjoin(
    t.namespaces, t.namespaces.c.id == t.collections.c.namespace_id
)


_WORDS = (
    sa.select(*raw(*t.approvals.c), t.transitions.c.collection_id)
    .join(t.transitions, t.transitions.c.id == t.approvals.c.transition_id)
    .subquery()
)
_FREEZES = sa.select(*raw(*t.freezes.c)).where(t.freezes.c.collection_id.is_(None))
_POLICIES = sa.select(*raw(*t.policies.c)).where(t.policies.c.collection_id.is_(None))


def _view(table: sa.Table, scope: str | None, *keys: str) -> View:
    return View(sa.select(*raw(*table.c)), table.c[scope] if scope else None, tuple(table.c[key] for key in keys))


VIEWS: Mapping[Table, View] = {
    "version": View(sa.select(*raw(*_V)), _V.collection_id, (_V.number,), _complete_versions),
    "member": View(_MEMBERS, _M.collection_id, (_M.number,), _complete_members),
    "alias": _view(t.aliases, "collection_id", "name"),
    "alias move": _view(t.alias_moves, "collection_id", "name", "revision"),
    "check": View(_CHECKS, _K.collection_id, (_K.sequence,)),
    "transition": _view(t.transitions, "collection_id", "id"),
    "approval": View(sa.select(_WORDS), _WORDS.c.collection_id, (_WORDS.c.transition_id, _WORDS.c.position)),
    "freeze": _view(t.freezes, "collection_id", "id"),
    "registry freeze": View(_FREEZES, t.freezes.c.namespace_id, (t.freezes.c.id,)),
    "role": _view(t.roles, "namespace_id", "person_key", "role"),
    "policy": _view(t.policies, "collection_id", "revision"),
    "registry policy": View(_POLICIES, t.policies.c.namespace_id, (t.policies.c.revision,)),
    "version tag": _view(t.version_tags, "collection_id", "number", "name"),
    "collection tag": _view(t.collection_tags, "collection_id", "name"),
    "former name": _view(t.former_names, "namespace_id", "name_key"),
    "collection": View(_COLLECTIONS, t.collections.c.id, (t.collections.c.id,)),
    "namespace": _view(t.namespaces, "id", "id"),
    "subscription": _view(t.subscriptions, None, "name"),
    "automation": _view(t.automations, None, "name"),
}
