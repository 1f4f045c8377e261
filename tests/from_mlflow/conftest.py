"""A real MLflow registry, and the import run where MLflow is: in an environment that has both."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from podium.registry import Registry

ROOT = Path(__file__).parents[2]
SIDE = Path(__file__).with_name("mlflow_side.py")


class Worker:
    """A process in the environment that has MLflow and Podium; it does one thing after the other.

    Attributes:
        python: The environment.
    """

    def __init__(self, python: Path) -> None:
        self.python = python
        command = [str(python), str(SIDE)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def do(self, work: str, *given: Any) -> Any:
        """Have something done; see `mlflow_side.main`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"work": work, "given": given}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ANSWER"):
                answer = json.loads(line.removeprefix("ANSWER"))
                assert "error" not in answer, answer["error"]
                return answer["answer"]
        raise AssertionError(f"the process of MLflow ended with {self._process.wait(20)}")

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


@dataclass(frozen=True)
class Mlflow:
    """A registry of MLflow's.

    Attributes:
        worker: Who works with it.
        uri: Where the registry is.
        folder: Where the tests keep its files.
    """

    worker: Worker
    uri: str
    folder: Path

    def do(self, steps: str) -> Any:
        """Have MLflow do something; see `mlflow_side.do_steps`."""
        return self.worker.do("steps", self.uri, str(self.folder), steps)


@dataclass(frozen=True)
class Imported:
    """What the command answered."""

    code: int
    report: Any
    stderr: str


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A process in the environment that has MLflow and Podium, which is made at first use."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "mlflow_environment.py")], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    started = Worker(Path(made.stdout.strip()))
    yield started
    started.close()


@pytest.fixture(scope="session")
def bare(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of an empty registry, to copy from: MLflow takes seconds to make one."""
    folder = tmp_path_factory.mktemp("bare")
    Mlflow(worker, f"sqlite:///{folder / 'mlflow.db'}", folder).do("client.search_registered_models()")
    return folder / "mlflow.db"


@pytest.fixture
def mlflow(worker: Worker, bare: Path, tmp_path: Path) -> Mlflow:
    """An empty registry in an SQLite file, with files in a folder."""
    folder = tmp_path / "mlflow"
    folder.mkdir()
    shutil.copy(bare, folder)
    return Mlflow(worker, f"sqlite:///{folder / 'mlflow.db'}", folder)


@pytest.fixture
def podium_env(tmp_path: Path) -> Callable[[Registry], dict[str, str]]:
    """The environment of a command that works on a registry."""
    content = str(tmp_path / "content")
    return lambda registry: {"PODIUM_URL": registry.settings.url, "PODIUM_CONTENT": content, "PODIUM_ACTOR": "ann"}


@pytest.fixture
def bring(podium_env: Callable[[Registry], dict[str, str]]) -> Callable[..., Imported]:
    """Run ``podium import-mlflow`` into a registry."""

    def bring(source: Mlflow, into: Registry, *options: str) -> Imported:
        args = ["import-mlflow", source.uri, *options, "--json"]
        done = source.worker.do("podium", args, podium_env(into) | {"PODIUM_HOME": str(source.folder / "home")})
        return Imported(done["code"], json.loads(done["stdout"]) if done["stdout"] else None, done["stderr"])

    return bring


@pytest.fixture
def server() -> Iterator[Callable[[Mlflow], str]]:
    """Start ``mlflow server`` on a free port of loopback; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(source: Mlflow) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        served = source.folder / "served"
        command = [
            str(source.worker.python),
            "-m",
            "mlflow",
            "server",
            "--backend-store-uri",
            source.uri,
            "--host",
            "127.0.0.1",
        ]
        command += ["--artifacts-destination", str(served), "--serve-artifacts", "--workers", "1", "--port", str(port)]
        env = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (source.folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        started.append(process)
        _wait_for(f"http://127.0.0.1:{port}/health", process, source.folder / "server.log")
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(log.read_text())
