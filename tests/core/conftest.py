"""What the tests of the verbs share: a look at every row, tasks that are retried, and a model to begin with."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.domain.bundle import ImportReport
from podium.domain.origin import Origin
from podium.plugins import hookimpl
from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry
from podium.sql.tables import metadata
from tests.core.actors import Actors

MODEL = "model-registry/Digits classifier"
Open = Callable[..., Registry]
Move = Callable[..., ImportReport]


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


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shared_registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that the tests of a module share, on each database in turn: they only read, or roll back."""
    folder = tmp_path_factory.mktemp("shared")
    url = f"sqlite:///{folder / 'podium.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("shared_database")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODIUM_HOME", str(folder / "home"))
        registry = open_registry(url, content=folder / "content", actor="ann", host=PluginHost(discover=False))
        registry.upgrade()
        yield registry
        registry.close()


@pytest.fixture(scope="module")
def shared_database(pg_server: str) -> Iterator[str]:
    """The URL of an empty database of the server."""
    name = f"podium_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(pg_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        yield sa.make_url(pg_server).set(database=name).render_as_string(hide_password=False)
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.dispose()


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


@pytest.fixture
def there(database_url: str, tmp_path: Path, open_at: Open) -> Registry:
    """An empty registry to import into, on each database in turn."""
    url = database_url.replace("podium.db", "there.db")
    return open_at(url, content=tmp_path / "there", actor="bob")


@pytest.fixture
def move(tmp_path: Path) -> Move:
    """Export from one registry and import into another."""

    def move(source: Registry, target: Registry, *refs: str, **more: bool) -> ImportReport:
        source.export_bundle(*refs, to=tmp_path / "moved.podium", overwrite=True)
        return target.import_bundle(tmp_path / "moved.podium", **more)

    return move
