"""Where a run ran: what is written of it, and what never is."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from podium.registry import environment
from podium.registry.environment import clean_remote, describe_environment, mask_command


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one commit and a remote whose URL holds a password; the script lies in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text("print()\n")
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (
        ["init", "-q", "-b", "trunk"],
        ["add", "."],
        [*author, "commit", "-q", "-m", "first"],
        ["remote", "add", "origin", "https://bob:hunter2@git.example/team/repo.git?x=y"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    monkeypatch.setattr(sys, "argv", [str(folder / "train.py")])
    return folder


def test_a_run_knows_where_it_ran(registry) -> None:
    """Python, platform, machine, process, command, Podium and packages."""
    found = registry.environment(registry.start_run("p").id)
    assert (found["python"], found["implementation"]) == (platform.python_version(), platform.python_implementation())
    assert (found["pid"], found["cpus"], found["hostname"]) == (os.getpid(), os.cpu_count(), platform.node())
    assert found["packages"]["sqlalchemy"] == metadata.version("sqlalchemy")
    assert found["podium"] == metadata.version("podium")


def test_packages_are_those_that_python_knows() -> None:
    """The names of the metadata folders say the same as the metadata in them, which costs a hundred times as much."""
    asked = {re.sub("[-_.]+", "-", item.name).lower(): item.version for item in reversed([*metadata.distributions()])}
    assert describe_environment()["packages"] == asked


def test_the_revision_of_the_source(repository) -> None:
    """Commit, branch, and the remote without user, password and query."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.strip()
    clean = {"commit": head, "branch": "trunk", "dirty": False, "remote": "https://git.example/team/repo.git"}
    assert describe_environment()["git"] == clean
    (repository / "train.py").write_text("print(1)\n")
    assert describe_environment()["git"] == {**clean, "dirty": True}


def test_no_repository(tmp_path, monkeypatch) -> None:
    """A folder that is none, and a machine without git, leave the source out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert "git" not in describe_environment()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git" not in describe_environment()


def test_a_git_that_hangs_is_not_waited_for(tmp_path, monkeypatch) -> None:
    """After the limit the run starts without it, and the process is gone."""
    program = tmp_path / "git"
    program.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(environment, "_GIT_SECONDS", 0.3)
    began = time.monotonic()
    assert "git" not in describe_environment()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no"])
def test_it_can_be_turned_off(repository, monkeypatch, word) -> None:
    """Neither packages nor source are looked at; what tells a crash stays."""
    monkeypatch.setenv("PODIUM_ENVIRONMENT", word)
    found = describe_environment()
    assert "packages" not in found
    assert "git" not in found
    assert found["processes"][0]["pid"] == os.getpid()


def test_tasks_say_where_they_ran(registry, model_file) -> None:
    """What an operator or a task logs in a run of its own has an environment, too."""
    version = registry.log_in_run("p/m", model_file("a"))
    assert registry.environment(version.run)["pid"] == os.getpid()


SECRETS = [
    ["--token", "hunter2"],
    ["--hf-token=hunter2"],
    ["-password", "hunter2"],
    ["--db_password", "hunter2", "--epochs", "3"],
    ["PASSWORD=hunter2"],
    ["aws.secret_access_key=hunter2=x"],
    ["--api-key", "hunter2"],
    ["API_KEY: hunter2"],
    ['{"password": "hunter2"}'],
    ["postgresql://bob:hunter2@db.example/x"],
    ["--url=https://hunter2@git.example"],
    ["--credentials", "hunter2"],
]


@pytest.mark.parametrize("arguments", SECRETS, ids=" ".join)
def test_secrets_of_the_command_line(arguments) -> None:
    """Neither the value after an option nor that behind a sign is kept, nor the password in a URL."""
    masked = mask_command(["train.py", *arguments])
    assert "hunter2" not in json.dumps(masked)
    assert "***" in json.dumps(masked)


def test_the_rest_of_the_command_line_stays() -> None:
    """Ordinary arguments are kept as they are; after an option for a secret comes at most one value."""
    plain = ["train.py", "--epochs", "3", "lr=0.1", "--tokenizer", "bpe", "https://h/x", "--seed=7"]
    assert mask_command(plain) == plain
    assert mask_command(["--token", "--epochs", "3"]) == ["--token", "--epochs", "3"]
    assert mask_command(["--token", "x", "3"]) == ["--token", "***", "3"]


def test_hostile_command_lines(lite, monkeypatch) -> None:
    """Bytes that are no text, NUL and arguments without end are kept in a form that a database can hold."""
    monkeypatch.setattr(sys, "argv", ["train.py", "a\udcff", "b\0", "x" * 5_000, *["y"] * 1_000])
    command = lite.environment(lite.start_run("p").id)["command"]
    assert (command[1], command[2], len(command[3]), len(command)) == ("a?", "b\ufffd", 1_003, 200)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("git@host:team/repo.git", "git@host:team/repo.git"),
        ("ssh://bob:hunter2@host:22/r.git", "ssh://host:22/r.git"),
        ("https://hunter2@host/r#hunter2", "https://host/r"),
        ("https://[hunter2/", "***"),
        ("/srv/repo.git", "/srv/repo.git"),
    ],
)
def test_remotes_without_secrets(url, clean) -> None:
    """Whoever may fetch is nobody's business."""
    assert clean_remote(url) == clean
