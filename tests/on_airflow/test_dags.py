"""DAGs run in this process with `dag.test()`, and running them again adds nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import podium

RunDag = Callable[..., Any]
DIGITS = "model-registry/Digits classifier"
TWO = ["naive_bayes", "logistic_regression"]


def rows(registry: podium.Registry) -> list[str]:
    """Return every version, link and move of an alias or stage, with the DAG run it came from."""
    found = []
    for collection in registry.collections():
        found += [f"{item.ref} {item.source} {item.origin.identity}" for item in registry.versions(collection.ref)]
        for move in registry.history(collection.ref):
            found.append(f"{collection.ref} {move.alias} {move.kind} {move.after} {move.origin.identity}")
    return found


def run_ids(registry: podium.Registry, project: str) -> set[str]:
    return {info.origin.details["run_id"] for info in registry.runs(project)}


def states(run: Any) -> dict[str, str]:
    return {item.task_id: str(item.state) for item in run.get_task_instances()}


def test_every_file_imports_and_every_dag_can_be_stored(dags: dict[str, Any]) -> None:
    """What the scheduler reads is the stored form."""
    from airflow.serialization.serialized_objects import DagSerialization

    examples = {"train_and_promote", "refuse_and_roll_back", "approve_and_promote"}
    assert examples | {"small", "retried", "failing", "waiting"} <= set(dags)
    for dag_id, item in dags.items():
        assert DagSerialization.from_dict(DagSerialization.to_dict(item)).dag_id == dag_id


def test_each_operator_in_a_dag_twice(run_dag: RunDag, registry: podium.Registry, tmp_path: Path) -> None:
    """The second DAG run is another execution of the same work: a run of its own, and no row more."""
    first = run_dag("small", folder=str(tmp_path))
    before = rows(registry)
    assert run_dag("small", folder=str(tmp_path)).state == first.state == "success"
    assert rows(registry) == before
    assert len(run_ids(registry, "subjects")) == 2
    assert registry.model("model-registry/Small").aliases == {"latest": 0, "newest": 0, "production": 0}


@pytest.mark.usefixtures("registry")
def test_what_goes_through_xcom_is_plain_json(run_dag: RunDag, tmp_path: Path) -> None:
    """And templates, outputs and whole dicts all arrive as references."""
    done = run_dag("small", folder=str(tmp_path))
    for item in done.get_task_instances():
        value = item.xcom_pull(task_ids=item.task_id)
        assert value is not None
        assert json.loads(json.dumps(value)) == value


def test_the_origin_is_the_task_that_runs(run_dag: RunDag, registry: podium.Registry, tmp_path: Path) -> None:
    """In a DAG run that `dag.test()` makes, too."""
    done = run_dag("small", folder=str(tmp_path))
    origin = registry.resolve("subjects/small").origin
    assert (origin.kind, origin.label) == ("airflow", "DAG small · task log")
    assert origin.identity == f"airflow:small/{done.run_id}/log/-1"
    assert origin.details["log_url"] == origin.url


def test_a_second_attempt_adds_nothing(run_dag: RunDag, registry: podium.Registry, tmp_path: Path) -> None:
    """Each task died after its commit; its retry, mapped or not, finds what the first attempt did."""
    done = run_dag("retried", folder=str(tmp_path))
    assert set(states(done).values()) == {"success"}
    assert {item.try_number for item in done.get_task_instances() if item.task_id in ("log", "link", "promote")} == {2}
    assert sorted(item.ref for item in registry.versions("subjects/retried")) == [
        f"subjects/retried:v{number}" for number in range(3)
    ]
    moves = [(move.alias, move.after) for move in registry.history("model-registry/Retried")]
    assert moves == [("production", 0), ("staging", 0)]
    assert len(registry.versions("model-registry/Retried")) == 1


def test_attempts_differ_and_their_identity_does_not(
    run_dag: RunDag, registry: podium.Registry, tmp_path: Path
) -> None:
    """Two runs per mapped task, told apart by their try."""
    run_dag("retried", folder=str(tmp_path))
    origins = [info.origin for info in registry.runs("subjects")]
    assert len(origins) == 6
    assert len({origin.identity for origin in origins}) == 3
    assert {origin.details["try_number"] for origin in origins} == {1, 2}


def test_what_fails_for_good_is_not_tried_again(
    run_dag: RunDag, registry: podium.Registry, weights: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """A refusal, a failed check and a wrong name fail at once; a database that is away is tried again."""
    secret = "hush-hush-3"
    away = {"conn_type": "podium", "extra": {"dsn": f"postgresql://ann:{secret}@127.0.0.1:1/podium"}}
    monkeypatch.setenv("AIRFLOW_CONN_PODIUM_AWAY", json.dumps(away))
    ref = registry.link(registry.log("subjects/failing", weights).ref, "model-registry/Failing").ref
    registry.set_policy("model-registry/Failing", podium.Policy((podium.Stage("production", checks=("accuracy",)),)))
    done = run_dag("failing", ref=ref)
    assert set(states(done).values()) == {"failed"}
    tries = {item.task_id: item.try_number for item in done.get_task_instances()}
    assert tries == {"refused": 1, "tested": 1, "unknown": 1, "away": 3}
    said = "".join(capfd.readouterr())
    assert "required check 'accuracy' has not run" in said
    assert secret not in said


def test_the_example_twice(run_dag: RunDag, registry: podium.Registry) -> None:
    """`train_and_promote` ends with the best candidate in production; a second run adds no row."""
    assert run_dag("train_and_promote").state == "success"
    assert registry.resolve(f"{DIGITS}:production").source == "digits/support-vectors:v0"
    before = rows(registry)
    assert run_dag("train_and_promote").state == "success"
    assert rows(registry) == before
    assert len(run_ids(registry, "digits")) == 2


@pytest.mark.slow
def test_the_story_of_the_examples_twice(run_dag: RunDag, registry: podium.Registry) -> None:
    """Two candidates, then three, then a refusal and a rollback; and all of it once more."""
    for _ in range(2):
        assert run_dag("train_and_promote", candidates=TWO).state == "success"
        assert registry.resolve(f"{DIGITS}:production").source == "digits/logistic-regression:v0"
        assert run_dag("train_and_promote").state == "success"
        assert registry.resolve(f"{DIGITS}:production").source == "digits/support-vectors:v0"
        refused = run_dag("refuse_and_roll_back")
        assert refused.state == "success"
        assert registry.resolve(f"{DIGITS}:production").source == "digits/logistic-regression:v0"
    (task,) = (item for item in refused.get_task_instances() if item.task_id == "promotion_is_refused")
    reasons = task.xcom_pull(task_ids="promotion_is_refused")
    assert any("has not been in 'staging'" in reason for reason in reasons)
    assert any("not_worse_than_champion" in reason for reason in reasons)
    assert any("the rule is 'accuracy >= production.accuracy - 0.005'" in reason for reason in reasons)
    assert len(registry.versions(DIGITS)) == 3


def test_nothing_to_roll_back_to_is_skipped(run_dag: RunDag, registry: podium.Registry) -> None:
    """The second of two runs finds no earlier holder and says so instead of failing."""
    run_dag("train_and_promote", candidates=TWO)
    done = run_dag("refuse_and_roll_back")
    assert (str(done.state), states(done)["roll_back"]) == ("success", "skipped")
    assert registry.resolve(f"{DIGITS}:production").source == "digits/logistic-regression:v0"


@pytest.mark.slow
def test_the_example_from_the_command_line(registry: podium.Registry) -> None:
    """As `dags/README.md` says, in a process of its own."""
    command = [sys.executable, "-m", "airflow", "dags", "test", "train_and_promote", "--conf"]
    done = subprocess.run(
        [*command, json.dumps({"candidates": TWO})],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert registry.resolve(f"{DIGITS}:production").origin.details["dag_id"] == "train_and_promote"
