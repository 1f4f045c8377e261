"""What a draft takes: references, new files, removals, and the one rule about paths that are taken."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

import podium
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError


@pytest.fixture
def run(lite) -> podium.Run:
    return podium.init("p", registry=lite)


@pytest.fixture
def draft() -> podium.Artifact:
    return podium.Artifact("data", "dataset")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and a file in a folder."""
    made = tmp_path / "given"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_text("a")
    (made / "sub" / "b.txt").write_text("b")
    return made


def paths(artifact: podium.Artifact) -> list[str]:
    return [entry.path for entry in artifact.files()]


def copies(tmp_path: Path) -> int:
    """How many copies lie in staging, without the locks."""
    return sum(path.is_file() and path.name != "lock" for path in (tmp_path / "home" / "staging").rglob("*"))


def test_references_stay_where_they_are(run, draft, folder, tmp_path) -> None:
    """A file and a folder are referred to, no byte is stored, and a download brings them."""
    (one,) = draft.add_reference(folder / "a.txt", "one.txt")
    assert (one.path, one.size, one.integrity, one.uri) == ("one.txt", 1, "sha256", (folder / "a.txt").as_uri())
    assert len(draft.add_reference(folder.as_uri(), "all")) == 2
    logged = run.log_artifact(draft)
    assert paths(logged) == ["all/a.txt", "all/sub/b.txt", "one.txt"]
    assert not list((tmp_path / "content").rglob("blobs/sha256/*/*"))
    assert (Path(logged.download(tmp_path / "out")) / "all" / "sub" / "b.txt").read_text() == "b"


@pytest.mark.parametrize(
    ("given", "integrity"),
    [({}, "sha256"), ({"checksum": False}, "none"), ({"integrity": "etag"}, "etag"), ({"integrity": "none"}, "none")],
    ids=repr,
)
def test_what_is_noted_of_a_reference(draft, folder, given, integrity) -> None:
    """`integrity` says it, and W&B's `checksum=False` means none."""
    (entry,) = draft.add_reference(str(folder / "a.txt"), **given)
    assert entry.integrity == integrity


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"uri": "ftp://x/y"}, InvalidValueError),
        ({"uri": ""}, InvalidValueError),
        ({"uri": 3}, InvalidValueError),
        ({"uri": "/no/such/file"}, NotFoundError),
        ({"name": "../up"}, InvalidNameError),
        ({"integrity": "md5"}, InvalidValueError),
        ({"integrity": "etag", "checksum": False}, InvalidValueError),
        ({"max_objects": 1}, InvalidValueError),
        ({"max_objects": 0}, InvalidValueError),
        ({"max_objects": "many"}, InvalidValueError),
    ],
    ids=repr,
)
def test_references_that_cannot_be_added(draft, folder, given, error) -> None:
    """Each is a typed error with a hint, and nothing was added."""
    with pytest.raises(error) as caught:
        draft.add_reference(**{"uri": str(folder), **given})
    assert caught.value.hint
    assert paths(draft) == []


def test_references_are_added_all_or_none(draft, folder) -> None:
    """One path that is taken by other content refuses the whole folder; `overwrite` takes its place."""
    draft.add_file(folder / "sub" / "b.txt", "sub/b.txt")
    with pytest.raises(InvalidValueError, match=r"other content at 'sub/b\.txt'"):
        draft.add_reference(folder)
    assert paths(draft) == ["sub/b.txt"]
    draft.add_reference(folder, overwrite=True)
    assert [entry.is_reference for entry in draft.files()] == [True, True]


def test_the_same_reference_again_is_nothing(draft, folder) -> None:
    """Adding it again changes nothing; when the file changed meanwhile it needs `overwrite`."""
    draft.add_reference(folder / "a.txt")
    draft.add_reference(folder / "a.txt")
    digest = draft.digest
    (folder / "a.txt").write_text("changed")
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        draft.add_reference(folder / "a.txt")
    assert draft.digest == digest


def test_a_folder_over_other_content(draft, folder) -> None:
    """`merge` replaces; without it nothing of the folder was added and no copy of it stays."""
    with draft.new_file("a.txt") as file:
        file.write("other")
    with pytest.raises(InvalidValueError, match="merge=True"):
        draft.add_dir(folder)
    assert paths(draft) == ["a.txt"]
    draft.add_dir(folder, merge=True)
    assert (paths(draft), draft.get_entry("a.txt").size) == (["a.txt", "sub/b.txt"], 1)


