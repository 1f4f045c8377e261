"""MLflow's side: its SQLAlchemy store and its artifact repository, used as a library in an environment of their own."""

from __future__ import annotations

import importlib
import os
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.protocol import bytes_below, serve, time_calls

ALIAS = "champion"
_CHUNK = 5000


class MlflowSide:
    """What the conductor asks; see `benchmarks.cases`."""

    def __init__(self) -> None:
        # By name: this environment has MLflow, the one that checks the types has not.
        self._sa: Any = importlib.import_module("sqlalchemy")
        self._tables: Any = importlib.import_module("mlflow.store.model_registry.dbmodels.models")
        self._store_of: Any = importlib.import_module("mlflow.store.model_registry.sqlalchemy_store").SqlAlchemyStore
        repositories = importlib.import_module("mlflow.store.artifact.local_artifact_repo")
        self._repository_of: Any = repositories.LocalArtifactRepository
        self._store: Any = None
        self._folder = Path()
        self._next: Counter[str] = Counter()
        self._model, self._versions = "", 0
        self._newest: dict[str, Path] = {}

    def open(self, url: str, folder: str, spare: int = 0) -> None:
        """Open a store whose artifacts lie in a folder."""
        self.close()
        self._folder, self._next = Path(folder), Counter(link=spare)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._store = self._store_of(url)

    def prepare(self) -> None:
        """Opening made the schema; here is what holds the versions of the content cases."""
        self._store.create_registered_model("content")

    def seed(self, versions: int, models: int) -> float:
        """Fill the database and aim at the model in the middle; return the seconds that took."""
        start = time.perf_counter()
        model, version = self._tables.SqlRegisteredModel.__table__, self._tables.SqlModelVersion.__table__
        per_model = versions // models
        with self._store.engine.begin() as connection:
            rows = [{"name": _name(index), "creation_time": 1, "last_updated_time": 1} for index in range(models)]
            connection.execute(self._sa.insert(model), rows)
            for first in range(0, versions, _CHUNK):
                numbers = range(first, min(first + _CHUNK, versions))
                rows = [_version(_name(number // per_model), number % per_model + 1) for number in numbers]
                connection.execute(self._sa.insert(version), rows)
        self._vacuum()
        self.aim(versions, models)
        self._store.set_registered_model_alias(self._model, ALIAS, "1")
        return time.perf_counter() - start

    def aim(self, versions: int, models: int) -> None:
        """Aim at the model in the middle."""
        self._model, self._versions = _name(models // 2), versions // models

    def run(self, case: str, times: int, seconds: float) -> list[float]:
        """Time some calls of a case."""
        numbers = range(self._next[case], self._next[case] + times)
        before = self._write_file if case == "log" else None
        samples = time_calls(getattr(self, f"_{case}"), numbers, seconds, before)
        self._next[case] += len(samples)
        return samples

    def store(self, name: str, source: str) -> dict[str, float]:
        """Log a folder as a run does, into a place of its own, and make a version of it."""
        os.sync()
        place = self._folder / "artifacts" / uuid.uuid4().hex
        (seconds,) = time_calls(lambda _: self._keep(place, source), [0], 0)
        self._newest[name] = place
        return {"seconds": seconds, "bytes": bytes_below(self._folder / "artifacts")}

    def fetch(self, name: str, to: str) -> dict[str, float]:
        """Download the newest version: a copy in a folder, as asked of Podium."""
        os.sync()
        Path(to).mkdir(parents=True)
        repository = self._repository_of(str(self._newest[name]))
        (seconds,) = time_calls(lambda _: repository.download_artifacts("", to), [0], 0)
        return {"seconds": seconds, "bytes": bytes_below(Path(to))}

    def facts(self) -> dict[str, Any]:
        """Return the settings that make a commit durable, as a session of the store has them."""
        with self._store.ManagedSessionMaker() as session:
            if self._store.engine.dialect.name == "sqlite":
                names = ("PRAGMA synchronous", "PRAGMA journal_mode", "PRAGMA foreign_keys")
            else:
                names = ("SHOW fsync", "SHOW synchronous_commit", "SHOW server_version")
            facts = {name: session.execute(self._sa.text(name)).scalar() for name in names}
        version = importlib.import_module("mlflow.version").VERSION
        return {"mlflow": version, "sqlalchemy": self._sa.__version__, **facts}

    def close(self) -> None:
        """Close the store, if one is open."""
        if self._store is not None:
            self._store.engine.dispose()
            self._store = None

    def _vacuum(self) -> None:
        if self._store.engine.dialect.name == "postgresql":
            with self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(self._sa.text("VACUUM ANALYZE"))

    def _keep(self, place: Path, source: str) -> None:
        self._repository_of(str(place)).log_artifacts(source)
        self._store.create_model_version("content", str(place))

    def _write_file(self, number: int) -> None:
        (self._folder / "model.bin").write_text(f"model {os.getpid()} {number}\n" * 40, encoding="utf-8")

    def _log(self, _number: int) -> None:
        place = self._folder / "artifacts" / uuid.uuid4().hex
        self._repository_of(str(place)).log_artifact(str(self._folder / "model.bin"))
        self._store.create_model_version(self._model, str(place))

    def _link(self, number: int) -> None:
        self._store.create_model_version(self._model, f"runs/{number}")

    def _alias(self, number: int) -> None:
        self._store.set_registered_model_alias(self._model, ALIAS, str(number % self._versions + 1))

    def _read(self, _number: int) -> None:
        self._store.get_model_version_by_alias(self._model, ALIAS)

    def _overview(self, _number: int) -> None:
        self._store.get_registered_model(self._model)


def _name(index: int) -> str:
    return f"Model {index:04}"


def _version(name: str, number: int) -> dict[str, Any]:
    times = {"creation_time": 1, "last_updated_time": 1}
    state = {"current_stage": "None", "status": "READY", "source": f"seed/{number}", "storage_location": "seed"}
    return {"name": name, "version": number, **times, **state}


if __name__ == "__main__":
    side = MlflowSide()
    serve({name: getattr(side, name) for name in dir(side) if not name.startswith("_")})
    side.close()
