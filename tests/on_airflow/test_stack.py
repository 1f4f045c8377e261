"""The operators on a real Airflow: API server, scheduler with forked workers and DAG processor as processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
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
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_USERS = ("tom", "mia")  # both may answer in Airflow; what they may in the registry, its roles say


class Stack:
    """Starts the components on a fresh metadata database and stops each by its process id.

    Args:
        home: An empty folder.
        url: Of the registry, which the connection that the tasks look for is not about.
    """

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.port = home, _free_port()
        (home / "passwords.json").write_text(json.dumps({user: user for user in _USERS}))
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PODIUM_")},
            "PODIUM_URL": url,
            "PODIUM_HOME": str(home / "podium"),
            "PODIUM_ACTOR": "airflow",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:admin" for user in _USERS),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
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
        self.trigger(dag_id, run_id, conf)
        return self.ended(run_id)

    def trigger(self, dag_id: str, run_id: str, conf: str = "{}") -> None:
        """Trigger a DAG as soon as it is there."""
        self.wait_for_dag(dag_id)
        self.airflow("dags", "trigger", dag_id, "--run-id", run_id, "--conf", conf)

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has read a DAG."""
        self._wait(f"the DAG {dag_id}", lambda: self._rows("select 1 from serialized_dag where dag_id = ?", dag_id))

    def wait_for_alias(self, registry: podium.Registry, model: str, alias: str) -> None:
        """Wait until a task has set an alias."""
        self._wait(f"the alias {alias}", lambda: registry.history(model, alias))

    def wait_for_deliveries(self, registry: podium.Registry) -> None:
        """Deliver until nothing waits any more."""
        self._wait("the deliveries", lambda: registry.deliver() and not registry.deliveries("pending"))

    def count_runs(self, dag_id: str) -> int:
        """Return how many runs a DAG has."""
        ((count,),) = self._rows("select count(*) from dag_run where dag_id = ?", dag_id)
        return int(count)

    def ended(self, run_id: str) -> dict[str, str]:
        """Wait until a DAG run has ended and return the state of each task instance."""
        ended = "select state from dag_run where run_id = ? and state in ('success', 'failed')"
        self._wait(f"the run {run_id}", lambda: self._rows(ended, run_id))
        return self.states(run_id)

    def states(self, run_id: str) -> dict[str, str]:
        """Return the state of each task instance of a DAG run, as it is now."""
        return dict(self._rows("select task_id, state from task_instance where run_id = ?", run_id))

    def wait_for_state(self, run_id: str, task_id: str, state: str) -> None:
        """Wait until a task instance is in a state."""
        self._wait(f"{task_id} in {state}", lambda: self._in_state(run_id, task_id, state))

    def _in_state(self, run_id: str, task_id: str, state: str) -> bool:
        states = self.states(run_id)
        assert "upstream_failed" not in states.values(), f"{states}\n{self.logs()}"
        return states.get(task_id) == state

    def wait_for_question(self, run_id: str) -> None:
        """Wait until the task ``approve`` asks, and the scheduler has noted that its worker ended.

        Airflow 3.3.2 takes an answer that is faster than this, as no person is, for a failure of the task.
        """
        self.wait_for_state(run_id, "approve", "awaiting_input")
        tries = "select try_number from task_instance where run_id = ? and task_id = 'approve'"
        ((number,),) = self._rows(tries, run_id)
        noted = re.compile(
            rf"Finished: .*task_id=approve, run_id={run_id}, .*state=awaiting_input, .*try_number={number},"
        )
        log = self.home / "scheduler.log"
        self._wait(f"the end of the worker of {run_id}", lambda: noted.search(log.read_text()))

    def respond(self, dag_id: str, run_id: str, user: str, choice: str, comment: str) -> None:
        """Answer the question of the task ``approve``, as the page of required actions does for a user."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
        self.call(user, "PATCH", path, {"chosen_options": [choice], "params_input": {"comment": comment}})

    def call(self, user: str, method: str, path: str, body: dict[str, Any]) -> Any:
        """Make a call of Airflow's REST API in the name of a user."""
        token = self._http("POST", "auth/token", {"username": user, "password": user})["access_token"]
        return self._http(method, f"api/v2/{path}", body, {"Authorization": f"Bearer {token}"})

    def _http(self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

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


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The registry of all tests of this file, as its stack serves them all."""
    return f"sqlite:///{tmp_path_factory.mktemp('registry')}/podium.db"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Stack]:
    """A running Airflow."""
    with Stack(tmp_path_factory.mktemp("airflow"), url) as running:
        yield running


@pytest.fixture
def registry(url: str) -> Iterator[podium.Registry]:
    """The registry that the tasks of the stack use."""
    opened = podium.open_registry(url, actor="ann")
    yield opened
    opened.close()


@pytest.mark.slow
def test_forked_tasks_twice_add_nothing_the_second_time(
    stack: Stack, registry: podium.Registry, tmp_path: Path
) -> None:
    """Each task is a process of its own, told apart by its DAG run, and the second run adds no row."""
    conf = json.dumps({"folder": str(tmp_path)})
    first = stack.run("small", "first", conf)
    before = _facts(registry)
    second = stack.run("small", "second", conf)
    assert set(first.values()) == set(second.values()) == {"success"}, stack.logs()
    assert _facts(registry) == before
    assert registry.model("model-registry/Small").aliases == {"latest": 0, "newest": 0, "production": 0}
    origins = {info.origin.identity for info in registry.runs("subjects")}
    assert origins == {"airflow:small/first/log/-1", "airflow:small/second/log/-1"}
    assert all(info.status == "finished" for info in registry.runs("subjects"))


@pytest.mark.slow
def test_people_answer_in_airflow_and_the_registry_judges(stack: Stack, registry: podium.Registry) -> None:
    """Tom may not and the task fails; cleared, it asks again, Mia agrees, and what waited in three ways goes on."""
    model = "model-registry/Digits with approval"
    registry.grant_role("model-registry", "ann", "admin")  # so that approvals need that role, too
    registry.grant_role("model-registry", "airflow", "admin")
    registry.grant_role("model-registry", "mia", "admin")
    stack.trigger("approve_and_promote", "asked")
    stack.wait_for_question("asked")
    (request,) = registry.list_requests(model)
    stack.trigger("waiting", "waiting", json.dumps({"request": request.id, "ref": request.ref}))
    stack.wait_for_state("waiting", "promote", "deferred")
    stack.wait_for_state("waiting", "deferring", "deferred")
    stack.respond("approve_and_promote", "asked", "tom", "Approve", "Go!")
    assert stack.ended("asked")["approve"] == "failed", stack.logs()
    assert registry.transition(request.id).approvals == ()

    # Cleared with what follows, which failed because of it.
    again = {"dry_run": False, "dag_run_id": "asked", "task_ids": ["approve"], "include_downstream": True}
    stack.call("tom", "POST", "dags/approve_and_promote/clearTaskInstances", again)
    stack.wait_for_question("asked")
    stack.respond("approve_and_promote", "asked", "mia", "Approve", "Seen the curves.")
    asked, waited = stack.ended("asked"), stack.ended("waiting")
    assert (set(asked.values()), set(waited.values())) == ({"success"}, {"success"}), stack.logs()

    made = registry.transition(request.id)
    (word,) = made.approvals
    assert (made.status, made.actor, word.actor) == ("committed", "airflow", "airflow")
    assert (word.person, word.decision, word.comment) == ("mia", "approved", "Seen the curves.")
    assert word.origin.identity == "airflow:approve_and_promote/asked/approve/-1"
    assert registry.resolve(f"{model}:production").ref == request.ref


@pytest.mark.slow
def test_a_rejection_in_airflow_skips_what_follows(stack: Stack, registry: podium.Registry) -> None:
    """The request ended with what was said, and nothing moved."""
    model = "model-registry/Digits rejected"
    stack.trigger("approve_and_promote", "rejected", json.dumps({"model": model}))
    stack.wait_for_question("rejected")
    stack.respond("approve_and_promote", "rejected", "mia", "Reject", "Too slow.")
    states = stack.ended("rejected")
    assert (states["approve"], states["moved"], states["deploy"]) == ("success", "skipped", "skipped"), stack.logs()
    (made,) = registry.list_requests(model, status="rejected")
    assert made.outcome == "Rejected by mia: Too slow."
    assert "production" not in registry.model(model).aliases


@pytest.mark.slow
def test_a_promotion_starts_dags_once_and_never_in_circles(
    stack: Stack, registry: podium.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DAG run by its id and one by an asset, however often they are delivered; what they change knows its chain."""
    monkeypatch.setenv("PODIUM_AIRFLOW_URL", f"http://127.0.0.1:{stack.port}")
    monkeypatch.setenv("AIRFLOW_PASSWORD", "tom")
    model, login = "model-registry/Started", {"username": "tom", "password": "env:AIRFLOW_PASSWORD"}
    for dag in ("started", "announced"):
        stack.wait_for_dag(dag)
    promoted = {"events": ["model_version.promoted"], "model": model}
    registry.automate("start", "airflow.trigger_dag", settings={"dag_id": "started", **login}, **promoted)
    only = "after.stage = 'staging'"
    asset = {"uri": "x-podium://announced", **login}
    registry.automate("announce", "airflow.asset_event", settings=asset, filter=only, **promoted)
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"weights")
    registry.log("p/started", weights)
    ref = registry.promote(registry.link("p/started", model).ref, "staging").ref
    stack.wait_for_deliveries(registry)  # right after a change, an API server that starts may be too slow
    fired = {item.subscription: item for item in registry.deliveries() if item.kind == "automation"}
    assert {item.status for item in fired.values()} == {"sent"}, [item.error for item in fired.values()]
    run = f"podium__start__{fired['start'].id}"
    assert fired["start"].receipt == f"DAG run started/{run}"
    assert stack.ended(run) == {"promote": "success"}, stack.logs()
    stack.wait_for_alias(registry, model, "announced")
    (seen,) = registry.history(model, "announced")
    (held,) = registry.history(model, "production")
    assert (seen.origin.details["dag_id"], seen.origin.details["automations"]) == ("announced", ["announce"])
    assert (held.origin.details["run_id"], held.origin.details["automations"]) == (run, ["start"])
    stack.wait_for_deliveries(registry)
    told = [event for event in registry.events(model) if event.type == "automation.failed"]
    assert [event.after["error"] for event in told] == ["It would go in circles: start > start."]

    with registry._database.write() as connection:  # as if the answers had been lost
        connection.exec_driver_sql("update deliveries set status = 'pending' where status = 'sent'")
    stack.wait_for_deliveries(registry)
    again = {item.subscription: item for item in registry.deliveries("sent") if item.event == fired["start"].event}
    assert all("earlier attempt" in item.receipt for item in again.values()), again
    assert len(again) == 2
    assert stack.count_runs("started") == stack.count_runs("announced") == 1
    assert registry.resolve(f"{model}:production").ref == ref
