"""An Airflow of its own for these tests: chosen before anything imports Airflow, and gone after them.

The test modules import no Airflow themselves (the names of `podium.airflow` load at first use), so collecting them
costs nothing and changes nothing for the tests of other folders.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import podium

HERE = Path(__file__).parent
DAGS = HERE.parents[1] / "dags"
SUBJECTS = HERE / "subjects"
HOME = Path(tempfile.gettempdir()) / f"podium-airflow-{os.getpid()}"
DAG_FOLDERS = {"examples": DAGS, "subjects": SUBJECTS}


def airflow_environment(home: Path) -> dict[str, str]:
    """Return the environment of an Airflow that lives in a folder and knows the DAGs of this repository."""
    bundles = [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder), "refresh_interval": 5},
        }
        for name, folder in DAG_FOLDERS.items()
    ]
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
    }


# Warnings of Airflow and of what it brings; ours stay errors.
AIRFLOW_WARNINGS = (
    # dag.test() talks to Airflow's own API in this process through Starlette's test client.
    "ignore:Using .httpx. with .starlette.testclient. is deprecated",
)

if importlib.util.find_spec("airflow") is None:
    collect_ignore_glob = ["test_*.py"]  # an environment without the extra 'airflow' has nothing to test here
else:
    assert "airflow" not in sys.modules, "Airflow was imported before its home was chosen."
    os.environ.update(airflow_environment(HOME))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pass what Airflow itself warns of."""
    for item in items:
        if HERE in item.path.parents:
            for warning in AIRFLOW_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session", autouse=True)
def airflow_home() -> Iterator[Path]:
    """A metadata database in a folder that goes with the session."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    from airflow import settings
    from airflow.utils.db import initdb

    # Airflow sends the root logger to the standard output of now; tests of other folders read theirs.
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    root.setLevel(level)
    initdb()
    yield HOME
    settings.dispose_orm(do_log=False)
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[podium.Registry]:
    """A fresh registry, which is also the one that the environment names."""
    monkeypatch.setenv("PODIUM_URL", f"sqlite:///{tmp_path}/podium.db")
    opened = podium.open_registry()
    yield opened
    opened.close()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file to log."""
    file = tmp_path / "weights.bin"
    file.write_bytes(b"weights")
    return file


@pytest.fixture
def dags(airflow_home: Path) -> dict[str, Any]:
    """Every DAG of the two folders by its id; a file that cannot be imported fails here."""
    return load_dags()


@pytest.fixture
def run_dag(airflow_home: Path) -> Callable[..., Any]:
    """Run a DAG in this process with `dag.test()` and return its finished DAG run."""

    def run(dag_id: str, **conf: Any) -> Any:
        # Read the file anew: dag.test() writes the values of its conf into the params of the DAG object.
        return load_dags()[dag_id].test(run_conf=conf)

    return run


def load_dags() -> dict[str, Any]:
    """Read the DAG files, all of which must import."""
    from airflow.dag_processing.dagbag import DagBag

    found: dict[str, Any] = {}
    for name, folder in DAG_FOLDERS.items():
        bag = DagBag(dag_folder=str(folder), bundle_name=name)
        assert bag.import_errors == {}
        found.update(bag.dags)
    return found
