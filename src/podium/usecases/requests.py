"""Attempts to move stages as they are listed, and the end of those that waited too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args
from uuid import UUID

import sqlalchemy as sa

from podium.domain.transitions import Transition, TransitionStatus
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.usecases.governed import chunks
from podium.usecases.places import collection_reference, find_collection, stream_of
from podium.usecases.policies import policy_in_force
from podium.usecases.transitions import close_stale, select_transitions
from podium.usecases.unit import Stream, Unit

_T = t.transitions.c


def list_requests(
    unit: Unit, model: str | None = None, status: str | None = "pending", stage: str | None = None
) -> list[Transition]:
    """Return attempts to move stages, oldest first.

    Args:
        unit: The unit.
        model: Of this model only.
        status: With this status only; None for all.
        stage: Of this stage only.

    Raises:
        InvalidValueError: There is no such status.
        NotFoundError: There is no such model.
    """
    known = get_args(TransitionStatus)
    if status is not None and status not in known:
        raise InvalidValueError(f"{status!r} is no status of a request.", hint=f"Use one of {', '.join(known)}.")
    where = [] if status is None else [_T.status == status]
    if model is not None:
        where.append(_T.collection_id == find_collection(unit, collection_reference(model), kind="model").id)
    if stage is not None:
        where.append(_T.stage == stage)
    return select_transitions(unit, *where)


def close_expired(unit: Unit, model: str) -> None:
    """Cancel the requests of a model that can no longer be committed, so that a list does not show them as waiting.

    Raises:
        NotFoundError: There is no such model.
    """
    row = find_collection(unit, collection_reference(model), kind="model", lock=True)
    close_stale(unit, stream_of(row), policy_in_force(unit, row).policy)


def close_without_stage(unit: Unit, rows: Mapping[UUID, Any], streams: Mapping[UUID, Stream]) -> None:
    """Cancel the requests of locked models for stages that the policy in force there has no more.

    Args:
        unit: The unit.
        rows: Of the models.
        streams: Those of them that this unit has written to already.
    """
    for some in chunks(sorted(rows)):
        where = (_T.status == "pending", _T.collection_id.in_(some))
        waiting = unit.connection.scalars(sa.select(_T.collection_id).where(*where).distinct()).all()
        for key in sorted(waiting):
            stream = streams.get(key) or stream_of(rows[key])
            close_stale(unit, stream, policy_in_force(unit, rows[key]).policy)


def expired(unit: Unit, requests: Iterable[Transition]) -> list[str]:
    """Return the models that have a request among these which waited too long."""
    late = {
        made.collection
        for made in requests
        if made.status == "pending" and made.expires_at is not None and unit.now >= made.expires_at
    }
    return sorted(late)
