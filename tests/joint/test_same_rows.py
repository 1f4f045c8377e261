"""The example DAG and the example flow do the same: they leave the same rows, and running them twice adds none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MODEL = "model-registry/Digits classifier"


@pytest.fixture
def at(tmp_path: Path) -> Callable[[str], tuple[dict[str, str], Registry]]:
    """Give a host an environment and a registry of its own."""

    def make(name: str) -> tuple[dict[str, str], Registry]:
        home = tmp_path / name
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PREFECT"))}
        environment |= {
            "PODIUM_HOME": str(home / "podium"),
            "AIRFLOW_HOME": str(home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            "DO_NOT_TRACK": "1",
        }
        (home / "podium").mkdir(parents=True)
        url = f"sqlite:///{home / 'podium' / 'podium.db'}"
        return environment, open_registry(url, host=PluginHost(discover=False))

    return make


def test_dag_and_flow_leave_the_same_rows(at: Callable[[str], tuple[dict[str, str], Registry]]) -> None:
    """After one run each, everything but origin, ids and times is equal; after two, nothing is added but runs."""
    airflow, dag_registry = at("airflow")
    prefect, flow_registry = at("prefect")
    _run(["-m", "airflow", "db", "migrate"], airflow)
    _run(["-m", "airflow", "dags", "test", "train_and_promote"], airflow)
    _run([str(ROOT / "flows" / "train_and_promote.py")], prefect)
    first = _rows(dag_registry)
    assert first == _rows(flow_registry)
    assert {row["origin"] for row in _origins(dag_registry)} == {"airflow"}
    assert {row["origin"] for row in _origins(flow_registry)} == {"prefect"}
    _run(["-m", "airflow", "dags", "test", "train_and_promote"], airflow)
    _run([str(ROOT / "flows" / "train_and_promote.py")], prefect)
    for registry in (dag_registry, flow_registry):
        again = _rows(registry)
        for what in ("versions", "moves", "policy"):
            assert again[what] == first[what]
        assert len(again["runs"]) == 2 * len(first["runs"])
    assert _rows(dag_registry) == _rows(flow_registry)


def _run(words: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def _rows(registry: Registry) -> dict[str, list[str]]:
    """Everything in a registry as sorted text, without what names one execution or one moment."""
    collections = registry.collections()
    return {
        "versions": _plain(version for item in collections for version in registry.versions(item.ref)),
        "moves": _plain(move for item in collections for move in registry.history(item.ref)),
        "events": _plain(event for item in collections for event in registry.events(item.ref)),
        "checks": _plain(registry.checks(MODEL)),
        "policy": _plain([registry.policy(MODEL)]),
        "runs": _plain(registry.runs("digits")),
        "metrics": _plain(point for run in registry.runs("digits") for point in registry.metrics(run.id)),
    }


def _origins(registry: Registry) -> list[dict[str, str]]:
    return [{"origin": event.origin.kind} for event in registry.events(MODEL)]


def _plain(values: Any) -> list[str]:
    return sorted(json.dumps(_without_moment(value.to_json()), sort_keys=True) for value in values)


def _without_moment(value: Any) -> Any:
    """Leave out ids, times, durations, hashes and origins."""
    own = {
        "id",
        "run",
        "at",
        "created_at",
        "started_at",
        "heartbeat_at",
        "finished_at",
        "origin",
        "duration",
        "hash",
        "previous",
    }
    if isinstance(value, dict):
        kept = {key: _without_moment(item) for key, item in value.items() if key not in own | {"transition"}}
        return {key: item for key, item in kept.items() if not (key == "name" and "steps" in value)}
    if isinstance(value, list):
        return [_without_moment(item) for item in value]
    return value
