"""Export and import from the command line, with what people get wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = "model-registry/Digits classifier"


@pytest.fixture
def bundle(ok, model, tmp_path) -> Path:
    """A model in a bundle."""
    ok("export", MODEL, "--to", tmp_path / "digits.podium")
    return tmp_path / "digits.podium"


@pytest.fixture
def there(tmp_path) -> list[str]:
    """The options of a registry of its own."""
    return ["--url", f"sqlite:///{tmp_path / 'there.db'}", "--content", str(tmp_path / "there")]


def test_there_and_again(ok, bundle, there):
    """What is new is said, then that all of it is there already."""
    first = ok("import", bundle, *there)
    assert "+" in first
    assert "Imported: 2 artifacts and models new" in first
    assert "nothing was changed" in ok("import", bundle, *there)
    assert ok("show", f"{MODEL}:v0", "--json", *there) == ok("show", f"{MODEL}:v0", "--json")


def test_the_root_is_printed_and_asked_for(ok, run, model, tmp_path, there):
    """The export prints it; an import that asks for another one is refused."""
    said = ok("export", MODEL, "--to", tmp_path / "b.podium")
    root = said.rpartition("Root: ")[2].strip()
    assert len(root) == 64
    assert run("import", tmp_path / "b.podium", "--root", "0" * 64, *there).exit_code == 5
    assert run("import", tmp_path / "b.podium", "--root", root, *there).exit_code == 0


def test_a_dry_run_says_what_would_be(ok, bundle, there):
    """And how to do it; then nothing is there."""
    said = ok("import", bundle, "--dry-run", *there)
    assert "Would be imported: 2 artifacts and models new" in said
    assert f"podium import {bundle}" in said
    assert json.loads(ok("ls", "--json", *there)) == []


def test_json(ok, model, tmp_path, there):
    """Both answer in plain JSON."""
    made = json.loads(ok("export", MODEL, "--to", tmp_path / "b.podium", "--json"))
    assert made["asked"] == [MODEL]
    report = json.loads(ok("import", tmp_path / "b.podium", "--json", *there))
    assert (report["root"], report["changed"]) == (made["root"], True)
    assert [item["ref"] for item in report["collections"]] == ["digits/mlp", MODEL]


def test_through_a_pipe(model, there):
    """``podium export --to - | podium import -`` moves everything; what is said goes to standard error."""
    podium = [sys.executable, "-m", "podium.cli.main"]
    with subprocess.Popen([*podium, "export", "--to", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as export:
        words = [*podium, "import", "-", *there]
        done = subprocess.run(words, stdin=export.stdout, capture_output=True, text=True, check=False)
        assert export.stdout is not None
        assert export.stderr is not None
        export.stdout.close()
        assert b"Root: " in export.stderr.read()
    assert (done.returncode, done.stderr) == (0, "")
    assert "Imported: " in done.stdout


def test_a_cut_bundle_is_exit_code_5(run, bundle, there):
    """It says where it ends, and that nothing was changed."""
    bundle.write_bytes(bundle.read_bytes()[:5000])
    done = run("import", bundle, *there)
    assert done.exit_code == 5
    assert "Nothing was changed" in done.stderr


def test_two_ways_are_exit_code_4(ok, run, bundle, there, tmp_path):
    """A conflict names both audit heads."""
    ok("import", bundle, *there)
    for where in ([], there):
        ok("tag", "add", MODEL, "mine", *where)
    ok("export", MODEL, "--to", bundle, "--overwrite")
    done = run("import", bundle, *there)
    assert done.exit_code == 4
    assert "went two ways" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["export"], 2, "--to"),
        (["export", "--to", "-", "--json"], 2, "leave --json out"),
        (["export", "nowhere", "--to", "b"], 3, "nowhere"),
        (["export", f"{MODEL}:v0", "--to", "b"], 2, "one version"),
        (["export", "--to", "no/such/folder/b"], 5, "There is no folder"),
        (["export", "--to", "."], 4, "already"),
        (["import", "none"], 3, "no file"),
        (["import", "."], 5, "cannot be used"),
        (["import"], 2, "FILE"),
        (["import", "x", "--root", "abc"], 3, "no file"),
    ],
)
def test_what_people_get_wrong(run, model, words, code, said):
    """One line that says what to do, and the exit code of its kind."""
    done = run(*words)
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1)
    assert said in done.stderr
    assert not Path("b").exists()


def test_a_text_is_no_bundle(run, tmp_path, there):
    """A file of something else is told from a bundle at its first bytes."""
    (tmp_path / "text").write_text("no bundle at all, " * 100)
    done = run("import", tmp_path / "text", *there)
    assert done.exit_code == 5
    assert "SHA256SUMS" in done.stderr


def test_rules_of_a_registry_are_told(ok, model, tmp_path, there):
    """What is taken over and who closes the registry, before it too; then that it is as it is."""
    ok("role", "grant", "model-registry", "ann", "admin")
    ok("freeze", "add", "model-registry", "--stage", "production", "--reason", "audit")
    ok("export", "--to", tmp_path / "b.podium")
    said = ok("import", tmp_path / "b.podium", "--dry-run", *there)
    assert "model-registry had no rules here and would take over: 1 role, 1 freeze" in said
    said = " ".join(ok("import", tmp_path / "b.podium", *there).split())
    assert "takes over: 1 role, 1 freeze" in said
    assert "closed from then on; its admins: ann" in said
    assert "1 role, 1 freeze: as it is here" in ok("import", tmp_path / "b.podium", *there)


def test_rules_that_are_not_brought_are_counted(ok, model, tmp_path, there):
    """In words and in JSON, with the stages that are none there."""
    (tmp_path / "here.yaml").write_text("stages:\n  - name: staging\n  - name: shadow\n")
    (tmp_path / "there.yaml").write_text("stages:\n  - name: staging\n    checks: [accuracy]\n")
    ok("policy", "apply", tmp_path / "here.yaml", "--to", "model-registry")
    ok("policy", "apply", tmp_path / "there.yaml", "--to", "model-registry", *there)
    ok("export", "--to", tmp_path / "b.podium")
    said = " ".join(ok("import", tmp_path / "b.podium", "--dry-run", *there).split())
    assert "NOT brought: default policy" in said
    assert f"No stages here, but ordinary aliases: {MODEL}:shadow" in said
    assert f"Stages with other gates here: {MODEL}:staging" in said
    (rules,) = json.loads(ok("import", tmp_path / "b.podium", "--json", *there))["rules"]
    assert (rules["state"], rules["default_policy"], rules["ungoverned"]) == ("kept", 1, [f"{MODEL}:shadow"])
