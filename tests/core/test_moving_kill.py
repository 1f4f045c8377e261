"""Exports and imports that are killed, or that the disk stops: what was there stays, and nothing is half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podium.content.local import LocalStore
from podium.errors import StorageError
from podium.registry import Registry
from podium.usecases.garbage import read_mark
from tests.core.actors import GC_ALL
from tests.core.moved import MODEL, fill, rows_of

CHILD = """
import os, signal, sys
import sqlalchemy as sa
from podium.plugins.host import PluginHost
from podium.registry import open_registry

url, content, verb, path, kind, count = sys.argv[1:]
seen = 0

def step(*_):
    global seen
    seen += 1
    if seen == int(count):
        os.kill(os.getpid(), signal.SIGKILL)

def on_execute(_connection, _cursor, statement, *_):
    if statement.startswith(("INSERT", "UPDATE", "DELETE")):
        step()

if kind == "statement":
    sa.event.listen(sa.engine.Engine, "before_cursor_execute", on_execute)
registry = open_registry(url, content=content, actor="ann", host=PluginHost(discover=False))
given = {"progress": step} if kind == "progress" else {}
if verb == "import":
    registry.import_bundle(path, **given)
else:
    registry.export_bundle(to=path, **given)
print("done after", seen)
"""


@pytest.fixture
def full(lite: Registry, tmp_path: Path) -> Registry:
    """A registry with something of every kind, and all of it in a bundle."""
    fill(lite, tmp_path / "files")
    lite.export_bundle(to=tmp_path / "all.podium")
    return lite


@pytest.fixture
def child(tmp_path: Path) -> Callable[..., int]:
    """Export or import in a process that kills itself at a moment, and return how it ended."""

    def run(url: str, content: Path, verb: str, path: Path, kind: str, count: int) -> int:
        words = [url, str(content), verb, str(path), kind, str(count)]
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *words], env=dict(os.environ), capture_output=True, timeout=100, check=False
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        return done.returncode

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "counts"), [("progress", (1, 20, 32, 36)), ("statement", (2, 4, 7, 10, 13, 17, 21))])
def test_a_killed_import_leaves_no_row(full, database_url, tmp_path, open_at, child, kind, counts) -> None:
    """At worst there are contents that nothing refers to, which gc takes; the next import does all of it."""
    url, content = database_url.replace("podium.db", "killed.db"), tmp_path / "killed"
    there = open_at(url, content=content)
    there.collections()  # the schema is there
    for count in counts:
        assert child(url, content, "import", tmp_path / "all.podium", kind, count) == -signal.SIGKILL
        assert there.collections() == []
    there.gc(**GC_ALL)
    assert [path for path in content.glob("blobs/*/*/*")] == []
    assert list((tmp_path / "home" / "staging").iterdir()) == []
    there.import_bundle(tmp_path / "all.podium")
    assert rows_of(there) == rows_of(full)
    assert there.verify().ok


@pytest.mark.slow
def test_a_killed_export_leaves_no_bundle(full, tmp_path, child) -> None:
    """The file has its name only when it is complete; what is left is named as a part, and hurts no other export."""
    url = f"sqlite:///{tmp_path / 'podium.db'}"
    for count in (1, 5):
        assert child(url, tmp_path / "content", "export", tmp_path / "b.podium", "progress", count) == -signal.SIGKILL
        assert not (tmp_path / "b.podium").exists()
    assert child(url, tmp_path / "content", "export", tmp_path / "b.podium", "progress", 0) == 0
    assert (tmp_path / "b.podium").exists()


def test_content_that_goes_between_storing_and_writing(full, tmp_path, open_at, monkeypatch) -> None:
    """A garbage collection that spares nothing, right before the transaction: what it took is stored again."""
    there = open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "other")
    change, calls = there._change, []

    def collect_first(verb: Callable[..., Any]) -> Any:
        if verb.__name__ == "place":
            calls.append(verb)
            if len(calls) < 3:
                with monkeypatch.context() as patch:
                    patch.setattr(there, "_change", change)
                    assert there.gc(**GC_ALL).blobs > 0
        return change(verb)

    monkeypatch.setattr(there, "_change", collect_first)
    there.import_bundle(tmp_path / "all.podium")
    assert len(calls) == 3
    assert there.verify().ok
    assert rows_of(there) == rows_of(full)
    with there._read() as unit:
        assert read_mark(unit).startswith("idle")


def test_a_full_disk_below_the_store(full, tmp_path, open_at, monkeypatch) -> None:
    """Where contents cannot be stored no row appears."""
    there = open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "other")

    def refuse(*_: Any) -> int:
        raise StorageError("The disk is full.", hint="Make room.")

    monkeypatch.setattr(LocalStore, "put", refuse)
    with pytest.raises(StorageError):
        there.import_bundle(tmp_path / "all.podium")
    assert there.collections() == []


def test_a_bundle_that_changes_while_it_is_read(full, tmp_path, open_at, monkeypatch) -> None:
    """What was checked is checked again when it is used: nobody slips other bytes in between."""
    from podium.content.bundle import BundleReader
    from podium.errors import IntegrityError

    there = open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "other")
    path = tmp_path / "all.podium"
    check = BundleReader.check

    def check_and_alter(self: BundleReader, progress: Any) -> None:
        check(self, progress)
        path.write_bytes(path.read_bytes().replace(b"model 3", b"model ?"))

    monkeypatch.setattr(BundleReader, "check", check_and_alter)
    with pytest.raises(IntegrityError):
        there.import_bundle(path)
    assert there.collections(MODEL.partition("/")[0]) == []


def test_a_place_that_cannot_be_written(full, tmp_path) -> None:
    """No folder there: a clear error, and nothing begun."""
    with pytest.raises(StorageError):
        full.export_bundle(MODEL, to=tmp_path / "no" / "such" / "b.podium")
