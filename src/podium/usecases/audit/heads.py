"""The heads of all streams: exported to be kept elsewhere, and compared with what was exported once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.audit import AuditHead, AuditHeads
from podium.sql import tables as t
from podium.usecases.audit.findings import Notes, shown
from podium.usecases.unit import Unit

_N, _C, _E = t.namespaces.c, t.collections.c, t.events.c
_PLACE = _N.name + "/" + _C.name
_OF_COLLECTIONS = sa.select(_C.id, _PLACE.label("name"), _C.sequence, _C.head).join(
    t.namespaces, _N.id == _C.namespace_id
)
_OF_SPACES = sa.select(_N.id, _N.name, _N.sequence, _N.head)
_HASH = sa.select(_E.hash).where(_E.stream == sa.bindparam("stream"), _E.sequence == sa.bindparam("sequence"))
_LAST = sa.select(sa.func.max(_E.sequence)).where(_E.stream == sa.bindparam("stream"))


def list_heads(unit: Unit) -> AuditHeads:
    """Return the newest event of each stream that has any."""
    rows = [
        row
        for query, sequence in ((_OF_COLLECTIONS, _C.sequence), (_OF_SPACES, _N.sequence))
        for row in unit.connection.execute(query.where(sequence > 0))
    ]
    return AuditHeads.of(unit.now, [AuditHead(str(row.id), row.name, row.sequence, row.head) for row in rows])


def compare_heads(unit: Unit, heads: AuditHeads, notes: Notes) -> None:
    """Note down each stream that does not go on from its exported head."""
    for head in heads.streams:
        stream = _find(unit, head)
        if stream is None:
            text = f"{head.name} is gone with all its events; on {heads.at:%Y-%m-%d %H:%M} UTC it had {head.sequence}."
            notes.note("stream_missing", head.name, text, expected=head.to_json())
            continue
        found = unit.connection.execute(_HASH, {"stream": stream.id, "sequence": head.sequence}).scalar()
        if found is None:
            last = unit.connection.execute(_LAST, {"stream": stream.id}).scalar() or 0
            text = f"{stream.name} ends with event {last}; on {heads.at:%Y-%m-%d %H:%M} UTC it had {head.sequence}."
            found = {"sequence": last}
            notes.note("history_truncated", stream.name, text, sequence=last, expected=head.to_json(), found=found)
        elif found != head.hash:
            text = f"Event {head.sequence} of {stream.name} is another than on {heads.at:%Y-%m-%d %H:%M} UTC."
            notes.note(
                "history_rewritten",
                stream.name,
                f"{text} Its hash was {shown(head.hash, 12)}.",
                sequence=head.sequence,
                expected=head.hash,
                found=found,
            )


def _find(unit: Unit, head: AuditHead) -> Any:
    """Return the stream of a head: by its id, or by name in a registry that was moved to another database."""
    place, _, name = head.name.partition("/")
    collections = [_C.id == UUID(head.id)], [_N.name == place, _C.name == name]
    spaces = [_N.id == UUID(head.id)], [_N.name == head.name]
    for where in (_OF_COLLECTIONS.where(*collections[0]), _OF_SPACES.where(*spaces[0])):
        found = unit.connection.execute(where).one_or_none()
        if found is not None:
            return found
    named = _OF_COLLECTIONS.where(*collections[1]) if name else _OF_SPACES.where(*spaces[1])
    return unit.connection.execute(named).one_or_none()
