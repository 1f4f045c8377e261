"""The promises of a content store, held against every kind of it."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest

from podium.content.files import collect
from podium.content.store import Staged
from podium.errors import IntegrityError, NotFoundError
from tests.content.conftest import overwrite

LARGE = bytes(range(256)) * (20 * 4096)  # 20 MiB: several parts on object storage, threads in a folder


@pytest.mark.parametrize("data", [b"", b"x", b"some bytes" * 1000, LARGE], ids=["empty", "one", "small", "large"])
@pytest.mark.parametrize("owned", [False, True])
def test_what_is_put_is_there(store, stage, data, owned) -> None:
    """Bytes of any length come back, and `put` says how many were new."""
    item = stage(data, owned=owned)
    assert store.put([item]) == len(data)
    assert b"".join(store.read(item.sha256)) == data
    assert store.state(item.sha256, item.size) == "ok"


def test_what_is_there_is_not_new(store, stage) -> None:
    """Putting the same bytes again, twice in one call too, writes none."""
    one, two = stage(b"same"), stage(b"same")
    assert store.put([one, two]) == 4
    assert store.put([one, two]) == 0
    assert [(blob.sha256, blob.size) for blob in store.blobs()] == [(one.sha256, 4)]


def test_reading_from_an_offset(store, stage) -> None:
    """A read may start anywhere."""
    item = stage(LARGE)
    store.put([item])
    assert b"".join(store.read(item.sha256, len(LARGE) - 5)) == LARGE[-5:]


def test_a_missing_blob_says_what_to_do(store) -> None:
    """Reading what is not there is an IntegrityError that names the content; its state is `missing`."""
    store.prepare()
    with pytest.raises(IntegrityError, match="podium verify") as caught:
        list(store.read("0" * 64))
    assert caught.value.sha256 == "0" * 64
    assert store.state("0" * 64, 1) == "missing"


def test_missing_contents(store, stage) -> None:
    """`missing` names what is not there or has another size, and nothing else."""
    items = [stage(bytes([number])) for number in range(20)]
    store.put(items[:10])
    wanted = [(item.sha256, item.size) for item in items]
    assert store.missing(wanted) == [item.sha256 for item in items[10:]]
    assert store.missing([(items[0].sha256, 2)]) == [items[0].sha256]
    assert store.missing([]) == []


@pytest.mark.parametrize("data", [b"before", LARGE], ids=["small", "large"])
def test_bytes_that_are_not_what_was_hashed(store, stage, data) -> None:
    """A file that changed after it was hashed is refused, and nothing of it is stored."""
    item = stage(data)
    item.local.write_bytes(data[:-1] + b"!")
    with pytest.raises(IntegrityError, match="changed"):
        store.put([item])
    assert list(store.blobs()) == []


def test_a_file_that_vanished(store, stage) -> None:
    """It is a NotFoundError, and what was put with it is no half-made blob."""
    items = [stage(b"there"), stage(b"gone")]
    items[1].local.unlink()
    with pytest.raises(NotFoundError, match="vanished"):
        store.put(items)
    assert all(store.state(blob.sha256, blob.size) == "ok" for blob in store.blobs())


def test_large_files_are_read_once(store, tmp_path) -> None:
    """Collected into the workplace of a store, large files are stored right, and nothing else stays."""
    (tmp_path / "in").mkdir()
    for name, data in (("large", LARGE), ("same", LARGE), ("small", b"x")):
        (tmp_path / "in" / name).write_bytes(data)
    with store.workplace() as folder:
        items = collect([tmp_path / "in"], into=folder)
        assert store.put(items) == len(LARGE) + 1
    assert all(store.state(item.sha256, item.size) == "ok" for item in items)
    assert len(list(store.blobs())) == 2
    assert store.sweep(timedelta(0)).count == 0
    assert (tmp_path / "in" / "large").read_bytes() == LARGE


def test_kept_bytes_are_what_is_stored(store, stage) -> None:
    """A small file that was kept in memory is stored as it was hashed, whatever happened to it since."""
    item = stage(b"first")
    kept = Staged(item.path, item.local, item.size, item.sha256, data=b"first")
    item.local.write_bytes(b"other")
    store.put([kept])
    assert b"".join(store.read(item.sha256)) == b"first"


def test_a_blob_of_the_wrong_size_is_replaced(store, stage) -> None:
    """Putting right bytes over a blob that is too short stores them again."""
    item = stage(b"right")
    store.put([item])
    overwrite(store, item.sha256, b"righ")
    assert store.put([item]) == 5
    assert store.state(item.sha256, 5) == "ok"


def test_damage_of_the_same_size_is_set_aside_then_mended(store, stage) -> None:
    """Only hashing finds it; once it is set aside, logging the right bytes restores it."""
    item = stage(b"right")
    store.put([item])
    overwrite(store, item.sha256, b"wrong")
    assert store.put([item]) == 0
    assert store.state(item.sha256, 5) == "changed"
    store.set_aside(item.sha256)
    assert store.state(item.sha256, 5) == "missing"
    assert store.put([item]) == 5
    assert store.state(item.sha256, 5) == "ok"


def test_setting_aside_what_is_not_there(store) -> None:
    """It is no error: somebody else was faster."""
    store.prepare()
    store.set_aside("0" * 64)


def test_deleting(store, stage) -> None:
    """Deleted blobs are gone; those that are not there do not matter."""
    items = [stage(bytes([number])) for number in range(3)]
    store.put(items)
    store.delete([items[0].sha256, items[1].sha256, "0" * 64])
    assert [blob.sha256 for blob in store.blobs()] == [items[2].sha256]


def test_deleting_spares_the_young(store, stage) -> None:
    """With a time given, what was stored after it stays."""
    item = stage(b"x")
    store.put([item])
    store.delete([item.sha256], unless_after=datetime.now(UTC) - timedelta(hours=1))
    assert len(list(store.blobs())) == 1
    store.delete([item.sha256], unless_after=datetime.now(UTC) + timedelta(hours=1))
    assert list(store.blobs()) == []


def test_the_listing_tells_the_time(store, stage) -> None:
    """Each blob says when it was written, in UTC."""
    store.put([stage(b"x")])
    (blob,) = store.blobs()
    assert abs(datetime.now(UTC) - blob.modified) < timedelta(minutes=1)


def test_progress_is_every_byte(store, stage) -> None:
    """What is told adds up to all bytes, those that were there already too."""
    items, told = [stage(b"a" * 100), stage(LARGE), stage(b"b")], []
    store.put(items[2:])
    store.put(items, told.append)
    assert sum(told) == sum(item.size for item in items)
    told.clear()
    assert store.state(items[1].sha256, items[1].size, told.append) == "ok"
    assert sum(told) == len(LARGE)


def test_many_blobs(store, stage) -> None:
    """More files than are flushed one by one."""
    items = [stage(os.urandom(50)) for _ in range(150)]
    store.put(items)
    assert store.missing((item.sha256, item.size) for item in items) == []
    assert {blob.sha256 for blob in store.blobs()} == {item.sha256 for item in items}


def test_no_secret_is_shown(store) -> None:
    """Neither the location nor the repr of a store holds a credential."""
    assert "a-secret-key" not in f"{store!r} {store.location}"


def test_a_digest_is_that_of_the_bytes(store, stage) -> None:
    """An independent hash of what is read equals the name."""
    item = stage(LARGE)
    store.put([item])
    digest = hashlib.sha256()
    for chunk in store.read(item.sha256):
        digest.update(chunk)
    assert digest.hexdigest() == item.sha256
