"""The mail itself: what it says, how it behaves among mails, and that words stay words."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from podium_email.letter import letter_of
from podium_email.options import options_of

from podium.domain.events import TYPES
from podium.plugins import Message, MetricChange

MakeMessage = Callable[..., Message]
GOLDEN = Path(__file__).parent / "golden"
SETTINGS = {"host": "mail.example.com", "from": "Podium <podium@example.com>", "to": "anna@example.com"}
FAILED = ("The check 'accuracy_per_digit' failed: digit 8 has 0.81, and 0.90 is needed.",)
HOSTILE = [
    "<b>bold</b> <img src=x onerror=alert(1)> <script>alert(1)</script>",
    "</td></tr></table><a href='https://evil.example'>the docs</a>",
    '" onmouseover="alert(1)',
    "x\r\nBcc: evil@example.com\r\n\r\nhello",
    "=?utf-8?q?=0D=0ABcc=3A_evil=40example=2Ecom?=",
    "\r\n--===============123==\r\nContent-Type: text/html\r\n\r\n<h1>mine</h1>",
    "see https://evil.example/x and WWW.evil.example or javascript:alert(1)",
    "<!channel> @here [x](https://evil.example) *bold* =cmd()",
    ".\r\nQUIT",
]
HIDDEN = ["\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\u0007", "\u2028", "\ud800"]
TAGS = {"html", "body", "p", "b", "ul", "li", "table", "tr", "td", "a", "blockquote", "br"}


class Tags(HTMLParser):
    """The tags of a page, the targets of its links, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str | None] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def written(message: Message, **more: str) -> EmailMessage:
    """The mail as a mail program reads it, after a way over the wire."""
    data = letter_of(message, options_of({**SETTINGS, **more})).as_bytes()
    assert data.isascii()
    return message_from_bytes(data, policy=policy.default)


def part(mail: EmailMessage, kind: str) -> str:
    """One of its two parts."""
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def everywhere(make_message: MakeMessage, words: str) -> Message:
    """A message that has the words in every place that a user can write to."""
    message = make_message(
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
        link=words,
    )
    return replace(message, event=replace(message.event, type=words, id=words))


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_golden(kind: str, make_message: MakeMessage) -> None:
    """Each part reads as its golden file; WRITE_GOLDEN=1 writes the files anew, to be looked at."""
    title = "model-registry/Digits classifier v3 was refused for production"
    message = make_message(
        "model_version.promotion_refused", title, lines=FAILED, reason="The camera was replaced.\nPlease look."
    )
    path = GOLDEN / f"refused.{'txt' if kind == 'plain' else kind}"
    text = part(written(message), kind)
    if os.environ.get("WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", HOSTILE)
def test_words_make_no_header(words: str, make_message: MakeMessage) -> None:
    """Every header is one of ours, the receivers are those of the subscription, and there are two parts."""
    mail = written(everywhere(make_message, words), subject_prefix=words)
    usual = set(written(make_message()).keys())
    assert set(mail.keys()) == usual
    assert len(mail.keys()) == len(usual)
    assert (mail["To"], mail["From"]) == ("anna@example.com", SETTINGS["from"])
    assert [found.get_content_type() for found in mail.iter_parts()] == ["text/plain", "text/html"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(st.one_of(st.characters(), st.sampled_from("\r\n=?<>&\"':;,@.-_ \t\x00\u202e")), max_size=120))
def test_no_words_at_all_make_a_header_or_a_tag(words: str, make_message: MakeMessage) -> None:
    """Whatever a user thinks of, the headers are ours, once each, and so are the tags."""
    mail = written(everywhere(make_message, words))
    usual = written(make_message()).keys()
    assert sorted(mail.keys()) == sorted(usual)
    page = Tags(part(mail, "html"))
    assert page.tags <= TAGS
    assert page.links == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text("aÄ 中\U0001f680é-.:<,@(?_", max_size=190))
def test_words_of_any_script_are_encoded_by_the_rule(words: str, make_message: MakeMessage) -> None:
    """No encoded word is longer than the 75 characters of RFC 2047, and they are read as what was written."""
    letter = letter_of(make_message(title=words), replace(options_of(SETTINGS), sender_name=f"Ä{words[:60]}"))
    head = letter.as_bytes().split(b"\r\n\r\n")[0]
    assert all(len(found) <= 75 for found in re.findall(rb"=\?utf-8\?[qb]\?[^?]*\?=", head))
    assert message_from_bytes(head, policy=policy.default)["Subject"] == letter["Subject"]


@pytest.mark.parametrize("words", HOSTILE)
def test_words_make_no_tag_and_no_link(words: str, make_message: MakeMessage) -> None:
    """In HTML every word is a word; the only tags and attributes are ours, and there is no link at all."""
    page = Tags(part(written(everywhere(make_message, words)), "html"))
    assert page.tags <= TAGS
    assert page.attributes <= {"style", "cellpadding"}
    assert page.links == []


@pytest.mark.parametrize("words", ["see https://evil.example/x", "WWW.evil.example", "a http://evil.example"])
def test_mail_programs_find_no_address_in_words(words: str, make_message: MakeMessage) -> None:
    """They make links of what looks like one, in both parts; so nothing does."""
    mail = written(everywhere(make_message, words))
    for kind in ("plain", "html"):
        assert "://" not in part(mail, kind)
        assert "www." not in part(mail, kind).lower()
    assert "[:]//evil.example" in part(mail, "plain") or "[.]evil.example" in part(mail, "plain")


