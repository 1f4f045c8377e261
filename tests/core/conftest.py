"""What the tests of the verbs share: a look at every row, tasks that are retried, and a model to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.domain.origin import Origin
from podium.plugins import hookimpl
from podium.plugins.host import PluginHost
from podium.registry import Registry
from podium.sql.tables import metadata
from tests.core.actors import Actors

MODEL = "model-registry/Digits classifier"


@dataclass(frozen=True)
class Task:
    """A plugin that says which task calls, as the adapters do."""

    identity: str | None

    @hookimpl
    def podium_origin(self) -> Origin:
        return Origin("airflow", f"DAG train · task {self.identity}", identity=self.identity)


@pytest.fixture
def rows() -> Callable[[Registry], dict[str, list[str]]]:
    """Every row of every table, to compare before and after a call that must change nothing."""

    def look(registry: Registry) -> dict[str, list[str]]:
        with registry._database.read() as connection:
            return {
                table.name: sorted(repr(row) for row in connection.execute(sa.select(table)))
                for table in metadata.sorted_tables
            }

    return look


@pytest.fixture
def as_task(open_at: Callable[..., Registry], database_url: str) -> Callable[[str | None], Registry]:
    """Open the database of this test in the name of a task; the same name again is a retry."""

    def make(identity: str | None) -> Registry:
        host = PluginHost(discover=False)
        host.register(Task(identity), "task")
        return open_at(database_url, host=host)

    return make


@pytest.fixture
def linked(model_file: Callable[[str], Path]) -> Callable[..., str]:
    """Log and link so many different versions; they are v0, v1, ... of the model."""

    def make(registry: Registry, count: int, **more: object) -> str:
        for number in range(count):
            registry.log("digits/mlp", model_file(f"model {number}"), **more)
            registry.link("digits/mlp", MODEL)
        return MODEL

    return make


@pytest.fixture
def actors(database_url: str, tmp_path: Path) -> Iterator[Actors]:
    """Processes that act on the registry of this test, all at once."""
    server = Actors(database_url, tmp_path / "content", tmp_path / "home")
    yield server
    server.close()
