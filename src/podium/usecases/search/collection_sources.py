"""Where the fields of a registered model or artifact stand. What is looked at is a row of `collections`."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from podium.domain.expressions import Found
from podium.domain.names import LATEST
from podium.sql import tables as t
from podium.usecases.search import shared
from podium.usecases.search.sources import Rows, Several, Single, Source

C = t.collections.c
_ALIASES = (
    sa.select(sa.literal(1)).select_from(t.aliases).where(t.aliases.c.collection_id == C.id).correlate(t.collections)
)
_TAGS = (
    sa.select(sa.literal(1))
    .select_from(t.collection_tags)
    .where(t.collection_tags.c.collection_id == C.id)
    .correlate(t.collections)
)
_FIXED: dict[str, Source] = {
    "namespace": shared.namespace_name(C.namespace_id),
    "name": Single(C.name, never_null=True),
    "kind": Single(C.kind, never_null=True),
    "type": Single(C.type, never_null=True),
    "owner": Single(C.owner),
    "task": Single(C.task),
    "tag": Several((Rows(_TAGS, t.collection_tags.c.name),)),
    "alias": Several((Rows(_ALIASES, t.aliases.c.name),), {LATEST: C.latest.is_not(None)}),
    "stage": Several((Rows(_ALIASES.where(t.aliases.c.stage), t.aliases.c.name),)),
    "versions": Single(C.live, never_null=True),
    "description": Single(C.description),
    "created": Single(C.created_at, never_null=True),
    "created_by": Single(C.created_by, never_null=True),
    "deleted": Single(C.deleted_at),
}


def collection_source(found: Found, dialect: str, now: datetime) -> Source:
    """Return where a field of a model or artifact stands."""
    del dialect, now
    return _FIXED[found.field.name]
