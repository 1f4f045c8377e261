"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

from __future__ import annotations

import re
import sys
from uuid import UUID

if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    from uuid6 import uuid7


_SHORTEST = 8  # hexadecimal digits of an id that somebody may give in place of all 32


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return UUID(int=uuid7().int)


def id_span(text: object) -> tuple[UUID, UUID] | None:
    """Return the first and the last id that begins so; None for what is neither an id nor enough of one.

    Args:
        text: An id or the beginning of one, with dashes or without, in either case.
    """
    digits = text.replace("-", "").lower() if isinstance(text, str) else ""
    if not _SHORTEST <= len(digits) <= 32 or not re.fullmatch("[0-9a-f]+", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
