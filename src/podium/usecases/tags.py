"""Tags: labels on artifacts, models and their versions, to group and find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from podium.domain.names import check_label, parse_reference
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.write import insert_missing
from podium.usecases.places import find_collection, stream_of
from podium.usecases.resolving import resolve_number
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class ChangeTags:
    """Add and remove tags of a version, or of an artifact or model as a whole.

    Attributes:
        ref: ``NAMESPACE/NAME`` for the whole, ``NAMESPACE/NAME:vN`` or ``:alias`` for one version.
        add: Tags that it shall have.
        remove: Tags that it shall not have.
    """

    ref: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


def change_tags(unit: Unit, command: ChangeTags) -> tuple[str, ...]:
    """Change the tags and return those that are there now, sorted; what stands as wanted already leaves no event.

    Raises:
        InvalidNameError: A tag breaks the rules.
        InvalidValueError: No tag is given, or one is to be both added and removed.
        NotFoundError: The reference names nothing.
    """
    for tag in (*command.add, *command.remove):
        check_label(tag, "tag")
    if not command.add and not command.remove:
        raise InvalidValueError("There is no tag to add or remove.", hint="Give at least one.")
    for tag in set(command.add) & set(command.remove):
        raise InvalidValueError(f"The tag {tag!r} is to be added and removed.", hint="Decide for one of them.")
    ref = parse_reference(command.ref)
    row = find_collection(unit, ref, lock=True)
    number = resolve_number(unit, ref, row.id) if ":" in command.ref else None
    stream = stream_of(row)
    add_labels(unit, stream, number, command.add)
    _remove_labels(unit, stream, number, command.remove)
    return _labels(unit, stream, number)


def add_labels(unit: Unit, stream: Stream, number: int | None, tags: Sequence[str]) -> None:
    """Give tags to a version of a locked collection, or to the collection itself if the number is None."""
    if not tags:
        return
    there = set(_labels(unit, stream, number))
    new = [tag for tag in dict.fromkeys(tags) if tag not in there]
    table = _table(number)
    insert_missing(unit.connection, table, [{**_place(stream, number), "name": tag, **unit.who} for tag in new])
    for tag in new:
        unit.record(stream, "tag.added", _subject(stream, number), after={"tag": tag, "number": number})


def _remove_labels(unit: Unit, stream: Stream, number: int | None, tags: Sequence[str]) -> None:
    there = set(_labels(unit, stream, number))
    table = _table(number)
    for tag in dict.fromkeys(tag for tag in tags if tag in there):
        unit.connection.execute(sa.delete(table).where(*_here(table, stream, number), table.c.name == tag))
        unit.record(stream, "tag.removed", _subject(stream, number), before={"tag": tag, "number": number})


def _labels(unit: Unit, stream: Stream, number: int | None) -> tuple[str, ...]:
    table = _table(number)
    query = sa.select(table.c.name).where(*_here(table, stream, number)).order_by(table.c.name)
    return tuple(sorted(unit.connection.scalars(query)))  # by code point, whatever the database sorts by


def _table(number: int | None) -> sa.Table:
    return t.collection_tags if number is None else t.version_tags


def _place(stream: Stream, number: int | None) -> dict[str, Any]:
    return {"collection_id": stream.id} | ({} if number is None else {"number": number})


def _here(table: sa.Table, stream: Stream, number: int | None) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in _place(stream, number).items()]


def _subject(stream: Stream, number: int | None) -> str:
    return stream.name if number is None else f"{stream.name}:v{number}"
