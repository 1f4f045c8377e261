"""Text that users gave: it is shown as it is, and neither styles the output nor moves the cursor."""

from __future__ import annotations

import json

import pytest

from podium.cli.output import safe

NASTY = "[red]x[/red] \x1b[31mred\x1b[0m \x9b2J \u202eevil \x07"


@pytest.fixture
def nasty(ok, files):
    """A model whose every free text is hostile."""
    from podium.registry import open_registry

    registry = open_registry(actor=NASTY)
    registry.log("p/a", files, metadata={NASTY: NASTY}, description=NASTY, metrics={"[red]m[/red]\x1b[31m": 1})
    registry.link("p/a", "model-registry/A")
    registry.promote("model-registry/A", "production", reason=NASTY)
    registry.record_check("model-registry/A", "c", "fail", NASTY)
    registry.set_alias("model-registry/A", "shadow", reason=NASTY)
    registry.close()
    return "model-registry/A"


@pytest.mark.parametrize("command", [("ls",), ("ls", "p/a"), ("show", "model-registry/A"), ("history",), ("compare",)])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "json"])
def test_nothing_moves_the_cursor(command, form, ok, nasty):
    """No control character of a user's text reaches the output, in tables nor in JSON."""
    given = [*command, nasty] if command[0] in ("history", "compare") else command
    assert [char for char in ok(*given, *form) if not char.isprintable() and char != "\n"] == []


def test_markup_is_text(ok, nasty):
    """Brackets that look like markup stand there as they were written."""
    assert "[red]x[/red] \\x1b[31mred" in " ".join(ok("show", nasty).split())
    assert "why: [red]x[/red]" in ok("history", nasty)


def test_markup_is_text_on_a_terminal_with_colours(process, nasty):
    """With colours on, the only escape codes are Podium's own."""
    done = process("show", nasty, env={"FORCE_COLOR": "1", "COLUMNS": "200"})
    assert "\x1b[" in done.stdout
    assert "\x1b[31mred" not in done.stdout
    assert "[red]x[/red]" in done.stdout


def test_json_gives_the_text_back(answer, nasty):
    """What is escaped for the terminal is the same text again when it is parsed."""
    assert answer("show", nasty)["version"]["description"] == NASTY


def test_errors_are_escaped_too(run, model):
    """A hostile argument comes back in one harmless line."""
    for args in (("show", "a/b\x1b[31m\nc"), ("\x1b[31mno",), ("ls", "--\x1b[31m")):
        result = run(*args)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert "\x1b" not in result.stderr


def test_a_warning_of_a_plugin_is_one_harmless_line(run, files, monkeypatch):
    """What a broken plugin says while it loads is escaped."""
    monkeypatch.setattr("podium.plugins.host.PluginHost.origin", _complain)
    result = run("log", "p/a", files)
    assert result.exit_code == 0
    assert set(result.stderr.splitlines()) == {"podium: warning: The plugin 'x' failed: \\x1b[31m\\nred"}


def _complain(_host):
    import logging

    from podium.domain.origin import Origin

    logging.getLogger("podium.plugins").warning("The plugin %r failed: %s", "x", "\x1b[31m\nred")
    return Origin()


@pytest.mark.parametrize("text", ["plain", "größer", "日本語", "a b", "[b]"])
def test_safe_leaves_what_prints(text):
    """Letters of any script stay as they are."""
    assert safe(text) == text


def test_names_of_any_script(ok, answer, files):
    """A model may be called in any script."""
    ok("log", "p/a", files)
    ok("link", "p/a", "model-registry/数字 größer")
    assert "数字" in ok("ls")
    assert answer("ls", "model-registry")[0]["ref"] == "model-registry/数字 größer"
    assert json.dumps("数字")[1:-1] not in ok("ls", "--json")
