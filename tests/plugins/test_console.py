"""The built-in channel: on standard error, and harmless for a terminal."""

from __future__ import annotations

import pytest

from podium.plugins.console import ConsoleChannel
from podium.testing import make_digest, make_hostile_message

FORGED = "model-registry/Other v9 is now production"


def test_the_console_prints_on_standard_error(lite, model_file, capfd) -> None:
    """A change is told on standard error and not on standard output."""
    lite.subscribe("me", "console", events=["artifact_version.*"])
    lite.log("p/a", model_file("a"), metrics={"acc": 0.5})
    lite.close()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "p/a v0 was logged"
    assert "  acc 0.5" in err.splitlines()
    assert lite.deliveries()[0].receipt == "printed"


def test_control_characters_are_made_visible(lite, model_file, capfd) -> None:
    """Escape sequences, carriage returns and bidirectional marks are shown as text, so nothing can be faked."""
    lite.subscribe("me", "console", events=["alias.set"])
    lite.log("p/a", model_file("a"))
    lite.set_alias("p/a", "best", reason="\x1b[2J\rfine\x07 \u202eevil\x9b31m")
    lite.close()
    err = capfd.readouterr().err
    assert not any(char in err for char in "\x1b\r\x07\u202e\x9b")
    assert "\\x1b[2J\\rfine\\x07 \\u202eevil\\x9b31m" in err


def test_a_line_of_a_user_cannot_pass_for_one_of_podium(lite, model_file, capfd) -> None:
    """Line breaks in a reason are indented below the title."""
    lite.subscribe("me", "console", events=["alias.set"])
    lite.log("p/a", model_file("a"))
    lite.set_alias("p/a", "best", reason="x\np/a v9 was promoted")
    lite.close()
    assert "\np/a v9" not in capfd.readouterr().err


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\x1bE"])
def test_no_word_of_a_user_begins_a_line(end: str, capfd) -> None:
    """Whatever ends a line somewhere, in whichever part of a message, the forged line is none, indented or not."""
    words = f"x{end}{FORGED}{end}y"
    ConsoleChannel().send(make_hostile_message(words), {})
    hostile = capfd.readouterr().err
    ConsoleChannel().send(make_hostile_message("x"), {})
    assert FORGED in hostile
    assert not any(line.strip(" -").startswith(FORGED) for line in hostile.splitlines())
    assert len(hostile.splitlines()) == len(capfd.readouterr().err.splitlines())


def test_a_digest_has_a_line_for_each_message(capfd) -> None:
    """Each is marked and indented below what says how many they are."""
    digest = make_digest(3)
    ConsoleChannel().send(digest, {})
    first, *lines = capfd.readouterr().err.splitlines()
    assert first == digest.title
    assert [line for line in lines if line.startswith("  - ")] == [f"  - {part.title}" for part in digest.digest]
