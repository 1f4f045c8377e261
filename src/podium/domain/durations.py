"""Spans of time as people write them: ``90s``, ``30m``, ``12h``, ``7d``, ``2w``."""

from __future__ import annotations

import re
from datetime import timedelta

from podium.errors import InvalidValueError

DURATION = r"^[1-9][0-9]{0,5}[smhdw]$"
LONGEST = timedelta(days=36_525)  # a hundred years: longer ones lead behind the last date that there is
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: object) -> timedelta:
    """Return the span that a text means.

    Raises:
        InvalidValueError: It is no whole number with one of the units s, m, h, d, w, or more than a hundred years.
    """
    if not isinstance(text, str) or re.fullmatch(DURATION, text) is None:
        raise InvalidValueError(
            f"{text!r} is no span of time.", hint="Write a whole number and a unit: 90s, 30m, 12h, 7d or 2w."
        )
    span = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if span > LONGEST:
        raise InvalidValueError(
            f"{text!r} is longer than a hundred years.", hint="Write a shorter span, or leave it out for no end."
        )
    return span


def in_words(span: timedelta) -> str:
    """Return a span for a sentence, in the largest unit that says enough: ``9 days``, ``3 hours``."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return _count(seconds // size, unit)
    return _count(seconds, "second")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
