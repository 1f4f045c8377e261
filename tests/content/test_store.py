"""The store in a folder: what lies where, what killed writers leave, and what it costs the disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from podium.content import disk
from podium.content.files import collect
from podium.content.local import LocalStore
from podium.content.store import Leftovers, hash_file
from podium.errors import NotFoundError, StorageError
from tests.content.conftest import all_below, wait_until

NOW = timedelta(0)


@pytest.fixture
def folder(tmp_path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.mark.parametrize("owned", [False, True])
def test_where_it_lies(folder, stage, owned) -> None:
    """A blob lies under its digest, nothing stays in `incoming`, and an owned file is used as it is."""
    item = stage(b"x", owned=owned)
    folder.put([item])
    assert all_below(folder.root) == [f"blobs/sha256/{item.sha256[:2]}/{item.sha256}"]
    assert os.path.samefile(item.local, folder.place(item.sha256)) is owned


def test_what_is_there_is_touched_not_written(folder, stage) -> None:
    """A blob that is put again stays the same file and counts as young."""
    item = stage(b"right")
    folder.put([item])
    place = Path(folder.place(item.sha256))
    os.utime(place, (1000, 1000))
    before = place.stat().st_ino
    folder.put([item])
    assert place.stat().st_ino == before
    assert time.time() - place.stat().st_mtime < 60


def test_without_syncfs_every_file_is_flushed(folder, stage, monkeypatch) -> None:
    """Where the kernel has no syncfs that reports errors, many files are flushed one by one."""
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "x", "5.7.9-generic", "", "")))
    flushed: list[str] = []
    monkeypatch.setattr(disk, "sync_file", flushed.append)
    items = [stage(bytes([number])) for number in range(disk.MANY + 1)]
    folder.put(items)
    assert {Path(path).name for path in flushed} >= {item.sha256 for item in items}


KILLED = """
import os, signal, sys
from pathlib import Path
from podium.content.files import collect
from podium.content.local import LocalStore

staged = collect([Path(sys.argv[2])])
done = 0

def progress(size):
    global done
    done += 1
    if done == int(sys.argv[3]):
        print("here", flush=True)
        sys.stdin.read()

LocalStore(sys.argv[1]).put(staged, progress)
"""


def writer(store: Path, files: Path, stop_at: int) -> subprocess.Popen[str]:
    """A process that stops in the middle of a put, holding its place."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(store), str(files), str(stop_at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)
    for pipe in (process.stdin, process.stdout):
        pipe.close()


@pytest.fixture
def hundred(tmp_path) -> Path:
    files = tmp_path / "hundred"
    files.mkdir()
    for number in range(100):
        (files / f"{number}.bin").write_bytes(bytes([number]) * 100)
    return files


@pytest.mark.parametrize("stop_at", [1, 50, 100])
def test_a_killed_put_leaves_only_what_can_be_swept(folder, hundred, stop_at) -> None:
    """After kill -9 no blob is wrong, `sweep` says and removes the leftovers, and the same put works."""
    end(writer(folder.root, hundred, stop_at))
    assert all(folder.state(blob.sha256, blob.size) == "ok" for blob in folder.blobs())
    said = folder.sweep(NOW, dry_run=True)
    assert said == Leftovers(stop_at, stop_at * 100)
    assert folder.sweep(NOW) == said
    assert not any((folder.root / "incoming").iterdir())
    assert folder.put(collect([hundred])) == 100 * 100


def test_a_sweep_spares_the_living(folder, hundred) -> None:
    """What a living writer holds stays, however old it looks; when it ends, it is done."""
    process = writer(folder.root, hundred, 50)
    try:
        for path in (folder.root / "incoming").iterdir():
            os.utime(path, (1, 1))
        assert folder.sweep(NOW) == Leftovers(0, 0)
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        end(process)
    assert len(list(folder.blobs())) == 100


