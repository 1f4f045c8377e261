"""What a bundle holds: the collections that were asked for, and all that they cannot be understood without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.usecases.places import collection_reference, find_collection, require_namespace
from podium.usecases.unit import Unit

T = TypeVar("T")
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """What goes into a bundle.

    Attributes:
        asked: The references; empty for everything.
        namespaces: Projects and registries.
        collections: Artifacts and models.
        runs: Ids of runs.
    """

    asked: tuple[str, ...]
    namespaces: tuple[UUID, ...]
    collections: tuple[UUID, ...]
    runs: tuple[str, ...]


def choose_scope(unit: Unit, refs: Sequence[str]) -> Scope:
    """Return what belongs to models, artifacts, registries or projects, or to everything if none is given.

    A model brings the artifacts that its versions were logged in, whole: their numbers and audit chains cannot be moved
    in part. All of these bring the runs that made or used their versions.

    Raises:
        InvalidNameError: One is no reference, or names a single version.
        NotFoundError: One names nothing.
    """
    if not refs:
        everything = (_all(unit, table.c.id) for table in (t.namespaces, t.collections, t.runs))
        return Scope((), *everything)
    spaces: set[UUID] = set()
    chosen: set[UUID] = set()
    runs: set[str] = set()
    for ref in refs:
        _add(unit, ref, spaces, chosen, runs)
    chosen |= _homes(unit, chosen)
    runs |= _runs_of(unit, chosen)
    spaces |= _spaces_of(unit, t.collections, chosen) | _spaces_of(unit, t.runs, runs)
    return Scope(tuple(refs), tuple(sorted(spaces)), tuple(sorted(chosen)), tuple(sorted(runs)))


def chunks(items: Iterable[T], size: int = _CHUNK) -> Iterator[list[T]]:
    """Yield items in lists that one statement has places for."""
    some: list[T] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _add(unit: Unit, ref: str, spaces: set[UUID], chosen: set[UUID], runs: set[str]) -> None:
    if not isinstance(ref, str) or not ref:
        raise InvalidValueError(f"{ref!r} is no reference.", hint="Write 'model-registry/NAME', a project, a registry.")
    if "/" in ref or ":" in ref:
        chosen.add(find_collection(unit, collection_reference(ref), deleted=True).id)
        return
    space = require_namespace(unit, ref)
    spaces.add(space.id)
    c, r = t.collections.c, t.runs.c
    chosen |= set(unit.connection.scalars(sa.select(c.id).where(c.namespace_id == space.id)))
    runs |= set(unit.connection.scalars(sa.select(r.id).where(r.namespace_id == space.id)))


def _homes(unit: Unit, chosen: Iterable[UUID]) -> set[UUID]:
    m, v = t.memberships.c, t.versions.c
    query = sa.select(v.collection_id).join(t.memberships, m.version_id == v.id).distinct()
    return {found for some in chunks(chosen) for found in _scalars(unit, query.where(m.collection_id.in_(some)))}


def _runs_of(unit: Unit, chosen: Iterable[UUID]) -> set[str]:
    v, e = t.versions.c, t.run_versions.c
    edges = sa.select(e.run_id).join(t.versions, v.id == e.version_id).distinct()
    made = sa.select(v.run_id).where(v.run_id.is_not(None)).distinct()
    found: set[str] = set()
    for some in chunks(chosen):
        for query in (edges, made):
            found |= set(_scalars(unit, query.where(v.collection_id.in_(some))))
    return found


def _spaces_of(unit: Unit, table: sa.Table, ids: Iterable[Any]) -> set[UUID]:
    query = sa.select(table.c.namespace_id).distinct()
    return {found for some in chunks(ids) for found in _scalars(unit, query.where(table.c.id.in_(some)))}


def _all(unit: Unit, column: sa.Column[Any]) -> tuple[Any, ...]:
    return tuple(sorted(_scalars(unit, sa.select(column))))


def _scalars(unit: Unit, query: sa.Select[Any]) -> list[Any]:
    return list(unit.connection.scalars(query))
