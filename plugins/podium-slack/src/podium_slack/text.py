"""Words of users made harmless and short. What makes them links, mentions or markup is kept out by where they stand."""

from __future__ import annotations

import html
import unicodedata

# Controls, what is invisible or turns the direction of a line, halves of surrogates, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners, which many scripts and emoji need.
_KEPT = frozenset({"\u200c", "\u200d"})


def clean(text: object, limit: int, *, lines: bool = False) -> str:
    r"""Return a text in one line of at most so many characters, hidden characters made visible (``\u202e``).

    Args:
        text: What a user wrote.
        limit: The most characters; a longer text ends in ``…``.
        lines: Keep line breaks.
    """
    found = str(text)[: limit + 1].strip()
    shown = "".join(_shown(char, lines) for char in found)
    return shorten(shown, limit)


def shorten(text: str, limit: int) -> str:
    """Return a text of at most so many characters; a longer one ends in ``…``."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str) -> str:
    """Return a text for a field in which Slack looks for mentions and links: ``& < >`` as entities, nothing else.

    The rule is https://docs.slack.dev/messaging/formatting-message-text, "Escaping text".
    """
    return html.escape(text, quote=False)


def _shown(char: str, lines: bool) -> str:
    if char in "\n\r\t":
        return char if lines and char == "\n" else " "
    if char in _KEPT or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"\\u{ord(char):04x}"
