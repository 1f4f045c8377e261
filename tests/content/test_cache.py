"""The cache of remote content: capped, shared by processes, resumed after a kill, and never believed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from podium.content.cache import Cache, open_cache
from podium.content.local import LocalStore
from podium.content.transfer import download
from podium.domain.manifest import Entry, Manifest
from podium.errors import IntegrityError, StorageError
from podium.settings import read_settings
from tests.content.conftest import all_below, wait_until


class Watched(LocalStore):
    """A real store that says what is read from it, and from where on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[tuple[str, int]] = []

    def read(self, sha256: str, offset: int = 0) -> Iterator[bytes]:
        self.asked.append((sha256, offset))
        yield from super().read(sha256, offset)


@pytest.fixture
def far(tmp_path) -> Watched:
    return Watched(tmp_path / "far")


@pytest.fixture
def fetch(tmp_path, far):
    """Fetch an item through a cache and return its bytes."""

    def run(cache: Cache, item) -> bytes:
        target = tmp_path / f"target{time.monotonic_ns()}"
        cache.fetch(far, item.sha256, item.size, str(target))
        return target.read_bytes()

    return run


def blob_in(cache: Cache, item) -> Path:
    return cache.root / "blobs" / item.sha256[:2] / item.sha256


def test_the_store_is_asked_once(tmp_path, far, stage, fetch) -> None:
    """The second fetch comes from the cache, which works without the store."""
    item, cache = stage(b"content"), Cache(tmp_path / "cache", 1000)
    far.put([item])
    assert fetch(cache, item) == b"content"
    far.delete([item.sha256])
    assert fetch(cache, item) == b"content"
    assert far.asked == [(item.sha256, 0)]


@pytest.mark.parametrize("damage", [b"contenT", b"short", b"", b"much longer than it was"])
def test_a_bad_entry_is_fetched_again(tmp_path, far, stage, fetch, damage) -> None:
    """What is wrong in the cache is dropped and fetched once more."""
    item, cache = stage(b"content"), Cache(tmp_path / "cache", 1000)
    far.put([item])
    fetch(cache, item)
    blob_in(cache, item).write_bytes(damage)
    assert fetch(cache, item) == b"content"
    assert blob_in(cache, item).read_bytes() == b"content"
    assert len(far.asked) == 2


def test_bytes_that_are_wrong_in_the_store(tmp_path, far, stage, fetch) -> None:
    """They are an IntegrityError and stay nowhere."""
    item, cache = stage(b"content"), Cache(tmp_path / "cache", 1000)
    far.put([item])
    Path(far.place(item.sha256)).write_bytes(b"contenT")
    with pytest.raises(IntegrityError):
        fetch(cache, item)
    assert cache.size() == 0


def test_the_cap_holds(tmp_path, far, stage, fetch) -> None:
    """What was not used for longest goes first."""
    items, cache = [stage(bytes([number]) * 100) for number in range(10)], Cache(tmp_path / "cache", 500)
    far.put(items)
    for number, item in enumerate(items[:5]):
        fetch(cache, item)
        os.utime(blob_in(cache, item), (number, number))
    fetch(cache, items[0])
    fetch(cache, items[5])
    assert cache.size() <= 500
    assert blob_in(cache, items[0]).exists()
    assert not blob_in(cache, items[1]).exists()


def test_what_is_larger_than_the_cap_passes_by(tmp_path, s3, stage) -> None:
    """It is downloaded all the same, and not kept."""
    from podium.content.opening import open_store

    store, item, cache = open_store(s3), stage(b"x" * 2000, "f"), Cache(tmp_path / "cache", 1000)
    store.put([item])
    download(store, Manifest.of([Entry("f", item.size, item.sha256)]), tmp_path / "out", cache)
    assert (tmp_path / "out" / "f").read_bytes() == b"x" * 2000
    assert cache.size() == 0


def test_clearing(tmp_path, far, stage, fetch) -> None:
    """`clear` says how many bytes went, and all are gone."""
    item, cache = stage(b"content"), Cache(tmp_path / "cache", 1000)
    far.put([item])
    fetch(cache, item)
    assert (cache.size(), cache.clear(), cache.size()) == (7, 7, 0)
    assert fetch(cache, item) == b"content"


def test_a_cache_that_cannot_be_written(tmp_path, far, stage) -> None:
    """It is a StorageError that says where."""
    item = stage(b"content")
    far.put([item])
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="cache"):
        Cache(tmp_path / "cache", 1000).fetch(far, item.sha256, item.size, str(tmp_path / "t"))


@pytest.mark.parametrize(
    ("text", "limit"), [("", 10 * 1024**3), ("500MB", 500_000_000), ("2GiB", 2 * 1024**3), ("7", 7)]
)
def test_the_size_from_the_environment(monkeypatch, text, limit) -> None:
    """PODIUM_CACHE_SIZE takes bytes and the usual units."""
    monkeypatch.setenv("PODIUM_CACHE_SIZE", text)
    cache = open_cache(read_settings())
    assert cache is not None
    assert cache.limit == limit


