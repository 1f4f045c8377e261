"""Times in expressions: ISO 8601, and times ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"([0-9]{1,6})\s*([smhdw])")
_FULL = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}([T ].+)?")


def read_time(text: str) -> datetime | None:
    """Return the time that a text says in ISO 8601, None if it says none; without a zone it is UTC.

    A date alone is its first moment.
    """
    if not _FULL.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_ago(text: str, now: datetime) -> datetime | None:
    """Return the time so long ago as a text says (``7d``, ``12h``), None if it says nothing such."""
    match = _AGO.fullmatch(text.strip().lower())
    if match is None:
        return None
    try:
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        return None
