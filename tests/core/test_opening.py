"""Opening a registry: what is wrong is said, typed, without a secret, and nothing is touched before the first call."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from podium.errors import DatabaseUnavailableError, InvalidValueError, SchemaOutdatedError, SettingsError, StorageError
from podium.registry import open_registry

BAD_URLS = [
    "nonsense",
    "://",
    "mysql://u:secret-word@host/db",
    "oracle://u:secret-word@host/db",
    "sqlite://",
    "sqlite:///:memory:",
    "postgresql+nosuchdriver://u:secret-word@host/db",
    "postgresql+asyncpg://u:secret-word@host/db",
    "sqlite+nosuchdriver:///x.db",
    "postgresql://u:secret-word@host:port/db",
    "http://u:secret-word@host/db",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_urls_that_cannot_be_used(url) -> None:
    """A URL that no driver serves is a SettingsError with a hint, and never shows its password."""
    with pytest.raises(SettingsError) as caught:
        open_registry(url).models()
    assert caught.value.hint
    assert "secret-word" not in str(caught.value)


def test_opening_touches_nothing(tmp_path) -> None:
    """No file, folder or connection is made before the first call."""
    open_registry(f"sqlite:///{tmp_path / 'sub' / 'x.db'}", content=tmp_path / "content")
    assert list(tmp_path.iterdir()) == []


def test_the_default_lives_in_podium_home(monkeypatch, tmp_path, model_file) -> None:
    """Without any setting, database and content lie in PODIUM_HOME."""
    monkeypatch.setenv("PODIUM_HOME", str(tmp_path / "here"))
    registry = open_registry()
    registry.log("p/a", model_file("a"))
    registry.close()
    assert (tmp_path / "here" / "podium.db").is_file()
    assert registry.content == str(tmp_path / "here" / "content")


def test_the_environment_is_read_when_opened(monkeypatch, tmp_path) -> None:
    """PODIUM_URL, PODIUM_CONTENT and PODIUM_ACTOR count at the moment of opening."""
    monkeypatch.setenv("PODIUM_URL", f"sqlite:///{tmp_path / 'env.db'}")
    monkeypatch.setenv("PODIUM_CONTENT", str(tmp_path / "there"))
    monkeypatch.setenv("PODIUM_ACTOR", "bob")
    registry = open_registry()
    assert (registry.content, registry.settings.actor) == (str(tmp_path / "there"), "bob")
    registry.close()


def test_content_lies_beside_the_database(tmp_path, model_file) -> None:
    """The content of an SQLite file is the folder `content` beside it."""
    registry = open_registry(f"sqlite:///{tmp_path / 'x.db'}")
    registry.log("p/a", model_file("a"))
    registry.close()
    assert (tmp_path / "content" / "blobs").is_dir()


@pytest.mark.parametrize(
    ("file", "error"),
    [("folder/none.db", SettingsError), ("folder", SettingsError), ("text.db", SettingsError)],
)
def test_files_that_are_no_database(tmp_path, file, error) -> None:
    """A missing folder, a folder, and a file of something else are typed errors."""
    (tmp_path / "text.db").write_text("this is not a database, but a text that is long enough to look like one\n" * 9)
    if file == "folder":
        (tmp_path / "folder").mkdir()
    with pytest.raises(error):
        open_registry(f"sqlite:///{tmp_path / file}").models()


def test_an_sqlite_file_of_somebody_else(tmp_path) -> None:
    """A database with tables of another program gets Podium's beside them, and loses nothing."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("create table mine (x)")
        connection.commit()
    registry = open_registry(f"sqlite:///{tmp_path / 'other.db'}")
    assert registry.models() == []
    registry.close()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        assert connection.execute("select count(*) from mine").fetchone() == (0,)