def test_copies_go_as_soon_as_nothing_needs_them(draft, folder, tmp_path) -> None:
    """What is refused, replaced, removed or there already leaves no copy behind."""
    draft.add_dir(folder)
    draft.add_dir(folder)
    (folder / "a.txt").write_text("new")
    with pytest.raises(InvalidValueError):
        draft.add_dir(folder)
    draft.add_file(folder / "a.txt", overwrite=True)
    assert copies(tmp_path) == 2
    draft.remove("sub")
    assert copies(tmp_path) == 1


def test_a_new_file_is_added_when_its_block_ends(run, draft, tmp_path) -> None:
    """Text is UTF-8, bytes are as they are; what is in the block is not there before."""
    with draft.new_file("notes/läs.txt") as file:
        file.write("hé\n")
        assert paths(draft) == []
    with draft.new_file("raw.bin", "wb") as file:
        file.write(b"\0\1")
    out = Path(run.log_artifact(draft).download(tmp_path / "out"))
    assert (out / "notes" / "läs.txt").read_bytes() == "hé\n".encode()
    assert (out / "raw.bin").read_bytes() == b"\0\1"


def test_a_block_that_raises_adds_nothing(draft, tmp_path) -> None:
    """The error comes through, and no copy stays."""
    with pytest.raises(ZeroDivisionError), draft.new_file("x") as file:
        file.write(str(1 / 0))
    assert (paths(draft), copies(tmp_path)) == ([], 0)


def test_a_new_file_over_an_old_one(draft) -> None:
    """`x` refuses other content and lets the same be, `w` replaces it: as `open` has it."""
    for text in ("one", "one"):
        with draft.new_file("x") as file:
            file.write(text)
    with pytest.raises(InvalidValueError, match="mode='w'"), draft.new_file("x") as file:
        file.write("three")
    with draft.new_file("x", "w") as file:
        file.write("three")
    assert draft.get_entry("x").size == 5


@pytest.mark.parametrize(
    ("name", "mode", "error"),
    [("../x", "w", InvalidNameError), ("x", "a", InvalidValueError), ("x", "r", InvalidValueError)],
)
def test_new_files_that_cannot_be(draft, name, mode, error) -> None:
    """A path that leaves the artifact and a mode that does not write are refused before the block begins."""
    with pytest.raises(error) as caught, draft.new_file(name, mode):
        raise AssertionError("the block began")
    assert caught.value.hint


def test_removing(draft, folder) -> None:
    """A file by its path or entry, a folder with all below it; a name that only begins alike stays."""
    draft.add_dir(folder)
    draft.add_reference(folder / "a.txt", "subway")
    draft.remove("sub/")
    draft.remove(draft.get_entry("a.txt"))
    assert paths(draft) == ["subway"]
    for gone in ("sub", "", "/", 3):
        with pytest.raises(NotFoundError, match="has no"):
            draft.remove(gone)


def test_looking_at_a_draft(draft, folder) -> None:
    """Manifest, count and size say what was added so far; an absent path is a typed error."""
    assert (draft.files(), draft.file_count, draft.size) == ([], 0, 0)
    draft.add_dir(folder)
    assert (draft.file_count, draft.size, draft.manifest.digest) == (2, 2, draft.digest)
    with pytest.raises(NotFoundError):
        draft.get_entry("none")


@pytest.mark.parametrize("path", [3, None, b"x", ""], ids=repr)
def test_what_is_no_path(draft, path) -> None:
    """Anything but a text or Path is a typed error of Podium for files and folders alike."""
    for add in (draft.add_file, draft.add_dir):
        with pytest.raises(InvalidValueError):
            add(path)


def test_description_of_a_draft_goes_with_it(run, lite, draft, folder) -> None:
    """Tags, time to live, description and metadata of the draft are those of its version."""
    draft.add_dir(folder)
    draft.tags = ["raw"]
    draft.ttl = timedelta(days=3)
    draft.description, draft.metadata = "d", {"rows": 3}
    run.log_artifact(draft, tags="extra")
    found = lite.resolve("p/data")
    assert (found.tags, found.expires_at - found.created_at) == (("extra", "raw"), timedelta(days=3))
    assert (found.description, found.metadata) == ("d", {"rows": 3})


