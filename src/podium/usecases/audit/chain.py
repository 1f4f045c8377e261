"""The events of a stream, page by page, with every hash computed anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import GENESIS, Event, event_hash
from podium.domain.plain import canonical, to_plain
from podium.sql import tables as t
from podium.sql.rows import event_of
from podium.usecases.audit.findings import Notes, read
from podium.usecases.unit import Unit

PAGE = 500
_E = t.events.c


def raw(*columns: sa.Column[Any]) -> list[sa.ColumnElement[Any]]:
    """Return columns to select, JSON as the very text that is stored: it may have been altered to what is no JSON."""
    return [sa.type_coerce(item, sa.Text).label(item.name) if _is_json(item) else item for item in columns]


def _is_json(column: sa.Column[Any]) -> bool:
    return type(column.type).__name__ == "PlainJson"


_EVENTS = sa.select(*raw(*_E)).where(_E.stream == sa.bindparam("stream")).order_by(_E.sequence).limit(PAGE)
_LATER = _EVENTS.where(_E.sequence > sa.bindparam("after"))


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream as its row in `collections` or `namespaces` has it.

    Attributes:
        id: The row.
        name: ``NAMESPACE/NAME`` or ``NAMESPACE``.
        sequence: Of its last event, as the row says.
        head: The hash of that, as the row says.
    """

    id: UUID
    name: str
    sequence: int
    head: str


def walk(unit: Unit, stream: StreamRow, notes: Notes) -> Iterator[list[Event]]:
    """Yield the events of a stream in pages, and note down where the chain is not whole.

    Raises:
        UnreadableError: A row holds what its columns cannot.
    """
    notes.streams += 1
    chain = _Chain(stream, notes)
    page = read(unit.connection, _EVENTS, {"stream": stream.id})
    while page:
        yield [event for row in page if (event := chain.take(row)) is not None]
        notes.went_through(len(page))
        if len(page) < PAGE:
            break
        page = read(unit.connection, _LATER, {"stream": stream.id, "after": page[-1].sequence})
    chain.end()


class _Chain:
    """The state of one walk: what the next event must follow."""

    def __init__(self, stream: StreamRow, notes: Notes) -> None:
        self.stream = stream
        self.notes = notes
        self.sequence = 0
        self.hash = GENESIS

    def take(self, row: Any) -> Event | None:
        """Check one event; None if it cannot be read."""
        (event, computed), text = _event(row), ""
        self._place(row)
        if event is None:
            text = "holds what no event holds"
        elif computed != row.hash:
            text = "was edited: its hash was taken of something else"
        elif not _as_written(row, event):
            text = "was edited: its text is not the one that Podium wrote"
        if text:
            subject = f"event {row.sequence} ({row.type}, {row.subject})"
            words = f"Event {row.sequence} of {self.stream.name} {text}."
            self._note("event_edited", words, row, subject=subject, expected=computed, found=row.hash)
        self.sequence, self.hash = row.sequence, row.hash
        return event

    def _place(self, row: Any) -> None:
        wanted = self.sequence + 1
        if row.sequence != wanted:
            missing = f"event {wanted}" if row.sequence - 1 <= wanted else f"events {wanted} to {row.sequence - 1}"
            text = f"Of {self.stream.name} {missing} should stand before event {row.sequence}."
            self._note("event_missing", text, row, expected=wanted, found=row.sequence)
        elif row.previous != self.hash:
            text = f"Event {row.sequence} of {self.stream.name} does not follow the event before it."
            self._note("chain_broken", text, row, expected=self.hash, found=row.previous)

    def end(self) -> None:
        """Compare the last event with the head of the stream."""
        if (self.sequence, self.hash) == (self.stream.sequence, self.stream.head):
            return
        short = self.sequence < self.stream.sequence
        text = (
            f"The last event of {self.stream.name} is {self.sequence}; its row says {self.stream.sequence}."
            if self.sequence != self.stream.sequence
            else f"The last event of {self.stream.name} is not the one that its row names by hash."
        )
        self.notes.note(
            "head_differs",
            self.stream.name,
            text + (" Newer events were deleted." if short else ""),
            sequence=self.sequence,
            expected={"sequence": self.stream.sequence, "hash": self.stream.head},
            found={"sequence": self.sequence, "hash": self.hash},
        )

    def _note(self, kind: Any, text: str, row: Any, **more: Any) -> None:
        subject = more.pop("subject", row.subject)
        self.notes.note(kind, self.stream.name, text, sequence=row.sequence, subject=str(subject), **more)


def _event(row: Any) -> tuple[Event | None, str | None]:
    """Return an event and the hash that it gives; None if somebody made it into what is none."""
    try:
        before, after, origin = (json.loads(text) for text in (row.before, row.after, row.origin))
        if not isinstance(before, dict) or not isinstance(after, dict):
            return None, None
        event = event_of(row, before, after, origin)
        return event, event_hash(event)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None, None


def _as_written(row: Any, event: Event) -> bool:
    """Whether the JSON of an event is the text that Podium wrote, and not another that reads the same."""
    written = (canonical(event.before), canonical(event.after), canonical(to_plain(event.origin)))
    return written == (row.before, row.after, row.origin)
