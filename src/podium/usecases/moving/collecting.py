"""Reading everything of a scope from the database, kind by kind, as the records of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from podium.domain.bundle_check import Record
from podium.domain.bundle_records import RECORDS
from podium.sql import tables as t
from podium.usecases.moving.scope import Scope, chunks
from podium.usecases.unit import Unit

_ROWS = 1_000  # fetched at a time: with a cursor of the server, memory does not grow with the table
_BY_COLLECTION = {
    "collections": t.collections.c.id,
    "former_names": t.former_names.c.collection_id,
    "collection_tags": t.collection_tags.c.collection_id,
    "versions": t.versions.c.collection_id,
    "memberships": t.memberships.c.collection_id,
    "version_tags": t.version_tags.c.collection_id,
    "aliases": t.aliases.c.collection_id,
    "alias_moves": t.alias_moves.c.collection_id,
    "checks": t.checks.c.collection_id,
    "transitions": t.transitions.c.collection_id,
}
_BY_RUN = {"runs": t.runs.c.id, "run_metrics": t.run_metrics.c.run_id, "run_media": t.run_media.c.run_id}


def collect_records(unit: Unit, scope: Scope, kind: str) -> Iterator[Record]:
    """Yield the records of a kind that belong to a scope; events in the order of their streams.

    Args:
        unit: One that sees a single moment, so that all kinds fit together.
        scope: What is wanted.
        kind: One of `RECORDS`.
    """
    table = t.metadata.tables[kind]
    columns = [table.c[name] for name in RECORDS[kind]]
    for query in _queries(unit, scope, kind, sa.select(*columns)):
        found = unit.connection.execute(query.order_by(*_order(table)), execution_options={"yield_per": _ROWS})
        for row in found:
            yield dict(zip(RECORDS[kind], row, strict=True))


def count_left_out(unit: Unit, scope: Scope) -> int:
    """Return how many lineage edges lead from runs of a scope to versions outside it."""
    e, v = t.run_versions.c, t.versions.c
    inside = set(scope.collections)
    query = sa.select(v.collection_id, sa.func.count()).join(t.versions, v.id == e.version_id).group_by(v.collection_id)
    rows = (row for some in chunks(scope.runs) for row in unit.connection.execute(query.where(e.run_id.in_(some))))
    return sum(count for collection, count in rows if collection not in inside)


def _order(table: sa.Table) -> Sequence[sa.ColumnElement[Any]]:
    if table is t.events:
        return (t.events.c.stream, t.events.c.sequence)
    return tuple(table.primary_key.columns)


def _queries(unit: Unit, scope: Scope, kind: str, query: sa.Select[Any]) -> Iterator[sa.Select[Any]]:
    """Yield the statements that select the rows of a kind, each row once."""
    if kind in _BY_COLLECTION:
        yield from (query.where(_BY_COLLECTION[kind].in_(some)) for some in chunks(scope.collections))
    elif kind in _BY_RUN:
        yield from (query.where(_BY_RUN[kind].in_(some)) for some in chunks(scope.runs))
    elif kind in ("manifests", "manifest_entries"):
        digest = t.metadata.tables[kind].c.digest
        yield from (query.where(digest.in_(some)) for some in chunks(_digests(unit, scope)))
    else:
        yield from _OTHERS[kind](scope, query)


def _namespaces(scope: Scope, query: sa.Select[Any]) -> Iterable[sa.Select[Any]]:
    return (query.where(t.namespaces.c.id.in_(some)) for some in chunks(scope.namespaces))


def _version_metrics(scope: Scope, query: sa.Select[Any]) -> Iterable[sa.Select[Any]]:
    v, m = t.versions.c, t.version_metrics.c
    query = query.join(t.versions, v.id == m.version_id)
    return (query.where(v.collection_id.in_(some)) for some in chunks(scope.collections))


def _run_versions(scope: Scope, query: sa.Select[Any]) -> Iterator[sa.Select[Any]]:
    # By version: a run may have used versions outside the scope, but each version inside has all its runs here.
    v, e = t.versions.c, t.run_versions.c
    query = query.join(t.versions, v.id == e.version_id)
    yield from (query.where(v.collection_id.in_(some)) for some in chunks(scope.collections))


def _of_registries(table: sa.Table) -> Callable[[Scope, sa.Select[Any]], Iterator[sa.Select[Any]]]:
    """Return what selects rows of a table that are for one model, or for all of a registry."""

    def select(scope: Scope, query: sa.Select[Any]) -> Iterator[sa.Select[Any]]:
        whole = query.where(table.c.collection_id.is_(None))
        yield from (whole.where(table.c.namespace_id.in_(some)) for some in chunks(scope.namespaces))
        yield from (query.where(table.c.collection_id.in_(some)) for some in chunks(scope.collections))

    return select


def _roles(scope: Scope, query: sa.Select[Any]) -> Iterator[sa.Select[Any]]:
    yield from (query.where(t.roles.c.namespace_id.in_(some)) for some in chunks(scope.namespaces))


def _approvals(scope: Scope, query: sa.Select[Any]) -> Iterator[sa.Select[Any]]:
    query = query.join(t.transitions, t.transitions.c.id == t.approvals.c.transition_id)
    yield from (query.where(t.transitions.c.collection_id.in_(some)) for some in chunks(scope.collections))


def _events(scope: Scope, query: sa.Select[Any]) -> Iterable[sa.Select[Any]]:
    return (query.where(t.events.c.stream.in_(some)) for some in chunks((*scope.namespaces, *scope.collections)))


_OTHERS = {
    "namespaces": _namespaces,
    "version_metrics": _version_metrics,
    "run_versions": _run_versions,
    "policies": _of_registries(t.policies),
    "freezes": _of_registries(t.freezes),
    "roles": _roles,
    "approvals": _approvals,
    "events": _events,
}


def _digests(unit: Unit, scope: Scope) -> list[str]:
    """Return the digests of all versions and media of a scope, each once."""
    v, m = t.versions.c, t.run_media.c
    found: set[str] = set()
    for some in chunks(scope.collections):
        found |= set(unit.connection.scalars(sa.select(v.digest).where(v.collection_id.in_(some)).distinct()))
    for runs in chunks(scope.runs):
        found |= set(unit.connection.scalars(sa.select(m.digest).where(m.run_id.in_(runs)).distinct()))
    return sorted(found)
