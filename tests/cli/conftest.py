"""The command in this process, and a registry that has something to show."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from podium.cli.main import cli

Run = Callable[..., Result]
MODEL = "model-registry/Digits classifier"

CHECKS = """
import podium

@podium.check(at_least=0.9)
def accuracy(model_version):
    print("a check may print")
    return model_version.metrics["accuracy"]
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, on a terminal of 80 columns, with the built-in plugin only."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "console")
    monkeypatch.setenv("PODIUM_ACTOR", "ann")


@pytest.fixture
def run() -> Run:
    """Run one command line and return what came out."""

    def run(*args: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="podium")

    return run


@pytest.fixture
def ok(run: Run) -> Callable[..., str]:
    """Run a command line that must succeed, and return its standard output."""

    def ok(*args: str | Path) -> str:
        result = run(*args)
        assert result.exit_code == 0, result.output
        return result.stdout

    return ok


@pytest.fixture
def answer(ok: Callable[..., str]) -> Callable[..., Any]:
    """Run a command line with ``--json`` and return what it answered."""
    return lambda *args: json.loads(ok(*args, "--json"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a model of 1,500 bytes in two files."""
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"x" * 1490)
    (folder / "sub" / "params.json").write_bytes(b"0123456789")
    return folder


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """A file with one check: the accuracy is 0.9 at least."""
    path = tmp_path / "checks.py"
    path.write_text(CHECKS)
    return path


@pytest.fixture
def model(ok: Callable[..., str], files: Path) -> str:
    """A registered model with two versions: v0 with accuracy 0.95, v1 with 0.5."""
    ok("log", "digits/mlp", files, "--metric", "accuracy=0.95", "--metadata", "kind=small", "--alias", "candidate")
    ok("link", "digits/mlp", MODEL)
    (files / "model.bin").write_bytes(b"y" * 1490)
    ok("log", "digits/mlp", files, "--metric", "accuracy=0.5", "--metadata", "kind=large")
    ok("link", "digits/mlp", MODEL)
    return MODEL


@pytest.fixture
def strict(model: str) -> str:
    """The same model, where production requires the check ``accuracy``."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.set_policy(model, {"stages": [{"name": "staging"}, {"name": "production", "checks": ["accuracy"]}]})
    registry.close()
    return model


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in a fresh process, as a shell does."""

    def process(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **more.pop("env", {})}
        command = [sys.executable, "-m", "podium.cli.main", *args]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=env, timeout=60, **more)

    return process


@pytest.fixture
def on_terminal() -> Callable[..., tuple[int, str]]:
    """Run the command with a terminal for all three streams; return its exit code and what the terminal got."""

    def on_terminal(*args: str, typed: str = "", **env: str) -> tuple[int, str]:
        leader, follower = pty.openpty()
        os.write(leader, typed.encode())
        command = [sys.executable, "-m", "podium.cli.main", *map(str, args)]
        given = {**os.environ, "TERM": "xterm", **env}
        process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=given)
        os.close(follower)
        got = b""
        while part := _read(leader):
            got += part
        os.close(leader)
        return process.wait(60), got.decode()

    return on_terminal


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # the last process let go of the terminal
        return b""
