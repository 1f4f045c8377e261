"""Verification tells of everything that is wrong, and never stops at the first thing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.errors import IntegrityError, StorageError


def blob_of(registry, ref):
    """Where the only content of a version lies."""
    sha256 = registry.files(ref).manifest.entries[0].sha256
    return registry._content().place(sha256)


@pytest.mark.tampers
def test_what_cannot_be_read_does_not_hide_the_rest(registry, model_file) -> None:
    """A dead reference and a folder in place of a blob are reported, and the damage behind them too."""
    registry.log("p/a", [], references={"x": "http://127.0.0.1:1/x"}, integrity="none")
    with registry._database.write() as connection:
        connection.execute(sa.text("update manifest_entries set integrity = 'etag', etag = 'e' where uri is not null"))
    for name in ("b", "c"):
        registry.log(f"p/{name}", model_file(name))
    folder, flipped = blob_of(registry, "p/b"), blob_of(registry, "p/c")
    Path(flipped).write_bytes(b"X")
    Path(folder).unlink()
    Path(folder).mkdir()
    report = registry.verify()
    assert sorted(problem.state for problem in report.problems) == ["changed", "unreadable", "unreadable"]
    assert all(problem.error for problem in report.problems if problem.state == "unreadable")
    assert not report.ok


def test_a_store_that_is_gone_is_an_error_at_once(registry, model_file, tmp_path) -> None:
    """When the place as a whole cannot be used, verification says so instead of listing every content."""
    registry.log("p/a", model_file("a"))
    (tmp_path / "content").rename(tmp_path / "elsewhere")
    (tmp_path / "content").write_text("a file")
    with pytest.raises(StorageError):
        registry.verify()


@pytest.mark.tampers
@pytest.mark.parametrize("sha256", ["../../victim.txt", "./../../../victim", "A" * 64, "", "0" * 63])
def test_a_manifest_row_that_was_tampered_with(registry, model_file, tmp_path, sha256) -> None:
    """A SHA-256 in the database that is none never becomes a path: nothing outside the store is read or moved."""
    registry.log("p/a", model_file("a"))
    (tmp_path / "victim.txt").write_text("mine")
    with registry._database.write() as connection:
        connection.execute(sa.text("update manifest_entries set sha256 = :s"), {"s": sha256})
    for call in (lambda: registry.download("p/a", tmp_path / "out"), lambda: registry.verify(set_aside=True)):
        with pytest.raises(IntegrityError, match="damaged"):
            call()
    assert (tmp_path / "victim.txt").read_text() == "mine"


def test_all_is_looked_at_page_by_page(registry, model_file, monkeypatch) -> None:
    """In a large registry contents are read in ranges of their SHA-256: each once, in any page."""
    for number in range(40):
        registry.log("p/a", model_file(str(number)))
    whole = registry.verify()
    for size in (30, 2):  # sixteen pages, then 256
        monkeypatch.setattr("podium.usecases.records._PAGE", size)
        assert registry.verify() == whole
    assert (whole.files, whole.versions) == (40, 40)
