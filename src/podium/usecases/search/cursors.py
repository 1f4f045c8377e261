"""Where a page ended, as a text that goes to the caller and comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from podium.domain.plain import canonical, iso
from podium.errors import InvalidValueError

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after a row.

    Attributes:
        question: Digest of the search that it belongs to.
        now: What ``ago`` counts from on all pages.
        segment: Which part of the order the row is in.
        values: What the row is ordered by.
    """

    question: str
    now: datetime
    segment: int
    values: tuple[Any, ...]


def question_of(*facts: Any) -> str:
    """Return a digest of all that makes a search what it is, except for the page."""
    return hashlib.sha256(canonical(list(facts)).encode()).hexdigest()[:16]


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as a text without spaces or quotes."""
    plain = [cursor.question, iso(cursor.now), cursor.segment, [_plain(value) for value in cursor.values]]
    return base64.urlsafe_b64encode(canonical(plain).encode()).decode().rstrip("=")


def read_cursor(text: str, question: str) -> Cursor:
    """Return the cursor of a text.

    Raises:
        InvalidValueError: The text is no cursor, or belongs to another search.
    """
    try:
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise ValueError("too long")
        plain = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        of, now, segment, values = plain
        if not isinstance(of, str) or type(segment) is not int or not isinstance(values, list):
            raise TypeError(of)
        cursor = Cursor(of, _time(now), segment, tuple(_value(*item) for item in values))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidValueError("This is no place in a search.", hint="Pass the 'next' of the page before.") from error
    if cursor.question != question:
        raise InvalidValueError(
            "This place belongs to another search.",
            hint="Go on with the same expression, kind and order; only the limit may change.",
        )
    return cursor


def place_of(cursor: Cursor, kinds: Sequence[type]) -> tuple[Any, ...]:
    """Return the values of a cursor, which must be of the types that the order has.

    Raises:
        InvalidValueError: They are not; somebody made the cursor up.
    """
    if [type(value) for value in cursor.values] != list(kinds):
        raise InvalidValueError("This is no place in a search.", hint="Pass the 'next' of the page before.")
    return cursor.values


def _plain(value: Any) -> list[Any]:
    if isinstance(value, datetime):
        return ["t", iso(value)]
    if isinstance(value, UUID):
        return ["u", value.hex]
    return ["s" if isinstance(value, str) else "n", value]


def _value(kind: str, value: Any) -> Any:
    if kind == "t":
        return _time(value)
    if kind == "u":
        return UUID(hex=value)
    number = type(value) in (int, float) and math.isfinite(value) and abs(value) < 2**1023
    if (kind == "s" and isinstance(value, str) and "\x00" not in value) or (kind == "n" and number):
        if isinstance(value, str):
            value.encode("utf-8")
        elif isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError(value)
        return value
    raise ValueError(kind)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC)
