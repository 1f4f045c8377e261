"""Events as JSON lines for programs and as CSV for spreadsheets, one at a time however many there are."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from podium.cli.output import safe
from podium.domain.plain import canonical, iso, to_plain

if TYPE_CHECKING:
    from podium.domain.events import Event

COLUMNS = (
    "at",
    "type",
    "stream",
    "sequence",
    "subject",
    "actor",
    "origin_kind",
    "origin_label",
    "origin_url",
    "origin_identity",
    "origin_details",
    "reason",
    "before",
    "after",
    "id",
    "previous",
    "hash",
)
# What makes a spreadsheet take a cell for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_events(form: str, events: Iterable[Event]) -> None:
    """Write events to standard output in one of `FORMATS`."""
    FORMATS[form](events)


def _write_lines(events: Iterable[Event]) -> None:
    """Write one JSON object per line; all letters beyond ASCII are escaped, so that nothing moves a cursor."""
    for event in events:
        sys.stdout.write(json.dumps(to_plain(event), allow_nan=False, separators=(",", ":")) + "\n")


def _write_csv(events: Iterable[Event]) -> None:
    """Write a table with a heading. What a spreadsheet would run gets a quote in front, and stays text."""
    writer = csv.writer(sys.stdout, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for event in events:
        writer.writerow([cell(value) for value in _values(event)])


def _values(event: Event) -> tuple[str | int | None, ...]:
    origin = event.origin
    details = canonical(to_plain(origin.details))
    where = (origin.kind, origin.label, origin.url, origin.identity, details)
    change = (event.reason, canonical(event.before), canonical(event.after))
    start = (iso(event.at), event.type, event.stream, event.sequence, event.subject, event.actor)
    return (*start, *where, *change, event.id, event.previous, event.hash)


def cell(value: str | int | None) -> str:
    """Return a cell that no spreadsheet runs: a quote stands before what would begin a formula."""
    given = "" if value is None else str(value)
    text = safe(given, lines=True)
    return f"'{text}" if given.lstrip(" ").startswith(_FORMULA) else text


FORMATS: dict[str, Callable[[Iterable[Event]], None]] = {"jsonl": _write_lines, "csv": _write_csv}
