"""A Slack message as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest

from podium.testing import slack_text


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    """A message of one rich text block."""
    return {"blocks": [{"type": "rich_text", "elements": list(elements)}]}


def words(text: str) -> dict[str, Any]:
    """A piece of rich text."""
    return {"type": "text", "text": text}


def test_blocks_stand_apart() -> None:
    """Header, section, divider and context, each a paragraph."""
    message = {
        "text": "not shown",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Hello"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*bold* words"}},
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "plain_text", "text": "a"}, {"type": "mrkdwn", "text": "_b_"}]},
        ],
    }
    assert slack_text(message) == f"Hello\n=====\n\nbold words\n\n{'-' * 40}\n\na  b\n"


def test_fields_stand_in_two_columns() -> None:
    """The fields of a section stand side by side, as in a wide window."""
    fields = [
        {"type": "mrkdwn", "text": f"*{label}*\n{value}"} for label, value in (("Model", "Digits"), ("By", "ann"))
    ]
    assert slack_text({"blocks": [{"type": "section", "fields": fields}]}) == "Model     By\nDigits    ann\n"


def test_an_odd_field_stands_alone() -> None:
    """A field without a neighbour is not lost."""
    fields = [{"type": "plain_text", "text": text} for text in "abc"]
    assert slack_text({"blocks": [{"type": "section", "fields": fields}]}) == "a    b\nc\n"


def test_buttons_show_their_target() -> None:
    """A button is its label and where it leads."""
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://x.example"}
    assert slack_text({"blocks": [{"type": "actions", "elements": [button]}]}) == "[Open] (https://x.example)\n"


def test_lists_and_quotes() -> None:
    """Lists have their marks, quotes their edge, code its indent."""
    item = {"type": "rich_text_section", "elements": [words("one\ntwo")]}
    message = rich(
        {"type": "rich_text_list", "style": "bullet", "elements": [item]},
        {"type": "rich_text_list", "style": "ordered", "offset": 2, "indent": 1, "elements": [item]},
        {"type": "rich_text_quote", "elements": [words("said\nso")]},
        {"type": "rich_text_preformatted", "elements": [words("x = 1")]},
    )
    assert slack_text(message) == "• one\n  two\n    3. one\n       two\n| said\n| so\n    x = 1\n"


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (words("<!channel> *b* &amp;"), "<!channel> *b* &amp;"),
        ({"type": "link", "url": "https://x.example", "text": "here"}, "here (https://x.example)"),
        ({"type": "link", "url": "https://x.example"}, "https://x.example"),
        ({"type": "emoji", "name": "rocket"}, ":rocket:"),
        ({"type": "user", "user_id": "U1"}, "[@U1]"),
        ({"type": "broadcast", "range": "here"}, "[@here]"),
        ({"type": "channel", "channel_id": "C1"}, "[#C1]"),
        ({"type": "date", "timestamp": 0, "fallback": "long ago"}, "long ago"),
        ({"type": "hologram"}, "(hologram)"),
    ],
)
def test_pieces_of_rich_text(part: dict[str, Any], shown: str) -> None:
    """Words stay letters; only what is a mention stands in square brackets."""
    assert slack_text(rich({"type": "rich_text_section", "elements": [part]})) == f"{shown}\n"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("&lt;!channel&gt; &amp; co", "<!channel> & co"),
        ("<!channel> <!here|here> <@U1> <#C1|ml>", "[@channel] [@here] [@U1] [#ml]"),
        ("<https://x.example|the docs> <https://y.example>", "the docs (https://x.example) https://y.example"),
        ("*bold* _it_ ~no~ `code`", "bold it no code"),
        ("snake_case_name 2*3*4 a ~ b", "snake_case_name 2*3*4 a ~ b"),
        ("@channel", "@channel"),
    ],
)
def test_markup(source: str, shown: str) -> None:
    """Slack's own markup is carried out; entities become letters afterwards, so that they make no mention."""
    assert slack_text({"text": source}) == f"{shown}\n"


def test_plain_text_is_no_markup() -> None:
    """A plain_text object is shown letter by letter."""
    block = {"type": "section", "text": {"type": "plain_text", "text": "<!channel> *b* &lt;"}}
    assert slack_text({"blocks": [block]}) == "<!channel> *b* &lt;\n"


def test_unknown_blocks_are_named() -> None:
    """What a later Slack knows is not lost in silence."""
    assert slack_text({"blocks": [{"type": "hologram"}]}) == "(hologram)\n"
