"""The work of a day: log, link, look, test, promote, roll back."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_log_says_what_it_made(ok, files):
    """Logging says the version, how much it is, and what to do next."""
    lines = ok("log", "digits/mlp", files).splitlines()
    assert lines == [
        "digits/mlp:v0 created (2 files, 1.5 kB)",
        "Next: podium link digits/mlp:v0 model-registry/mlp",
    ]


def test_log_again_makes_nothing(ok, files):
    """The same files again are the same version, and that is said."""
    ok("log", "digits/mlp", files)
    assert ok("log", "digits/mlp", files) == "digits/mlp:v0 has the same files; nothing new was made\n"


def test_log_keeps_everything_that_was_given(answer, files, tmp_path):
    """Type, metadata from both places, metrics, aliases and description arrive; the command line wins over the file."""
    more = tmp_path / "more.json"
    more.write_text('{"a": {"deep": [1, 2]}, "b": 1}')
    given = ["--type", "dataset", "--metadata-file", more, "--metadata", "b=x=y", "--metric", "acc=0.5"]
    version = answer("log", "p/a", files, *given, "--alias", "best", "--description", "words")
    assert version["type"] == "dataset"
    assert version["metadata"] == {"a": {"deep": [1, 2]}, "b": "x=y"}
    assert version["metrics"] == {"acc": 0.5}
    assert version["aliases"] == ["latest", "best"]
    assert version["description"] == "words"


def test_log_takes_several_paths(answer, files):
    """Files go in under their own names, folders with what is below them."""
    answer("log", "p/a", files / "model.bin", files / "sub")
    entries = answer("show", "p/a")["manifest"]["entries"]
    assert [entry["path"] for entry in entries] == ["model.bin", "params.json"]


def test_log_new_on_duplicate(answer, files):
    """``--on-duplicate new`` makes another version of the same files."""
    answer("log", "p/a", files)
    assert answer("log", "p/a", files, "--on-duplicate", "new")["number"] == 1


def test_link_again_changes_nothing(ok, model):
    """Linking again says which version it is already."""
    assert ok("link", "digits/mlp", model) == f"digits/mlp:v1 is {model}:v1 already; nothing new was made\n"


def test_link_suggests_the_first_stage(ok, files):
    """The line about what to do next can be pasted into a shell."""
    ok("log", "p/a", files)
    assert "Next: podium promote 'model-registry/A b:v0' --to staging" in ok("link", "p/a", "model-registry/A b")


def test_ls_lists_everything(ok, model, monkeypatch):
    """Artifacts and models stand there with versions and aliases."""
    monkeypatch.setenv("COLUMNS", "100")
    lines = ok("ls").splitlines()
    assert lines[0].split() == ["Name", "Kind", "Versions", "Aliases"]
    assert lines[1].split() == ["digits/mlp", "model", "2", "latest=v1,", "candidate=v0"]
    assert any("registered model" in line for line in lines)


def test_ls_of_nothing_says_how_to_start(ok):
    """An empty registry says what to do first."""
    assert ok("ls") == "Nothing is logged yet. Start with: podium log PROJECT/ARTIFACT PATH\n"


def test_ls_of_an_empty_registry_says_how_to_fill_it(ok):
    """A registry without models says how to get one."""
    assert "podium link REF model-registry/NAME" in ok("ls", "model-registry")


def test_ls_versions_newest_first(ok, model):
    """The versions of a model stand there with aliases, size, metrics and source."""
    lines = ok("ls", model).splitlines()
    assert lines[1].startswith("v1  latest")
    assert "accuracy=0.5" in lines[1]
    assert lines[1].endswith("digits/mlp:v1")


def test_ls_drops_spare_columns_before_it_breaks_a_word(ok, model, monkeypatch):
    """On a narrow terminal the digest goes, and the source stays whole."""
    monkeypatch.setenv("COLUMNS", "66")
    lines = ok("ls", model).splitlines()
    assert "Digest" not in lines[0]
    assert lines[1].endswith("digits/mlp:v1")


def test_a_narrow_table_breaks_no_word(ok, model, monkeypatch):
    """Where whole cells do not fit, they go on in the next line between words."""
    for columns in ("80", "72", "66"):
        monkeypatch.setenv("COLUMNS", columns)
        text = ok("ls")
        assert max(map(len, text.splitlines())) <= int(columns)
        assert {"model-registry/Digits", "classifier", "latest=v1,", "candidate=v0"} <= set(text.split())


def test_ls_limit_says_what_it_left_out(run, model):
    """A limit shows the newest and says on standard error how many more there are."""
    result = run("ls", "digits/mlp", "--limit", "1")
    assert len(result.stdout.splitlines()) == 2
    assert "... and 1 more" in result.stderr


def test_show_a_version(ok, model):
    """One version is shown with digest, metrics, metadata, source and files."""
    text = ok("show", f"{model}:v0")
    for part in ("digits/mlp:v0", "accuracy", "0.95", "kind", "small", "sub/params.json", "1.5 kB", "by ann"):
        assert part in text


def test_show_a_name_shows_the_whole_first(ok, model):
    """A name without a colon shows the model, then its latest version."""
    text = ok("show", model)
    assert text.index("Versions  2") < text.index(f"{model}:v1")


def test_show_has_the_newest_result_of_each_check(answer, model, checks):
    """A check that ran twice stands there once."""
    answer("test", f"{model}:v0", "--checks", checks)
    answer("test", f"{model}:v0", "--checks", checks)
    assert [check["result"]["status"] for check in answer("show", f"{model}:v0")["checks"]] == ["pass"]


def test_compare_shows_changes_against_the_baseline(ok, model):
    """Each metric stands beside its change; the baseline is named."""
    text = ok("compare", "digits/mlp:v0", "digits/mlp:v1")
    assert "0.5 (-0.45)" in text
    assert "baseline" in text
    assert "small" in text


def test_compare_with_another_baseline(answer, model):
    """``--baseline`` is what changes are measured against."""
    found = answer("compare", "digits/mlp:v0", "--baseline", "digits/mlp:v1")
    assert found["versions"][found["baseline"]]["ref"] == "digits/mlp:v1"


def test_test_passes(ok, model, checks):
    """A test that passes says so, and that nothing was there to compare with."""
    text = ok("test", f"{model}:v0", "--checks", checks)
    assert "accuracy" in text
    assert "pass" in text
    assert f"{model}:v0 passed 1 check; nothing holds 'production' to compare with" in text


def test_test_finds_modules_of_the_working_directory(ok, model):
    """``--checks NAME`` finds NAME.py here, and leaves the path of the process as it was."""
    Path("checks_here.py").write_text("import podium\n\n@podium.check\ndef fine(model_version):\n    return True\n")
    assert "passed" in ok("test", f"{model}:v0", "--checks", "checks_here", "--no-champion")


def test_test_takes_several_sources_after_one_option(answer, model, checks, tmp_path):
    """``--checks A B`` runs both."""
    other = tmp_path / "other.py"
    other.write_text("import podium\n\n@podium.check\ndef fine(model_version):\n    return True\n")
    report = answer("test", f"{model}:v0", "--checks", checks, other)
    assert [result["name"] for result in report["results"]] == ["accuracy", "fine"]


def test_promote_and_promote_again(ok, model):
    """The first promotion moves the stage, the second changes nothing."""
    assert ok("promote", f"{model}:v0", "--to", "production") == f"{model}:v0 is production now\n"
    assert ok("promote", f"{model}:v0", "--to", "production").endswith("already; nothing changed\n")


def test_promote_over_a_holder_says_how_to_take_it_back(ok, model):
    """The line to undo a promotion is given, quoted for the shell."""
    ok("promote", f"{model}:v0", "--to", "staging")
    text = ok("promote", f"{model}:v1", "--to", "staging", "--expected", "v0")
    assert "v0 was before" in text
    assert f"podium rollback '{model}' --stage staging" in text


def test_rollback(ok, model):
    """The stage goes back to the version that held it before."""
    ok("promote", f"{model}:v0", "--to", "production")
    ok("promote", f"{model}:v1", "--to", "production")
    assert ok("rollback", model, "--reason", "slow") == f"{model}:v0 is production now, v1 was before\n"


def test_forced_promotion_names_the_gates(ok, strict):
    """Whoever forces a promotion sees what was overruled."""
    text = ok("promote", f"{strict}:v1", "--to", "production", "--force", "--reason", "demo")
    assert "These gates were overruled:\n  - The required check 'accuracy' has not run" in text


def test_history_tells_the_story(ok, run, strict):
    """Each entry has what, from where to where, by whom, why; refusals have their reasons."""
    ok("promote", f"{strict}:v0", "--to", "staging", "--reason", "try it")
    run("promote", f"{strict}:v1", "--to", "production")
    text = ok("history", strict)
    for part in (
        "v0 linked  digits/mlp:v0 -> v0",
        "v0 promoted to staging  none -> v0",
        "why: try it",
        "v1 refused for production  none stays",
        "- The required check 'accuracy' has not run",
        "by ann from",
    ):
        assert part in text


def test_history_of_one_alias(answer, ok, model):
    """``--alias`` leaves only what concerns it."""
    ok("promote", f"{model}:v0", "--to", "staging")
    ok("alias", "set", f"{model}:v0", "shadow")
    assert [event["type"] for event in answer("history", model, "--alias", "shadow")] == ["alias.set"]
    assert [event["type"] for event in answer("history", model, "--alias", "staging")] == ["model_version.promoted"]


def test_history_of_an_alias_that_never_was(ok, model):
    """A word that is spelled wrong is not answered by silence."""
    assert "there is latest" in ok("history", model, "--alias", "prodution")


def test_verify_everything(ok, model):
    """Whole content is said to be whole."""
    assert ok("verify") == "2 versions, 3 files, 3.0 kB: all as it was logged\n"


def test_download(ok, model, tmp_path):
    """The files arrive in the folder that was asked for."""
    assert "2 files, 1.5 kB" in ok("download", "digits/mlp:v1", "--to", tmp_path / "out")
    assert (tmp_path / "out" / "sub" / "params.json").read_bytes() == b"0123456789"


def test_aliases_come_and_go(ok, model):
    """Setting says from where, removing says from what, and setting it again changes nothing."""
    assert ok("alias", "set", "digits/mlp:v1", "candidate").endswith(":candidate is v1 now, v0 was before\n")
    assert ok("alias", "set", "digits/mlp:v1", "candidate").endswith("already; nothing changed\n")
    assert ok("alias", "remove", "digits/mlp", "candidate", "--expected", "v1").endswith("removed from v1\n")


def test_policy_show(ok, strict):
    """The stages stand there with what they require."""
    assert ok("policy", "show", strict).splitlines()[2].split() == ["production", "any", "check", "accuracy"]


def test_notify_and_deliver(ok, run, model):
    """A subscription is listed, told about, and ended."""
    assert "Nobody is told yet" in ok("notify", "ls")
    ok("notify", "add", "me", "--channel", "console", "--event", "model_version.*")
    assert "model_version.*" in ok("notify", "ls")
    assert "is now staging" in run("promote", model, "--to", "staging").stderr
    assert "sent" in ok("deliveries", "ls", "--status", "sent")
    assert ok("deliver") == "Nothing is due\n"
    assert ok("deliveries", "retry") == "Nothing was given up\n"
    assert "told no more" in ok("notify", "remove", "me")


def test_plugins_lists_those_that_are_kept_out(ok, monkeypatch):
    """A plugin that the environment blocks stands there with the reason."""
    monkeypatch.setenv("COLUMNS", "200")
    assert "not named in PODIUM_PLUGINS_ALLOW" in " ".join(ok("plugins").split())


def test_plugins_without_a_database(ok):
    """The list comes even if the database cannot be reached, and says why the faults are missing."""
    text = ok("plugins", "--url", "mysql://u:geheim@host/x")
    assert "console" in text
    assert "What went wrong in calls is not known" in text
    assert "geheim" not in text


def test_plugins_shows_recorded_faults(ok, model):
    """What plugins did wrong in any process stands below the list, but not of one that is not here any more."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.host.faults += [_fault("console", "oh no"), _fault("gone", "long ago")]
    registry.set_alias("digits/mlp:v0", "other")
    registry.close()
    told = " ".join(ok("plugins").split())
    assert "ValueError: oh no" in told
    assert "long ago" not in told


def _fault(plugin, words):
    from podium.plugins.host import Fault

    return Fault(plugin, "podium_on_event", f"ValueError: {words}")


def test_db_upgrade_and_current(ok, tmp_path):
    """A new database gets the schema, a second upgrade changes nothing, and the revision can be looked at."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert "schema missing" in ok("db", "current", "--url", url)
    assert "upgraded from none to" in ok("db", "upgrade", "--url", url)
    assert "nothing changed" in ok("db", "upgrade", "--url", url)
    assert "needs" in ok("db", "current", "--url", url)


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_stand_anywhere(ok, answer, files, tmp_path, place):
    """--url and --actor are taken before and after the command."""
    shared = ["--url", f"sqlite:///{tmp_path / 'other.db'}", "--actor", "bob"]
    command = ["log", "p/a", str(files)]
    ok(*([*shared, *command] if place == "before" else [*command, *shared]))
    assert answer("show", "p/a", *shared[:2])["version"]["created_by"] == "bob"
