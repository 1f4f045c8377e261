"""Values as words, the same in the terminal, in Markdown and in HTML."""

from __future__ import annotations

import json
from typing import Any

from podium.domain.goals import Better, DirectionSource
from podium.domain.markup import spelled

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_LONGEST = 500


def plain_text(value: Any) -> str:
    """Return a value of JSON in one line: text as it is, anything else as JSON; at most 500 characters of it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return spelled(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def number(value: float) -> str:
    """Return a number with at most six digits that count."""
    return f"{value:.6g}"


def signed(change: float) -> str:
    """Return a change with its sign, ``=`` for none."""
    return f"{change:+.4g}" if change else "="


def percent(share: float) -> str:
    """Return a share as percent with its sign: ``+2.1%``, ``-0.0123%``, ``+1,240%``."""
    hundred = share * 100
    return f"{hundred:+,.0f}%" if abs(hundred) >= 1000 else f"{hundred:+.3g}%"


def size_text(size: int) -> str:
    """Return bytes as people read them: ``1.2 MB``."""
    if size < 1000:
        return f"{size} B"
    power, value = 0, size / 1000
    while value >= 999.95 and power < len(_UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.1f} {_UNITS[power]}"


def digest_text(digest: str) -> str:
    """Return the first ten digits of a digest."""
    return digest.removeprefix("sha256:")[:10]


def direction_text(better: Better | None, source: DirectionSource | None) -> str:
    """Return which values are better, and who says so: ``higher is better, declared``."""
    if better is None:
        return ""
    return f"{better} is better, declared" if source == "run" else f"{better} is better"


def all_of(count: int, what: str) -> str:
    """Return several things that are meant together: ``its only gate``, ``both gates``, ``all 3 gates``."""
    if count == 1:
        return f"its only {what}"
    return f"{'both' if count == 2 else f'all {count}'} {what}s"
