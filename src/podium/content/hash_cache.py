"""Hashes of large local files that were hashed before, as git's index keeps them.

Hashing 1 GiB takes longer than copying it, and a training job that is run again logs the same files. A hash is kept
under what the file system says about the file: device, inode, size, times of the last change of bytes and of inode. It
is trusted only when both times were two seconds old when the file was hashed, so that no later ordinary write can have
left them as they were.

The trade-off: bytes that change while both times stay are taken for what they were. That takes a clock that was set
back, a raw device, or a process that keeps writing through a memory map. If the old bytes are in the store already, the
version then names those; bytes that are stored are hashed while they are copied, so no wrong bytes ever get a digest.
``PODIUM_HASH_CACHE=0`` turns it off. Whatever fails here, a locked or broken database, only means that the file is
hashed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

from podium.content.store import CHUNK
from podium.settings import read_home

SMALLEST = CHUNK
_QUIET_NS = 2_000_000_000
_ROWS = 20_000
_TABLE = (
    "CREATE TABLE IF NOT EXISTS hashes (device INTEGER, inode INTEGER, size INTEGER, mtime INTEGER, ctime INTEGER, "
    "sha256 TEXT, used INTEGER, PRIMARY KEY (device, inode)) WITHOUT ROWID"
)


def hash_once(descriptor: int, work: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Return the size and SHA-256 of an open file, without reading it if that is known.

    Args:
        descriptor: The open file.
        work: Hashes it.

    Raises:
        OSError: The file cannot be read.
    """
    before = os.fstat(descriptor)
    if before.st_size < SMALLEST or os.environ.get("PODIUM_HASH_CACHE") == "0":
        return work()
    known = _recall(before)
    if known is not None:
        return before.st_size, known
    started = time.time_ns()
    size, sha256 = work()
    after = os.fstat(descriptor)
    quiet = started - max(before.st_mtime_ns, before.st_ctime_ns) > _QUIET_NS
    if quiet and size == before.st_size and _key(before) == _key(after):
        _remember(after, sha256)
    return size, sha256


def _key(found: os.stat_result) -> tuple[int, int, int, int, int]:
    return _signed(found.st_dev), _signed(found.st_ino), found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _signed(number: int) -> int:
    return number if number < 1 << 63 else number - (1 << 64)  # SQLite's integers have a sign


def _recall(found: os.stat_result) -> str | None:
    try:
        with closing(_open()) as database:
            row = database.execute(
                "SELECT sha256 FROM hashes WHERE device = ? AND inode = ? AND size = ? AND mtime = ? AND ctime = ?",
                _key(found),
            ).fetchone()
    except (sqlite3.Error, OSError):
        return None
    return row[0] if row is not None and isinstance(row[0], str) and len(row[0]) == 64 else None


def _remember(found: os.stat_result, sha256: str) -> None:
    try:
        with closing(_open()) as database, database:
            database.execute(_TABLE)
            row = (*_key(found), sha256, time.time_ns())
            database.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            (rows,) = database.execute("SELECT count(*) FROM hashes").fetchone()
            if rows > _ROWS:
                database.execute(
                    "DELETE FROM hashes WHERE used <= (SELECT used FROM hashes ORDER BY used LIMIT 1 OFFSET ?)",
                    (rows // 10,),
                )
    except (sqlite3.Error, OSError):
        return  # it is a convenience: the hash was computed, and will be again


def _open() -> sqlite3.Connection:
    home = read_home()
    home.mkdir(parents=True, exist_ok=True)
    return sqlite3.connect(home / "hashes.db", timeout=0.2)
