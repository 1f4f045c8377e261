"""Whom a test compares with: the holder of a stage or alias, or nobody, but never a name that was misspelled."""

from __future__ import annotations

import difflib

import sqlalchemy as sa

from podium.domain.names import check_label
from podium.errors import NotFoundError
from podium.sql import tables as t
from podium.usecases.places import collection_reference, find_collection
from podium.usecases.policies import effective_policy
from podium.usecases.unit import Unit

USUAL = "production"
_M = t.alias_moves.c
_ALIASES = sa.select(_M.name).where(_M.collection_id == sa.bindparam("collection", type_=sa.Uuid())).distinct()


def require_champion_name(unit: Unit, collection: str, name: str) -> None:
    """Refuse a name that nobody can hold: no stage of the model, and no alias that was ever set in it.

    Args:
        unit: The unit.
        collection: The model, or the artifact.
        name: The stage or alias; the usual one always goes, since a test compares with it unless told otherwise.

    Raises:
        InvalidNameError: The name breaks the rule of aliases.
        NotFoundError: There is no such stage or alias, or no such collection.
    """
    check_label(name, "alias")
    if name == USUAL:
        return
    row = find_collection(unit, collection_reference(collection))
    stages = effective_policy(unit, row.namespace_id, row.id).names if row.kind == "model" else ()
    aliases = unit.connection.execute(_ALIASES, {"collection": row.id}).scalars()
    known = list(dict.fromkeys([*stages, *sorted(aliases)]))
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    raise NotFoundError(
        f"{collection} has no stage {name!r}, and never had an alias of this name: there is nobody to compare with.",
        hint=(f"Did you mean {near[0]!r}? " if near else "")
        + (f"There are {', '.join(known)}. " if known else "")
        + "To compare with nobody, say so: --no-champion, champion=None, --podium-stage ''.",
        champion=name,
        known=known,
    )
