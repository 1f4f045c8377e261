"""What cannot be logged: a typed error, and nothing stored or changed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from podium.content import files as local_files
from podium.domain.names import check_path
from podium.errors import (
    IntegrityError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    PodiumError,
    StorageError,
)
from podium.usecases.versions import LogVersion


@pytest.fixture
def base(registry, model_file):
    """A registry with one logged version, so that every refusal has something to spoil."""
    registry.log("p/a", model_file("base"), aliases=["best"])
    return registry


def blobs(registry) -> set[Path]:
    return {path for path in Path(registry.content).rglob("*") if path.is_file()}


def endless() -> dict[str, object]:
    value: dict[str, object] = {}
    value["me"] = value
    return value


REFUSED = [
    ({"artifact": "p"}, InvalidNameError),
    ({"artifact": "p/a/b"}, InvalidNameError),
    ({"artifact": "p/a b"}, InvalidNameError),
    ({"artifact": "p/ä"}, InvalidNameError),
    ({"artifact": "../a"}, InvalidNameError),
    ({"artifact": "p/a:v0"}, InvalidValueError),
    ({"artifact": "p/a:best"}, InvalidValueError),
    ({"artifact": "p/a\0"}, InvalidNameError),
    ({"artifact": None}, InvalidNameError),
    ({"artifact": 3}, InvalidNameError),
    ({"artifact": "model-registry/a"}, InvalidValueError),
    ({"type": "data set"}, InvalidNameError),
    ({"type": ""}, InvalidNameError),
    ({"type": "dataset"}, InvalidValueError),
    ({"metadata": {"a": b"x"}}, InvalidValueError),
    ({"metadata": {"a": "\0"}}, InvalidValueError),
    ({"metadata": {"a": "\ud800"}}, InvalidValueError),
    ({"metadata": endless()}, InvalidValueError),
    ({"metadata": [1]}, InvalidValueError),
    ({"description": "a\0"}, InvalidValueError),
    ({"description": 3}, InvalidValueError),
    ({"aliases": ["v3"]}, InvalidNameError),
    ({"aliases": ["Latest"]}, InvalidNameError),
    ({"aliases": ["a b"]}, InvalidNameError),
    ({"aliases": [None]}, InvalidNameError),
    ({"aliases": 3}, InvalidNameError),
    ({"metrics": {"x" * 300: 1}}, InvalidValueError),
    ({"metrics": {"a": [1]}}, InvalidValueError),
    ({"metrics": [1]}, InvalidValueError),
    ({"run": "nosuchrun"}, NotFoundError),
    ({"run": "a\0"}, InvalidNameError),
    ({"on_duplicate": "maybe"}, InvalidValueError),
]


@pytest.mark.parametrize(("changed", "error"), REFUSED, ids=lambda value: ascii(value)[:40])
def test_bad_arguments_change_nothing(base, model_file, rows, changed, error) -> None:
    """Each bad argument is a typed error with a hint, and every row is as before."""
    before = rows(base)
    given = {"artifact": "p/a", "files": model_file("new"), **changed}
    with pytest.raises(error) as caught:
        base.log(given.pop("artifact"), given.pop("files"), **given)
    assert type(caught.value) is error
    assert caught.value.hint
    assert rows(base) == before


def test_bad_arguments_are_found_before_a_byte_is_stored(base, model_file) -> None:
    """A name, alias or value that breaks the rules leaves no orphan in the content store either."""
    before = blobs(base)
    for changed in ({"artifact": "p/a b"}, {"aliases": ["v3"]}, {"metadata": {"a": b"x"}}, {"type": ""}):
        given = {"artifact": "p/a", **changed}
        with pytest.raises(PodiumError):
            base.log(given.pop("artifact"), model_file("new"), **given)
    assert blobs(base) == before


def make_symlink(folder: Path) -> Path:
    (folder / "target").write_text("x")
    (folder / "link").symlink_to(folder / "target")
    return folder / "link"


def make_dangling(folder: Path) -> Path:
    (folder / "dangling").symlink_to(folder / "nowhere")
    return folder / "dangling"


def make_linked_folder(folder: Path) -> Path:
    (folder / "real").mkdir()
    (folder / "real" / "x").write_text("x")
    (folder / "linked").symlink_to(folder / "real", target_is_directory=True)
    return folder / "linked"


def make_fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def make_socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / "s"))
    return folder / "s"


def make_missing(folder: Path) -> Path:
    return folder / "missing"


def make_empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def make_device(folder: Path) -> Path:
    return Path("/dev/null")


PLACES = [
    (make_symlink, InvalidValueError),
    (make_dangling, InvalidValueError),
    (make_linked_folder, InvalidValueError),
    (make_fifo, InvalidValueError),
    (make_socket, InvalidValueError),
    (make_device, InvalidValueError),
    (make_missing, NotFoundError),
    (make_empty, InvalidValueError),
]


@pytest.mark.parametrize(("make", "error"), PLACES)
def test_files_that_are_none(base, tmp_path, rows, make, error) -> None:
    """A link, fifo, socket, device, missing file or empty folder is refused as it is."""
    (tmp_path / "odd").mkdir()
    path, before, stored = make(tmp_path / "odd"), rows(base), blobs(base)
    with pytest.raises(error):
        base.log("p/a", path)
    assert (rows(base), blobs(base)) == (before, stored)


@pytest.mark.parametrize("make", [make_symlink, make_dangling, make_linked_folder, make_fifo, make_socket])
def test_folders_that_contain_them(base, tmp_path, rows, make) -> None:
    """One such file anywhere in a folder refuses the folder as a whole."""
    deep = tmp_path / "odd" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "odd" / "fine.txt").write_text("fine")
    make(deep)
    before = rows(base)
    with pytest.raises(InvalidValueError):
        base.log("p/a", tmp_path / "odd")
    assert rows(base) == before


@pytest.mark.parametrize("name", ["a\\b", "x.", "con.txt", "a\u202eb", "e\u0301", b"\xff"], ids=ascii)
def test_local_names_that_travel_badly(base, tmp_path, rows, name) -> None:
    """A local file whose name some system cannot hold is refused, not renamed."""
    folder = tmp_path / "odd"
    folder.mkdir()
    with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "w") as file:
        file.write("x")
    before = rows(base)
    with pytest.raises(InvalidNameError):
        base.log("p/a", folder)
    assert rows(base) == before


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "", "con", "a\0"])
def test_paths_given_by_hand(base, model_file, rows, path) -> None:
    """A path inside the artifact that breaks the rules is refused."""
    before = rows(base)
    with pytest.raises(InvalidNameError):
        base.log("p/a", {path: model_file("new")})
    assert rows(base) == before


def test_two_paths_that_are_one_file_elsewhere(base, model_file, rows) -> None:
    """Paths that differ only by case are refused together."""
    before = rows(base)
    with pytest.raises(InvalidNameError):
        base.log("p/a", {"Model.bin": model_file("1"), "model.bin": model_file("2")})
    assert rows(base) == before


def test_a_file_that_changes_while_it_is_logged(base, model_file, rows) -> None:
    """Bytes that differ from the hash taken before are not published, and no blob of them stays."""
    path = model_file("before")
    staged = [local_files.stage(check_path("model.bin"), path)]
    path.write_text("after!")
    before, stored = rows(base), blobs(base)
    with pytest.raises(IntegrityError, match="changed while it was being logged"):
        base.log_staged(staged, LogVersion("p/a", "model"))
    assert (rows(base), blobs(base)) == (before, stored)


def test_a_file_that_vanishes_while_it_is_logged(base, model_file, rows) -> None:
    """A file that is gone between hash and publish is a NotFoundError, and nothing is published."""
    path = model_file("before")
    staged = [local_files.stage("model.bin", path)]
    path.unlink()
    before, stored = rows(base), blobs(base)
    with pytest.raises(NotFoundError, match="vanished"):
        base.log_staged(staged, LogVersion("p/a", "model"))
    assert (rows(base), blobs(base)) == (before, stored)


@pytest.mark.permissions
def test_a_file_that_may_not_be_read(base, model_file, rows) -> None:
    """A file without read permission is a StorageError."""
    path = model_file("secret")
    path.chmod(0)
    with pytest.raises(StorageError):
        base.log("p/a", path)


def test_an_artifact_keeps_its_type(base, model_file) -> None:
    """The type is fixed by the first version; the error says which it is."""
    with pytest.raises(InvalidValueError) as caught:
        base.log("p/a", model_file("new"), type="dataset")
    assert caught.value.facts["type"] == "model"


@pytest.mark.parametrize("files", ["", [""], {"a": ""}])
def test_an_empty_path_is_not_this_folder(base, rows, files) -> None:
    """An empty path, such as a variable that was never set, is refused; it must not log the working folder."""
    before = rows(base)
    with pytest.raises(InvalidValueError, match="empty"):
        base.log("p/a", files)
    assert rows(base) == before
