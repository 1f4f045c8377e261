"""References: bytes that stay where they are, and what is said when they are no longer what they were."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from podium.content.local import LocalStore
from podium.content.objects import connect
from podium.content.references import probe, state_of
from podium.content.transfer import download
from podium.domain.manifest import Entry, Manifest
from podium.errors import IntegrityError, InvalidNameError, InvalidValueError, NotFoundError, StorageError

DATA = b"the bytes of a data set" * 100
SHA = hashlib.sha256(DATA).hexdigest()


class Web:
    """A server on loopback whose answers a test scripts."""

    def __init__(self) -> None:
        self.data, self.etag, self.status = DATA, '"one"', 200
        self.length: int | None = None
        self.location = ""
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(f"{self.command} {self.path}")
                self.send_response(302 if self.path == "/moved" else web.status)
                self.send_header("Content-Length", str(len(web.data) if web.length is None else web.length))
                if web.etag:
                    self.send_header("ETag", web.etag)
                if self.path == "/moved":
                    self.send_header("Location", web.location)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(web.data)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()


@pytest.fixture
def web(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = Web()
    yield server
    server.close()


@pytest.fixture
def get(tmp_path):
    """Download entries and return the folder."""

    def run(*entries: Entry) -> Path:
        download(LocalStore(tmp_path / "store"), Manifest.of(entries), tmp_path / "out")
        return tmp_path / "out"

    return run


def place_web(web: Web, *_: object):
    def change(data: bytes) -> None:
        web.data, web.etag = data, '"two"'

    return f"{web.url}/data/set.bin?download=1", change, lambda: setattr(web, "status", 404)


def place_file(_: Web, tmp_path: Path, *__: object):
    path = tmp_path / "files" / "set.bin"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return f"file://{path}", path.write_bytes, path.unlink


def place_s3(_: Web, __: Path, request):
    url = request.getfixturevalue("s3")
    client = connect(url)
    client.put("data/set.bin", DATA)
    return f"{url}/data/set.bin", lambda data: client.put("data/set.bin", data), lambda: client.delete("data/set.bin")


@pytest.fixture(params=[place_web, place_file, place_s3], ids=["http", "file", "s3"])
def place(request, web, tmp_path):
    """The URI of DATA, how to change it and how to remove it, at each kind of place in turn."""
    return request.param(web, tmp_path, request)


def test_sha256_is_known_and_comes_back(place, get) -> None:
    """With integrity sha256 the bytes are hashed when the reference is made, and at each download."""
    (entry,) = probe(place[0])
    assert (entry.path, entry.size, entry.sha256, entry.integrity) == ("set.bin", len(DATA), SHA, "sha256")
    assert state_of(entry) == "ok"
    assert (get(entry) / "set.bin").read_bytes() == DATA


def test_etag_is_known_and_comes_back(place, get) -> None:
    """With integrity etag nothing is read when the reference is made."""
    (entry,) = probe(place[0], "sub/renamed.bin", "etag")
    assert (entry.path, entry.size, entry.sha256, entry.integrity) == ("sub/renamed.bin", len(DATA), "", "etag")
    assert entry.etag
    assert state_of(entry) == "ok"
    assert (get(entry) / "sub" / "renamed.bin").read_bytes() == DATA


def test_none_promises_nothing(place, get) -> None:
    """With integrity none it is unchecked, whatever happens, and always downloadable."""
    (entry,) = probe(place[0], integrity="none")
    assert (entry.size, entry.sha256, entry.etag, state_of(entry)) == (0, "", None, "unchecked")
    place[1](b"other")
    assert state_of(entry) == "unchecked"
    assert (get(entry) / "set.bin").read_bytes() == b"other"


@pytest.mark.parametrize("integrity", ["sha256", "etag"])
def test_drift_is_reported_and_refused(place, get, tmp_path, integrity) -> None:
    """Changed bytes of the same length: `changed`, and an IntegrityError that says drift and leaves nothing."""
    (entry,) = probe(place[0], integrity=integrity)
    place[1](b"?" * len(DATA))
    assert state_of(entry) == "changed"
    with pytest.raises(IntegrityError, match="drifted") as caught:
        get(entry)
    assert "log a new version" in caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("integrity", ["sha256", "etag"])
def test_what_is_gone(place, get, tmp_path, integrity) -> None:
    """A reference to nothing is `missing`, its download an IntegrityError, its making a NotFoundError."""
    (entry,) = probe(place[0], integrity=integrity)
    place[2]()
    assert state_of(entry) == "missing"
    with pytest.raises(IntegrityError, match="nothing is there"):
        get(entry)
    with pytest.raises(NotFoundError):
        probe(place[0], integrity=integrity)
    assert not (tmp_path / "out").exists()


def test_a_server_without_etag(web) -> None:
    """Integrity etag needs one; sha256 does not."""
    web.etag = ""
    with pytest.raises(InvalidValueError, match="no ETag"):
        probe(f"{web.url}/x", integrity="etag")
    assert probe(f"{web.url}/x")[0].sha256 == SHA


def test_a_server_that_fails(web, get) -> None:
    """A 500 is asked again, then a StorageError; it is no drift."""
    (entry,) = probe(f"{web.url}/x")
    web.status, web.asked = 500, []
    for call in (lambda: probe(f"{web.url}/x"), lambda: state_of(entry), lambda: get(entry)):
        with pytest.raises(StorageError, match="500"):
            call()
    assert len(web.asked) == 9


def test_a_server_that_breaks_off(web, get, tmp_path) -> None:
    """An answer that is shorter than announced is a StorageError and leaves nothing."""
    (entry,) = probe(f"{web.url}/x", integrity="none")
    web.length = len(DATA) + 1
    with pytest.raises(StorageError):
        get(entry)
    assert not (tmp_path / "out").exists()


def test_redirects_stay_on_the_web(web, tmp_path) -> None:
    """A redirect to another web address is followed; one to a file of this machine is not."""
    web.location = "/elsewhere"
    assert probe(f"{web.url}/moved")[0].sha256 == SHA
    (tmp_path / "secret").write_bytes(DATA)
    for target in (f"file://{tmp_path}/secret", "ftp://127.0.0.1/x"):
        web.location = target
        with pytest.raises(StorageError):
            probe(f"{web.url}/moved")


def test_nobody_listens() -> None:
    """A dead address is a StorageError."""
    with pytest.raises(StorageError):
        probe("http://127.0.0.1:9/x")


def test_a_prefix_is_one_entry_per_object(s3, get) -> None:
    """A prefix on S3: one entry per object below it, in a folder if a name is given."""
    client = connect(s3)
    for key in ("set/a.bin", "set/sub/b.bin", "setother"):
        client.put(key, key.encode())
    entries = probe(f"{s3}/set/", "data")
    assert [(entry.path, entry.uri) for entry in sorted(entries)] == [
        ("data/a.bin", f"{s3}/set/a.bin"),
        ("data/sub/b.bin", f"{s3}/set/sub/b.bin"),
    ]
    assert (get(*entries) / "data" / "sub" / "b.bin").read_bytes() == b"set/sub/b.bin"


def test_a_folder_is_one_entry_per_file(tmp_path, get) -> None:
    """A local folder, given as a plain path."""
    folder = tmp_path / "set with space"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"a")
    (folder / "sub" / "b%20#?").write_bytes(b"b")
    entries = probe(str(folder))
    assert [(entry.path, state_of(entry)) for entry in entries] == [("a", "ok"), ("sub/b%20#?", "ok")]
    assert (get(*entries) / "sub" / "b%20#?").read_bytes() == b"b"


def test_bounds_of_a_prefix(tmp_path, web) -> None:
    """Too many objects, none, or a place that cannot be listed: each says so."""
    for number in range(3):
        (tmp_path / "three" / f"{number}").parent.mkdir(exist_ok=True)
        (tmp_path / "three" / f"{number}").touch()
    assert len(probe(str(tmp_path / "three"), max_objects=3)) == 3
    with pytest.raises(InvalidValueError, match="more than 2"):
        probe(str(tmp_path / "three"), max_objects=2)
    (tmp_path / "none").mkdir()
    with pytest.raises(NotFoundError):
        probe(str(tmp_path / "none"))
    with pytest.raises(InvalidValueError, match="cannot be listed"):
        probe(f"{web.url}/folder/")


def test_a_name_that_breaks_the_rules(web) -> None:
    """The path inside the artifact is checked like any other."""
    with pytest.raises(InvalidNameError):
        probe(f"{web.url}/x", "../x")
    with pytest.raises(InvalidNameError):
        probe(f"{web.url}/..%2fx%00")


def test_a_reference_is_no_copy() -> None:
    """The same bytes by reference and by value are different manifests; so are two promises."""
    made = [
        Entry("a", 1, SHA),
        Entry("a", 1, SHA, "file:///a", "sha256"),
        Entry("a", 1, SHA, "file:///b", "sha256"),
        Entry("a", 1, "", "file:///a", "etag", "1"),
        Entry("a", 1, "", "file:///a", "etag", "2"),
        Entry("a", 0, "", "file:///a", "none"),
    ]
    assert len({Manifest.of([entry]).digest for entry in made}) == len(made)


HOSTILE = [
    "",
    " ",
    "\n",
    "http://h/a\nb",
    "http://h/a\x00",
    "http://h/\u202eabc",
    "http://h/\udc80",
    "ftp://h/x",
    "javascript://x",
    "data://x",
    "memory:///x",
    "http://",
    "http:///x",
    "http://h:port/x",
    "http://h/a b",
    "http://h/ü",
    "http://u:canary@h/x",
    "http://canary@h/x",
    "https://h/x?X-Amz-Signature=canary",
    "https://h/x?sig=canary&se=1",
    "https://h/x?token=canary",
    "https://h/x?a=b&api_key=canary",
    "https://h/x?access_token=canary",
    "s3://",
    "s3:///key",
    "s3://key:canary@bucket/x",
    "s3://bucket/../x",
    "s3://bucket/a//b",
    "s3://bucket/x?versionId=1",
    "az://account",
    "file://other/x",
    "file:///a/../b",
    "http://h/" + "x" * 2048,
    "/" + "x" * 2048,
    None,
    7,
]


@pytest.mark.parametrize("uri", HOSTILE)
@pytest.mark.parametrize("integrity", ["sha256", "etag", "none"])
def test_hostile_uris_are_refused(uri, integrity) -> None:
    """The same verdict before anything is asked, and no secret of it in the error."""
    with pytest.raises(InvalidValueError) as caught:
        probe(uri, "name", integrity)
    assert caught.value.hint
    assert "canary" not in f"{caught.value}{caught.value.facts}"


def test_an_unknown_integrity() -> None:
    """It is an InvalidValueError."""
    with pytest.raises(InvalidValueError, match="integrity"):
        probe("http://127.0.0.1:9/x", integrity="md5")  # type: ignore[arg-type]
