"""``podium policy``: files are checked, applied, shown, compared and explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podium.domain.policies import Policy

GOOD = "stages:\n- name: staging\n- name: production\n  from: staging\n  metrics: [accuracy >= 0.9]\n"
MISTAKES = {
    "key": (GOOD.replace("metrics", "metrisc"), "line 5, column 3: stages[1].metrisc", "Did you mean 'metrics'?"),
    "expression": (GOOD.replace("accuracy", "prodction.x"), "line 5, column 13", "Did you mean production.x"),
    "order": (GOOD.replace("from: staging", "from: canary"), "line 3, column 3", "does not stand before it"),
    "yaml": (GOOD + "  bad", "line 6, column 6", "this is no YAML"),
    "tab": (GOOD + "\tx: 1\n", "line 6, column 1", "this is no YAML"),
    "several": (GOOD + "---\n" + GOOD, "line 6, column 1", "another document"),
}


@pytest.fixture
def file() -> Path:
    """A policy that makes sense."""
    path = Path("policy.yaml")
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", MISTAKES)
def test_check_says_where_a_mistake_is(name, run):
    """The line and the column of a mistake are named with what is wrong; exit code 2."""
    text, place, words = MISTAKES[name]
    Path("wrong.yaml").write_text(text, encoding="utf-8")
    result = run("policy", "check", "wrong.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"podium: wrong.yaml, {place}" in result.stderr
    assert words in result.stderr


def test_check_shows_the_line_with_a_caret(run):
    """Below the sentence stands the line of the file, with a caret below the place."""
    Path("wrong.yaml").write_text(MISTAKES["key"][0], encoding="utf-8")
    lines = run("policy", "check", "wrong.yaml").stderr.splitlines()
    assert lines[1:] == ["    5 |   metrisc: [accuracy >= 0.9]", "      |   ^"]


def test_check_tells_all_mistakes(run):
    """Each with its line."""
    text = "stages:\n- name: a\n  colour: red\n- nme: b\n- name: c\n  metrics: 5\n"
    Path("wrong.yaml").write_text(text, encoding="utf-8")
    shown = [line for line in run("policy", "check", "wrong.yaml").stderr.splitlines() if line.startswith("podium: ")]
    assert [line.split(", column")[0] for line in shown] == [f"podium: wrong.yaml, line {n}" for n in (3, 4, 6)]


def test_check_reads_all_files_and_needs_no_registry(run, file, tmp_path):
    """Each file has its answer, a wrong one does not hide the next, and no database is made."""
    Path("wrong.yaml").write_text("stages: 3", encoding="utf-8")
    result = run("policy", "check", "wrong.yaml", "nothing.yaml", file)
    assert result.exit_code == 2
    assert result.stdout == "policy.yaml: ok, 2 stages: staging -> production\n"
    assert "There is no file nothing.yaml" in result.stderr
    assert not (tmp_path / "home").exists()


def test_check_answers_json(run, file):
    """Each file has its policy, or its error with line and column as numbers."""
    Path("wrong.yaml").write_text(MISTAKES["key"][0], encoding="utf-8")
    good, wrong = json.loads(run("policy", "check", file, "wrong.yaml", "--json").stdout)
    assert good == {"file": "policy.yaml", "ok": True, "policy": Policy.from_yaml(GOOD).to_json()}
    assert (wrong["error"]["facts"]["line"], wrong["error"]["facts"]["line_column"]) == (5, 3)


def test_a_pipeline_sees_a_difference(run, file, model):
    """``diff --exit-code`` ends with 1 where the registry is not as the file says."""
    codes = [run("policy", "diff", model, file, *more).exit_code for more in ([], ["--exit-code"])]
    run("policy", "apply", file, "--to", model)
    assert [*codes, run("policy", "diff", model, file, "--exit-code").exit_code] == [0, 1, 0]


def test_apply_says_what_it_would_change_and_then_changes_it(ok, file, model):
    """A dry run writes nothing; the same without it puts the policy into force; again, it changes nothing."""
    planned = ok("policy", "apply", file, "--to", model, "--dry-run")
    assert "+  - accuracy >= 0.9" in planned
    assert planned.endswith("Nothing was changed\n")
    assert "Podium's own" in ok("policy", "show", model)
    assert "revision 1: staging -> production" in ok("policy", "apply", file, "--to", model, "--reason", "agreed")
    assert "accuracy >= 0.9" in ok("policy", "show", model)
    assert ok("policy", "apply", file, "--to", model).endswith("(revision 1); nothing changed\n")


def test_apply_reads_standard_input(run, model):
    """``-`` is standard input, and a mistake in it is said to be there."""
    from click.testing import CliRunner

    from podium.cli.main import cli

    done = CliRunner().invoke(cli, ["policy", "apply", "-", "--to", model], input="stages: 3", prog_name="podium")
    assert done.exit_code == 2
    assert "standard input, line 1, column 1" in done.stderr


@pytest.mark.parametrize("given", [("policy.yaml",), ("policy.yaml", "--to", "a/b/c"), ("policy.yaml", "--to", "x:v1")])
def test_apply_needs_a_target(given, run, file, model):
    """Without one, or with what is none, there is one line and nothing is written."""
    result = run("policy", "apply", *given)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_apply_names_the_models_and_the_aliases_that_become_stages(run, ok, answer, file, model):
    """A pattern says for what it is; an alias that becomes a stage needs --adopt, and the dry run says so."""
    file.write_text(GOOD.replace("production", "shadow"), encoding="utf-8")
    ok("alias", "set", f"{model}:v0", "shadow")
    planned = answer("policy", "apply", file, "--to", "model-registry/D*", "--dry-run")
    assert (planned["models"], planned["adopts"]) == ([model], [f"{model}:v0 as 'shadow'"])
    refused = run("policy", "apply", file, "--to", "model-registry/D*")
    assert (refused.exit_code, "--adopt" in refused.stderr) == (2, True)
    assert "became a stage without a gate" in ok("policy", "apply", file, "--to", "model-registry/D*", "--adopt")


def test_a_dry_run_leaves_out_models_that_have_a_more_specific_policy(answer, ok, file, model):
    """The default of a registry is not in force for a model with a policy of its own."""
    ok("policy", "apply", file, "--to", model)
    assert answer("policy", "apply", file, "--to", "model-registry", "--dry-run")["models"] == []


def test_show_as_a_file_is_what_apply_takes(ok, file, model):
    """``show --yaml`` and ``apply`` are a round trip."""
    ok("policy", "apply", file, "--to", model)
    file.write_text(ok("policy", "show", model, "--yaml"), encoding="utf-8")
    assert ok("policy", "apply", file, "--to", model).endswith("nothing changed\n")


def test_show_an_earlier_revision(run, ok, file, model):
    """Each revision can be shown; one that is not there is an error that names those that are."""
    ok("policy", "apply", file, "--to", model)
    ok("policy", "remove", model, "--reason", "not needed")
    assert "accuracy >= 0.9" in ok("policy", "show", model, "--revision", "1")
    for revision, words in (("2", "was taken away in revision 2"), ("7", "has no revision 7. There is 1.")):
        result = run("policy", "show", model, "--revision", revision)
        assert (result.exit_code, words in result.stderr) == (2, True)


def test_show_tells_everything_that_a_stage_asks_for(ok, model):
    """Checks with conditions, approvals, freezes, plugins and the archive stand there in words."""
    Path("all.yaml").write_text(
        "stages: [{name: live, checks: [{name: bias, max_age: 7d, severity: error}], plugins: [legal], archive_as: old,"
        " approvals: {count: 2, roles: [lead, risk], not_author: false, expires: 3d},"
        " freeze: [{from: 2026-12-20, to: 2027-01-03, reason: Holidays}]}]"
    )
    ok("policy", "apply", "all.yaml", "--to", model)
    shown = ok("policy", "show", model)
    for words in (
        "check bias (at most 7d old, even where the check only warns)",
        "2 approvals of lead or risk, also by the author, within 3d",
        "closed 2026-12-20 to 2027-01-03 (UTC): Holidays",
        "gate plugin legal",
        "(who loses it becomes old)",
    ):
        assert words in shown


def test_diff_of_revisions_and_of_a_file(run, ok, answer, file, model):
    """Between revisions, and from what is in force to a file; the two cannot be mixed."""
    ok("policy", "apply", file, "--to", model)
    file.write_text(GOOD.replace("0.9", "0.95"), encoding="utf-8")
    assert "+  - accuracy >= 0.95" in ok("policy", "diff", model, file)
    ok("policy", "apply", file, "--to", model)
    assert "-  - accuracy >= 0.9\n+  - accuracy >= 0.95" in ok("policy", "diff", model)
    assert answer("policy", "diff", model, file) == {
        "target": model,
        "changed": False,
        "diff": "",
        "adopts": [],
        "releases": [],
    }
    assert run("policy", "diff", model, file, "--old", "1").exit_code == 2


def test_explain_and_history(ok, file, model):
    """The most specific one is in force, the others say why not; each revision has who and why."""
    ok("policy", "apply", file, "--to", "model-registry")
    ok("policy", "apply", file, "--to", model, "--reason", "stricter")
    rows = [line.split("  ")[0] for line in ok("policy", "explain", model).splitlines()[1:]]
    assert [row for row in rows if row.startswith(("model", "built"))] == [model, "model-registry", "built-in"]
    assert ok("policy", "history", model).splitlines()[1].split()[-1] == "stricter"
    assert "never had a policy" in ok("policy", "history", "model-registry/x*")


def test_the_schema_is_the_published_file(ok):
    """``policy schema`` prints what docs/policy.schema.json holds."""
    published = Path(__file__).parents[2] / "docs" / "policy.schema.json"
    assert ok("policy", "schema") == published.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", [(), ("--yaml",), ("--json",)], ids=["people", "yaml", "json"])
def test_hostile_texts_of_a_policy_do_no_harm(form, ok, model):
    """A reason with control characters is shown as harmless text, and as YAML reads as the same policy."""
    nasty = "\x1b[31m [red]x[/red] \u202eevil \x07"
    stage = {"name": "live", "freeze": [{"from": "2026-12-20", "to": "2026-12-21", "reason": nasty}]}
    policy = Policy.from_json({"stages": [stage]})
    Path("nasty.json").write_text(json.dumps(policy.to_json()), encoding="utf-8")
    ok("policy", "apply", "nasty.json", "--to", model, "--reason", nasty)
    shown = ok("policy", "show", model, *form)
    assert [char for char in shown if not char.isprintable() and char != "\n"] == []
    if form:
        assert Policy.from_yaml(shown) == policy


def test_a_stage_that_is_held_is_given_up_only_when_said(run, ok, model):
    """The dry run and the difference name what becomes a plain alias and who holds it; --release agrees to it."""
    ok("promote", f"{model}:v0", "--to", "production")
    Path("typo.yaml").write_text(GOOD.replace("name: production", "name: prodution"), encoding="utf-8")
    words = f"'production' of {model}, held by v0: stage -> plain alias, which anybody may set"
    for command in (("apply", "typo.yaml", "--to", model, "--dry-run"), ("diff", model, "typo.yaml")):
        assert f"{words}; this needs --release" in " ".join(ok("policy", *command).split())
    refused = run("policy", "apply", "typo.yaml", "--to", model)
    assert (refused.exit_code, "--release" in refused.stderr) == (2, True)
    assert words in " ".join(ok("policy", "apply", "typo.yaml", "--to", model, "--release").split())
    assert "production is no stage any more, and stays an alias of v0" in ok("history", model, "--explain")
