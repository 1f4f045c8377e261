"""Statements that both databases know under the same name but SQLAlchemy keeps per dialect."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


@functools.cache
def insert_into(table: sa.Table) -> sa.Insert:
    """Return the statement that inserts rows into a table, made once: rows are its parameters."""
    return sa.insert(table)


def insert_missing(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows that are not there yet; a row that breaks a unique constraint is left out."""
    if rows:
        connection.execute(_missing(connection.dialect.name, table), rows)


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; where one with the same primary key is there, its other columns take the new values."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table, tuple(rows[0])), rows)


@functools.cache
def _upsert(dialect: str, table: sa.Table, names: tuple[str, ...]) -> sa.Insert:
    statement = _insert(dialect, table)
    keys = list(table.primary_key.columns)
    fresh = {name: statement.excluded[name] for name in names if name not in table.primary_key.columns}
    return statement.on_conflict_do_update(index_elements=keys, set_=fresh)


@functools.cache
def _missing(dialect: str, table: sa.Table) -> sa.Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
