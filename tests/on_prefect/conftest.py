"""Prefect is real here: fast tests call the functions of tasks, the others run in one server per session."""

import importlib.util
import os
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

# Prefect reads its settings when it is imported. Nothing of these tests goes to the home folder or to the network.
_HOME = tempfile.mkdtemp(prefix="podium-prefect-")
os.environ.update(
    PREFECT_HOME=_HOME,
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    PREFECT_LOGGING_LEVEL="CRITICAL",
    PREFECT_LOGGING_TO_API_ENABLED="false",
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW="ignore",
    PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION="false",
    PREFECT_SERVER_LOGGING_LEVEL="CRITICAL",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",  # a busy machine starts it slowly
)
os.environ.pop("PREFECT_API_URL", None)

HERE = Path(__file__).parent
COUNTED = ("versions", "memberships", "alias_moves", "transitions", "policies", "events")


@pytest.fixture
def home(_home, tmp_path):
    """Podium's folder in this test, as the environment names it on a laptop."""
    return tmp_path / "home"


@pytest.fixture
def registry(home):
    from podium import open_registry

    opened = open_registry()
    yield opened
    opened.close()


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def linked(registry, model_file):
    """A model with the versions v0 and v1, and nothing in production."""
    for content in (b"first", b"second"):
        model_file.write_bytes(content)
        version = registry.log("p/classifier", model_file)
        registry.link(version.ref, "model-registry/Classifier")
    return "model-registry/Classifier"


@pytest.fixture
def rows(home):
    """Count the rows that a repeated run must not add to."""

    def count():
        database = sqlite3.connect(home / "podium.db")
        try:
            found = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}
            types = database.execute("SELECT type FROM events")
            checked = sum(1 for (name,) in types if name == "model_version.checked")
        finally:
            database.close()
        return {**found, "events": found["events"] - checked}  # tests are recorded each time they run

    return count


@pytest.fixture(scope="session")
def server():
    """A Prefect server for the session; it takes 10 to 20 seconds to start."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # Each flow run would wait a second at its end for the thread of its heartbeat.
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture
def flows():
    """The folder of the example flows."""
    return HERE.parent.parent / "flows"


@pytest.fixture
def load_flow(flows):
    """Load an example flow as a module of its file's name."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, flows / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # Prefect looks a flow's module up to resolve its annotations
        spec.loader.exec_module(module)
        return getattr(module, name)

    return load
