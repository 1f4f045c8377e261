"""Two hundred damages on each store: every one is refused at download with nothing left behind, and found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from podium.content.cache import Cache
from podium.content.transfer import download
from podium.domain.manifest import Entry, Manifest
from podium.errors import IntegrityError
from tests.content.conftest import overwrite

TRIALS = 200


def damage(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Flip one bit, cut the end off, or take the bytes of another file."""
    kind = chance.choice(["flip", "cut", "swap"])
    if kind == "swap":
        return chance.choice([other for other in others if other != data])
    place = chance.randrange(len(data))
    if kind == "cut":
        return data[:place]
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_every_damage_is_refused_and_found(store, stage, tmp_path, cached) -> None:
    """200 seeded damages: each download fails with nothing left behind, and `state` finds each one."""
    chance = random.Random(20261124)
    contents = [chance.randbytes(chance.randrange(1, 3000)) for _ in range(8)]
    items = [stage(data, f"{number}.bin") for number, data in enumerate(contents)]
    store.put(items)
    manifest = Manifest.of(Entry(item.path, item.size, item.sha256) for item in items)
    refused = found = 0
    for trial in range(TRIALS):
        item, data = chance.choice(list(zip(items, contents, strict=True)))
        out = tmp_path / f"out{trial}"
        cache = Cache(tmp_path / f"cache{trial}", 10**6) if cached else None
        overwrite(store, item.sha256, damage(chance, data, contents))
        with pytest.raises(IntegrityError):
            download(store, manifest, out, cache)
        refused += not out.exists()
        found += store.state(item.sha256, item.size) == "changed"
        overwrite(store, item.sha256, data)
    assert (refused, found) == (TRIALS, TRIALS)
    download(store, manifest, tmp_path / "right")
    assert [(tmp_path / "right" / item.path).read_bytes() for item in items] == contents


def test_a_damaged_large_blob(store, stage, tmp_path) -> None:
    """The same for a file that is hashed, written and read in pieces."""
    data = bytes(range(256)) * (20 * 4096)
    item = stage(data, "large.bin")
    store.put([item])
    overwrite(store, item.sha256, data[:-1] + b"?")
    with pytest.raises(IntegrityError, match="damaged"):
        download(store, Manifest.of([Entry("large.bin", item.size, item.sha256)]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_download_stays_in_its_folder(store, stage, tmp_path) -> None:
    """A manifest with a path that leaves the folder, as a tampered database might hold, writes nothing anywhere."""
    item = stage(b"x")
    store.put([item])
    manifest = Manifest((Entry("ok", 1, item.sha256), Entry("../outside", 1, item.sha256)))
    with pytest.raises(Exception, match="not a valid file path"):
        download(store, manifest, tmp_path / "deep" / "out")
    assert not Path(tmp_path / "deep").exists()
    assert not Path(tmp_path / "outside").exists()


def test_a_link_inside_the_target_folder(store, stage, tmp_path) -> None:
    """A folder of the target that is a link to elsewhere is not written through."""
    item = stage(b"x")
    store.put([item])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="link"):
        download(store, Manifest.of([Entry("sub/f", 1, item.sha256)]), tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []
