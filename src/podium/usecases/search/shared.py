"""Sources that several subjects have: origins, rows of fields, names of namespaces."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import Found
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.usecases.search.sources import Column, Rows, Single

_PLAIN_KEY = re.compile(r"[\w-]{1,64}")
_OWN = ("kind", "label", "url")


def origin(found: Found, column: Column, dialect: str) -> Single:
    """Return a value of an origin, which is kept as JSON: it is for display, and few ask for it.

    Raises:
        InvalidValueError: No origin has such a key.
    """
    name = found.field.name.removeprefix("origin").removeprefix(".")
    if found.key is None:
        return Single(_json_text(column, (name,), dialect))
    if not _PLAIN_KEY.fullmatch(found.key):
        raise InvalidValueError(
            f"No origin knows {found.key!r}.", hint="Such as origin.dag_id, origin.task_id, origin.flow_run_id."
        )
    return Single(_json_text(column, ("details", found.key), dialect))


def _json_text(column: Column, path: tuple[str, ...], dialect: str) -> Column:
    """Return a scalar of a JSON text as text, the same on both databases; true and false in words."""
    if dialect == "postgresql":
        return sa.func.json_extract_path_text(sa.cast(column, sa.JSON()), *path, type_=sa.Text())
    there = "$." + ".".join(f'"{part}"' for part in path)
    kind = sa.func.json_type(column, there, type_=sa.Text())
    value = sa.cast(sa.func.json_extract(column, there, type_=sa.Text()), sa.Text())
    return sa.case((kind.in_(["true", "false"]), kind), else_=value)


def field_rows(table: sa.Table, key: str, *owner: Column, guard: Column | None = None) -> Rows:
    """Return the rows that metadata or configuration is searched by.

    Args:
        table: The table of the fields.
        key: Which field.
        owner: Whose document it is.
        guard: Which rows that are looked at have their values here.
    """
    c = table.c
    query = sa.select(sa.literal(1)).select_from(table).where(*owner, c.name == key)
    return Rows(query, c.text, c.kind, c.prefix, c.value, guard)


def namespace_name(namespace_id: Column) -> Single:
    """Return the name of a project or registry."""
    n = t.namespaces.alias()
    return Single(n.c.name, sa.select(n.c.name).where(n.c.id == namespace_id), never_null=True)


def run_status(now: Any, silence: Any) -> Column:
    """Return what a run is: one that says it runs, and gave no sign for long, has crashed."""
    r = t.runs.c
    silent = sa.func.coalesce(r.heartbeat_at, r.created_at) < sa.literal(now - silence, r.created_at.type)
    return sa.case((sa.and_(r.status == "running", silent), "crashed"), else_=r.status)
