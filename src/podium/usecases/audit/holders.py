"""Who held a stage or alias, and when: answered from its moves."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from podium.domain.audit import Holding
from podium.domain.names import LATEST, check_alias
from podium.domain.versions import AliasMove
from podium.errors import InvalidNameError, NotFoundError
from podium.usecases.aliases import moves_of
from podium.usecases.audit.querying import with_zone
from podium.usecases.places import collection_reference, find_collection
from podium.usecases.policies import effective_policy
from podium.usecases.unit import Unit


def list_holdings(unit: Unit, collection: str, stage: str) -> list[Holding]:
    """Return the times in which a stage or alias was held, oldest first, and those between in which nobody held it.

    Raises:
        InvalidNameError: It is no name of a stage or alias; ``latest`` follows the newest version, and has no holder.
        NotFoundError: There is no such model or artifact, or it never had such a stage or alias.
    """
    ref = collection_reference(collection)
    if stage == LATEST:
        raise InvalidNameError(
            "'latest' follows the newest version by itself.", hint="resolve(ref, at=...) says which that was."
        )
    check_alias(stage)
    row = find_collection(unit, ref, deleted=True)
    moves = moves_of(unit, row.id, ref.collection, stage)
    if not moves and (row.kind != "model" or stage not in effective_policy(unit, row.namespace_id, row.id).names):
        known = sorted({move.alias for move in moves_of(unit, row.id, ref.collection)})
        there = f"It had {', '.join(known)}." if known else "It never had any."
        raise NotFoundError(f"{ref.collection} never had a stage or alias {stage!r}.", hint=there, stage=stage)
    ends = [*(later.at for _, later in pairwise(moves)), None]
    return [_holding(move, end) for move, end in zip(moves, ends, strict=True)] if moves else []


def find_holding(unit: Unit, collection: str, stage: str, at: datetime) -> Holding | None:
    """Return the time in which a moment lies; None if nobody had held the stage by then, nor lost it.

    A move counts from its own moment on: at the very time of a promotion, the promoted version holds the stage.

    Raises:
        InvalidNameError, NotFoundError: As `list_holdings`.
        InvalidValueError: The time has no zone.
    """
    moment = with_zone(at)
    # By revision, not by clock, as `resolve` has it: of moves that say they were made later, none counts.
    known = [holding for holding in list_holdings(unit, collection, stage) if holding.since <= moment]
    return known[-1] if known else None


def _holding(move: AliasMove, end: datetime | None) -> Holding:
    return Holding(
        collection=move.collection,
        stage=move.alias,
        version=f"v{move.after}" if move.after is not None else None,
        since=move.at,
        until=end,
        how=move.kind,
        actor=move.actor,
        reason=move.reason,
        origin=move.origin,
    )
