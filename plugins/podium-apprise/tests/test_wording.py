"""What is told, and that words stay words in whatever way a service reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import apprise
import pytest
from apprise.conversion import convert_between
from markdown_it import MarkdownIt
from podium_apprise import AppriseChannel
from podium_apprise.wording import wording_of

from podium.domain.events import TYPES
from podium.plugins import Message, MetricChange
from podium.testing import LoopbackReceiver, slack_text

MakeMessage = Callable[..., Message]
HOSTILE = [
    "<!channel> <!here|here> <@U012AB3CD> <#C0123456|general> <https://evil.example|the docs>",
    "@everyone @here <@123456> <@&789>",
    "[the docs](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "[the docs][1]\n\n[1]: https://evil.example",
    "**bold** __bold__ *it* _it_ ~~no~~ ||spoiler|| `code` ```block```",
    "# header\n> quote\n- item\n1. item\n---\n===",
    "<b>bold</b> <script>alert(1)</script> &lt;b&gt; <a href='https://evil.example'>x</a>",
    "[url=https://evil.example]x[/url] [b]bold[/b]",
    "see https://evil.example/x and www.evil.example",
    "#hashtag @somebody \\*escaped\\*",
    "=cmd() {{7*7}} ${x}",
    "a\r\nBcc: evil@example.com",
    "=?utf-8?q?=0D=0ABcc=3A_evil=40example=2Ecom?=",
]
FORMATS = [apprise.NotifyFormat.TEXT, apprise.NotifyFormat.HTML, apprise.NotifyFormat.MARKDOWN]


def everywhere(make_message: MakeMessage, words: str) -> Message:
    """A message that has the words in every place that a user can write to."""
    return make_message(
        title=words,
        model=words,
        version=words,
        actor=words,
        origin=words,
        lines=(words,),
        reason=words,
        metrics=(MetricChange(words, 1.0, None),),
        previous=words,
        after={"stage": words, "source": words},
        link=None,
    )


@pytest.mark.parametrize("words", HOSTILE)
def test_no_mention_markup_tag_or_link(words: str, make_message: MakeMessage) -> None:
    """None of the characters that give words a meaning in some service is left, and no address is."""
    told = wording_of(everywhere(make_message, words))
    text = f"{told.title}\n{told.body}"
    assert not re.search(r"[<>&@#*~`|\\{}\"']", text)
    assert not re.search(r"\[(?!:\]|\.\])", text)  # the brackets of a broken address are ours
    assert not re.search(r"(?<!\w)_|_(?!\w)", text)
    assert not any(part in text for part in ("://", "www.", "=?"))


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("rules", ["commonmark", "gfm-like"])
def test_markdown_finds_nothing(rules: str, words: str, make_message: MakeMessage) -> None:
    """A reader of Markdown, one that makes links of bare addresses too, finds text and our own lists."""
    told = wording_of(everywhere(make_message, words))
    options = {"linkify": False} if rules == "gfm-like" else {}
    kinds: set[str] = set()
    for token in MarkdownIt(rules, options).parse(f"{told.title}\n\n{told.body}"):
        kinds |= {token.type, *(child.type for child in token.children or ())}
    ours = {"paragraph", "bullet_list", "list_item"}
    assert kinds <= {"inline", "text", "softbreak"} | {f"{kind}_{end}" for kind in ours for end in ("open", "close")}


@pytest.mark.parametrize("words", HOSTILE)
def test_html_and_slack_find_nothing(words: str, make_message: MakeMessage) -> None:
    """What Apprise makes of it for HTML has line breaks and no tag; Slack's reader finds the very letters."""
    body = wording_of(everywhere(make_message, words)).body
    page = convert_between(apprise.NotifyFormat.TEXT, apprise.NotifyFormat.HTML, body)
    assert set(re.findall(r"<[^>]*>", page)) <= {"<br/>", "<br />", "<br>"}
    assert slack_text({"text": body}).strip() == body


