"""What a database says when it cannot do something now: which error that is, and that it passes with its cause."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.errors import (
    ConflictError,
    DatabaseUnavailableError,
    PodiumError,
    SettingsError,
    StorageError,
    is_away,
)
from podium.registry import Registry
from podium.sql.tables import settings
from tests.conftest import _execute
from tests.core.test_disk_full import SmallDisk, small_disk  # noqa: F401 - the fixture


def said_by_server(registry: Registry, state: str, message: str = "what it says") -> PodiumError:
    """Let the server raise an error with a code, and return what becomes of it."""
    statement = f"DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(PodiumError) as caught, registry._database.write() as connection:
        connection.exec_driver_sql(statement)
    return caught.value


def write_through_a_read_only_connection(registry: Registry) -> None:
    """Write as a process does that was given a file to read only."""
    with registry._database.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("DELETE FROM settings")


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """A database whose new sessions take no writes, as those of a standby; the sessions that there were are ended."""
    name = url.partition("?")[0].rpartition("/")[2]
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    _execute(url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    _execute(url, end + "AND pid <> pg_backend_pid()")
    try:
        yield
    finally:
        # A session of its own that may write: those of the database may not.
        _execute(url + "&options=-cdefault_transaction_read_only%3Doff", f'ALTER DATABASE "{name}" RESET ALL')


@pytest.mark.postgres
def test_a_server_that_is_read_only_for_a_moment(
    new_pg_url: Callable[[], str], open_at: Callable[..., Registry]
) -> None:
    """It is retryable, speaks of the server and not of files, reads go on, and the same registry writes afterwards."""
    url = new_pg_url()
    registry = open_at(url)
    registry.start_run("p")
    registry.close()
    with read_only(url):
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError, match="takes no writes now: it is read-only") as caught:
                registry.start_run("p")
            assert (caught.value.retryable, "permissions" in str(caught.value)) == (True, False)
        assert len(registry.runs("p")) == 1
    registry.start_run("p")
    assert len(registry.runs("p")) == 2


@pytest.mark.postgres
def test_content_is_read_where_nothing_can_be_written(
    new_pg_url: Callable[[], str], open_at: Callable[..., Registry], model_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """A place that has no owner yet gets none through a standby, and its files are read all the same."""
    url = new_pg_url()
    registry = open_at(url)
    registry.log("p/a", model_file("a"))
    with registry._database.write() as connection:
        connection.execute(sa.delete(settings).where(settings.c.key == "content_owner"))
    with read_only(url):
        assert (open_at(url).download("p/a", tmp_path / "got") / "model.bin").read_text() == "a"


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("25006", "read-only"),
        ("53100", "disk of the server"),
        ("53200", "cannot be used now"),
        ("53300", "cannot be used now"),
        ("57P01", "cannot be used now"),
        ("57P02", "cannot be used now"),
        ("57P03", "cannot be used now"),
        ("58030", "cannot be used now"),
    ],
)
def test_what_a_server_cannot_do_now(
    new_pg_url: Callable[[], str], open_at: Callable[..., Registry], state: str, words: str
) -> None:
    """A shutdown, no memory, no place, no room: a database that is away, for hosts and workers to try again."""
    error = said_by_server(open_at(new_pg_url()), state)
    assert isinstance(error, DatabaseUnavailableError)
    assert words in str(error)
    assert (is_away(error), "file" in error.hint) == (True, False)


@pytest.mark.postgres
def test_what_a_standby_breaks_off(new_pg_url: Callable[[], str], open_at: Callable[..., Registry]) -> None:
    """It has the code of a lost race, which it is not."""
    registry = open_at(new_pg_url())
    error = said_by_server(registry, "40001", "canceling statement due to conflict with recovery")
    assert isinstance(error, DatabaseUnavailableError)
    assert "is a standby" in str(error)
    assert isinstance(said_by_server(registry, "40001"), ConflictError)


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["read-only", "readonly", "disk is full", "malformed", "no such table"])
def test_a_value_says_nothing_of_the_server(
    new_pg_url: Callable[[], str], open_at: Callable[..., Registry], name: str
) -> None:
    """PostgreSQL names the values of a row that cannot be: a lost race for such a name is a lost race."""
    error = said_by_server(open_at(new_pg_url()), "23505", f"duplicate key: Key (name)=({name}) already exists")
    assert isinstance(error, ConflictError)


def test_a_file_that_takes_no_writes(lite: Registry) -> None:
    """For SQLite it is a matter of permissions; a change is not tried again, while a worker waits."""
    lite.start_run("p")
    with pytest.raises(StorageError, match="permissions of its file") as caught:
        write_through_a_read_only_connection(lite)
    assert (caught.value.retryable, is_away(caught.value)) == (False, True)
    lite.start_run("p")  # that connection was given up
    assert len(lite.runs("p")) == 2


def test_a_disk_that_cannot_be_written(lite: Registry) -> None:
    """An I/O error is worth another try, is not said to be about a server, and leaves the registry usable."""
    lite.start_run("p")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(DatabaseUnavailableError, match="Check its file and disk"):
            lite.start_run("p")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lite.start_run("p")
    assert len(lite.runs("p")) == 2


@pytest.mark.slow
def test_a_file_system_that_is_read_only_for_a_moment(
    open_at: Callable[..., Registry],
    small_disk: Callable[[int], SmallDisk],  # noqa: F811 - that is how pytest gives it
) -> None:
    """A worker waits for it, and the same registry writes when it is as it was."""
    disk = small_disk(8)
    registry = open_at(f"sqlite:///{disk.folder / 'podium.db'}")
    registry.start_run("p")
    registry.close()  # no system makes a disk read-only under a file that is open for writing
    disk._mount("remount,ro")
    with pytest.raises((StorageError, SettingsError)) as caught:
        registry.start_run("p")
    assert is_away(caught.value)
    disk._mount("remount,rw")
    registry.start_run("p")
    assert len(registry.runs("p")) == 2


def test_a_folder_that_is_gone_for_a_moment(open_at: Callable[..., Registry], tmp_path: Path) -> None:
    """As when a disk is not mounted: a worker waits for it, while for whoever calls it is the setting that is wrong."""
    place = tmp_path / "moved"
    place.mkdir()
    registry = open_at(f"sqlite:///{place / 'x.db'}")
    registry.start_run("p")
    registry.close()
    os.rename(place, tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="cannot be opened") as caught:
        registry.runs("p")
    assert is_away(caught.value)
    os.rename(tmp_path / "elsewhere", place)
    assert len(registry.runs("p")) == 1
