"""The parts that messages are made of, in which Slack reads no markup at all.

Words of users stand only in ``plain_text`` (header, footer, labels) and in ``rich_text`` elements. In both
``<!channel>``, ``<https://x|y>``, ``*bold*`` or a backtick stay letters. For the same reason there is no section with
fields: only ``mrkdwn`` makes a label bold there, and ``mrkdwn`` would read the value too.

The limits are those of https://docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from slack_sdk.models.blocks import (
    ContextBlock,
    HeaderBlock,
    PlainTextObject,
    RichTextElementParts,
    RichTextListElement,
    RichTextQuoteElement,
    RichTextSectionElement,
)
from slack_sdk.models.blocks.block_elements import RichTextElement

from podium.plugins.words import web_link
from podium_slack.text import clean, shorten

HEADER = 150
SECTION = 3000
# Slack's limits for a whole message are larger; beyond these nobody reads on.
LABEL = 300
LINE = 400
LINES = 12
REASON = 1500

Parts = list[RichTextElement]


def header(sign: str, title: str) -> HeaderBlock:
    """Return the first line of a message."""
    return HeaderBlock(text=plain(shorten(f"{sign} {clean(title, HEADER)}", HEADER)))


def footer(at: datetime, what: str) -> ContextBlock:
    """Return the last line of a message: when, and of what kind."""
    when = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return ContextBlock(elements=[plain(f"Podium · {when} · {clean(what, LABEL)}")])


def bullets(title: str, lines: Iterable[str], most: int = LINES) -> Parts:
    """Return lines under a heading, nothing if there are none; those beyond the limit are counted."""
    shown = [text for text in (clean(line, LINE) for line in lines) if text]
    if not shown:
        return []
    items = [section(words(line)) for line in shown[:most]]
    if len(shown) > most:
        items.append(section(words(f"… and {len(shown) - most} more")))
    return [section(bold(title)), RichTextListElement(style="bullet", elements=items)]


def quote(title: str, said: str | None) -> Parts:
    """Return what a person wrote, in their own lines; nothing if nobody wrote anything."""
    text = clean(said or "", REASON, lines=True)
    return [section(bold(title)), RichTextQuoteElement(elements=[words(text)])] if text else []


def rows(pairs: Iterable[tuple[str, str]]) -> Iterator[RichTextElement]:
    """Return facts, one a line."""
    for label, value in pairs:
        yield from (bold(f"{label}  "), words(clean(value, LABEL) + "\n"))


def run_link(link: str | None) -> Iterator[RichTextElement]:
    """Return the link of a run, if it opens a web page.

    A link and not a button: a click on any button is sent to the app, and Slack warns the reader when none answers
    (slackapi/node-slack-sdk#869). Its words are ours, so that no user can make it claim another target.
    """
    if (url := web_link(link)) is not None:
        yield from (words(" · "), RichTextElementParts.Link(url=url, text="open the run"))


def section(*parts: RichTextElement) -> RichTextSectionElement:
    """Return a paragraph."""
    return RichTextSectionElement(elements=parts)


def words(text: str) -> RichTextElement:
    """Return letters that stay letters."""
    return RichTextElementParts.Text(text=text)


def bold(text: str) -> RichTextElement:
    """Return letters in bold."""
    return RichTextElementParts.Text(text=text, style=RichTextElementParts.TextStyle(bold=True))


def plain(text: str) -> PlainTextObject:
    """Return a text in which not even ``:fire:`` is more than letters."""
    return PlainTextObject(text=text, emoji=False)