def test_a_sweep_spares_the_young(folder, hundred) -> None:
    """What was left behind a moment ago is left until it is as old as asked for."""
    end(writer(folder.root, hundred, 1))
    assert folder.sweep(timedelta(hours=1)) == Leftovers(0, 0)


def test_leftovers_of_the_first_podium(folder) -> None:
    """Podium 0.1 wrote its files right into `incoming`."""
    folder.prepare()
    (folder.root / "incoming" / "abc").write_bytes(b"12345")
    assert folder.sweep(NOW) == Leftovers(1, 5)
    assert all_below(folder.root) == []


def test_sweeping_what_is_not_there(folder) -> None:
    """A store that was never used has no leftovers and no blobs."""
    assert folder.sweep(NOW) == Leftovers(0, 0)
    assert list(folder.blobs()) == []


def test_a_store_that_is_no_folder(tmp_path, stage) -> None:
    """A file where the folder should be is a StorageError for every verb."""
    item = stage(b"x")
    (tmp_path / "file").write_text("x")
    store = LocalStore(tmp_path / "file")
    for call in (
        store.prepare,
        lambda: store.put([item]),
        lambda: store.open(item.sha256),
        lambda: list(store.read(item.sha256)),
        lambda: store.missing([(item.sha256, 1)]),
        lambda: store.state(item.sha256, 1),
        lambda: list(store.blobs()),
        lambda: store.sweep(NOW),
        lambda: store.set_aside(item.sha256),
    ):
        with pytest.raises(StorageError) as caught:
            call()
        assert caught.value.hint


def test_a_link_in_place_of_a_file(folder, stage, tmp_path) -> None:
    """A link that takes the place of a file after it was hashed is not followed."""
    item = stage(b"mine")
    (tmp_path / "other").write_bytes(b"mine")
    item.local.unlink()
    item.local.symlink_to(tmp_path / "other")
    with pytest.raises(StorageError):
        folder.put([item])


def test_hashing_a_file(tmp_path) -> None:
    """Size and hash come from one pass over the bytes."""
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert hash_file(tmp_path / "a") == (3_000_000, hashlib.sha256(b"abc" * 1_000_000).hexdigest())


def test_small_files_are_kept_within_bounds(tmp_path, monkeypatch) -> None:
    """One call keeps the bytes of small files up to its limit, and hashes the rest all the same."""
    monkeypatch.setattr("podium.content.files._KEPT", 25)
    for number in range(4):
        (tmp_path / f"{number}").write_bytes(b"x" * 10)
    staged = collect([tmp_path])
    assert [item.data for item in staged] == [b"x" * 10, b"x" * 10, None, None]
    assert {item.sha256 for item in staged} == {hashlib.sha256(b"x" * 10).hexdigest()}


def test_a_fifo_is_refused_at_once(tmp_path) -> None:
    """A fifo among the files is refused; nobody waits for its other end."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Exception, match="neither a file nor a folder"):
        collect([tmp_path])


def test_a_folder_that_is_not_there(tmp_path) -> None:
    """It is a NotFoundError."""
    with pytest.raises(NotFoundError):
        collect([tmp_path / "nothing"])


@pytest.mark.permissions
def test_a_store_that_may_not_be_written(folder, stage) -> None:
    """A folder without write permission is a StorageError."""
    folder.root.mkdir()
    folder.root.chmod(0o555)
    with pytest.raises(StorageError):
        folder.put([stage(b"x")])


def test_two_writers_of_the_same(folder, hundred) -> None:
    """Two processes that store the same at once both succeed, and each content is there once."""
    processes = [writer(folder.root, hundred, 50) for _ in range(2)]
    try:
        for process in processes:
            process.stdin.close()
        wait_until(lambda: all(process.poll() == 0 for process in processes))
    finally:
        for process in processes:
            end(process)
    assert len(list(folder.blobs())) == 100
    assert not any((folder.root / "incoming").iterdir())
