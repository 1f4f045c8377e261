"""Where the fields of a run stand. What is looked at is a row of `runs`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import Found
from podium.domain.runs import SILENCE
from podium.sql import tables as t
from podium.usecases.search import shared
from podium.usecases.search.sources import Column, Several, Single, Source

R = t.runs.c
_FIXED: dict[str, Source] = {
    "id": Single(R.id, never_null=True),
    "project": shared.namespace_name(R.namespace_id),
    "name": Single(R.name, never_null=True),
    "job_type": Single(R.job_type),
    "steps": Single(R.steps, never_null=True),
    "created": Single(R.created_at, never_null=True),
    "finished": Single(R.finished_at),
    "created_by": Single(R.created_by, never_null=True),
}


def run_source(found: Found, dialect: str, now: datetime) -> Source:
    """Return where a field of a run stands."""
    name = found.field.name
    if name in _FIXED:
        return _FIXED[name]
    if name == "status":
        return Single(shared.run_status(now, SILENCE), never_null=True)
    if name.startswith("origin"):
        return shared.origin(found, R.origin, dialect)
    assert found.key is not None, name
    if name == "config":
        return Several((shared.field_rows(t.run_fields, found.key, t.run_fields.c.run_id == R.id),))
    return _summary(found.key, dialect)


def _summary(key: str, dialect: str) -> Source:
    """A number of the summary, which is JSON: it changes with each step that is logged."""
    if dialect == "postgresql":
        item: Any = sa.func.json_each(sa.cast(R.summary, sa.JSON())).table_valued("key", "value", name="item")
        value: Any = sa.cast(sa.cast(item.c.value, sa.Text()), sa.Double())
        number = sa.func.json_typeof(item.c.value) == "number"
        # Planners may test in any order: what is no number is never cast.
        guarded: Column = sa.case((number, value))
    else:
        item = sa.func.json_each(R.summary).table_valued("key", "value", "type", name="item")
        number, guarded = item.c.type.in_(["integer", "real"]), sa.cast(item.c.value, sa.Double())
    query = sa.select(guarded).select_from(item).where(item.c.key == key, number).correlate(t.runs)
    return Single(guarded, query)
