"""What an audit notes down while it goes through a registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from podium.domain.audit import AuditFinding, FindingKind
from podium.domain.events import Event
from podium.domain.plain import iso, to_plain

MOST = 1000  # findings that are kept; of a registry that was altered all over, the number says enough


class UnreadableError(Exception):
    """A value in the database is not what its column holds, so the rows cannot be read."""


@dataclass
class Notes:
    """The findings and counts of one audit.

    Attributes:
        progress: Told how many events were gone through, each time that there are more.
        findings: The first of them.
        found: How many in all.
        events: How many events were looked at.
        streams: How many streams.
        rows: How many rows were compared.
        manifests: How many manifests.
        unproven: How many facts no event tells.
    """

    progress: Callable[[int], None] | None = None
    findings: list[AuditFinding] = field(default_factory=list)
    found: int = 0
    events: int = 0
    streams: int = 0
    rows: int = 0
    manifests: int = 0
    unproven: int = 0

    def note(
        self,
        kind: FindingKind,
        stream: str,
        text: str,
        *,
        sequence: int | None = None,
        subject: str = "",
        expected: Any = None,
        found: Any = None,
    ) -> None:
        """Note a finding down."""
        self.found += 1
        if len(self.findings) < MOST:
            plain = (_plain(expected), _plain(found))
            self.findings.append(AuditFinding(kind, stream, sequence, subject or stream, text, *plain))

    def note_event(self, kind: FindingKind, event: Event, text: str, expected: Any = None, found: Any = None) -> None:
        """Note down what is wrong with an event."""
        more = {"sequence": event.sequence, "subject": event.subject}
        self.note(kind, event.stream, text, **more, expected=expected, found=found)  # type: ignore[arg-type]  # by name

    def went_through(self, events: int) -> None:
        """Count events."""
        self.events += events
        if self.progress is not None:
            self.progress(self.events)


def read(connection: sa.Connection, query: sa.Executable, keys: dict[str, Any] | None = None) -> Sequence[Any]:
    """Return the rows of a query.

    Raises:
        UnreadableError: A value was put there that its type cannot read.
    """
    try:
        return connection.execute(query, keys or {}).all()
    except (ValueError, TypeError) as error:
        raise UnreadableError(str(error)) from error


def _plain(value: Any) -> Any:
    try:
        return to_plain(value)
    except Exception:  # noqa: BLE001 - whatever somebody put into the database must be told, not raised
        return repr(value)


def shown(value: Any, most: int = 90) -> str:
    """Return a value in a sentence: short, and times as people write them in UTC."""
    text = "nothing" if value is None else iso(value) if hasattr(value, "astimezone") else str(value)
    return text if len(text) <= most else f"{text[:most]}…"
