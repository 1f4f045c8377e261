"""Remembered hashes of large local files: never wrong after an ordinary write, never in the way."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

import pytest

from podium.content import hash_cache
from podium.content.files import stage

SIZE = hash_cache.SMALLEST


@pytest.fixture
def reads(monkeypatch) -> list[int]:
    """Every read of a file that is hashed."""
    seen: list[int] = []
    original = os.read
    monkeypatch.setattr(os, "read", lambda *given: seen.append(given[1]) or original(*given))
    return seen


@pytest.fixture
def large(tmp_path, monkeypatch) -> Path:
    """A file that is large enough, and whose last change counts as long ago at once."""
    monkeypatch.setattr(hash_cache, "_QUIET_NS", -1)
    path = tmp_path / "large.bin"
    path.write_bytes(b"a" * SIZE)
    return path


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_known_file_is_not_read(large, reads) -> None:
    """The second time nothing is read, and the answer is the same."""
    first = stage("f", large)
    reads.clear()
    assert stage("f", large) == first
    assert reads == []
    assert (first.size, first.sha256) == (SIZE, sha(b"a" * SIZE))


def touch_back(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"b" * SIZE)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    before = path.stat()
    path.rename(path.with_name("old"))
    path.write_bytes(b"b" * SIZE)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"b" * SIZE), touch_back, replace], ids=["written", "set back", "replaced"]
)
def test_a_change_is_seen(large, change) -> None:
    """Other bytes of the same length: also when their time is set back, and when another file took the name."""
    stage("f", large)
    change(large)
    assert stage("f", large).sha256 == sha(b"b" * SIZE)


def test_a_young_file_is_not_trusted(tmp_path, reads) -> None:
    """A file that was written a moment ago could be written again within the same tick: it is hashed again."""
    path = tmp_path / "young.bin"
    path.write_bytes(b"a" * SIZE)
    stage("f", path)
    reads.clear()
    stage("f", path)
    assert reads


@pytest.mark.slow
def test_an_old_file_is_trusted(tmp_path, reads) -> None:
    """After two seconds of quiet it is."""
    path = tmp_path / "quiet.bin"
    path.write_bytes(b"a" * SIZE)
    time.sleep(2.2)
    stage("f", path)
    reads.clear()
    stage("f", path)
    assert reads == []


def test_small_files_are_not_remembered(large, tmp_path) -> None:
    """Below 1 MiB hashing is cheaper than asking."""
    (tmp_path / "small").write_bytes(b"x" * (SIZE - 1))
    stage("f", tmp_path / "small")
    assert not (tmp_path / "home" / "hashes.db").exists()


def test_it_can_be_turned_off(large, tmp_path, monkeypatch) -> None:
    """PODIUM_HASH_CACHE=0 writes and reads nothing."""
    monkeypatch.setenv("PODIUM_HASH_CACHE", "0")
    stage("f", large)
    assert not (tmp_path / "home" / "hashes.db").exists()


def broken_file(home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "hashes.db").write_bytes(b"no database" * 1000)


def locked(home: Path) -> sqlite3.Connection:
    home.mkdir(exist_ok=True)
    connection = sqlite3.connect(home / "hashes.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def folder_in_the_way(home: Path) -> None:
    (home / "hashes.db").mkdir(parents=True)


def no_home(home: Path) -> None:
    home.write_text("a file")


@pytest.mark.parametrize("fault", [broken_file, locked, folder_in_the_way, no_home])
def test_a_fault_of_it_never_fails_a_log(large, tmp_path, fault) -> None:
    """A broken or locked cache only means that the file is hashed."""
    held = fault(tmp_path / "home")
    try:
        assert stage("f", large).sha256 == sha(b"a" * SIZE)
    finally:
        if held is not None:
            held.close()


def test_it_is_bounded(large, tmp_path, monkeypatch) -> None:
    """Of too many hashes the oldest go."""
    monkeypatch.setattr(hash_cache, "_ROWS", 10)
    for number in range(25):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(b"a" * SIZE)
        stage("f", path)
    connection = sqlite3.connect(tmp_path / "home" / "hashes.db")
    (rows,) = connection.execute("SELECT count(*) FROM hashes").fetchone()
    connection.close()
    assert 5 <= rows <= 10
