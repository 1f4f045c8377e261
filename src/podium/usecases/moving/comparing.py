"""Comparing the streams of a bundle with those that are here: a history is an earlier part of another, or it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from podium.domain.bundle_check import Record
from podium.sql import tables as t
from podium.usecases.moving.scope import chunks
from podium.usecases.unit import Unit

Records = Callable[[str], Iterator[Record]]
"""Gives the records of a kind from a bundle that was checked, as often as it is asked."""
State = Literal["new", "forward", "same", "ahead", "diverged"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a stream of a bundle stands to the one of the same id here.

    Attributes:
        state: ``forward`` if the one here is an earlier part of the bundle's, ``ahead`` if it is the other way round.
        sequence: Of the last event here, 0 if there is no such stream.
        head: Of the stream here, empty if there is none.
        name_key: Of the collection here, empty if there is none.
        namespace_id: Of the collection here.
    """

    state: State
    sequence: int = 0
    head: str = ""
    name_key: str = ""
    namespace_id: UUID | None = None


def find_rows(unit: Unit, table: sa.Table, ids: Iterable[UUID], *, lock: bool) -> dict[UUID, Any]:
    """Return those rows of collections or namespaces that are here, locked in the order of their ids if asked for."""
    rows: dict[UUID, Any] = {}
    for some in chunks(sorted(ids)):
        query = sa.select(table).where(table.c.id.in_(some)).order_by(table.c.id)
        rows |= {row.id: row for row in unit.connection.execute(query.with_for_update() if lock else query)}
    return rows


def compare_streams(
    unit: Unit, records: Records, wanted: Iterable[Record], rows: Mapping[UUID, Any]
) -> dict[UUID, Standing]:
    """Return how each stream of a bundle stands to the one of its id here.

    Args:
        unit: The unit.
        records: The bundle, for its events.
        wanted: Its collections or namespaces.
        rows: Those that are here.
    """
    standings: dict[UUID, Standing] = {}
    behind: dict[UUID, int] = {}
    beyond: dict[UUID, tuple[int, str]] = {}
    for record in wanted:
        row = rows.get(record["id"])
        if row is None:
            standings[record["id"]] = Standing("new")
        elif row.sequence < record["sequence"]:
            behind[record["id"]] = row.sequence
        elif row.sequence > record["sequence"]:
            beyond[record["id"]] = (record["sequence"], record["head"])
        else:
            standings[record["id"]] = _standing(row, "same", row.head == record["head"])
    for stream, hash_there in _hashes_in(records, behind).items():
        standings[stream] = _standing(rows[stream], "forward", rows[stream].head == hash_there)
    for stream, fits in _hashes_here(unit, beyond).items():
        standings[stream] = _standing(rows[stream], "ahead", fits)
    return standings


def _standing(row: Any, state: State, fits: bool) -> Standing:
    key, space = getattr(row, "name_key", ""), getattr(row, "namespace_id", None)
    return Standing(state if fits else "diverged", row.sequence, row.head, key, space)


def _hashes_in(records: Records, places: Mapping[UUID, int]) -> dict[UUID, str]:
    """Return the hash of one event of each stream of a bundle; one that has no event yet begins with the first."""
    if not places:
        return {}
    found = {}
    for event in records("events"):
        stream, sequence = event["stream"], event["sequence"]
        place = places.get(stream)
        if place == sequence:
            found[stream] = event["hash"]
        elif place == 0 and sequence == 1:
            found[stream] = event["previous"]
    return found


def _hashes_here(unit: Unit, places: Mapping[UUID, tuple[int, str]]) -> dict[UUID, bool]:
    """Return whether each stream here has an event of a sequence and hash; nothing is a part of everything."""
    e = t.events.c
    fits = {stream: sequence == 0 for stream, (sequence, _) in places.items()}
    for some in chunks(places.items()):
        keys = sa.tuple_(e.stream, e.sequence).in_([(stream, sequence) for stream, (sequence, _) in some])
        for stream, hash_here in unit.connection.execute(sa.select(e.stream, e.hash).where(keys)):
            fits[stream] = hash_here == places[stream][1]
    return fits
