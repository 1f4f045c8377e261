"""Text of users inside documents, as text: nothing in it becomes markup, a link, or a message to somebody."""

from __future__ import annotations

import re

# What Markdown or GitHub reads inside a line. An underscore within a word means nothing to them.
_SPECIAL = re.compile(
    r"[\\`*\[\]<>|~&$@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=[A-Za-z]):(?=//)|(?<=www)\.|#(?=\d)|(?<=GH)-(?=\d)"
)
# GitHub looks for names and numbers in the text that it has made of Markdown, where an escape or an entity is the
# character itself again. A space of no width parts them there; so Renovate does it.
_PARTED = "@#-"
_LONGEST = 500
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no way to hold


def spelled(text: object) -> str:
    """Return text in which every character that does not print itself is spelled out as its number.

    A mark that turns the direction of writing would else reorder what stands beside it, in HTML as in a terminal.
    """
    given = str(text)
    return given if given.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in given)


def escape_markdown(text: str) -> str:
    """Return text that stands in a line or a cell of GitHub's Markdown as it is.

    No markup, no link, no HTML, one line; nobody is mentioned, and no issue.
    """
    return _SPECIAL.sub(lambda match: _escaped(match[0]), spelled(text))


def markdown_cell(text: str) -> str:
    """Return text for one cell of a table: as `escape_markdown`, its lines kept, at most 500 characters of it."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "<br>".join(escape_markdown(line) for line in short.split("\n") if line.strip())


def xml_text(text: str) -> str:
    """Return text in which what XML 1.0 cannot hold is spelled out."""
    return _NO_XML.sub(lambda match: repr(match[0])[1:-1], text)


def _escaped(char: str) -> str:
    return f"{char}&#8203;" if char in _PARTED else f"\\{char}"
