"""Keeping the catalogue in order from the command line: registries, edits, tags, names, deletion."""

from __future__ import annotations

import json

import pytest


def test_a_registry_with_types(ok, run, answer, model):
    """A registry says what it accepts, and refuses the rest."""
    lines = ok("registry", "create", "datasets", "--type", "dataset", "--description", "Curated data").splitlines()
    assert lines == ["datasets created; it accepts dataset", "Next: podium link REF datasets/NAME"]
    assert run("link", "digits/mlp", "datasets/Digits").exit_code == 2
    assert [item["name"] for item in answer("registry", "ls")] == ["datasets", "model-registry"]


def test_a_registry_made_twice_is_a_conflict(ok, run):
    """The second one is told that there is one."""
    ok("registry", "create", "datasets")
    result = run("registry", "create", "datasets")
    assert result.exit_code == 4
    assert "There is a registry 'datasets' already" in result.stderr


def test_a_registry_is_edited_and_shown(ok, answer, model):
    """Types and description change, each alone; '' takes the description away."""
    ok("registry", "edit", "model-registry", "--type", "model", "--description", "The best")
    assert ok("registry", "edit", "model-registry", "--any-type") == "model-registry accepts every type: The best\n"
    ok("registry", "edit", "model-registry", "--description", "")
    shown = answer("registry", "show", "model-registry")
    assert (shown["registry"]["types"], shown["registry"]["description"]) == (None, None)
    assert [item["ref"] for item in shown["models"]] == [model]
    assert model in ok("registry", "show", "model-registry")


def test_copy_takes_what_was_edited_along(ok, answer, model):
    """A copy carries metadata, description and tags as they are, and is edited apart from then on."""
    ok("edit", f"{model}:v0", "--metadata", "reviewed:=true", "--description", "Checked")
    ok("tag", "add", f"{model}:v0", "eu")
    assert ok("copy", f"{model}:v0", "model-registry/Copy") == f"model-registry/Copy:v0 copied from {model}:v0\n"
    ok("edit", "model-registry/Copy:v0", "--description", "Apart")
    copied, original = (answer("show", ref)["version"] for ref in ("model-registry/Copy:v0", f"{model}:v0"))
    assert copied["metadata"] == {"kind": "small", "reviewed": True}
    assert (copied["tags"], copied["source"]) == (["eu"], "digits/mlp:v0")
    assert (copied["description"], original["description"]) == ("Apart", "Checked")


def test_copying_again_changes_nothing(ok, model):
    """The second time, the version that is there is named."""
    ok("copy", f"{model}:v0", "model-registry/Copy")
    again = ok("copy", f"{model}:v0", "model-registry/Copy")
    assert again == f"{model}:v0 is model-registry/Copy:v0 already; nothing new was made\n"


def test_unlink_and_back(ok, answer, model):
    """A version leaves the model, is listed among the deleted, and comes back under its number."""
    text = ok("unlink", f"{model}:v0", "--reason", "superseded")
    assert text.splitlines() == [
        f"{model}:v0 unlinked; digits/mlp:v0 stays",
        f"Back: podium restore '{model}:v0'",
    ]
    assert [item["ref"] for item in answer("ls", "--deleted", model)] == [f"{model}:v0"]
    assert "digits/mlp:v0" in ok("ls", "--deleted", model)
    assert ok("restore", f"{model}:v0") == f"{model}:v0 is back\n"
    assert ok("ls", "--deleted", model) == f"No version of {model} is deleted or unlinked\n"


def test_unlink_of_what_holds_a_stage_needs_force(ok, run, answer, model):
    """It is refused, and with --force the stage goes, too."""
    ok("promote", f"{model}:v0", "--to", "production")
    assert "production" in run("unlink", f"{model}:v0").stderr
    ok("unlink", f"{model}:v0", "--force", "--reason", "broken")
    assert answer("show", model)["collection"]["aliases"] == {"latest": 1}


def test_show_of_a_model_without_versions(ok, answer, model):
    """Its card is still there, and how to get versions back."""
    for number in (0, 1):
        ok("unlink", f"{model}:v{number}")
    ok("edit", model, "--owner", "vision")
    text = ok("show", model)
    assert "vision" in text
    assert f"podium ls --deleted '{model}'" in text
    assert (answer("show", model)["collection"]["owner"], answer("show", model)["version"]) == ("vision", None)


def test_edit_of_a_version(ok, answer, model):
    """Keys are set and taken away, values are text or JSON, and what is not mentioned stays."""
    ok("edit", "digits/mlp:v0", "--metadata", "a=1", "--metadata", "b:=[1, null]", "--description", "words")
    version = answer("edit", "digits/mlp:v0", "--remove-metadata", "kind")
    assert version["metadata"] == {"a": "1", "b": [1, None]}
    assert version["description"] == "words"
    assert answer("edit", "digits/mlp:v0", "--description", "")["description"] is None


def test_edit_of_the_time_to_live(ok, answer, model):
    """A time is counted from when it was logged; 'never' keeps it for ever."""
    assert answer("edit", "digits/mlp:v0", "--ttl", "30d")["expires_at"] is not None
    assert "Expires" in ok("show", "digits/mlp:v0")
    assert answer("edit", "digits/mlp:v0", "--ttl", "never")["expires_at"] is None


