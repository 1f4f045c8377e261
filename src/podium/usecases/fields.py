"""The rows that metadata and configuration are searched by; they are made anew from the document at each change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from podium.domain.fields import flatten
from podium.sql.write import insert_into
from podium.usecases.unit import Unit

_COLUMNS = ("name", "position", "kind", "text", "prefix", "value")


def add_fields(unit: Unit, table: sa.Table, key: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Write the fields of a document that has none yet.

    Args:
        unit: The unit.
        table: ``version_fields``, ``member_fields`` or ``run_fields``.
        key: The columns that say whose document it is.
        document: Plain JSON.
    """
    rows = [{**key, **{name: getattr(field, name) for name in _COLUMNS}} for field in flatten(document)]
    if rows:
        unit.connection.execute(insert_into(table), rows)


def replace_fields(unit: Unit, table: sa.Table, key: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Write the fields of a document in place of those that it had."""
    unit.connection.execute(sa.delete(table).where(*(table.c[name] == value for name, value in key.items())))
    add_fields(unit, table, key, document)
