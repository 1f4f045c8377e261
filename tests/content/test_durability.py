"""The order of system calls: no version is visible before its bytes and their names are on the disk."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

SCRIPT = """
import sys
from podium.plugins.host import PluginHost
from podium.registry import open_registry

home = sys.argv[1]
registry = open_registry(f"sqlite:///{home}/x.db", host=PluginHost(discover=False))
registry.start_run("warm", id="up")  # the schema is made before what is traced
open(f"{home}/begin", "w").close()
registry.log("p/a", f"{home}/files")
open(f"{home}/end", "w").close()
"""
CALL = re.compile(r"(\d+)\s+(\w+)\((.*)\)\s+=\s+(-?\d+)")


def trace(tmp_path: Path, count: int) -> list[tuple[str, str]]:
    """What one logged version of so many files does to the disk, in order, as (call, arguments)."""
    (tmp_path / "files").mkdir()
    for number in range(count):
        (tmp_path / "files" / f"{number}.bin").write_text(str(number))
    output = tmp_path / "trace"
    wanted = "trace=openat,write,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,close"
    command = ["strace", "-f", "-y", "-o", str(output), "-e", wanted, sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:  # a container without ptrace; CI has it
        pytest.skip("this machine does not let strace attach")
    assert done.returncode == 0, done.stderr
    found = [CALL.match(line) for line in output.read_text(errors="replace").splitlines()]
    named = [(match[2], match[3]) for match in found if match and int(match[4]) >= 0]
    begin = next(i for i, (_, text) in enumerate(named) if f"{tmp_path}/begin" in text)
    end = next(i for i, (_, text) in enumerate(named) if f"{tmp_path}/end" in text)
    return named[begin:end]


def renames(calls: list[tuple[str, str]]) -> list[int]:
    return [i for i, (call, text) in enumerate(calls) if call.startswith("rename") and "/blobs/" in text]


def commits(calls: list[tuple[str, str]]) -> list[int]:
    return [i for i, (call, text) in enumerate(calls) if call in ("fsync", "fdatasync") and "x.db-wal" in text]


@pytest.fixture
def calls(tmp_path: Path) -> list[tuple[str, str]]:
    return trace(tmp_path, 2)


def test_bytes_then_name_then_folder_then_commit(calls, tmp_path) -> None:
    """Each blob is flushed before it is renamed, its folder after, and the database commits after both."""
    synced = [(i, text) for i, (call, text) in enumerate(calls) if call in ("fsync", "fdatasync")]
    assert len(renames(calls)) == 2
    for place in renames(calls):
        source, target = re.findall(r'"([^"]+)"', calls[place][1])
        assert any(i < place and source in text for i, text in synced), "the bytes are flushed before the rename"
        folder = str(Path(target).parent)
        flushed = [i for i, text in synced if i > place and f"<{folder}>" in text]
        assert flushed, "the folder is flushed after the rename"
        assert max(commits(calls)) > min(flushed), "the database commits after that"
    blobs = f"<{tmp_path}/content/blobs/sha256>"
    assert any(blobs in text for _, text in synced), "the folder of a new folder is flushed too"


def test_many_files_are_flushed_at_once(tmp_path) -> None:
    """All bytes, one syncfs, all renames, one syncfs, and only then the commit that makes them visible."""
    calls = trace(tmp_path, 300)
    flushes = [i for i, (call, text) in enumerate(calls) if call == "syncfs" and f"<{tmp_path}" in text]
    if not flushes:  # before Linux 5.8 it did not tell of errors, and each file is flushed by itself
        pytest.skip("this kernel has no syncfs that can be relied on")
    places = renames(calls)
    writes = [i for i, (call, text) in enumerate(calls) if call == "write" and "/incoming/" in text]
    assert (len(places), len(writes), len(flushes)) == (300, 300, 2)
    assert max(writes) < flushes[0] < min(places) <= max(places) < flushes[1] < max(commits(calls))
    assert not any("/blobs/" in text for call, text in calls if call == "write"), "no blob is written in place"


def test_the_log_of_the_database_is_flushed(calls) -> None:
    """`synchronous=FULL`: a commit flushes the write-ahead log."""
    assert any(call in ("fsync", "fdatasync") and "x.db-wal" in text for call, text in calls)
