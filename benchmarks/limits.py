"""What the machine can do at most, in the same run: the floor under every figure."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.plan import Row
from benchmarks.protocol import time_calls


def sqlite_commits(folder: Path, times: int) -> list[float]:
    """Time one insert and its commit: WAL, synchronous=FULL."""
    with closing(sqlite3.connect(folder / "limit.db", isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
            connection.execute(statement)
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)")

        def insert(number: int) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO rows (text) VALUES (?)", (str(number),))
            connection.execute("COMMIT")

        return time_calls(insert, range(times), 10)


def postgres_commits(url: str, times: int) -> list[float]:
    """Time one insert and its commit with psycopg."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id bigint GENERATED ALWAYS AS IDENTITY, text text)")
        connection.commit()

        def insert(number: int) -> None:
            connection.execute("INSERT INTO rows (text) VALUES (%s)", (str(number),))
            connection.commit()

        return time_calls(insert, range(times), 10)


def content_limits(row: Row, kind: str, source: Path, folder: Path) -> None:
    """Add a round of hashing and copying the same source that the sides log.

    Args:
        row: Where to.
        kind: ``big`` or ``many``.
        source: The folder of it.
        folder: Where the copies go; they are removed.
    """
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    folder.mkdir()
    os.sync()
    row.add("hash", time_calls(lambda _: [_hash(path) for path in files], [0], 0))
    if kind == "big":
        row.add("copy", time_calls(lambda _: shutil.copyfile(files[0], folder / "copy"), [0], 0))
        (folder / "copy").unlink()
        os.sync()
        row.add("copy + fsync", time_calls(lambda _: _durable_copy(files[0], folder / "copy"), [0], 0))
    else:
        row.add("copy", time_calls(lambda _: shutil.copytree(source, folder / "copy"), [0], 0))
        shutil.rmtree(folder / "copy")
        os.sync()
        row.add("copy + fsync", time_calls(lambda _: _durable_tree(source, folder / "copy"), [0], 0))
    shutil.rmtree(folder)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _durable_copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    _sync(target)


def _durable_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target)
    os.sync()  # Python has no syncfs; nothing else is dirty at this moment


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
