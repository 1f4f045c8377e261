"""A full disk under the content and under the database: a typed error, nothing corrupt, and on it goes with room."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podium.errors import DatabaseUnavailableError, PodiumError, StorageError
from podium.registry import Registry
from tests.conftest import PG_URL, _execute, _with_database

pytestmark = pytest.mark.slow


class SmallDisk:
    """A disk of a few megabytes, in memory."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir()
        self._mount(f"size={megabytes}m")

    def grow(self, megabytes: int) -> None:
        self._mount(f"remount,size={megabytes}m")

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], SmallDisk]]:
    """Mount small disks; they go after the test."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    made: list[SmallDisk] = []
    # Not below pytest's own folder, which is closed to the user that the PostgreSQL server runs as.
    folder = Path(tempfile.mkdtemp(prefix="podium-disk-"))
    folder.chmod(0o755)

    def make(megabytes: int) -> SmallDisk:
        made.append(SmallDisk(folder / f"disk{len(made)}", megabytes))
        return made[-1]

    yield make
    for disk in made:
        disk.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_small_disk(
    request: pytest.FixtureRequest, small_disk: Callable[[int], SmallDisk]
) -> Iterator[tuple[str, SmallDisk]]:
    """The URL of a database of each kind whose tables lie on a small disk, and the disk."""
    if request.param == "sqlite":
        disk = small_disk(4)
        yield f"sqlite:///{disk.folder / 'podium.db'}", disk
        return
    if os.environ.get(PG_URL):
        pytest.skip("the disk of a server elsewhere cannot be filled")
    server, template = request.getfixturevalue("pg_server"), request.getfixturevalue("pg_template")
    disk, name = small_disk(24), f"small_{uuid.uuid4().hex[:8]}"
    data = re.sub(r"%2F", "/", server.partition("host=")[2])
    for folder in (disk.folder, *disk.folder.parents[:3]):
        folder.chmod(0o755)  # the server runs as a user of its own
    os.chown(disk.folder, os.stat(data).st_uid, os.stat(data).st_gid)
    _execute(server, f"CREATE TABLESPACE {name} LOCATION '{disk.folder}'")
    _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" TABLESPACE {name}')
    yield _with_database(server, name), disk
    _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')
    _execute(server, f"DROP TABLESPACE {name}")


def test_full_content(
    registry: Registry, open_at: Callable[..., Registry], small_disk: Callable[[int], SmallDisk], tmp_path: Path
) -> None:
    """No room for the bytes: StorageError, no version and no leftover, reads go on; with room the same call works."""
    disk = small_disk(4)
    registry = open_at(registry._database.url.render_as_string(hide_password=False), content=disk.folder / "content")
    (tmp_path / "small.bin").write_bytes(os.urandom(100_000))
    (tmp_path / "large.bin").write_bytes(os.urandom(8_000_000))
    (tmp_path / "several").mkdir()
    for number in range(60):
        (tmp_path / "several" / f"{number}.bin").write_bytes(os.urandom(100_000))
    registry.log("p/a", tmp_path / "small.bin")
    for files in ("large.bin", "several"):
        with pytest.raises(StorageError, match=r"full|space"):
            registry.log("p/a", tmp_path / files)
        assert registry.collection("p/a").versions == 1
        assert list((disk.folder / "content" / "incoming").iterdir()) == []
    assert registry.download("p/a:v0", tmp_path / "got").joinpath("small.bin").stat().st_size == 100_000
    disk.grow(64)
    assert [registry.log("p/a", tmp_path / files).number for files in ("large.bin", "several")] == [1, 2]
    assert registry.verify().problems == ()


@pytest.mark.parametrize(
    "on_small_disk", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_full_database(
    on_small_disk: tuple[str, SmallDisk], open_at: Callable[..., Registry], model_file: Callable[[str], Path]
) -> None:
    """No room for rows: an error, the change is not there, reads go on, and with room the same call works.

    A file is full for whoever writes it, a StorageError; a server that has no room now is one that is away.
    """
    url, disk = on_small_disk
    full = StorageError if url.startswith("sqlite") else DatabaseUnavailableError
    registry = open_at(url)
    registry.log("p/a", model_file("a"))
    done = fill(registry, full)
    for _ in range(5):  # it stays full, and it stays readable
        with pytest.raises(full, match="is full"):
            edit(registry, done + 1)
        assert registry.resolve("p/a:v0").metadata["turn"] == done
    events = registry.events("p/a")
    assert [event.sequence for event in events] == list(range(1, done + 4))  # made, logged, and edited from turn 0 on
    disk.grow(128)
    assert edit(registry, done + 1) == done + 1
    fresh = open_at(url)
    assert fresh.log("p/a", model_file("b")).number == 1
    assert fresh.verify().problems == ()
    if url.startswith("sqlite"):
        with fresh._database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def fill(registry: Registry, full: type[PodiumError]) -> int:
    """Write until there is no room, and return the last turn that was acknowledged."""
    for turn in range(500):
        try:
            edit(registry, turn)
        except full:
            return turn - 1
    raise AssertionError("the disk did not get full")


def edit(registry: Registry, turn: int) -> int:
    """Write a good deal that does not compress."""
    noise = os.urandom(100_000).hex()
    turn_: int = registry.edit("p/a:v0", metadata={"turn": turn, "noise": noise}).metadata["turn"]
    return turn_
