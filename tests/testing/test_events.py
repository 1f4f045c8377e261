"""Events and messages to test with: of every type, as the registry makes them."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from podium.domain.events import TYPES
from podium.domain.plain import storable
from podium.plugins.words import visible
from podium.testing import (
    EVENT_TYPES,
    HOSTILE_TEXTS,
    active_parts,
    make_digest,
    make_event,
    make_hostile_message,
    make_message,
)
from podium.testing.contract_tools import forged_lines, hidden_characters, leaks, shown
from podium.testing.events import FORGED, MARK


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_type_gives_a_message(kind) -> None:
    """There is an event of every type, and its message has words, with no field that is said to be None."""
    message = make_message(kind)
    assert message.event.type == kind
    assert "None" not in message.as_text()
    assert set(EVENT_TYPES) == set(TYPES)


def test_a_type_that_does_not_exist() -> None:
    """A misspelt type names those that there are."""
    with pytest.raises(ValueError, match=r"There is no event 'model\.linkd'.*model_version\.linked"):
        make_event("model.linkd")


def test_each_is_another_one() -> None:
    """Two messages have two ids and two events."""
    assert make_message().id != make_message().id
    assert make_message().event.id != make_message().event.id


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_hostile_words_stand_everywhere(name) -> None:
    """Every place where somebody can write holds the words, and the words that survive are at their beginning."""
    words = HOSTILE_TEXTS[name]
    message = make_hostile_message(words)
    places = (message.title, message.actor, message.model, message.origin, message.version, message.previous)
    assert [place for place in (*places, *message.lines, message.metrics[0].name) if words not in place] == []
    assert message.link is None
    assert MARK in words
    assert storable(words)


def test_a_digest_sums_up() -> None:
    """A digest holds as many messages as were asked for."""
    assert [part.version for part in make_digest(4).digest] == ["v3"] * 4


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("words, a < b, c@d.example, 3 > 2, e-mail", 0),
        ("@here", 1),
        ("<@U012AB3CD>", 1),
        ("see https://evil.example/x", 1),
        ("www.evil.example", 1),
        ("javascript:alert(1)", 1),
        ("<b>bold</b>", 2),
    ],
)
def test_what_is_more_than_words(text, count) -> None:
    """Mentions, links and tags are found, and plain words are not."""
    assert len(active_parts(text)) == count


def test_hidden_characters_are_found() -> None:
    """Characters that hide or turn a line are named; line breaks and joiners are none."""
    assert hidden_characters("a\u202eb\x1b\nc\u200dd") == ["'\\u202e'", "'\\x1b'"]


def test_a_secret_is_found_in_every_form() -> None:
    """In a text, a representation, a cause, a fact, quoted for an address, and as base64."""
    from podium.plugins import DeliveryFailedError

    secret = "sec/ret token"
    cause = ValueError("harmless")
    cause.__cause__ = RuntimeError(f"GET /?t={secret}")
    things = (secret, {"a": secret}, cause, DeliveryFailedError("no", hint="", sent=secret))
    assert [bool(shown(secret, thing)) for thing in things] == [True] * 4
    assert shown(secret, "sec%2Fret%20token")
    assert shown(secret, "c2VjL3JldCB0b2tlbg==")
    assert shown(secret, "secret token", None, ValueError("sec")) == []


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "\0user\0", "podium@x.example:"])
@pytest.mark.parametrize("after", ["", "\0", "é?", "and more"])
def test_a_secret_is_found_in_base64_with_others(before, after) -> None:
    """As Basic authentication and mail servers have it: with a name before it, and whatever stands behind it."""
    secret, data = "s€cret~~?>token", f"{before}s€cret~~?>token{after}".encode()
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        assert shown(secret, f"Authorization: Basic {encoded.decode().rstrip('=')}")
    assert shown(secret, base64.b64encode(data.replace(b"~", b"-")).decode()) == []


def test_an_address_that_is_a_secret_is_found_without_its_host() -> None:
    """Clients quote what follows the host, with or without the parameters."""
    secret = "https://hooks.example/services/T0/B0/xyz?key=1"
    for said in ("Max retries exceeded with url: /services/T0/B0/xyz?key=1", "POST /services/T0/B0/xyz HTTP/1.1"):
        assert shown(secret, said)
    assert shown(secret, "https://hooks.example refused") == []
    assert shown("http://127.0.0.1:8000/x", "GET /x") == []


def test_where_a_secret_shows_is_said() -> None:
    """The setting, the place, the part of it, and what stands there; once for each place."""
    error = ValueError("harmless")
    error.__cause__ = RuntimeError("with a-token-of-tests")
    found = leaks({"token": "a-token-of-tests", "other": "no-such-token"}, {"the error": error, "a log": "fine"})
    (sentence,) = found
    assert sentence.startswith("The secret setting 'token' shows in the error, in its causes: ")


def test_what_passes_for_a_line_is_found() -> None:
    """Whichever break began it and whichever sign of a list stands before it; a quoted one or a part of one is none."""
    lines = [FORGED, f"- {FORGED}", f"  \u2022 {FORGED} and more"]
    for sign in ("\n", "\r", "\u2028"):
        assert forged_lines(sign.join(["a", *lines]), FORGED) == lines
    assert forged_lines(f"| {FORGED}\n> {FORGED}\na {FORGED}", FORGED) == []


@pytest.mark.parametrize("name", ["line", "lines"])
def test_a_text_that_forges_a_line_does_so_if_line_breaks_are_kept(name) -> None:
    """The control: with line breaks kept and all else made visible, a forged line begins a line."""
    assert forged_lines(visible(HOSTILE_TEXTS[name], 300, lines=True), FORGED)


@pytest.mark.parametrize("message", [make_hostile_message(HOSTILE_TEXTS["lines"]), make_digest(2)])
def test_a_message_as_text_has_no_line_of_a_user(message) -> None:
    """A line break that somebody wrote is a space, in a digest, too."""
    parts = tuple(replace(part, title=f"a\n{FORGED}") for part in message.digest)
    text = visible(replace(message, digest=parts).as_text(), 5000, lines=True)
    assert FORGED in text
    assert forged_lines(text, FORGED) == []