def test_edit_of_a_model(ok, answer, model, tmp_path):
    """Owner, task and model card, the card from a file; show has all three."""
    (tmp_path / "CARD.md").write_text("# Digits\n\nReads digits.\n")
    given = ("--owner", "vision", "--task", "reading", "--description-file", tmp_path / "CARD.md")
    edited = answer("edit", model, *given)
    assert (edited["owner"], edited["task"], edited["description"]) == (
        "vision",
        "reading",
        "# Digits\n\nReads digits.\n",
    )
    for word in ("vision", "reading", "Reads digits."):
        assert word in ok("show", model)
    assert answer("edit", model, "--owner", "")["owner"] is None


def test_edits_are_history(ok, model):
    """What was and what is stands in the history, with the reason; long texts only by name."""
    ok("edit", f"{model}:v0", "--metadata", "kind=tiny", "--description", "word " * 30, "--reason", "audit")
    ok("edit", model, "--owner", "vision")
    text = " ".join(ok("history", model).split())
    assert "kind: small -> tiny" in text
    assert "description changed" in text
    assert "why: audit" in text
    assert "model updated owner: none -> vision" in text


def test_tags_come_and_go(ok, answer, model):
    """Tags of a version and of the whole are apart; adding or removing again is fine."""
    assert ok("tag", "add", f"{model}:v0", "eu", "audited") == f"{model}:v0 has the tags audited, eu\n"
    ok("tag", "add", f"{model}:v0", "eu")
    ok("tag", "add", model, "vision")
    assert answer("tag", "rm", f"{model}:v0", "eu", "never-there") == {"ref": f"{model}:v0", "tags": ["audited"]}
    assert ok("tag", "rm", model, "vision") == f"{model} has no tag\n"
    assert "tag audited added on v0" in ok("history", model)


def test_ls_shows_tags_when_there_are_any(ok, model):
    """A column for tags is there only if something has one."""
    assert "Tags" not in ok("ls") + ok("ls", model)
    ok("tag", "add", f"{model}:v0", "eu")
    ok("tag", "add", model, "vision")
    assert "vision" in ok("ls")
    assert "eu" in ok("ls", model)


def test_rename_and_again(ok, run, model):
    """The old name names the new one; the same name again changes nothing."""
    assert ok("rename", model, "Digits") == f"{model} is model-registry/Digits now\n"
    assert ok("rename", "model-registry/Digits", "Digits").endswith("already; nothing changed\n")
    assert "was renamed to 'model-registry/Digits'" in run("show", model).stderr
    assert "model renamed" in ok("history", "model-registry/Digits")


def test_delete_of_a_version_and_back(ok, run, answer, files):
    """A version that nothing uses goes, is named as deleted, and comes back; twice is an error that says so."""
    ok("log", "p/a", files)
    assert ok("delete", "p/a:v0", "--yes").splitlines() == ["p/a:v0 deleted", "Back: podium restore p/a:v0"]
    again = run("delete", "p/a:v0", "--yes")
    assert again.exit_code == 3
    assert "podium restore" in again.stderr
    assert "podium ls --deleted p/a" in ok("ls", "p/a")
    assert answer("restore", "p/a:v0")["deleted_at"] is None


def test_delete_of_what_is_used_says_by_what(run, ok, model):
    """Whatever is linked is refused by name; force with a reason takes the links, too."""
    assert f"{model}:v0" in run("delete", "digits/mlp:v0", "--yes").stderr
    ok("delete", "digits/mlp:v0", "--force", "--reason", "leaked data", "--yes")
    assert "v0 unlinked" in ok("history", model)
    assert "why: leaked data" in ok("history", "digits/mlp")


def test_delete_of_a_whole_and_back(ok, run, answer, files):
    """An artifact goes with its versions, and they come back with it."""
    ok("log", "p/a", files)
    ok("delete", "p/a", "--yes")
    assert run("ls", "p/a").exit_code == 3
    assert [item["ref"] for item in answer("ls", "--deleted")] == ["p/a"]
    assert "podium restore p/a" in ok("ls", "--deleted", "p")
    assert ok("restore", "p/a") == "p/a is back\n"
    assert [item["version"] if "version" in item else item["number"] for item in answer("ls", "p/a")] == [0]
    assert ok("restore", "p/a") == "p/a was not deleted; nothing changed\n"


def test_delete_with_json_does_not_ask(run, ok, files):
    """A script that asks for JSON must say --yes, and is told so as JSON."""
    ok("log", "p/a", files)
    result = run("delete", "p/a:v0", "--json")
    assert result.exit_code == 2
    assert "--yes" in json.loads(result.stderr)["error"]["message"]


@pytest.mark.parametrize("text", ["\x1b[31mred", "[red]x[/red]", "'; DROP TABLE versions; --", "日本語"])
def test_hostile_texts_are_kept_and_shown_as_they_are(text, ok, answer, model):
    """Whatever is written as owner, value or reason comes back the same in JSON, and moves no cursor in text."""
    ok("edit", model, "--owner", text, "--description", text, "--reason", text)
    ok("edit", f"{model}:v0", "--metadata", f"k={text}", "--description", text, "--reason", text)
    shown = answer("show", f"{model}:v0")
    assert (shown["version"]["metadata"]["k"], shown["collection"]["owner"]) == (text, text)
    for words in (("show", model), ("show", f"{model}:v0"), ("history", model)):
        assert [char for char in ok(*words) if not char.isprintable() and char != "\n"] == []


@pytest.mark.parametrize("name", ["\x1b[31m", "a\nb", " x", "../x", "a b:c"])
def test_hostile_names_are_refused_in_one_line(name, run, model):
    """A name that breaks the rules is one harmless line, and nothing is made."""
    for words in (("rename", model, "--", name), ("registry", "create", "--", name), ("tag", "add", model, "--", name)):
        result = run(*words)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert "\x1b" not in result.stderr
