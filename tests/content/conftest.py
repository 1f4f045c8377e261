"""Stores for the tests: a folder, and a bucket of a real S3-speaking server on loopback."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podium.content.opening import open_store
from podium.content.store import ContentStore, Staged

SERVER = """
import select
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
select.select([sys.stdin], [], [], 2 * 3600)  # until the tests end, however they do; bounded, whatever happens
"""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that speaks S3; it runs while the tests do, two hours at most."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket; the environment says how to reach it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    request = urllib.request.Request(f"{s3_server}/{bucket}", method="PUT")
    with urllib.request.urlopen(request, timeout=20):
        return f"s3://{bucket}"


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ContentStore:
    """An empty store, of each kind in turn."""
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    return open_store(request.getfixturevalue("s3") + "/some/prefix")


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., Staged]:
    """Write a file with these bytes, ready to be put."""
    folder = tmp_path / "given"
    folder.mkdir()

    def make(data: bytes, name: str | None = None, *, owned: bool = False) -> Staged:
        path = folder / (name or uuid.uuid4().hex)
        path.write_bytes(data)
        return Staged(path.name, path, len(data), hashlib.sha256(data).hexdigest(), owned)

    return make


def overwrite(store: ContentStore, sha256: str, data: bytes) -> None:
    """Put other bytes where a blob lies, as a broken disk or a careless hand would."""
    if hasattr(store, "root"):
        (Path(store.location) / "blobs" / "sha256" / sha256[:2] / sha256).write_bytes(data)
    else:
        from podium.content.objects import connect

        connect(store.location).put(f"blobs/sha256/{sha256[:2]}/{sha256}", data)


def all_below(folder: Path) -> list[str]:
    """The files below a folder, as relative paths, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
