"""The operators on a real Airflow: API server, scheduler with forked workers and DAG processor as processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

import podium

_SECONDS = 90.0
_COMPONENTS = {
    "api-server": ["api-server", "--host", "127.0.0.1", "--workers", "1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],  # it would serve them on every address of the machine
    "dag-processor": ["dag-processor"],
}


class Stack:
    """Starts the components on a fresh metadata database and stops each by its process id.

    Args:
        home: An empty folder.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, _free_port()
        self.environment = {
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{self.port}",
            "AIRFLOW__API__SECRET_KEY": "for-this-test-only-" * 4,
            "AIRFLOW__API_AUTH__JWT_SECRET": "for-this-test-only-" * 4,
            # A worker's supervisor lingers so long after its task; 5 seconds, the default, per task of the test.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self.airflow("db", "migrate")
            for name, command in _COMPONENTS.items():
                port = ["--port", str(self.port)] if name == "api-server" else []
                self._start(name, command + port)
            self._wait("the API server", self._answers)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 25  # the API server and the scheduler take up to 14 seconds
        for process in self._running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own group: what it left behind

    def airflow(self, *command: str) -> str:
        """Run one command of Airflow to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, dag_id: str, run_id: str, conf: str) -> dict[str, str]:
        """Trigger a DAG, wait until its run has ended, and return the state of each task instance."""
        self._wait(f"the DAG {dag_id}", lambda: self._rows("select 1 from serialized_dag where dag_id = ?", dag_id))
        self.airflow("dags", "trigger", dag_id, "--run-id", run_id, "--conf", conf)
        ended = "select state from dag_run where run_id = ? and state in ('success', 'failed')"
        self._wait(f"the run {run_id}", lambda: self._rows(ended, run_id))
        return dict(self._rows("select task_id, state from task_instance where run_id = ?", run_id))

    def _start(self, name: str, command: list[str]) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self._running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "airflow", *command],
                    env=self.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _wait(self, what: str, ready: Callable[[], Any]) -> None:
        until = time.monotonic() + _SECONDS
        while not ready():
            gone = [process.args for process in self._running if process.poll() is not None]
            assert not gone, f"{what} did not come, {gone} ended:\n{self.logs()}"
            assert time.monotonic() < until, f"{what} did not come:\n{self.logs()}"
            time.sleep(0.3)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def _rows(self, query: str, *values: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def logs(self) -> str:
        """Return the end of what each component said."""
        return "\n".join(f"--- {file.name}\n{file.read_text()[-3000:]}" for file in self.home.glob("*.log"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _facts(registry: podium.Registry) -> list[str]:
    """Return every version, link, and move of an alias or stage."""
    found = []
    for collection in registry.collections():
        found += [f"{item.ref} {item.source} {item.origin.identity}" for item in registry.versions(collection.ref)]
        found += [f"{move.alias} {move.after} {move.origin.identity}" for move in registry.history(collection.ref)]
    return found


@pytest.mark.slow
def test_forked_tasks_twice_add_nothing_the_second_time(registry: podium.Registry, tmp_path: Path) -> None:
    """Each task is a process of its own, told apart by its DAG run, and the second run adds no row."""
    home = tmp_path / "airflow"
    home.mkdir()
    conf = json.dumps({"folder": str(tmp_path)})
    with Stack(home) as stack:
        first = stack.run("small", "first", conf)
        before = _facts(registry)
        second = stack.run("small", "second", conf)
    assert set(first.values()) == set(second.values()) == {"success"}, stack.logs()
    assert _facts(registry) == before
    assert registry.model("model-registry/Small").aliases == {"latest": 0, "newest": 0, "production": 0}
    origins = {info.origin.identity for info in registry.runs("subjects")}
    assert origins == {"airflow:small/first/log/-1", "airflow:small/second/log/-1"}
    assert all(info.status == "finished" for info in registry.runs("subjects"))
