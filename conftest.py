"""The code blocks of README.md and docs/ are tests: each document runs from top to bottom in a folder of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

_NAMES = (
    *("PODIUM_HOME", "AIRFLOW_HOME", "PREFECT_HOME", "AIRFLOW__CORE__LOAD_EXAMPLES"),
    *("HOOK_SECRET", "PODIUM_WEBHOOK_ALLOW", "TEAM_URL"),  # the pages about channels set them
)


def _enter(namespace: dict[str, Any]) -> None:
    """Give a document an empty registry and two model files."""
    folder = tempfile.TemporaryDirectory(prefix="podium-docs-")
    namespace["_before"] = (Path.cwd(), {name: os.environ.get(name) for name in _NAMES}, folder)
    home = Path(folder.name)
    os.environ["PODIUM_HOME"] = str(home / "podium")
    os.environ.setdefault("AIRFLOW_HOME", str(home / "airflow"))
    os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
    os.chdir(home)
    (home / "model.joblib").write_bytes(b"a model")
    (home / "better.joblib").write_bytes(b"a better model")


def _leave(namespace: dict[str, Any]) -> None:
    where, environment, folder = namespace["_before"]
    for value in list(namespace.values()):
        if type(value).__name__ == "Registry":
            value.close()
    os.chdir(where)
    for name, value in environment.items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
    folder.cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md"],
    setup=_enter,
    teardown=_leave,
).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow warns at import of things that it does itself."""
    for item in items:
        if item.path.suffix == ".md":
            item.add_marker(pytest.mark.filterwarnings("ignore::Warning:airflow"))
