"""``--json``: every command answers with plain JSON and nothing else on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

ALIAS_SET = ("alias", "set", "digits/mlp:v0", "other")
COMMANDS = {
    "log": ("log", "p/a", "{files}"),
    "link": ("link", "digits/mlp:v0", "model-registry/Other"),
    "ls": ("ls",),
    "ls namespace": ("ls", "digits"),
    "ls versions": ("ls", "{model}"),
    "show": ("show", "{model}"),
    "compare": ("compare", "digits/mlp:v0", "digits/mlp:v1"),
    "test": ("test", "{model}:v0", "--checks", "{checks}"),
    "promote": ("promote", "{model}:v0", "--to", "staging"),
    "history": ("history", "{model}"),
    "verify": ("verify",),
    "verify ref": ("verify", "digits/mlp"),
    "download": ("download", "digits/mlp"),
    "alias set": ALIAS_SET,
    "alias remove": ("alias", "remove", "digits/mlp", "candidate"),
    "search": ("search", "type = 'model'"),
    "lineage": ("lineage", "digits/mlp:v0"),
    "impact": ("impact", "digits/mlp:v0"),
    "audit head": ("audit", "head"),
    "export": ("export", "digits/mlp", "--to", "bundle.podium"),
    "policy show": ("policy", "show", "{model}"),
    "policy history": ("policy", "history", "{model}"),
    "policy explain": ("policy", "explain", "{model}"),
    "policy schema": ("policy", "schema"),
    "requests ls": ("requests", "ls"),
    "freeze add": ("freeze", "{model}", "--reason", "audit", "--until", "3d"),
    "freeze ls": ("freeze", "ls"),
    "role grant": ("role", "grant", "model-registry", "bob", "lead"),
    "role revoke": ("role", "revoke", "model-registry", "bob", "lead"),
    "role ls": ("role", "ls"),
    "notify add": ("notify", "add", "me", "--channel", "console"),
    "notify ls": ("notify", "ls"),
    "notify show": ("notify", "show"),
    "notify schema": ("notify", "schema"),
    "deliver": ("deliver", "--seconds", "1"),
    "deliveries ls": ("deliveries", "ls"),
    "deliveries retry": ("deliveries", "retry"),
    "deliveries drop": ("deliveries", "drop", "--channel", "slack"),
    "plugins": ("plugins",),
    "plugin new": ("plugin", "new", "pigeon"),
    "db current": ("db", "current"),
    "db upgrade": ("db", "upgrade"),
    "db downgrade": ("db", "downgrade", "0001", "--yes"),
    "runs": ("runs", "ls", "digits"),
    "ls deleted": ("ls", "--deleted", "digits/mlp"),
    "registry ls": ("registry", "ls"),
    "registry create": ("registry", "create", "other", "--type", "model"),
    "registry edit": ("registry", "edit", "model-registry", "--description", "Best"),
    "registry show": ("registry", "show", "model-registry"),
    "copy": ("copy", "{model}:v0", "model-registry/Other"),
    "unlink": ("unlink", "{model}:v0"),
    "edit": ("edit", "{model}:v0", "--metadata", "a=b"),
    "edit whole": ("edit", "{model}", "--owner", "ann"),
    "tag add": ("tag", "add", "{model}:v0", "eu"),
    "tag rm": ("tag", "rm", "{model}", "eu"),
    "rename": ("rename", "{model}", "Digits"),
    "delete": ("delete", "digits/mlp", "--force", "--reason", "test", "--yes"),
    "restore": ("restore", "{model}:v0"),
    "expire": ("expire",),
    "gc": ("gc", "--dry-run"),
    "cache show": ("cache", "show"),
    "cache prune": ("cache", "prune"),
    "cache clear": ("cache", "clear"),
    "init": ("init",),
    "doctor": ("doctor", "--deep"),
}
# Commands that need more than one model to answer: where their JSON is tested.
ELSEWHERE = {
    "rollback": "cli/test_json.py",
    # cli/test_promotion_truth.py asks all of these with --json.
    **dict.fromkeys(("approve", "reject", "withdraw", "demote"), "core/promotion_truth.txt"),
    "unfreeze": "cli/test_json.py",
    "automation": "cli/test_automation.py",
    "plugin": "plugins/test_scaffold.py",
    "import": "cli/test_moving.py",
    "import-mlflow": "from_mlflow/conftest.py",
}
LISTS = {
    "ls",
    "ls namespace",
    "ls versions",
    "ls deleted",
    "history",
    "policy history",
    "requests ls",
    "freeze ls",
    "role ls",
    "notify ls",
    "deliveries ls",
    "registry ls",
    "runs",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_json(name, ok, model, files, checks):
    """The whole standard output is one JSON document: an array for lists, else an object."""
    given = [part.format(files=files, model=model, checks=checks) for part in COMMANDS[name]]
    found = json.loads(ok(*given, "--json"))
    assert isinstance(found, list if name in LISTS else dict)


def test_rollback_answers_json(ok, answer, model):
    """A rollback answers with the transition."""
    ok("promote", f"{model}:v0", "--to", "production")
    ok("promote", f"{model}:v1", "--to", "production")
    assert answer("rollback", model)["kind"] == "rolled_back"


def test_unfreeze_answers_json(ok, answer, model):
    """The end of a freeze answers with the freeze."""
    ok("freeze", model, "--reason", "audit")
    assert answer("unfreeze", model)["ended_by"] == "ann"


def test_notify_remove_answers_json(ok, answer):
    """Removing answers with what was removed."""
    ok("notify", "add", "me", "--channel", "console")
    assert answer("notify", "remove", "me")["name"] == "me"


def test_every_command_is_covered():
    """No command is left out above."""
    from podium.cli.main import COMMANDS as known

    for name, file in ELSEWHERE.items():
        assert name in (TESTS / file).read_text(encoding="utf-8")
    named = {name.split()[0] for name in COMMANDS} | set(ELSEWHERE)
    assert named == {name for section in known.values() for name in section}


def test_json_is_what_the_value_gives(answer, model):
    """The answer of ``ls`` is the ``to_json()`` of the values, times in UTC."""
    from podium.registry import open_registry

    registry = open_registry()
    assert answer("ls", model) == [version.to_json() for version in registry.versions(model)]
    registry.close()


def test_an_error_is_json_on_standard_error(run):
    """With --json, an error is one line of JSON on standard error, and standard output stays empty."""
    result = run("show", "no/such", "--json")
    assert result.stdout == ""
    assert json.loads(result.stderr)["error"]["code"] == "not_found"


def test_a_usage_error_is_json_too(run):
    """A wrong option is told in the same shape."""
    assert json.loads(run("ls", "--json", "--nope").stderr)["error"]["code"] == "usage"


def test_a_refusal_is_json_with_its_reasons(run, strict):
    """The reasons of a refusal are a list."""
    result = run("promote", f"{strict}:v1", "--to", "production", "--json")
    facts = json.loads(result.stderr)["error"]["facts"]
    assert facts["reasons"] == [f"The required check 'accuracy' has not run on {strict}:v1."]


def test_a_failed_test_still_answers(run, model, checks):
    """The report of a test that failed is on standard output, with exit code 1; what checks print is not."""
    result = run("test", f"{model}:v1", "--checks", checks, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["passed"] is False
    assert "a check may print" in result.stderr


def test_what_checks_print_past_python_stays_out(process, ok, model, tmp_path):
    """Output of a check that goes to the descriptor itself, as C libraries write, does not reach standard output."""
    path = tmp_path / "loud.py"
    path.write_text(
        "import os\nimport podium\n\n@podium.check\ndef loud(model_version):\n"
        "    os.write(1, b'noise')\n    return True\n"
    )
    done = process("test", f"{model}:v0", "--checks", str(path), "--json")
    assert json.loads(done.stdout)["passed"] is True
    assert "noise" in done.stderr
