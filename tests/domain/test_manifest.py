"""The manifest and its digest."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from podium.domain.manifest import EMPTY, Entry, Manifest
from podium.errors import InvalidNameError, InvalidValueError

ENTRIES = [
    Entry("model.bin", 3, hashlib.sha256(b"abc").hexdigest()),
    Entry("a/b.txt", 0, hashlib.sha256(b"").hexdigest()),
    Entry("数字.npy", 1, hashlib.sha256(b"x").hexdigest()),
]


def test_the_digest_is_known() -> None:
    """The digest of these three files never changes: it is written in databases out there."""
    assert Manifest.of(ENTRIES).digest == "sha256:22ac9746fcdcff7c286220428debe3901db664b235a38b5f92293d34bbeac201"


def test_the_digest_is_the_hash_of_sorted_rows() -> None:
    """An independent computation gives the same digest: SHA-256 of the sorted rows as compact JSON."""
    rows = sorted([entry.path, entry.size, entry.sha256] for entry in ENTRIES)
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
    assert Manifest.of(ENTRIES).digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_of_references() -> None:
    """A reference's row holds its URI and what it promises; an independent computation gives the same digest."""
    entries = [
        Entry("a", 3, "f" * 64, "s3://b/a", "sha256"),
        Entry("b", 0, "", "http://h/b", "none"),
        Entry("c", 2, "", "http://h/c", "etag", '"x"'),
        Entry("d", 1, "e" * 64),
    ]
    rows = [
        ["a", 3, "f" * 64, "s3://b/a", "sha256", None],
        ["b", 0, None, "http://h/b", "none", None],
        ["c", 2, None, "http://h/c", "etag", '"x"'],
        ["d", 1, "e" * 64],
    ]
    text = json.dumps(rows, separators=(",", ":"))
    assert Manifest.of(entries).digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_entries_are_sortable() -> None:
    """References and files of one path can be compared, in both orders."""
    file, reference = Entry("a", 1, "0" * 64), Entry("a", 1, "0" * 64, "s3://b/a", "etag", "x")
    assert sorted([reference, file]) == sorted([file, reference]) == [file, reference]


def test_order_does_not_matter() -> None:
    """Files added in any order are the same manifest."""
    shuffled = ENTRIES[:]
    random.Random(7).shuffle(shuffled)
    assert Manifest.of(shuffled) == Manifest.of(ENTRIES)
    assert [entry.path for entry in Manifest.of(ENTRIES).entries] == sorted(entry.path for entry in ENTRIES)


@pytest.mark.parametrize(
    "other",
    [
        Entry("model.bin", 4, ENTRIES[0].sha256),
        Entry("model2.bin", 3, ENTRIES[0].sha256),
        Entry("model.bin", 3, "0" * 64),
    ],
)
def test_path_size_and_hash_count(other) -> None:
    """Another path, size or hash is another digest."""
    assert Manifest.of([other, *ENTRIES[1:]]).digest != Manifest.of(ENTRIES).digest


def test_an_empty_manifest_is_refused() -> None:
    """An artifact without a file cannot be logged."""
    with pytest.raises(InvalidValueError, match="no file"):
        Manifest.of([])
    assert EMPTY.size == 0


def test_bad_and_clashing_paths_are_refused() -> None:
    """Every path is checked, and all of them together."""
    for paths in (["../x"], ["a", "A"], ["a", "a"], ["a", "a/b"]):
        with pytest.raises(InvalidNameError):
            Manifest.of(Entry(path, 0, "0" * 64) for path in paths)


def test_the_size_is_the_sum() -> None:
    """The size of a manifest is that of all its files."""
    assert Manifest.of(ENTRIES).size == 4
