"""Explaining what became of each attempt to move a stage, from the events of the model."""

from __future__ import annotations

import sqlalchemy as sa

from podium.domain.explaining import Explanation, explain_events
from podium.domain.names import check_label
from podium.domain.plain import check_limit
from podium.sql import tables as t
from podium.sql.rows import to_event
from podium.usecases.places import collection_reference, find_collection
from podium.usecases.unit import Unit

_E = t.events.c
_ATTEMPTS = (
    sa.select(t.events)
    .where(
        _E.stream == sa.bindparam("stream", type_=sa.Uuid()),
        sa.or_(
            _E.type.in_(
                (
                    "model_version.promoted",
                    "model_version.rolled_back",
                    "model_version.demoted",
                    "model_version.approval_withdrawn",
                    "stage.adopted",
                    "stage.released",
                )
            ),
            _E.type.like("model_version.promotion%"),
        ),
    )
    .order_by(_E.sequence)
)


def explain_stages(unit: Unit, model: str, stage: str | None = None, limit: int | None = None) -> list[Explanation]:
    """Return each attempt to move a stage of a model, newest first.

    Args:
        unit: The unit.
        model: ``REGISTRY/MODEL``; a deleted one can be explained as well.
        stage: Of this stage only.
        limit: At most so many.

    Raises:
        InvalidNameError, InvalidValueError: The stage is no name, or the limit none.
        NotFoundError: There is no such model.
    """
    check_limit(limit)
    if stage is not None:
        check_label(stage, "stage")
    row = find_collection(unit, collection_reference(model), kind="model", deleted=True)
    events = (to_event(found) for found in unit.connection.execute(_ATTEMPTS, {"stream": row.id}))
    return list(reversed(explain_events(events, stage)))[:limit]
