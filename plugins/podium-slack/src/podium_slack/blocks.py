"""A message as Block Kit: what happened in the header, then whether to worry and why, then the facts.

Words of users stand only in ``plain_text`` (header, footer) and in ``rich_text`` elements. In both Slack reads no
markup at all, so that ``<!channel>``, ``<https://x|y>``, ``*bold*`` or a backtick stay letters. For the same reason
there is no section with fields: only ``mrkdwn`` makes a label bold there, and ``mrkdwn`` would read the value too.

The limits are those of https://docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from urllib.parse import urlsplit

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    HeaderBlock,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextListElement,
    RichTextQuoteElement,
    RichTextSectionElement,
    SectionBlock,
)
from slack_sdk.models.blocks.block_elements import RichTextElement

from podium.plugins import Message
from podium.plugins.channels import format_metric
from podium_slack.looks import Look, look_of, stage_of
from podium_slack.text import clean, escape, shorten

_HEADER = 150
_SECTION = 3000
_URL = 3000
# Slack's limit for a whole message is larger; beyond this nobody reads on.
_LABEL = 300
_LINE = 400
_LINES = 12
_METRICS = 10
_REASON = 1500

Parts = list[RichTextElement]


def render(message: Message) -> tuple[str, list[Block]]:
    """Return a message for Slack.

    Returns:
        The top-level text, escaped, for notifications and screen readers; and the blocks, which Slack's own models
        have validated. Where they would not, one block of plain text stands for all.
    """
    try:
        blocks = _blocks(message, look_of(message))
        for block in blocks:
            block.to_dict()
    except SlackObjectFormationError:
        blocks = [SectionBlock(text=_plain(clean(message.as_text(), _SECTION, lines=True)))]
    return _summary(message), blocks


def _blocks(message: Message, look: Look) -> list[Block]:
    header = HeaderBlock(text=_plain(shorten(f"{look.sign} {clean(_headline(message), _HEADER)}", _HEADER)))
    verdict = clean(look.verdict, _LABEL)
    groups: list[Parts] = [
        [_section(_text(verdict))] if verdict else [],
        _details(message, look),
        [_section(*_facts(message))],
        _metrics(message),
        _reason(message),
    ]
    at = message.event.at.astimezone(UTC)
    footer = ContextBlock(elements=[_plain(f"Podium · {at:%Y-%m-%d %H:%M} UTC · {clean(message.event.type, _LABEL)}")])
    return [header, *(RichTextBlock(elements=group) for group in groups if group), footer]


def _headline(message: Message) -> str:
    """The title without the registry's name, which stands among the facts: a glance is for what differs."""
    return message.title.replace(message.model, message.model.rpartition("/")[2], 1)


def _summary(message: Message) -> str:
    sign = look_of(message).sign
    return escape(f"{sign} {clean(message.as_text(), _SECTION, lines=True)}")


def _facts(message: Message) -> Iterator[RichTextElement]:
    for label, value in _rows(message):
        yield from (_bold(f"{label}  "), _text(clean(value, _LABEL) + "\n"))
    yield from (_bold("From  "), _text(clean(message.origin, _LABEL) or "unknown"))
    if message.link and _is_web(message.link):
        # A link and not a button: a click on any button is sent to the app, and Slack warns the reader when none
        # answers (slackapi/node-slack-sdk#869). Its words are ours, so that no user can make it claim another target.
        yield from (_text(" · "), RichTextElementParts.Link(url=message.link, text="open the run"))


def _rows(message: Message) -> Iterator[tuple[str, str]]:
    kind = message.event.type.partition(".")[0]
    labels = {"artifact": "Artifact", "artifact_version": "Artifact", "model": "Model", "model_version": "Model"}
    yield labels.get(kind, "About"), message.model
    if message.version:
        source = message.event.after.get("source")
        yield "Version", f"{message.version} ({source})" if source else message.version
    if stage_of(message):
        yield "Stage", stage_of(message)
    yield "By", message.actor


def _metrics(message: Message) -> Parts:
    items = []
    for metric in message.metrics[:_METRICS]:
        numbers = format_metric(metric).removeprefix(metric.name)
        items.append(_section(_bold(clean(metric.name, _LABEL) or "?"), _text(f" {clean(numbers, _LABEL)}")))
    if not items:
        return []
    title = f"Metrics, against {message.previous}" if message.previous else "Metrics"
    return [_section(_bold(clean(title, _LABEL))), RichTextListElement(style="bullet", elements=items)]


def _details(message: Message, look: Look) -> Parts:
    # The reason of the person stands in a quote of its own.
    said = [line for line in message.lines if line != f"Reason: {message.event.reason}"]
    lines = [clean(line, _LINE) for line in said[:_LINES]]
    items = [_section(_text(line)) for line in lines if line]
    if not items:
        return []
    if len(said) > _LINES:
        items.append(_section(_text(f"… and {len(said) - _LINES} more")))
    return [_section(_bold(look.details)), RichTextListElement(style="bullet", elements=items)]


def _reason(message: Message) -> Parts:
    reason = clean(message.event.reason or "", _REASON, lines=True)
    return [_section(_bold("Reason")), RichTextQuoteElement(elements=[_text(reason)])] if reason else []


def _section(*parts: RichTextElement) -> RichTextSectionElement:
    return RichTextSectionElement(elements=parts)


def _text(text: str) -> RichTextElement:
    return RichTextElementParts.Text(text=text)


def _bold(text: str) -> RichTextElement:
    return RichTextElementParts.Text(text=text, style=RichTextElementParts.TextStyle(bold=True))


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text, emoji=False)


def _is_web(link: str) -> bool:
    """Whether a link opens a web page: not a script, not a file, nothing hidden in it."""
    if len(link) > _URL or clean(link, _URL) != link or " " in link:
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
