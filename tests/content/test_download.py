"""Download: hashed on the way, appears when right, and leaves no bad byte behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.errors import IntegrityError, NotFoundError, StorageError


@pytest.fixture
def logged(lite, tmp_path):
    """A version of three files, two of them in a folder."""
    folder = tmp_path / "given" / "sub"
    folder.mkdir(parents=True)
    for name, text in (("a.txt", "aaaa"), ("sub/b.txt", "bbbb"), ("sub/c.txt", "cccc")):
        (folder.parent / name).write_text(text)
    lite.log("p/a", folder.parent)
    return lite


def blob_of(registry, path: str) -> Path:
    sha256 = next(entry.sha256 for entry in registry.files("p/a").manifest.entries if entry.path == path)
    (blob,) = (Path(registry.content) / "blobs").rglob(sha256)
    return blob


def listing(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


FILES = {"a.txt": "aaaa", "sub/b.txt": "bbbb", "sub/c.txt": "cccc"}


def test_files_come_back(logged, tmp_path) -> None:
    """All files come back under their paths; the answer is the folder."""
    assert logged.download("p/a", tmp_path / "out") == tmp_path / "out"
    assert listing(tmp_path / "out") == FILES


def test_the_default_folder(logged, tmp_path, monkeypatch) -> None:
    """Without a folder it is `artifacts/NAME-vN` below the working directory."""
    monkeypatch.chdir(tmp_path)
    assert logged.download("p/a") == Path("artifacts/a-v0")
    assert listing(tmp_path / "artifacts" / "a-v0") == FILES


DAMAGES = {
    "flipped": lambda blob: blob.write_bytes(bytes([blob.read_bytes()[0] ^ 1]) + blob.read_bytes()[1:]),
    "truncated": lambda blob: blob.write_bytes(blob.read_bytes()[:-1]),
    "empty": lambda blob: blob.write_bytes(b""),
    "longer": lambda blob: blob.write_bytes(blob.read_bytes() + b"x"),
    "missing": lambda blob: blob.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("path", FILES)
def test_damage_leaves_nothing_behind(logged, tmp_path, damage, path) -> None:
    """One damaged blob, whichever: IntegrityError, and not a file or folder that this call made stays."""
    DAMAGES[damage](blob_of(logged, path))
    with pytest.raises(IntegrityError) as caught:
        logged.download("p/a", tmp_path / "deep" / "out")
    assert caught.value.hint
    assert not (tmp_path / "deep").exists()


def test_damage_leaves_other_files_alone(logged, tmp_path) -> None:
    """What stood in the folder before stays; only what this call wrote goes."""
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "mine.txt").write_text("mine")
    (out / "a.txt").write_text("aaaa")
    DAMAGES["flipped"](blob_of(logged, "sub/c.txt"))
    with pytest.raises(IntegrityError):
        logged.download("p/a", out)
    assert listing(out) == {"mine.txt": "mine", "a.txt": "aaaa"}


def test_right_files_are_left_as_they_are(logged, tmp_path) -> None:
    """A file that is right already is not written again, even when the store lost it since."""
    logged.download("p/a", tmp_path / "out")
    before = (tmp_path / "out" / "a.txt").stat()
    blob_of(logged, "a.txt").unlink()
    logged.download("p/a", tmp_path / "out")
    after = (tmp_path / "out" / "a.txt").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("wrong", ["aaab", "", "longer than it should be"])
def test_wrong_files_are_replaced(logged, tmp_path, wrong) -> None:
    """A file with other bytes gets the right ones."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text(wrong)
    logged.download("p/a", tmp_path / "out")
    assert listing(tmp_path / "out") == FILES


def test_a_link_in_the_way_is_replaced_not_followed(logged, tmp_path) -> None:
    """A symlink at the place of a file is replaced; what it points at stays as it is."""
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "out" / "a.txt").symlink_to(tmp_path / "precious")
    logged.download("p/a", tmp_path / "out")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "out" / "a.txt").is_symlink()


@pytest.mark.parametrize("stands", ["file", "folder_at_file", "file_at_folder"])
def test_places_that_cannot_be_written(logged, tmp_path, stands) -> None:
    """A file where a folder is needed, or the other way round, is a StorageError."""
    out = tmp_path / "out"
    if stands == "file":
        out.write_text("x")
    elif stands == "folder_at_file":
        (out / "a.txt").mkdir(parents=True)
    else:
        out.mkdir()
        (out / "sub").write_text("x")
    with pytest.raises(StorageError) as caught:
        logged.download("p/a", out)
    assert caught.value.hint


def test_nothing_is_made_for_an_unknown_version(logged, tmp_path) -> None:
    """A reference that names nothing makes no folder."""
    with pytest.raises(NotFoundError):
        logged.download("p/a:v9", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_verify_reports_what_is_not_right(logged) -> None:
    """Verification names version, path and state of each damaged content, and counts what it hashed."""
    assert logged.verify().ok
    assert (logged.verify().versions, logged.verify().files, logged.verify().size) == (1, 3, 12)
    DAMAGES["flipped"](blob_of(logged, "a.txt"))
    DAMAGES["missing"](blob_of(logged, "sub/c.txt"))
    for report in (logged.verify(), logged.verify("p/a:v0")):
        found = sorted((problem.ref, problem.path, problem.state) for problem in report.problems)
        assert found == [("p/a:v0", "a.txt", "changed"), ("p/a:v0", "sub/c.txt", "missing")]
        assert report.ok is False


def test_verify_tells_its_progress(logged) -> None:
    """Each content is told once."""
    seen: list[str] = []
    logged.verify(progress=lambda entry: seen.append(entry.path))
    assert sorted(seen) == sorted(FILES)


def test_verify_of_an_empty_registry(lite) -> None:
    """Nothing logged is nothing wrong."""
    assert lite.verify().ok
    with pytest.raises(NotFoundError):
        lite.verify("p/a")
