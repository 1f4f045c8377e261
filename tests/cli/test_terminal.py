"""What a person sees on a terminal: colours, progress, Markdown, and questions before something goes."""

from __future__ import annotations

import json
import re

import pytest


def plain(text: str) -> str:
    """The text without what styles it or moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_colours(on_terminal, model):
    """A terminal gets colours."""
    code, text = on_terminal("ls")
    assert code == 0
    assert "\x1b[1m" in text


def test_no_color_is_honoured(on_terminal, model):
    """NO_COLOR leaves no escape code in a table."""
    assert "\x1b" not in on_terminal("ls", NO_COLOR="1")[1]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("log", "p/a", "{files}"), "Storing files ..."),
        (("download", "digits/mlp"), "Downloading ..."),
        (("verify",), "Verifying ..."),
        (("gc", "--dry-run"), "Looking ..."),
        (("doctor", "--deep"), "Reading ..."),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_long_work_shows_its_progress(words, shown, on_terminal, process, model, files):
    """What takes time counts bytes for a person, and neither with --json nor in a pipe."""
    given = [word.format(files=files) for word in words]
    code, text = on_terminal(*given)
    assert code == 0
    assert shown in text
    assert re.search(r"\d(\.\d)? (kB|bytes)", plain(text))
    assert shown not in on_terminal(*given, "--json")[1]
    assert shown not in process(*given).stderr


def test_progress_of_a_download_ends_with_all_bytes(on_terminal, model):
    """The bar knows how much there is: it says time left, and comes to its end."""
    for words in (("download", "digits/mlp", "--to", "out"), ("verify", "digits/mlp")):
        text = plain(on_terminal(*words)[1])
        assert "1.5/1.5 kB" in text
        assert "0:00:00" in text


def test_json_on_a_terminal_is_json_alone(on_terminal, model):
    """Whoever asks for JSON on a terminal gets nothing else."""
    assert json.loads(on_terminal("download", "digits/mlp", "--json")[1])["version"]["ref"] == "digits/mlp:v1"


def test_a_model_card_is_rendered(on_terminal, ok, model):
    """Markdown is shown as such to a person, links written out, and as it is in a pipe."""
    ok("edit", model, "--description", "# Card\n\nIt is **good**, see [this](https://example.org).")
    text = plain(on_terminal("show", model)[1])
    assert "It is good, see this (https://example.org)." in text
    assert "It is **good**, see [this](https://example.org)." in ok("show", model)


def test_a_hostile_model_card_moves_no_cursor(on_terminal, ok, model):
    """Escape codes in Markdown are shown as their numbers, and no link hides where it leads."""
    ok("edit", model, "--description", "`\x1b[2J` \x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\")
    text = on_terminal("show", model)[1]
    assert "\x1b[2J" not in text
    assert "\x1b]8" not in text
    assert "\\x1b[2J" in text


def test_deleting_asks_and_yes_deletes(on_terminal, run, ok, model):
    """The question says what goes; a yes lets it go."""
    ok("log", "digits/free", "--reference", __file__)
    code, text = on_terminal("delete", "digits/free", typed="y\n")
    assert code == 0
    assert "Delete the artifact digits/free with 1 version?" in text
    assert run("show", "digits/free").exit_code == 3


def test_deleting_asks_and_no_changes_nothing(on_terminal, ok, model):
    """Anything but a yes leaves all as it is, says so, and is not exit code 0."""
    ok("log", "digits/free", "--reference", __file__)
    code, text = on_terminal("delete", "digits/free:v0", typed="\n")
    assert code == 130
    assert "Nothing was changed" in text
    assert "v0" in ok("ls", "digits/free")


def test_deleting_what_is_not_there_does_not_ask(on_terminal, model):
    """A reference that names nothing is told at once."""
    code, text = on_terminal("delete", "digits/nothing:v0")
    assert code == 3
    assert "?" not in text


def test_a_downgrade_says_what_is_lost_and_asks(on_terminal, ok, model):
    """Before the schema goes back, each revision says what its undoing does."""
    code, text = on_terminal("db", "downgrade", "0001", typed="n\n")
    assert code == 130
    assert "Undoing 0002:" in text
    assert "Lost are tags, owners, tasks, edits made on links" in " ".join(text.split())
    assert "v1" in ok("ls", model)
