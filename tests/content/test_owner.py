"""Whose a content place is: two registries never share one, and an empty place is not taken for one that was filled."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from podium.content.objects import connect
from podium.content.owner import MARK
from podium.errors import SettingsError, StorageError
from podium.registry import Registry
from podium.sql.tables import settings

GC_ALL = {"keep_deleted": timedelta(0), "older_than": timedelta(0)}
VERBS: dict[str, Callable[[Registry, Path], Any]] = {
    "log": lambda registry, file: registry.log("p/a", file),
    "gc": lambda registry, _: registry.gc(**GC_ALL),
}
Open = Callable[..., Registry]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for content that nobody used yet, of each kind in turn."""
    if request.param == "folder":
        return str(tmp_path / "place")
    return f"{request.getfixturevalue('s3')}/some/prefix"


@pytest.fixture
def file(model_file: Callable[[str], Path]) -> Path:
    return model_file("the model")


@pytest.fixture
def open_new(open_at: Open, tmp_path: Path) -> Callable[[str, str], Registry]:
    """Open a registry with an SQLite file of its own, or the one of that name once more."""
    return lambda name, place: open_at(f"sqlite:///{tmp_path / name}.db", content=place)


def mark_of(place: str) -> str | None:
    """What the mark of a place says, None if there is none."""
    try:
        if "://" in place:
            return bytes(connect(place).get(MARK).bytes()).decode().strip()
        return Path(place, MARK).read_text().strip()
    except FileNotFoundError:
        return None


def unsign(registry: Registry, place: str) -> None:
    """Make registry and place as they were before places had a mark."""
    if "://" in place:
        connect(place).delete(MARK)
    else:
        Path(place, MARK).unlink()
    with registry._database.write() as connection:
        connection.execute(sa.delete(settings).where(settings.c.key == "content_owner"))
    registry._store = None


def recorded(registry: Registry) -> dict[str, str]:
    """The settings of a database."""
    with registry._database.read() as connection:
        return {row.key: row.value for row in connection.execute(sa.select(settings))}


def all_paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_first_log_signs(place: str, file: Path, open_new: Callable[[str, str], Registry]) -> None:
    """The mark says the same as the database, and nothing but the mark and the content lies there."""
    registry = open_new("one", place)
    registry.log("p/a", file)
    assert mark_of(place) == recorded(registry)["content_owner"]
    if "://" not in place:
        assert sorted(os.listdir(place)) == ["blobs", "incoming", MARK]


@pytest.mark.parametrize("verb", VERBS)
def test_a_second_registry_is_refused(
    place: str, file: Path, open_new: Callable[[str, str], Registry], verb: str
) -> None:
    """Its first call is a SettingsError that names the place, it records none, and the first one's bytes stay."""
    first, second = open_new("one", place), open_new("two", place)
    first.log("p/a", file)
    owner = mark_of(place)
    with pytest.raises(SettingsError, match="belongs to another registry") as caught:
        VERBS[verb](second, file)
    assert caught.value.location == place
    assert "content" not in recorded(second)
    assert second.collections() == []
    assert mark_of(place) == owner
    assert first.verify().problems == ()


@pytest.mark.parametrize("verb", VERBS)
def test_two_that_shared_a_place_before_marks(
    place: str, tmp_path: Path, file: Path, open_new: Callable[[str, str], Registry], verb: str
) -> None:
    """Who comes second after the upgrade is refused, and its garbage collection removes nothing of the first."""
    first, second = open_new("one", place), open_new("two", str(tmp_path / "other"))
    first.log("p/a", file)
    second.log("p/a", file)
    unsign(second, str(tmp_path / "other"))
    with second._database.write() as connection:
        connection.execute(sa.update(settings).where(settings.c.key == "content").values(value=place))
    second = open_new("two", place)
    with pytest.raises(SettingsError, match="belongs to another registry"):
        VERBS[verb](second, file)
    assert first.verify().problems == ()


def test_eight_first_uses_of_one_registry(place: str, file: Path, open_new: Callable[[str, str], Registry]) -> None:
    """Eight that open a new registry at once have one owner between them, and none is refused."""
    several = [open_new("one", place) for _ in range(8)]
    several[0].collections()  # makes the schema, which is not what this is about
    meet = threading.Barrier(8)

    def first_log(registry: Registry) -> int:
        meet.wait(30)
        return registry.log("p/a", file).number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(first_log, several)) == [0] * 8
    assert mark_of(place) == recorded(several[0])["content_owner"]


