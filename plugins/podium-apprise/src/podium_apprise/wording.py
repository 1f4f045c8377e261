"""A message as a title and a body that no service of Apprise reads as anything but words.

Over a hundred services read Markdown, HTML, BBCode or a dialect of their own, look for mentions, and make links of what
looks like one. There is no escape that all of them know, so the few characters that give words a meaning are replaced
by others that look alike, whatever the service; and no line begins with a word of a user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC

from podium.plugins import Message
from podium.plugins.channels import format_metric
from podium.plugins.words import unlinked, visible, web_link

_TITLE, _LABEL, _LINE, _BODY = 150, 120, 300, 1800
_LINES, _METRICS, _MESSAGES = 8, 8, 12
# Fullwidth forms, which stand at a fixed distance; but X takes two of those for what they were.
_TWINS = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in "<>&[]{}*~`|\\\"'"} | {"@": "(at)", "#": "♯"})
_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # where an underscore can begin or end markup; log_loss stays

_GOOD = frozenset({"model_version.promoted", "model_version.promotion_approved"})
_BAD = frozenset({"model_version.promotion_refused", "model_version.promotion_rejected"})
_ODD = frozenset({"model_version.promotion_forced", "model_version.rolled_back", "model_version.demoted"})


@dataclass(frozen=True, slots=True)
class Wording:
    """What is told.

    Attributes:
        title: One line.
        body: The rest.
        kind: ``success``, ``failure``, ``warning`` or ``info``, which some services show as a colour.
    """

    title: str
    body: str
    kind: str


def wording_of(message: Message) -> Wording:
    """Return what to tell about a message."""
    if message.digest:
        lines = [*_lines(message), *_digest(message)]
    else:
        facts = [f"By: {harmless(message.actor, _LABEL)}", f"From: {harmless(message.origin, _LABEL) or 'unknown'}"]
        lines = [*_lines(message), *_metrics(message), *facts]
    lines.append(_footer(message))
    body = visible("\n".join(lines), _BODY, lines=True)
    link = web_link(message.link) if not message.digest else None
    if link:
        body += f"\nRun: {link}"  # after the cut, since half a link leads to another place
    return Wording(f"Podium: {harmless(message.title, _TITLE)}", body, _kind(message))


def harmless(text: object, limit: int) -> str:
    """Return words in one line in which nothing is markup, a mention, a link or a tag."""
    plain = _EDGE.sub("\uff3f", visible(text, limit).translate(_TWINS))
    return unlinked(plain).replace("=?", "= ?")  # how a word begins that a mail program would decode


def _lines(message: Message) -> list[str]:
    more = len(message.lines) - _LINES
    shown = [f"- {harmless(line, _LINE)}" for line in message.lines[:_LINES]]
    return shown + ([f"- … and {more} more"] if more > 0 else [])


def _digest(message: Message) -> list[str]:
    more = len(message.digest) - _MESSAGES
    shown = [f"- {harmless(part.title, _LABEL)}" for part in message.digest[:_MESSAGES]]
    return shown + ([f"- … and {more} more"] if more > 0 else [])


def _metrics(message: Message) -> list[str]:
    title = f"Metrics, against {harmless(message.previous, _LABEL)}:" if message.previous else "Metrics:"
    shown = [f"- {harmless(format_metric(metric), _LABEL)}" for metric in message.metrics[:_METRICS]]
    more = len(message.metrics) - _METRICS
    return [title, *shown, *([f"- … and {more} more"] if more > 0 else [])] if shown else []


def _footer(message: Message) -> str:
    what = "digest" if message.digest else harmless(message.event.type, _LABEL)
    # The end of the id, which is random: who is told twice sees that it was the same.
    return f"Podium, {message.event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {what}, id {harmless(message.id[-12:], 12)}"


def _kind(message: Message) -> str:
    kind = "digest" if message.digest else message.event.type
    checks = message.event.after.get("checks") if kind == "model_version.checked" else None
    if checks and any(isinstance(check, dict) and check.get("status") in ("fail", "error") for check in checks):
        return "failure"
    return "success" if kind in _GOOD else "failure" if kind in _BAD else "warning" if kind in _ODD else "info"
