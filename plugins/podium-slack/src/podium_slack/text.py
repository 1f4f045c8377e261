"""Words of users made harmless and short. What makes them links, mentions or markup is kept out by where they stand."""

from __future__ import annotations

import html
from datetime import UTC, datetime

from podium.plugins.words import visible as clean

__all__ = ["clean", "escape", "shorten", "time_text"]


def shorten(text: str, limit: int) -> str:
    """Return a text of at most so many characters; a longer one ends in ``…``."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str) -> str:
    """Return a text for a field in which Slack looks for mentions and links: ``& < >`` as entities, nothing else.

    The rule is https://docs.slack.dev/messaging/formatting-message-text, "Escaping text".
    """
    return html.escape(text, quote=False)


def time_text(text: str) -> str:
    """Return a time of an event, which is ISO 8601, for people; any other text as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return text