def test_two_registries_at_once(place: str, file: Path, open_new: Callable[[str, str], Registry]) -> None:
    """Of eight registries that want one place at the same moment, one has it and seven are refused."""
    several, meet = [open_new(f"r{turn}", place) for turn in range(8)], threading.Barrier(8)
    assert [registry.collections() for registry in several] == [[]] * 8  # makes the schemas

    def first_log(registry: Registry) -> str:
        meet.wait(30)
        try:
            return registry.log("p/a", file).ref
        except SettingsError:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(first_log, several)) == ["p/a:v0", *["refused"] * 7]


@pytest.mark.parametrize("opened", ["before", "after"])
@pytest.mark.parametrize("how", ["renamed", "emptied"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_that_vanished(
    tmp_path: Path, file: Path, open_new: Callable[[str, str], Registry], verb: str, how: str, opened: str
) -> None:
    """A disk that is not mounted is a StorageError, to who used it before as to who opens now; nothing is made."""
    place, away = tmp_path / "place", tmp_path / "away"
    registry = open_new("one", str(place))
    registry.log("p/a", file)
    place.rename(away)
    if how == "emptied":
        place.mkdir()
    stored = all_paths(away)
    registry = registry if opened == "before" else open_new("one", str(place))
    with pytest.raises(StorageError, match="not there"):
        VERBS[verb](registry, file)
    assert (all_paths(place) if how == "emptied" else place.exists()) in ([], False)
    assert all_paths(away) == stored
    assert len(registry.versions("p/a")) == 1


@pytest.mark.parametrize("opened", ["before", "after"])
def test_a_folder_that_came_back(
    tmp_path: Path, file: Path, model_file: Any, open_new: Callable[[str, str], Registry], opened: str
) -> None:
    """Once the disk is mounted again, the registry that was refused goes on."""
    place, away = tmp_path / "place", tmp_path / "away"
    registry = open_new("one", str(place))
    registry.log("p/a", file)
    place.rename(away)
    registry = registry if opened == "before" else open_new("one", str(place))
    with pytest.raises(StorageError):
        registry.log("p/a", file)
    away.rename(place)
    assert registry.log("p/a", model_file("another")).number == 1
    assert registry.verify().problems == ()


@pytest.mark.parametrize("verb", VERBS)
def test_a_place_of_before_is_signed(
    place: str, file: Path, open_new: Callable[[str, str], Registry], verb: str
) -> None:
    """A registry of before the marks goes on working, keeps all its bytes, and signs its place at the first call."""
    registry = open_new("one", place)
    registry.log("p/a", file)
    unsign(registry, place)
    again = open_new("one", place)
    VERBS[verb](again, file)
    assert again.verify().problems == ()
    assert mark_of(place) == recorded(again)["content_owner"]
    with pytest.raises(SettingsError):
        open_new("two", place).log("p/a", file)


@pytest.mark.permissions
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "of before"])
def test_a_folder_that_may_only_be_read(
    tmp_path: Path, file: Path, open_new: Callable[[str, str], Registry], signed: bool
) -> None:
    """Who may not write there downloads all the same; logging something new is a StorageError."""
    place = tmp_path / "place"
    registry = open_new("one", str(place))
    registry.log("p/a", file)
    if not signed:
        unsign(registry, str(place))
    before = all_paths(place)
    folders = [place, *(path for path in place.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        reader = open_new("one", str(place))
        assert (reader.download("p/a", tmp_path / "out") / "model.bin").read_text() == "the model"
        file.write_text("another")
        with pytest.raises(StorageError):
            reader.log("p/a", file)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert all_paths(place) == before


class Forwarding(BaseHTTPRequestHandler):
    """Hands every request on to the server behind it, and refuses what would write."""

    protocol_version = "HTTP/1.1"
    server: ReadOnly

    def hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path))
        if self.command not in ("GET", "HEAD"):
            self.answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
            return
        behind = HTTPConnection(self.server.behind, timeout=20)
        behind.request(self.command, self.path, body or None, dict(self.headers))
        answer = behind.getresponse()
        self.answer(answer.status, dict(answer.getheaders()), answer.read())
        behind.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = hand_on

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        size = headers.pop("Content-Length", str(len(body)))
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", size)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class ReadOnly(ThreadingHTTPServer):
    """An S3 server as a worker sees it that may only read; `seen` has its requests."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Forwarding)
        self.behind, self.seen = behind.removeprefix("http://"), list[tuple[str, str]]()


@pytest.fixture
def read_only(s3_server: str) -> Iterator[ReadOnly]:
    server = ReadOnly(s3_server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "of before"])
def test_a_bucket_that_may_only_be_read(
    s3: str,
    tmp_path: Path,
    file: Path,
    open_new: Callable[[str, str], Registry],
    read_only: ReadOnly,
    monkeypatch: pytest.MonkeyPatch,
    signed: bool,
) -> None:
    """Whom the bucket refuses to write downloads all the same, and does not even ask to write where the mark is."""
    registry = open_new("one", s3)
    registry.log("p/a", file)
    if not signed:
        unsign(registry, s3)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{read_only.server_port}")
    reader = open_new("one", s3)
    assert (reader.download("p/a", tmp_path / "out") / "model.bin").read_text() == "the model"
    assert {verb for verb, _ in read_only.seen} == ({"GET"} if signed else {"GET", "PUT"})
    file.write_text("another")
    with pytest.raises(StorageError):
        reader.log("p/a", file)


@pytest.mark.postgres
def test_postgresql_wants_to_be_told_the_place(new_pg_url: Callable[[], str], open_at: Open, file: Path) -> None:
    """Without PODIUM_CONTENT the first log is a SettingsError that names it, nothing is recorded, no folder made."""
    registry = open_at(new_pg_url(), content=None)
    before = recorded(registry)
    with pytest.raises(SettingsError) as caught:
        registry.log("p/a", file)
    assert "PODIUM_CONTENT" in caught.value.hint
    assert recorded(registry) == before
    assert registry.collections() == []
    assert not Path(registry.settings.default_content).exists()


@pytest.mark.postgres
def test_postgresql_remembers_the_place(
    new_pg_url: Callable[[], str], open_at: Open, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PODIUM_CONTENT is needed once; whoever comes later takes what the database records."""
    url = new_pg_url()
    monkeypatch.setenv("PODIUM_CONTENT", str(tmp_path / "place"))
    open_at(url, content=None).log("p/a", file)
    monkeypatch.delenv("PODIUM_CONTENT")
    later = open_at(url, content=None)
    assert later.content == str(tmp_path / "place")
    assert later.verify().problems == ()