def test_words_arrive(make_message: MakeMessage) -> None:
    """The control: escaped is not left out."""
    words = "<b>Grün & 中 🚀</b> a_b"
    mail = written(everywhere(make_message, words))
    assert part(mail, "plain").count(words) >= 8
    assert Tags(part(mail, "html")).words.count(words) >= 8
    assert words in mail["Subject"]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_characters_become_visible(hidden: str, make_message: MakeMessage) -> None:
    """Nothing turns the direction of a line or hides in it: not in the subject, not in a part."""
    mail = written(everywhere(make_message, f"v3{hidden}noitcudorp"))
    for text in (mail["Subject"], part(mail, "plain"), part(mail, "html")):
        assert hidden not in text
        assert f"v3\\u{ord(hidden):04x}noitcudorp" in text


def test_the_run_is_the_one_link(make_message: MakeMessage) -> None:
    """It opens a web page, in words of our own."""
    mail = written(make_message(link="https://a.example/x?y=1&z=2#w"))
    assert Tags(part(mail, "html")).links == ["https://a.example/x?y=1&z=2#w"]
    assert "Run: https://a.example/x?y=1&z=2#w\n" in part(mail, "plain")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://a.example/ b",
        "https://a.example/\nBcc: x",
        'https://a.example/"onclick="x',
        "https://a.example/<b>",
        "https://airflow.example.com@evil.example/",
        "https://a.example/" + "x" * 3000,
    ],
)
def test_what_is_no_web_page_is_not_linked(link: str, make_message: MakeMessage) -> None:
    """Only http and https become a link; anything else is left out."""
    mail = written(make_message(link=link))
    assert Tags(part(mail, "html")).links == []
    assert "Run:" not in part(mail, "plain")


def test_a_good_citizen(make_message: MakeMessage) -> None:
    """Nobody answers it by machine, filters find it by its list, and one version is one thread."""
    mail = written(make_message(), reply_to="ml@example.com", list_id="models.example.com")
    assert (mail["Auto-Submitted"], mail["List-Id"]) == ("auto-generated", "Podium <models.example.com>")
    assert mail["Reply-To"] == "ml@example.com"
    assert mail["Date"].datetime.tzinfo is not None
    other = written(make_message("model_version.rolled_back", id="another"))
    assert mail["References"] == mail["In-Reply-To"] == other["References"]
    assert mail["References"] != written(make_message(version="v4"))["References"]


def test_usual_list_id(make_message: MakeMessage) -> None:
    """Without a setting, the registry has a list of its own."""
    assert written(make_message())["List-Id"] == "Podium <model-registry.podium.example.com>"


def test_the_same_message_has_the_same_id(make_message: MakeMessage) -> None:
    """A mail that comes twice is shown once by programs that look at the Message-ID."""
    first, again = written(make_message()), written(make_message())
    assert first["Message-ID"] == again["Message-ID"] == "<0192f0aa-delivery@example.com>"
    assert first["Message-ID"] != written(make_message(id="another"))["Message-ID"]


@pytest.mark.parametrize("domain", ["x.example", "a" * 60 + "." + "b" * 60 + ".example"])
def test_ids_are_never_encoded(domain: str, make_message: MakeMessage) -> None:
    """However long the domain is, an id stands as it is: an encoded one would be another."""
    data = letter_of(make_message(), options_of({**SETTINGS, "from": f"podium@{domain}"})).as_bytes()
    head = data.partition(b"\r\n\r\n")[0].decode()
    assert f"\r\nMessage-ID: <0192f0aa-delivery@{domain}>\r\n" in head
    assert f"@{domain}>\r\nIn-Reply-To: <podium." in head or f"@{domain}>\r\nReferences: <podium." in head


@pytest.mark.parametrize("event_type", [*TYPES, "model_version.of_a_later_podium"])
def test_every_event_type_is_told(event_type: str, make_message: MakeMessage) -> None:
    """Any event, an unknown one included, says what happened, to what, by whom and from where."""
    text = part(written(make_message(event_type, "Something happened", after={})), "plain")
    assert text.startswith("Something happened\n")
    assert all(words in text for words in ("Digits classifier", "v3", "anna", "DAG train_and_promote", "2026-11-24"))


def test_texts_beyond_every_limit_are_cut(make_message: MakeMessage) -> None:
    """Whatever the length of names, lines, metrics and reason, the mail stays small and the cut is marked."""
    long = "x" * 10_000
    metrics = tuple(MetricChange(f"{place}{long}", 1.0, 0.5) for place in range(40))
    message = make_message(title=long, model=long, actor=long, lines=(long,) * 40, metrics=metrics, reason=long)
    mail = written(message)
    assert len(mail["Subject"]) < 300
    assert len(part(mail, "plain")) < 25_000
    assert "… and 20 more" in part(mail, "plain")
    assert "… and 28 more" in part(mail, "plain")


def test_a_digest_tells_each_message(make_message: MakeMessage) -> None:
    """A digest has a line for each message that it sums up, in no thread of a single version."""
    inside = tuple(make_message(title=f"<b>Message {number}") for number in range(120))
    mail = written(make_message(title="120 events", digest=inside, lines=()))
    assert mail["Subject"] == "[Podium] 120 events"
    assert mail["References"] is None
    assert "- <b>Message 99, by anna, 2026-11-24 09:30 UTC\n- … and 20 more\n" in part(mail, "plain")
    assert len(re.findall(r"<li>&lt;b&gt;Message", part(mail, "html"))) == 100
    assert "Run" not in part(mail, "plain")
