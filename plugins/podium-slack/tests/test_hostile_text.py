"""Words of users stay words: no mention, no link, no markup, no hidden character, wherever they stand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from podium_slack.blocks import render
from podium_slack.buttons import Click, comment_modal
from podium_slack.decisions import render_standing, standing_of
from podium_slack.text import clean, escape

from podium.plugins import Message, MetricChange

MakeMessage = Callable[..., Message]
HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<@U012AB3CD>",
    "<#C0123456|general>",
    "<https://evil.example|the docs>",
    "@here @channel",
    "a & b &lt;!channel&gt;",
    "*bold* _it_ ~no~ `code` ```block```",
    ":fire: > quote",
]
HARMLESS = {"header", "rich_text", "context", "rich_text_section", "rich_text_list", "rich_text_quote", "text"}


def everywhere(make_message: MakeMessage, words: str) -> Message:
    """A message that has the words in every place that a user can write to."""
    return make_message(
        title=words,
        model=f"model-registry/{words}",
        version=words,
        actor=words,
        origin=words,
        lines=(words,),
        reason=words,
        metrics=(MetricChange(words, 1.0, None),),
        previous=words,
        after={"stage": words, "source": words},
    )


def elements(value: Any) -> Iterator[dict[str, Any]]:
    """Every object with a type, however deep."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from elements(item)


@pytest.mark.parametrize("words", HOSTILE)
def test_blocks_carry_words_only_where_slack_reads_no_markup(words: str, make_message: MakeMessage) -> None:
    """The words arrive letter by letter, in plain text and rich text only; the one link is the run's, in our words."""
    _, blocks = render(everywhere(make_message, words))
    found = list(elements([block.to_dict() for block in blocks]))
    assert {element["type"] for element in found} <= HARMLESS | {"plain_text", "link"}
    assert [element["text"] for element in found if element["type"] == "link"] == ["open the run"]
    assert sum(words in str(element.get("text", "")) for element in found if element["type"] == "text") >= 7


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("event_type", ["promotion_approved", "promotion_rejected", "promoted", "promotion_cancelled"])
def test_what_became_of_a_request(event_type: str, words: str, make_message: MakeMessage) -> None:
    """What people said about a request stays words in the message that asked."""
    said = [{"person": words, "decision": "approved", "comment": words}]
    facts = {"stage": words, "asked": {"by": words, "reason": words}, "why": words, "gate": {"reason": words}}
    more = {"person": words, "comment": words} if event_type != "promoted" else {"approvals": said}
    message = make_message(f"model_version.{event_type}", words, request="0192-request", after=facts | more)
    standing = standing_of(replace(message, model=f"model-registry/{words}", version=words, actor=words))
    assert standing is not None
    text, blocks = render_standing(standing, buttons=True)
    found = list(elements([block.to_dict() for block in blocks]))
    assert {element["type"] for element in found} <= HARMLESS | {"plain_text", "actions", "button"}
    assert sum(words in str(element.get("text", "")) for element in found if element["type"] == "text") >= 5
    assert not {"<", ">"} & set(text)


@pytest.mark.parametrize("words", HOSTILE)
def test_digest_and_form(words: str, make_message: MakeMessage) -> None:
    """The lines of a digest, and what a form is about, stay words."""
    message = make_message(title=words, lines=(words,), digest=(everywhere(make_message, words),) * 2)
    view = comment_modal(Click("reject", "0192-request", "U1", "T1", "C1", "1.1"), words)
    found = list(elements([view["blocks"], [block.to_dict() for block in render(message)[1]]]))
    assert {element["type"] for element in found} <= HARMLESS | {"plain_text", "section", "input", "plain_text_input"}
    assert sum(words in str(element.get("text", "")) for element in found) >= 4


@pytest.mark.parametrize("words", HOSTILE)
def test_fallback_text_has_no_bare_angle_bracket_or_ampersand(words: str, make_message: MakeMessage) -> None:
    """In the top-level text Slack finds no mention and no link, and shows the letters as they were."""
    text, _ = render(everywhere(make_message, words))
    assert "<" not in text
    assert ">" not in text
    assert escape(words) in text


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u0007", "\u2028", "\ud800"])
def test_hidden_characters_become_visible(hidden: str, make_message: MakeMessage) -> None:
    """Nothing turns the direction of a line or hides in it, and the payload is valid UTF-8."""
    text, blocks = render(everywhere(make_message, f"v3{hidden}noitcudorp"))
    sent = json.dumps([text, *(block.to_dict() for block in blocks)], ensure_ascii=False)
    assert hidden not in sent
    assert sent.encode()
    assert f"v3\\\\u{ord(hidden):04x}noitcudorp" in sent


def test_line_breaks_make_no_fact(make_message: MakeMessage) -> None:
    """A name with a line break cannot add a line that looks like one of ours."""
    _, blocks = render(make_message(origin="DAG x\nBy  the pope", lines=("a\nb",)))
    texts = [element["text"] for element in elements([block.to_dict() for block in blocks]) if "text" in element]
    assert "DAG x By  the pope" in texts
    assert "a b" in texts


def test_scripts_and_emoji_that_need_joiners_stay_whole() -> None:
    """A Persian word with its joiner, and an emoji of a family, are not hostile."""
    whole = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d👧"
    assert clean(whole, 100) == whole
