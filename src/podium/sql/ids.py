"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

from __future__ import annotations

import sys
from uuid import UUID

if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    from uuid6 import uuid7


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return UUID(int=uuid7().int)
