"""The content store: each content once, written durably, and never believed without its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from podium.content.local import LocalStore
from podium.content.store import Staged, hash_file
from podium.errors import IntegrityError, StorageError


@pytest.fixture
def store(tmp_path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def staged(path: Path, data: bytes, *, owned: bool = False) -> Staged:
    path.write_bytes(data)
    return Staged(path.name, path, len(data), hashlib.sha256(data).hexdigest(), owned)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("owned", [False, True])
@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 10_000])
def test_what_is_put_is_there(store, tmp_path, data, owned) -> None:
    """Bytes of any length come back, lie under their digest, and leave nothing in `incoming`."""
    item = staged(tmp_path / "a", data, owned=owned)
    store.put([item])
    with store.open(item.sha256) as file:
        assert file.read() == data
    assert files_below(store.root) == [store.root / "blobs" / "sha256" / item.sha256[:2] / item.sha256]
    assert (tmp_path / "a").exists() is not owned


def test_identical_content_is_stored_once(lite, model_file, tmp_path) -> None:
    """The same bytes under several paths, artifacts and versions are one blob."""
    one, two = model_file("same"), model_file("same")
    lite.log("p/a", {"x": one, "y/z": two})
    lite.log("p/b", one)
    lite.log("p/b", [one, two.rename(two.with_name("other.bin"))])
    assert len(files_below(tmp_path / "content" / "blobs")) == 1


def test_a_damaged_blob_is_mended_by_the_right_bytes(store, tmp_path) -> None:
    """Putting right bytes over a blob of the same size that is damaged stores them again."""
    item = staged(tmp_path / "a", b"right")
    store.put([item])
    (blob,) = files_below(store.root)
    blob.write_bytes(b"wrong")
    assert store.state(item.sha256, item.size) == "changed"
    store.put([item])
    assert store.state(item.sha256, item.size) == "ok"


def test_what_is_there_is_not_written_again(store, tmp_path) -> None:
    """A blob that is right stays the same file."""
    item = staged(tmp_path / "a", b"right")
    store.put([item])
    (blob,) = files_below(store.root)
    before = blob.stat()
    store.put([item])
    assert (blob.stat().st_ino, blob.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_bytes_that_are_not_what_was_hashed(store, tmp_path) -> None:
    """A file that changed after it was hashed is refused, and nothing of it stays."""
    item = staged(tmp_path / "a", b"before")
    (tmp_path / "a").write_bytes(b"after!")
    with pytest.raises(IntegrityError, match="changed"):
        store.put([item])
    assert files_below(store.root) == []


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda blob: blob.unlink(), "missing"),
        (lambda blob: blob.write_bytes(b"rigHt"), "changed"),
        (lambda blob: blob.write_bytes(b"righ"), "changed"),
        (lambda blob: blob.write_bytes(b""), "changed"),
        (lambda blob: blob.write_bytes(b"right!"), "changed"),
        (lambda blob: None, "ok"),
    ],
)
def test_the_state_of_a_blob(store, tmp_path, change, state) -> None:
    """A blob is ok, missing, or changed: a flipped bit, too short, empty, too long."""
    item = staged(tmp_path / "a", b"right")
    store.put([item])
    change(files_below(store.root)[0])
    assert store.state(item.sha256, item.size) == state


def test_a_missing_blob_says_what_to_do(store) -> None:
    """Opening what is not there is an IntegrityError that names the content."""
    with pytest.raises(IntegrityError, match="podium verify") as caught:
        store.open("0" * 64)
    assert caught.value.sha256 == "0" * 64


def test_a_store_that_is_no_folder(tmp_path) -> None:
    """A file where the folder should be is a StorageError for every verb."""
    item = staged(tmp_path / "a", b"x")
    (tmp_path / "file").write_text("x")
    store = LocalStore(tmp_path / "file")
    for call in (store.prepare, lambda: store.put([item]), lambda: store.open(item.sha256)):
        with pytest.raises(StorageError) as caught:
            call()
        assert caught.value.hint


def test_hashing_a_file(tmp_path) -> None:
    """Size and hash come from one pass over the bytes."""
    (tmp_path / "a").write_bytes(b"abc")
    assert hash_file(tmp_path / "a") == (3, hashlib.sha256(b"abc").hexdigest())


@pytest.mark.permissions
def test_a_store_that_may_not_be_written(store, tmp_path) -> None:
    """A folder without write permission is a StorageError."""
    item = staged(tmp_path / "a", b"x")
    store.root.mkdir()
    store.root.chmod(0o555)
    with pytest.raises(StorageError):
        store.put([item])
