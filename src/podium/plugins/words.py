"""Words of users made harmless, for channels whose medium finds links and commands in plain text."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

# Controls, what is invisible or turns the direction of a line, halves of surrogates, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners, which many scripts and emoji need.
_KEPT = frozenset({"\u200c", "\u200d"})
_SCHEME = re.compile(r":(?=//)")
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
# The characters of RFC 3986 without those that end or make a link in some markup: ' ( ) * [ ] and what is no ASCII.
_LINK = re.compile(r"[A-Za-z0-9._~:/?#@!$&+,;=%-]+")
_LONGEST_LINK = 2000


def visible(text: object, limit: int, *, lines: bool = False) -> str:
    r"""Return a text in one line of at most so many characters, hidden characters made visible (``\u202e``).

    Args:
        text: What a user wrote.
        limit: The most characters; a longer text ends in ``…``.
        lines: Keep line breaks.
    """
    found = str(text)[: limit + 1].strip()
    shown = "".join(_shown(char, lines) for char in found)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def unlinked(text: str) -> str:
    """Return a text in which no reader finds a web address: ``https[:]//x``, ``www[.]x``, as people do with threats."""
    return _WWW.sub(r"\1[.]", _SCHEME.sub("[:]", text))


def web_link(link: str | None) -> str | None:
    """Return a link if it opens a web page and holds nothing that a markup could read; else None."""
    if not link or len(link) > _LONGEST_LINK or not _LINK.fullmatch(link):
        return None
    try:
        parts = urlsplit(link)
        # Who stands before an @ is not the place that the link leads to.
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return link if usable else None


def _shown(char: str, lines: bool) -> str:
    if char in "\n\r\t":
        return char if lines and char == "\n" else " "
    if char in _KEPT or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"\\u{ord(char):04x}"