def test_sqlite_and_its_content_move_together(open_at: Open, tmp_path: Path, file: Path, model_file: Any) -> None:
    """The folder with both is renamed: reading, logging and garbage collection go on, and nothing is made behind."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    registry = open_at(f"sqlite:///{old / 'podium.db'}", content=None)
    registry.log("p/a", file)
    registry.close()
    old.rename(new)
    moved = open_at(f"sqlite:///{new / 'podium.db'}", content=None)
    assert moved.log("p/a", model_file("another")).number == 1
    moved.gc(**GC_ALL)
    assert moved.verify().problems == ()
    assert moved.content == str(new / "content")
    assert not old.exists()


def test_a_copy_of_both_is_a_registry_too(open_at: Open, tmp_path: Path, file: Path) -> None:
    """A copy of the folder, as from a backup, works; it has the owner of the original and touches nothing of it."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    registry = open_at(f"sqlite:///{old / 'podium.db'}", content=None)
    registry.log("p/a", file)
    registry.close()
    shutil.copytree(old, new)
    copied = open_at(f"sqlite:///{new / 'podium.db'}", content=None)
    copied.delete("p/a:v0")
    assert copied.gc(**GC_ALL).blobs == 1
    assert registry.verify().problems == ()


def test_a_new_registry_does_not_take_over_contents(
    place: str, file: Path, open_new: Callable[[str, str], Registry]
) -> None:
    """Contents of a registry of before, which has not signed yet, are never taken for those of a new one."""
    open_new("old", place).log("p/a", file)
    if "://" in place:
        connect(place).delete(MARK)
    else:
        Path(place, MARK).unlink()
    with pytest.raises(SettingsError, match="nothing says whose"):
        open_new("new", place).log("p/a", file)
    assert mark_of(place) is None