def test_the_cache_is_off(monkeypatch) -> None:
    """PODIUM_CACHE_SIZE=0 turns it off."""
    monkeypatch.setenv("PODIUM_CACHE_SIZE", "0")
    assert open_cache(read_settings()) is None


FETCH = """
import sys, time
from pathlib import Path
from podium.content.cache import Cache
from podium.content.local import LocalStore

class Slow(LocalStore):
    def read(self, sha256, offset=0):
        print("asked", offset, flush=True)
        for chunk in super().read(sha256, offset):
            for first in range(0, len(chunk), 100_000):
                yield chunk[first : first + 100_000]
                time.sleep(float(sys.argv[6]))

store, cache, sha256, size, target = sys.argv[1:6]
Cache(Path(cache), 10**9).fetch(Slow(store), sha256, int(size), target)
print("done", flush=True)
"""


def fetcher(far, tmp_path, item, name: str, pause: float) -> subprocess.Popen[str]:
    given = [far.location, str(tmp_path / "cache"), item.sha256, str(item.size), str(tmp_path / name), str(pause)]
    return subprocess.Popen([sys.executable, "-c", FETCH, *given], stdout=subprocess.PIPE, text=True)


def test_two_processes_want_the_same(tmp_path, far, stage) -> None:
    """One fetches, the other one waits for it and then finds it: the store is asked once."""
    item = stage(os.urandom(2_000_000))
    far.put([item])
    processes = [fetcher(far, tmp_path, item, name, 0.02) for name in ("one", "two")]
    told = [process.communicate(timeout=30)[0].split() for process in processes]
    assert sorted(told) == [["asked", "0", "done"], ["done"]]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == item.local.read_bytes()


@pytest.fixture
def killed(tmp_path, far, stage):
    """A content that a process, killed by SIGKILL, fetched a part of."""
    item = stage(os.urandom(3_000_000))
    far.put([item])
    part = tmp_path / "cache" / "parts" / item.sha256
    process = fetcher(far, tmp_path, item, "killed", 0.05)
    wait_until(lambda: part.exists() and part.stat().st_size >= 500_000)
    process.kill()
    process.communicate(timeout=10)
    assert not (tmp_path / "killed").exists()
    return item, part


def test_a_killed_fetch_is_continued(tmp_path, far, killed, fetch) -> None:
    """The next one asks for the rest only, and the bytes are right."""
    item, part = killed
    there = part.stat().st_size
    assert fetch(Cache(tmp_path / "cache", 10**9), item) == item.local.read_bytes()
    assert far.asked == [(item.sha256, there)]
    assert all_below(tmp_path / "cache" / "parts") == []


def test_a_bad_part_starts_again(tmp_path, far, killed, fetch) -> None:
    """A part whose bytes are wrong is thrown away, and everything is fetched."""
    item, part = killed
    part.write_bytes(b"?" * part.stat().st_size)
    assert fetch(Cache(tmp_path / "cache", 10**9), item) == item.local.read_bytes()
    assert [offset > 0 for _, offset in far.asked] == [True, False]


def test_a_part_that_is_whole(tmp_path, far, killed, fetch) -> None:
    """A process killed just before the end left all bytes: the store is not asked."""
    item, part = killed
    part.write_bytes(item.local.read_bytes())
    assert fetch(Cache(tmp_path / "cache", 10**9), item) == item.local.read_bytes()
    assert far.asked == []


def test_a_part_in_use_is_not_cleared(tmp_path, far, stage) -> None:
    """`clear` leaves what a living process fetches."""
    item = stage(os.urandom(3_000_000))
    far.put([item])
    process = fetcher(far, tmp_path, item, "out", 0.02)
    part = tmp_path / "cache" / "parts" / item.sha256
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    Cache(tmp_path / "cache", 10**9).clear()
    assert process.communicate(timeout=30)[0].split()[-1] == "done"
    assert (tmp_path / "out").read_bytes() == item.local.read_bytes()


def test_a_download_from_s3_is_cached(tmp_path, s3, stage, monkeypatch) -> None:
    """The second download works with the bucket out of reach."""
    from podium.content.opening import open_store

    items, cache = [stage(bytes([n]) * 1000, f"{n}") for n in range(40)], Cache(tmp_path / "cache", 10**6)
    open_store(s3).put(items)
    manifest = Manifest.of(Entry(item.path, item.size, item.sha256) for item in items)
    download(open_store(s3), manifest, tmp_path / "one", cache)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    download(open_store(s3), manifest, tmp_path / "two", cache)
    assert all_below(tmp_path / "one") == all_below(tmp_path / "two") == sorted(item.path for item in items)
