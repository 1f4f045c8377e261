"""Finding events by the expression language, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.audit import EventPage
from podium.domain.event_fields import EVENTS
from podium.domain.expressions import Found, read_expression
from podium.domain.fields import PREFIX
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.rows import to_event
from podium.usecases.search import shared
from podium.usecases.search.compiling import Compiler
from podium.usecases.search.sources import Column, Rows, Several, Single, Source
from podium.usecases.unit import Unit

_E = t.events.c
_SINGLE: dict[str, Source] = {
    "type": Single(_E.type, never_null=True),
    "subject": Single(_E.subject, never_null=True),
    "stream": Single(_E.stream_name, never_null=True),
    "sequence": Single(_E.sequence, never_null=True),
    "at": Single(_E.created_at, never_null=True),
    "actor": Single(_E.created_by, never_null=True),
    "reason": Single(_E.reason),
}


@dataclass(frozen=True, slots=True)
class FindEvents:
    """Find events.

    Attributes:
        where: An expression about `EVENTS`; empty for all.
        since: From this time on.
        until: Before this time.
        limit: At most so many.
        after: The ``next`` of the page before.
        newest_first: The order; by time, and events of one moment in the order in which they were recorded.
    """

    where: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    after: str | None = None
    newest_first: bool = True


def find_events(unit: Unit, command: FindEvents) -> EventPage:
    """Return one page of the events that match.

    Raises:
        ExpressionError: The expression cannot be understood.
        InvalidValueError: A time has no zone, the limit is below 1, or `after` is of no page.
    """
    if not isinstance(command.limit, int) or isinstance(command.limit, bool) or command.limit < 1:
        raise InvalidValueError(f"{command.limit!r} is no limit.", hint="Give a limit of 1 or more.")
    order = [_E.created_at, _E.id] if not command.newest_first else [_E.created_at.desc(), _E.id.desc()]
    query = sa.select(t.events).where(*_conditions(unit, command)).order_by(*order).limit(command.limit + 1)
    rows = unit.connection.execute(query).all()
    items = tuple(to_event(row) for row in rows[: command.limit])
    return EventPage(items, items[-1].id if len(rows) > command.limit else None)


def _conditions(unit: Unit, command: FindEvents) -> list[Column]:
    dialect = unit.connection.dialect.name
    expression = read_expression(command.where, EVENTS, unit.now)
    where: list[Column] = []
    if expression.condition is not None:
        where.append(Compiler(partial(_source, dialect=dialect), dialect).condition(expression.condition))
    if command.since is not None:
        where.append(_E.created_at >= with_zone(command.since))
    if command.until is not None:
        where.append(_E.created_at < with_zone(command.until))
    if command.after is not None:
        where.append(_beyond(unit, command.after, newest_first=command.newest_first))
    return where


def with_zone(time: datetime) -> datetime:
    """Return a time that says which moment it means.

    Raises:
        InvalidValueError: It has no zone.
    """
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise InvalidValueError(f"The time {time} has no zone.", hint="Pass datetime(..., tzinfo=UTC).")
    return time


def _beyond(unit: Unit, after: str, *, newest_first: bool) -> Column:
    try:
        event_id = UUID(after)
    except (ValueError, TypeError, AttributeError):
        event_id = UUID(int=0)
    at = unit.connection.execute(sa.select(_E.created_at).where(_E.id == event_id)).scalar()
    if at is None:
        raise InvalidValueError(f"{after!r} is the end of no page.", hint="Pass the 'next' of the page before.")
    # The first condition alone says it all; the second lets the index be asked.
    if newest_first:
        return sa.and_(_E.created_at <= at, sa.or_(_E.created_at < at, _E.id < event_id))
    return sa.and_(_E.created_at >= at, sa.or_(_E.created_at > at, _E.id > event_id))


def _source(found: Found, dialect: str) -> Source:
    name = found.field.name
    if name in _SINGLE:
        return _SINGLE[name]
    if name.startswith("origin"):
        return shared.origin(found, _E.origin, dialect)
    assert found.key is not None
    if '"' in found.key:
        raise InvalidValueError(f"No event has {found.key!r}.", hint="Such as after.stage, before.number.")
    make = _rows_of_postgres if dialect == "postgresql" else _rows_of_sqlite
    return Several((make(_E[name], found.key.split(".")),))


def _rows_of_sqlite(column: Column, path: list[str]) -> Rows:
    """Return the scalars at a path of a JSON text: itself, or the elements of a list."""
    there = "$." + ".".join(f'"{part}"' for part in path)
    item: Any = sa.func.json_each(column, there).table_valued("value", "type", "atom", name="item")
    kinds = (("text", "s"), ("integer", "n"), ("real", "n"), ("true", "b"), ("false", "b"))
    kind: Column = sa.case(*((item.c.type == name, short) for name, short in kinds))
    truths = ((item.c.type == "true", 1.0), (item.c.type == "false", 0.0))
    number: Column = sa.case(*truths, (kind == "n", sa.cast(item.c.atom, sa.Double())))
    text = sa.case((kind == "s", sa.cast(item.c.atom, sa.Text())))
    no_object = sa.func.json_type(column, there) != "object"  # its values are not values of it
    query = sa.select(sa.literal(1)).select_from(item).where(no_object, kind.is_not(None)).correlate(t.events)
    return Rows(query, text, kind, sa.func.substr(text, 1, PREFIX, type_=sa.Text()), number)


def _rows_of_postgres(column: Column, path: list[str]) -> Rows:
    """Return the scalars at a path of a JSON text: itself, or the elements of a list."""
    there: Column = sa.func.json_extract_path(sa.cast(column, sa.JSON()), *path)
    several = sa.case((sa.func.json_typeof(there) == "array", there), else_=sa.func.json_build_array(there))
    item: Any = sa.func.json_array_elements(several).table_valued(sa.column("value", sa.JSON()), name="item")
    kinds = (("string", "s"), ("number", "n"), ("boolean", "b"))
    type_ = sa.func.json_typeof(item.c.value)
    kind: Column = sa.case(*((type_ == name, short) for name, short in kinds))
    plain: Column = item.c.value.op("#>>")(sa.literal([], sa.ARRAY(sa.Text())))
    plain = sa.type_coerce(plain, sa.Text())
    text = sa.case((kind == "s", plain))
    truth = sa.case((plain == "true", 1.0), else_=0.0)
    number: Column = sa.case((kind == "n", sa.cast(plain, sa.Double())), (kind == "b", truth))
    query = sa.select(sa.literal(1)).select_from(item).where(kind.is_not(None)).correlate(t.events)
    return Rows(query, text, kind, sa.func.substr(text, 1, PREFIX, type_=sa.Text()), number)
