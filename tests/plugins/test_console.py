"""The built-in channel: on standard error, and harmless for a terminal."""

from __future__ import annotations


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
