"""Exit codes, and errors as one line that says what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import podium.errors
from podium.cli.errors import EXITS, exit_code


def _one_line(result, code: int) -> str:
    assert result.exit_code == code, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("podium: ")
    return lines[0]


@pytest.mark.parametrize(
    ("code", "args"),
    [
        (2, ("show", "nonsense")),
        (2, ("show", "a/b/c")),
        (2, ("log", "bad name/x", "{files}")),
        (2, ("log", "p/a:v1", "{files}")),
        (2, ("log", "digits/mlp", "{files}", "--alias", "v3")),
        (2, ("log", "digits/mlp", "{files}", "--alias", "latest2 ")),
        (2, ("log", "digits/mlp", "{files}", "--type", "dataset")),
        (2, ("log", "p/a", "{empty}")),
        (2, ("log", "p/a")),
        (2, ("log", "p/a", "{files}", "--metric", "acc=high")),
        (2, ("log", "p/a", "{files}", "--metric", "acc=nan")),
        (2, ("log", "p/a", "{files}", "--metadata", "novalue")),
        (2, ("log", "p/a", "{files}", "--metadata-file", "{files}/model.bin")),
        (2, ("log", "p/a", "{files}", "--on-duplicate", "maybe")),
        (2, ("log", "p/a", "{files}", "--ttl", "soon")),
        (2, ("log", "p/a", "{files}", "--ttl", "0d")),
        (2, ("log", "p/a", "{files}", "--ttl", "999999999w")),
        (2, ("log", "p/a", "{files}", "--metadata", "a:=[")),
        (2, ("log", "p/a", "{files}", "--metadata", ":=1")),
        (2, ("log", "p/a", "{files}", "--tag", "no tag")),
        (2, ("log", "p/a", "--reference", "ftp://host/x")),
        (2, ("log", "p/a", "--reference", "a=file:///x", "--reference", "file:///y")),
        (2, ("log", "p/a", "--reference", "../up=file://{files}/model.bin")),
        (2, ("log", "p/a", "{files}", "--integrity", "md5")),
        (3, ("log", "p/a", "--reference", "file:///no/such/file")),
        (2, ("log", "p/a", "{files}", "--description", "a", "--description-file", "b")),
        (2, ("verify", "--folder", "{files}")),
        (3, ("verify", "digits/mlp", "--folder", "no-such-folder")),
        (2, ("copy", "digits/mlp:v0", "model-registry/Other")),
        (3, ("copy", "{model}:v9", "model-registry/Other")),
        (3, ("copy", "{model}:v0", "nowhere/Other")),
        (2, ("unlink", "{model}")),
        (2, ("unlink", "{model}:v0", "--force")),
        (3, ("unlink", "digits/mlp:v0")),
        (2, ("edit", "{model}:v0")),
        (2, ("edit", "{model}:v0", "--reason", "none")),
        (2, ("edit", "{model}:v0", "--owner", "ann")),
        (2, ("edit", "{model}", "--metadata", "a=b")),
        (2, ("edit", "{model}", "--ttl", "1d")),
        (2, ("edit", "{model}:v0", "--ttl", "1d")),
        (3, ("edit", "digits/nothing:v0", "--metadata", "a=b")),
        (3, ("edit", "{model}", "--description-file", "no-such-file")),
        (2, ("edit", "{model}", "--description-file", "{files}")),
        (2, ("tag", "add", "{model}:v0")),
        (2, ("tag", "add", "{model}:v0", "no tag")),
        (3, ("tag", "add", "{model}:v9", "eu")),
        (2, ("rename", "{model}", "a/b")),
        (2, ("rename", "{model}:v0", "Digits")),
        (3, ("rename", "digits/nothing", "x")),
        (2, ("delete", "digits/mlp")),
        (2, ("delete", "digits/mlp:v0", "--yes")),
        (2, ("delete", "digits/mlp", "--force", "--yes")),
        (2, ("delete", "digits/mlp:v0", "--force", "--reason", " ", "--yes")),
        (3, ("delete", "digits/nothing", "--yes")),
        (3, ("delete", "{model}:v0", "--yes", "--force", "--reason", "x")),
        (2, ("restore", "digits/mlp:candidate")),
        (3, ("restore", "digits/mlp:v9")),
        (3, ("restore", "digits/nothing")),
        (3, ("ls", "--deleted", "nowhere")),
        (3, ("ls", "--deleted", "digits/nothing")),
        (4, ("registry", "create", "digits")),
        (2, ("registry", "create", "no name")),
        (2, ("registry", "edit", "model-registry")),
        (2, ("registry", "edit", "model-registry", "--type", "model", "--any-type")),
        (3, ("registry", "edit", "digits", "--any-type")),
        (3, ("registry", "show", "nowhere")),
        (2, ("expire", "--yes", "--dry-run")),
        (2, ("gc", "--older-than", "tomorrow")),
        (3, ("db", "downgrade", "0000", "--yes")),
        (2, ("promote", "{model}:v0")),
        (2, ("promote", "{model}:v0", "--to", "production", "--force")),
        (2, ("promote", "{model}:v0", "--to", "production", "--expected", "soon")),
        (2, ("alias", "set", "{model}:v0", "production")),
        (2, ("alias", "set", "{model}:v0", "v7")),
        (2, ("notify", "add", "me", "--channel", "pigeon")),
        (2, ("notify", "add", "me", "--channel", "console", "--event", "nothing.*")),
        (2, ("test", "{model}:v0")),
        (2, ("ls", "--limit", "0")),
        (2, ("ls", "digits/mlp:v1")),
        (2, ("prmote", "{model}")),
        (3, ("show", "digits/nothing")),
        (3, ("show", "{model}:v99")),
        (3, ("show", "{model}:nobody")),
        (3, ("ls", "nowhere")),
        (3, ("log", "p/a", "no-such-file")),
        (3, ("log", "p/a", "{files}", "--metadata-file", "no-such-file")),
        (3, ("promote", "{model}:v0", "--to", "prodution")),
        (3, ("promote", "digits/mlp:v0", "--to", "production")),
        (3, ("rollback", "{model}")),
        (3, ("test", "{model}:v0", "--checks", "no_such_module")),
        (3, ("alias", "remove", "{model}", "nobody")),
        (3, ("notify", "remove", "nobody")),
        (3, ("deliveries", "retry", "nothing")),
        (4, ("log", "digits/mlp", "{files}", "--on-duplicate", "error")),
        (4, ("promote", "{model}:v0", "--to", "production", "--expected", "v1")),
        (4, ("alias", "set", "digits/mlp:v1", "candidate", "--expected", "none")),
        (4, ("link", "digits/mlp", "model-registry/digits CLASSIFIER")),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else str(given),
)
def test_mistakes(code, args, run, model, files):
    """Each mistake has its exit code and one line on standard error; standard output stays empty."""
    Path("empty").mkdir()
    result = run(*(part.format(model=model, files=files, empty="empty") for part in args))
    _one_line(result, code)
    assert result.stdout == ""


def test_an_unknown_stage_names_those_that_exist(run, model):
    """A word that is spelled wrong gets the right one."""
    line = _one_line(run("promote", f"{model}:v0", "--to", "prodution"), 3)
    assert "Did you mean 'production'?" in line


def test_an_unknown_command_names_one_that_is_spelled_alike(run):
    """``podium prmote`` gets ``promote``."""
    assert "Did you mean 'promote'?" in _one_line(run("prmote"), 2)


def test_a_refused_promotion_gives_each_reason_a_line(run, strict):
    """Exit code 1, one line that says what was refused, and one line per reason."""
    result = run("promote", f"{strict}:v1", "--to", "production")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"podium: {strict}:v1 was refused for 'production'. Mend what the reasons name and promote again.",
        f"  - The required check 'accuracy' has not run on {strict}:v1.",
    ]


def test_a_failed_test_is_exit_code_1(run, model, checks):
    """A check that fails shows its message and ends with 1."""
    result = run("test", f"{model}:v1", "--checks", checks)
    assert result.exit_code == 1
    assert "failed 1 of 1 check" in result.stdout


def test_damage_is_exit_code_1(run, ok, model, tmp_path):
    """Verify names each damaged and missing file and ends with 1."""
    blobs = sorted((tmp_path / "home" / "content").rglob("blobs/**/*"))
    damaged, missing = [path for path in blobs if path.is_file()][:2]
    damaged.write_bytes(b"other")
    missing.unlink()
    result = run("verify")
    assert result.exit_code == 1
    assert "changed" in result.stdout
    assert "missing" in result.stdout
    assert "2 files missing or damaged" in result.stdout


def test_a_damaged_download_is_exit_code_5(run, model, tmp_path):
    """A file that is not what was logged does not arrive."""
    for path in (tmp_path / "home" / "content" / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"other")
    _one_line(run("download", "digits/mlp", "--to", tmp_path / "out"), 5)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [("ls",), ("db", "current"), ("db", "upgrade")], ids=" ".join)
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("foo", 2),
        ("mysql://u:geheim@host/x", 2),
        ("nodriver+x://u:geheim@host/x", 2),
        ("sqlite:///:memory:", 2),
        ("sqlite:////no/such/folder/podium.db", 2),
        ("sqlite:///{file}", 2),
        ("postgresql://u:geheim@127.0.0.1:1/x", 5),
    ],
)
def test_wrong_databases(command, url, code, run, tmp_path):
    """A database that cannot be used is one line, and no line shows a password."""
    (tmp_path / "no.db").write_bytes(b"this is no database, but long enough to be looked at" * 20)
    line = _one_line(run(*command, "--url", url.format(file=tmp_path / "no.db")), code)
    assert "geheim" not in line


@pytest.mark.parametrize(("revision", "hint"), [("0000", "podium db upgrade"), ("9999", "Upgrade Podium")])
def test_a_schema_of_another_time(revision, hint, run, model, tmp_path):
    """A schema that is older or newer than this Podium is exit code 5, with what to do."""
    with sqlite3.connect(tmp_path / "home" / "podium.db") as connection:
        connection.execute("UPDATE podium_schema SET version_num = ?", (revision,))
    connection.close()
    assert hint in _one_line(run("ls"), 5)
    assert run("db", "current").exit_code == 0


def test_a_content_folder_that_is_a_file(run, files, tmp_path):
    """A content location that cannot be written is exit code 5."""
    (tmp_path / "taken").write_text("a file")
    _one_line(run("log", "p/a", files, "--content", tmp_path / "taken"), 5)


def test_another_content_folder_than_recorded(run, model, files, tmp_path):
    """A process that is configured for another content folder is refused."""
    assert "PODIUM_CONTENT" in _one_line(run("log", "p/a", files, "--content", tmp_path / "elsewhere"), 2)


def test_a_home_that_cannot_be_made(run, tmp_path, monkeypatch):
    """PODIUM_HOME below a file is a wrong setting."""
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("PODIUM_HOME", str(tmp_path / "taken" / "home"))
    assert "PODIUM_HOME" in _one_line(run("ls"), 2)


def test_a_bug_is_one_line(run, monkeypatch):
    """An exception that nobody expected is one line with exit code 70."""
    monkeypatch.setattr("podium.registry.Registry.collections", _explode)
    line = _one_line(run("ls"), 70)
    assert line == "podium: KeyError: 'oh no': this is a bug in Podium, set PODIUM_DEBUG=1 for details"


def test_a_file_of_checks_that_exits_is_no_pass(run, model, tmp_path):
    """``sys.exit(0)`` in a file of checks does not end the command with 0."""
    path = tmp_path / "leaves.py"
    path.write_text("import sys\nsys.exit(0)\n")
    assert run("test", f"{model}:v0", "--checks", path).exit_code not in (0, 1)


def test_debug_shows_the_traceback(run, monkeypatch):
    """PODIUM_DEBUG=1 shows where an error comes from, before its line."""
    monkeypatch.setenv("PODIUM_DEBUG", "1")
    result = run("show", "no/such")
    assert result.exit_code == 3
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("podium: There is no project")


def test_ctrl_c(run, monkeypatch):
    """Ctrl-C ends with 130 and no traceback."""

    def stop(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("podium.registry.Registry.collections", stop)
    result = run("ls")
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_without_a_command_there_is_help(run):
    """``podium`` alone and ``podium alias`` alone show help on standard error and end with 2."""
    for args in ((), ("alias",)):
        result = run(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Usage: podium")


def test_every_error_has_an_exit_code():
    """No error of Podium is left out of the table."""
    named = {code for _, codes in EXITS.values() for code in codes}
    kinds = podium.errors.PodiumError.__subclasses__()
    assert {kind.code for kind in kinds if kind.__module__ == "podium.errors"} <= named


def test_a_plugins_own_error_counts_as_its_base():
    """An error class that the table does not know takes the exit code of its base."""

    class OwnError(podium.errors.NotFoundError):
        code = "own"

    assert exit_code(OwnError("x")) == 3


def test_help_has_the_exit_codes(ok):
    """The table in code is the table on the help page."""
    text = " ".join(ok("--help").split())
    for code, (meaning, _) in EXITS.items():
        assert f"{code} {meaning}" in text


def _explode(*_args, **_more):
    raise KeyError("oh no")
