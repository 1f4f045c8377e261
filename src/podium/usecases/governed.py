"""Locking all models that a policy or a freeze is for, so that no promotion is half way through another rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.policy_targets import PolicyTarget
from podium.sql import tables as t
from podium.usecases.places import COLLECTIONS, collection_reference, find_collection, require_registry
from podium.usecases.unit import Unit

_C = t.collections.c
_CHUNK = 500


def lock_governed(unit: Unit, target: PolicyTarget) -> tuple[Any, dict[UUID, Any]]:
    """Lock the models of a target, by id, then its registry; return the row of the registry and those of the models.

    A promotion locks its model and no registry, so that there is no circle. A model that came between the two locks is
    locked after them: making one waits for the registry, so that there are no more of them.

    Raises:
        NotFoundError: There is no such model or registry.
    """
    space = require_registry(unit, target.registry)
    if target.kind == "model":
        row = find_collection(unit, collection_reference(target.text), kind="model", lock=True)
        return require_registry(unit, target.registry, lock=True), {row.id: row}
    query = _models(space.id, target)
    rows = {row.id: row for row in unit.connection.execute(query.with_for_update(of=t.collections))}
    space = require_registry(unit, target.registry, lock=True)
    fresh = [row.id for row in unit.connection.execute(query) if row.id not in rows]
    for some in chunks(fresh):
        later = COLLECTIONS.where(_C.id.in_(some)).order_by(_C.id).with_for_update(of=t.collections)
        rows |= {row.id: row for row in unit.connection.execute(later)}
    return space, rows


def chunks(ids: Iterable[UUID]) -> Iterator[Sequence[UUID]]:
    """Yield ids in portions that a statement has places for."""
    remaining = iter(ids)
    while some := list(islice(remaining, _CHUNK)):
        yield some


def _models(space_id: UUID, target: PolicyTarget) -> sa.Select[Any]:
    where = [_C.namespace_id == space_id, _C.kind == "model"]
    if target.kind == "pattern":
        where.append(_C.name_key.like(target.fits, escape="\\"))
    return COLLECTIONS.where(*where).order_by(_C.id)
