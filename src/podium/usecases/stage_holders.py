"""Who held a stage, as the events of a model tell it; whoever was only given its alias by hand never did."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from podium.domain.transitions import HELD_BY
from podium.sql import tables as t
from podium.usecases.unit import Unit

_E, _M = t.events.c, t.alias_moves.c
_ADOPTED = "stage.adopted"
# What moves an alias or makes a stage of one, and where the event has its name.
_NAMED = {
    "model_version.promoted": "stage",
    "model_version.rolled_back": "stage",
    "model_version.demoted": "stage",
    "alias.set": "alias",
    "alias.removed": "alias",
    _ADOPTED: "stage",
}
_STREAM = _E.stream == sa.bindparam("stream", type_=sa.Uuid())
_STEPS = sa.select(_E.type, _E.before, _E.after).where(_STREAM, _E.type.in_(list(_NAMED))).order_by(_E.sequence)
_TAKEN_OVER = sa.select(_E.after).where(_STREAM, _E.type == _ADOPTED)
_EVER = sa.select(sa.literal(1)).where(
    _M.collection_id == sa.bindparam("stream", type_=sa.Uuid()),
    _M.name == sa.bindparam("stage"),
    _M.after == sa.bindparam("number"),
    _M.kind.in_(HELD_BY),
)


def steps_of(unit: Unit, collection_id: UUID, stage: str) -> Sequence[tuple[str, int | None]]:
    """Return what happened to a stage, oldest first: the kind, and the version that has it since.

    The kinds are those of alias moves, and ``adopted``. By the order of the events: adoptions are no moves.
    """
    found = unit.connection.execute(_STEPS, {"stream": collection_id})
    return [
        (row.type.partition(".")[2], row.after.get("number"))
        for row in found
        if {**row.before, **row.after}.get(_NAMED[row.type]) == stage
    ]


def has_held(unit: Unit, collection_id: UUID, stage: str, number: int) -> bool:
    """Whether a version has held a stage at any time."""
    keys = {"stream": collection_id, "stage": stage, "number": number}
    if unit.connection.execute(_EVER, keys).first() is not None:
        return True
    adopted = unit.connection.scalars(_TAKEN_OVER, {"stream": collection_id})
    return any((after["stage"], after["number"]) == (stage, number) for after in adopted)
