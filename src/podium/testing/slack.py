"""A Slack message as a person reads it: Block Kit as plain text.

The structure is Slack's, https://docs.slack.dev/reference/block-kit/blocks. A mention that would really notify somebody
stands in square brackets, ``[@channel]``, so that a test can tell it from the same letters as plain text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

_COLUMN_GAP = 4
_TOKEN = re.compile(r"<([^<>\n]+)>")
# Markup works only where it stands at the edge of a word, as in Slack.
_MARKUP = tuple(re.compile(rf"(?<!\w){mark}(?=\S)([^{mark}\n]+?)(?<=\S){mark}(?!\w)") for mark in (r"\*", "_", "~"))
_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_WORDS = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range", "team": "team_id"}

Json = Mapping[str, Any]


def slack_text(payload: Json) -> str:
    """Return a message payload, as sent to ``chat.postMessage`` or to an incoming webhook, as plain text.

    Blocks stand apart by an empty line; a link is ``text (url)``. As in Slack, the top-level ``text`` is shown only if
    there are no blocks. A block of an unknown type is shown as ``(type)``.
    """
    blocks = payload.get("blocks") or ()
    parts = [_block(block) for block in blocks] if blocks else [_mrkdwn(str(payload.get("text") or ""))]
    return "\n\n".join(part for part in parts if part).rstrip() + "\n"


def _block(block: Json) -> str:
    kind = block.get("type")
    if kind == "header":
        title = _text(block["text"])
        return f"{title}\n{'=' * len(title)}"
    if kind == "divider":
        return "-" * 40
    if kind == "section":
        return _section(block)
    if kind == "context":
        return "  ".join(_element(element) for element in block.get("elements", ()))
    if kind == "actions":
        return "  ".join(_element(element) for element in block.get("elements", ()))
    if kind == "rich_text":
        return "\n".join(_rich(element) for element in block.get("elements", ()))
    if kind == "image":
        return _element(block)
    return f"({kind})"


def _section(block: Json) -> str:
    parts = [_text(block["text"])] if block.get("text") else []
    fields = [_text(field).split("\n") for field in block.get("fields") or ()]
    for left, right in zip_longest(fields[::2], fields[1::2], fillvalue=[""]):
        width = max(len(line) for line in left) + _COLUMN_GAP
        rows = zip_longest(left, right, fillvalue="")
        parts.append("\n".join(f"{one:<{width}}{two}".rstrip() for one, two in rows))
    if block.get("accessory"):
        parts.append(_element(block["accessory"]))
    return "\n".join(parts)


def _element(element: Json) -> str:
    kind = element.get("type")
    if kind in ("plain_text", "mrkdwn"):
        return _text(element)
    if kind == "button":
        url = f" ({element['url']})" if element.get("url") else ""
        return f"[{_text(element['text'])}]{url}"
    if kind == "image":
        return f"({element.get('alt_text', 'image')})"
    return f"({kind})"


def _text(text: Json) -> str:
    # Plain text is shown letter by letter, entities such as &amp; included.
    return str(text["text"]) if text.get("type") == "plain_text" else _mrkdwn(str(text["text"]))


def _rich(element: Json) -> str:
    kind, parts = element.get("type"), element.get("elements", ())
    if kind == "rich_text_list":
        return _list(element, parts)
    text = "".join(_inline(part) for part in parts)
    if kind == "rich_text_section":
        return text.rstrip("\n")
    edge = {"rich_text_quote": "| ", "rich_text_preformatted": "    "}.get(str(kind))
    return "\n".join(edge + line for line in text.split("\n")) if edge is not None else f"({kind})"


def _list(element: Json, items: Sequence[Json]) -> str:
    indent = "    " * int(element.get("indent") or 0)
    first = int(element.get("offset") or 0) + 1
    marks = [f"{first + place}. " if element.get("style") == "ordered" else "• " for place in range(len(items))]
    return "\n".join(
        indent + mark + _rich(item).replace("\n", "\n" + indent + " " * len(mark))
        for mark, item in zip(marks, items, strict=True)
    )


def _inline(part: Json) -> str:
    kind = str(part.get("type"))
    if kind == "text":
        return str(part["text"])
    if kind == "link":
        return _link(str(part["url"]), str(part.get("text") or ""))
    if kind == "emoji":
        return f":{part.get('name')}:"
    if kind == "channel":
        return f"[#{part['channel_id']}]"
    if kind in _WORDS:
        return f"[@{part[_WORDS[kind]]}]"
    return str(part.get("fallback") or part.get("value") or f"({kind})")


def _link(url: str, text: str) -> str:
    return f"{text} ({url})" if text and text != url else url


def _mrkdwn(text: str) -> str:
    """Render Slack's own markup; https://docs.slack.dev/messaging/formatting-message-text says how it is read."""
    text = _TOKEN.sub(lambda found: _token(found[1]), text)
    text = _CODE.sub(lambda found: found[1] or found[2], text)
    for mark in _MARKUP:
        text = mark.sub(r"\1", text)
    return html.unescape(text)


def _token(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith(("!", "@")):
        return f"[@{label.lstrip('@') or target[1:].split('^')[0]}]"
    if target.startswith("#"):
        return f"[#{label or target[1:]}]"
    return _link(target, label)