def test_a_dead_postgresql_port() -> None:
    """A server that does not answer is a retryable error without the password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    registry = open_registry(f"postgresql://u:secret-word@127.0.0.1:{port}/db")
    with pytest.raises(DatabaseUnavailableError) as caught:
        registry.models()
    assert caught.value.retryable
    assert "secret-word" not in f"{caught.value} {registry!r} {caught.value.to_json()}"


@pytest.mark.postgres
def test_a_wrong_password_or_database(new_pg_url) -> None:
    """A database that does not exist is an error of the database, not a traceback of the driver."""
    url = new_pg_url()
    with pytest.raises(DatabaseUnavailableError):
        open_registry(url.replace("/podium_", "/nosuch_")).models()


@pytest.mark.permissions
def test_a_database_that_may_not_be_written(tmp_path) -> None:
    """A read-only file is a StorageError at the first write."""
    open_registry(f"sqlite:///{tmp_path / 'x.db'}").models()
    (tmp_path / "x.db").chmod(0o444)
    with pytest.raises(StorageError):
        open_registry(f"sqlite:///{tmp_path / 'x.db'}").start_run("p")


def test_the_content_place_is_recorded_at_first_use(registry, database_url, open_at, tmp_path, model_file) -> None:
    """A process that is configured for another place is refused; one that says nothing takes the recorded one."""
    registry.log("p/a", model_file("a"))
    other = open_at(database_url, content=tmp_path / "other")
    with pytest.raises(SettingsError) as caught:
        other.log("p/a", model_file("b"))
    assert caught.value.recorded == str(tmp_path / "content")
    assert not (tmp_path / "other").exists()
    assert open_at(database_url, content=None).content == str(tmp_path / "content")
    assert open_at(database_url, content=f"{tmp_path}/content/").content == str(tmp_path / "content")


def test_a_content_place_that_cannot_be_used(registry, database_url, open_at, tmp_path, model_file, rows) -> None:
    """A file where the folder should be is a StorageError, and is not recorded: the right place works afterwards."""
    (tmp_path / "file").write_text("x")
    registry.models()
    before = {**rows(registry), "settings": []}
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError):
            open_at(database_url, content=place).log("p/a", model_file("a"))
    after = rows(registry)
    assert [text for text in after["settings"] if not text.startswith("('content_owner'")] == []
    assert {**after, "settings": []} == before
    assert registry.log("p/a", model_file("a")).number == 0


@pytest.mark.parametrize("content", ["ftp://host/x", "https://u:secret-word@host/x", "s3://k:secret-word@bucket/x"])
def test_a_content_place_of_no_known_kind(tmp_path, content) -> None:
    """Only folders and object storage keep content; another place is refused, without the password it may carry."""
    with pytest.raises(SettingsError) as caught:
        open_registry(f"sqlite:///{tmp_path / 'x.db'}", content=content)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("actor", ["a\0", "\ud800"], ids=ascii)
def test_an_actor_that_cannot_be_kept(tmp_path, actor) -> None:
    """An actor that no database can hold is refused when the registry is opened."""
    with pytest.raises((SettingsError, InvalidValueError)):
        open_registry(f"sqlite:///{tmp_path / 'x.db'}", actor=actor)


def test_a_table_that_is_gone(tmp_path, model_file) -> None:
    """A database that lost a table is a SchemaOutdatedError in words of Podium."""
    registry = open_registry(f"sqlite:///{tmp_path / 'x.db'}")
    registry.models()
    with registry._database.write() as connection:
        connection.exec_driver_sql("drop table aliases")
    with pytest.raises(SchemaOutdatedError, match="podium db upgrade"):
        registry.log("p/a", model_file("a"))
    registry.close()


def test_a_registry_may_be_used_after_close(lite, model_file) -> None:
    """Closing ends connections, not the registry."""
    lite.log("p/a", model_file("a"))
    lite.close()
    assert lite.resolve("p/a").number == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_has_its_own_connections(registry, model_file, tmp_path) -> None:
    """A forked process builds its own engine and leaves the parent's connections alone."""
    registry.log("p/a", model_file("a"))
    path, result = model_file("b"), tmp_path / "result"
    child = os.fork()
    if child == 0:  # pragma: no cover - the child does not report
        try:
            result.write_text(registry.log("p/a", path).version)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert Path(result).read_text() == "v1"
    assert registry.resolve("p/a").number == 1


@pytest.mark.parametrize("query", ["user=u&password=p4ss-word", "sslpassword=p4ss-word", "passfile=p4ss-word"])
def test_passwords_among_the_options_of_a_url(query) -> None:
    """A password that stands among the options of a URL is shown as little as one before the host."""
    registry = open_registry(f"postgresql://127.0.0.1:1/db?{query}")
    with pytest.raises(DatabaseUnavailableError) as caught:
        registry.models()
    assert "p4ss-word" not in f"{caught.value} {registry.url} {registry!r}"