@pytest.mark.parametrize("format_", ["text", "html", "markdown"])
def test_hostile_words_through_apprise(format_: str, make_message: MakeMessage) -> None:
    """Whatever format the service of the URL takes, nothing of it gets through to the wire."""
    with LoopbackReceiver() as receiver:
        url = f"json://{receiver.url.removeprefix('http://')}/?format={format_}"
        for words in HOSTILE:
            AppriseChannel().send(everywhere(make_message, words), {"url": url})
        sent: list[dict[str, Any]] = [request.json() for request in receiver.requests]
    assert len(sent) == len(HOSTILE)
    for message in sent:
        text = re.sub(r"<br ?/?>|&nbsp;|&emsp;", " ", message["title"] + message["message"])
        assert not re.search(r"[<>&@]|://", text)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u0007", "\u2028", "\ud800"])
def test_hidden_characters_become_visible(hidden: str, make_message: MakeMessage) -> None:
    """Nothing turns the direction of a line or hides in it."""
    told = wording_of(everywhere(make_message, f"v3{hidden}noitcudorp"))
    assert hidden not in told.title + told.body
    assert f"u{ord(hidden):04x}noitcudorp" in told.title


def test_plain_words_stay(make_message: MakeMessage) -> None:
    """The control: what is no markup arrives letter by letter."""
    words = "Grün 中 🚀 log_loss (a - b) 3.5% x=1, y: 2/3; why?!"
    told = wording_of(everywhere(make_message, words))
    assert (f"{told.title}\n{told.body}").count(words) >= 5


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://a@evil.example/", "https://a.example/)[x](y", None])
def test_only_web_pages_are_told(link: str | None, make_message: MakeMessage) -> None:
    """Only http and https become a link; anything else is left out."""
    assert "Run:" not in wording_of(make_message(link=link)).body


@pytest.mark.parametrize(
    ("event_type", "after", "kind"),
    [
        ("model_version.promoted", {}, "success"),
        ("model_version.promotion_refused", {}, "failure"),
        ("model_version.promotion_forced", {}, "warning"),
        ("model_version.rolled_back", {}, "warning"),
        ("model_version.linked", {}, "info"),
        ("model_version.checked", {"checks": [{"name": "a", "status": "fail"}]}, "failure"),
        ("model_version.checked", {"checks": [{"name": "a", "status": "pass"}]}, "info"),
    ],
)
def test_kind_of_news(event_type: str, after: dict[str, Any], kind: str, make_message: MakeMessage) -> None:
    """Services that have colours show good news and bad ones apart."""
    assert wording_of(make_message(event_type, after=after)).kind == kind


@pytest.mark.parametrize("event_type", [*TYPES, "model_version.of_a_later_podium"])
def test_every_event_type_is_told(event_type: str, make_message: MakeMessage) -> None:
    """Any event, an unknown one included, says what happened, by whom and from where."""
    told = wording_of(make_message(event_type, "Something happened", after={}))
    assert told.title == "Podium: Something happened"
    assert all(words in told.body for words in ("anna", "DAG train_and_promote", "2026-11-24 09:30 UTC"))


def test_texts_beyond_every_limit_are_cut(make_message: MakeMessage) -> None:
    """However long everything is, the message fits into one of Discord, and the link is whole."""
    long = "x" * 10_000
    metrics = tuple(MetricChange(f"{place}{long}", 1.0, 0.5) for place in range(40))
    told = wording_of(make_message(title=long, lines=(long,) * 40, metrics=metrics, actor=long))
    assert len(told.title) + len(told.body) < 2_100
    assert told.body.endswith("runs/manual__2026-11-24")


def test_a_digest_tells_each_message(make_message: MakeMessage) -> None:
    """A digest has a line for each message that it sums up, and says how many more there are."""
    inside = tuple(make_message(title=f"<b>Message {number}") for number in range(15))
    told = wording_of(make_message(title="15 events", digest=inside, reason="of the newest"))
    assert (told.title, told.kind) == ("Podium: 15 events", "info")
    assert "- ＜b＞Message 11\n- … and 3 more\nPodium, 2026-11-24 09:30 UTC, digest, id 0aa-delivery" in told.body  # noqa: RUF001 - meant
    assert "Run:" not in told.body