@pytest.mark.parametrize(
    ("what", "value"),
    [("tags", ["a b"]), ("tags", [3]), ("ttl", 3), ("ttl", timedelta(0)), ("metadata", 3), ("description", 3)],
)
def test_descriptions_that_cannot_be(draft, what, value) -> None:
    """A bad tag, time to live, metadata or description is refused where it is set."""
    before = getattr(draft, what)
    with pytest.raises((InvalidNameError, InvalidValueError)):
        setattr(draft, what, value)
    assert getattr(draft, what) == before


def test_progress_is_told(run, draft, folder) -> None:
    """Adding, logging and downloading tell the bytes done; the sum is the size of the files."""
    told: list[int] = []
    draft.add_dir(folder, progress=told.append)
    assert sum(told) == draft.size
    told.clear()
    logged = run.log_artifact(draft, progress=told.append)
    assert sum(told) == logged.size
    told.clear()
    logged.download(folder.parent / "out", progress=told.append)
    assert sum(told) == logged.size
    told.clear()
    podium.Artifact("other", "dataset").add_reference(folder, progress=told.append)
    assert sum(told) == logged.size


def test_threads_add_to_one_draft(run, draft, tmp_path) -> None:
    """Two hundred files from eight threads are all there."""
    (tmp_path / "x").write_text("x")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: draft.add_file(tmp_path / "x", f"{at}.txt"), range(200)))
    assert run.log_artifact(draft).file_count == 200


def test_threads_log_one_draft_once(run, lite, draft, folder, monkeypatch) -> None:
    """Eight threads that log the same object get the same version from one log, and every alias is given."""
    draft.add_dir(folder)
    start, logs, log_staged = threading.Barrier(8), [], type(lite).log_staged

    def slowly(*given, **more) -> podium.Version:
        logs.append(1)
        time.sleep(0.2)  # the others come meanwhile
        return log_staged(*given, **more)

    def log(at: int) -> str:
        start.wait()
        return run.log_artifact(draft, aliases=[f"a{at}"]).ref

    monkeypatch.setattr(type(lite), "log_staged", slowly)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(log, range(8))) == {"p/data:v0"}
    assert len(logs) == 1
    assert set(lite.resolve("p/data").aliases) == {"latest", *(f"a{at}" for at in range(8))}


def test_what_is_added_while_it_is_logged_is_not_lost(run, lite, draft, folder, monkeypatch) -> None:
    """A file that comes too late for the version is refused, never swallowed."""
    draft.add_file(folder / "a.txt")
    late, log_staged = [], type(lite).log_staged

    def add_meanwhile(*given, **more) -> podium.Version:
        late.append(pool.submit(draft.add_file, folder / "sub" / "b.txt"))
        time.sleep(0.1)
        return log_staged(*given, **more)

    monkeypatch.setattr(type(lite), "log_staged", add_meanwhile)
    with ThreadPoolExecutor(1) as pool:
        assert run.log_artifact(draft).file_count == 1
        with pytest.raises(InvalidValueError, match="committed"):
            late[0].result(30)


def test_what_a_living_process_staged_stays(run, lite, draft, folder) -> None:
    """Garbage collection without any grace leaves the copies of a draft alone."""
    draft.add_dir(folder)
    assert lite.gc(older_than=timedelta(0)).leftovers == 0
    assert run.log_artifact(draft).file_count == 2


def test_what_a_killed_process_staged_goes(lite, folder, tmp_path) -> None:
    """The copies of a process that was killed are counted and removed."""
    context = multiprocessing.get_context("spawn")
    ready, child_end = context.Pipe()
    process = context.Process(target=_stage_and_wait, args=(str(folder), child_end))
    process.start()
    assert ready.recv() == 2
    assert lite.gc(older_than=timedelta(0)).leftovers == 0
    process.kill()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert lite.gc(older_than=timedelta(0)).leftovers == 2
    assert copies(tmp_path) == 0


def _stage_and_wait(folder: str, ready) -> None:
    draft = podium.Artifact("data", "dataset")
    draft.add_dir(folder)
    ready.send(draft.file_count)
    signal.pause()


def test_a_forked_child_leaves_the_copies_alone(run, draft, folder) -> None:
    """A child that ends, or throws its draft away, takes nothing from its parent."""
    draft.add_dir(folder)
    pid = os.fork()
    if pid == 0:  # pragma: no cover - the child is not measured
        draft.remove("a.txt")
        draft._draft.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert run.log_artifact(draft).file_count == 2
