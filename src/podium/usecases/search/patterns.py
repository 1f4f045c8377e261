"""``like`` on both databases, where the case of a letter always counts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from podium.domain.expressions import like_parts

Column = sa.ColumnElement[Any]


def fits(column: Column, pattern: str, dialect: str) -> Column:
    """Return the condition that a text fits a pattern.

    SQLite's LIKE takes small and capital letters for the same, its GLOB does not; PostgreSQL's LIKE does not either.
    """
    parts = like_parts(pattern)
    if dialect == "sqlite":
        return column.op("GLOB", is_comparison=True)(sa.literal("".join(_glob(*part) for part in parts), sa.Text()))
    return column.like(sa.literal("".join(_like(*part) for part in parts), sa.Text()), escape="\\")


def beginning(pattern: str) -> str:
    """Return the text that everything which fits a pattern starts with; empty if it can start with anything."""
    start = ""
    for sign, char in like_parts(pattern):
        if sign:
            break
        start += char
    return start


def starts(column: Column, start: str, dialect: str) -> Column | None:
    """Return the condition that a text starts with another as an index can answer it; None if there is no such one."""
    if dialect == "postgresql":
        escaped = "".join(_like("", char) for char in start)
        return column.like(sa.literal(f"{escaped}%", sa.Text()), escape="\\")
    last = ord(start[-1]) + 1
    if 0xD800 <= last <= 0xDFFF or last > 0x10FFFF:  # no character; a shorter start asks for a little more
        return starts(column, start[:-1], dialect) if len(start) > 1 else None
    return sa.and_(column >= sa.literal(start, sa.Text()), column < sa.literal(start[:-1] + chr(last), sa.Text()))


def _glob(sign: str, char: str) -> str:
    if sign:
        return "*" if sign == "%" else "?"
    return f"[{char}]" if char in "*?[" else char


def _like(sign: str, char: str) -> str:
    return sign or (f"\\{char}" if char in "%_\\" else char)
