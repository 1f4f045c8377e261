"""A message as Block Kit: what happened in the header, then whether to worry and why, then the facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, RichTextBlock, RichTextListElement, SectionBlock

from podium.plugins import Message
from podium.plugins.channels import format_metric
from podium_slack import rich
from podium_slack.buttons import request_buttons
from podium_slack.looks import Look, look_of, stage_of
from podium_slack.text import clean, escape, time_text

_METRICS = 10
_DIGEST = 40
_ABOUT = {"artifact": "Artifact", "artifact_version": "Artifact", "model": "Model", "model_version": "Model"}
# What else an event may be about: the beginning of its type, the key, and what it is called in a message.
_FACTS = (
    ("alias.", "alias", "Alias"),
    ("tag.", "tag", "Tag"),
    ("role.", "person", "Person"),
    ("role.", "role", "Role"),
    ("stage.", "until", "Until"),
    ("model_version.promotion_requested", "expires_at", "Until"),
    ("model_version.promotion_approved", "person", "Person"),
    ("model_version.promotion_rejected", "person", "Person"),
    ("model_version.approval_withdrawn", "person", "Person"),
    ("automation.", "automation", "Automation"),
)


def render(message: Message, *, buttons: bool = False) -> tuple[str, list[Block]]:
    """Return a message for Slack.

    Args:
        message: What to tell.
        buttons: Whether a request for approval gets buttons; somebody must listen to them.

    Returns:
        The top-level text, escaped, for notifications and screen readers; and the blocks, which Slack's own models
        have validated. Where they would not, one block of plain text stands for all.
    """
    look = look_of(message)
    try:
        blocks = _digest(message, look) if message.digest else _blocks(message, look, buttons)
        for block in blocks:
            block.to_dict()
    except SlackObjectFormationError:
        blocks = [SectionBlock(text=rich.plain(clean(message.as_text(), rich.SECTION, lines=True)))]
    return escape(f"{look.sign} {clean(message.as_text(), rich.SECTION, lines=True)}"), blocks


def headline(title: str, model: str) -> str:
    """Return a title without the registry's name, which stands among the facts: a glance is for what differs."""
    return title.replace(model, model.rpartition("/")[2], 1)


def _blocks(message: Message, look: Look, buttons: bool) -> list[Block]:
    verdict = clean(look.verdict, rich.LABEL)
    said = [line for line in message.lines if line not in _told_elsewhere(message)]
    groups: list[rich.Parts] = [
        [rich.section(rich.words(verdict))] if verdict else [],
        rich.bullets(look.details, said),
        [rich.section(*rich.rows(_rows(message)), *_origin(message))],
        _metrics(message),
        rich.quote(look.reason, message.event.reason),
    ]
    asked = request_buttons(message) if buttons else None
    return [
        rich.header(look.sign, headline(message.title, message.model)),
        *(RichTextBlock(elements=group) for group in groups if group),
        *([asked] if asked is not None else []),
        rich.footer(message.event.at, message.event.type),
    ]


def _told_elsewhere(message: Message) -> set[str]:
    """Return lines of the message that its other parts tell: what the person wrote is a quote, a time is a fact."""
    reason, after = message.event.reason, message.event.after
    times = {f"Until {after.get('until')}", f"It waits until {after.get('expires_at')}"}
    return {
        *(f"{word}{reason}" for word in ("", "Reason: ", "Comment: ")),
        *times,
        f"{after.get('missing')} more needed",
    }


def _digest(message: Message, look: Look) -> list[Block]:
    """One line for each message that it sums up, oldest first, and no more than anybody reads."""
    lines = [
        f"{look_of(one).sign} {headline(one.title, one.model)} · {one.actor} · {one.event.at.astimezone(UTC):%H:%M}"
        for one in message.digest
    ]
    groups = [rich.bullets(look.details, message.lines), rich.bullets("What happened (UTC)", lines, _DIGEST)]
    return [
        rich.header(look.sign, message.title),
        *(RichTextBlock(elements=group) for group in groups if group),
        rich.footer(message.event.at, "digest"),
    ]


def _rows(message: Message) -> Iterator[tuple[str, str]]:
    event = message.event
    kind = event.type.partition(".")[0]
    if kind in ("stage", "policy", "role"):
        yield "Model" if "/" in message.model else "Registry", message.model
    else:
        yield _ABOUT.get(kind, "About"), message.model
    if message.version:
        source = event.after.get("source")
        yield "Version", f"{message.version} ({source})" if source else message.version
    if stage_of(message):
        yield "Stage", stage_of(message)
    for beginning, key, label in _FACTS:
        value = event.after.get(key) or event.before.get(key)
        if event.type.startswith(beginning) and isinstance(value, str):
            yield label, time_text(value) if label == "Until" else value
    yield "By", message.actor


def _origin(message: Message) -> rich.Parts:
    words = clean(message.origin, rich.LABEL) or "unknown"
    return [rich.bold("From  "), rich.words(words), *rich.run_link(message.link)]


def _metrics(message: Message) -> rich.Parts:
    items = []
    for metric in message.metrics[:_METRICS]:
        name, numbers = clean(metric.name, rich.LABEL) or "?", format_metric(metric).removeprefix(metric.name)
        items.append(rich.section(rich.bold(name), rich.words(f" {clean(numbers, rich.LABEL)}")))
    if not items:
        return []
    title = f"Metrics, against {message.previous}" if message.previous else "Metrics"
    return [
        rich.section(rich.bold(clean(title, rich.LABEL))),
        RichTextListElement(style="bullet", elements=items),
    ]
