"""Object storage that fails: known within seconds, in Podium's words, and without a secret."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
import traceback

import pytest

from podium.content.objects import brief
from podium.content.opening import open_store, same_place
from podium.errors import PodiumError, SettingsError, StorageError
from podium.settings import content_location, read_settings


@pytest.mark.parametrize(
    ("fault", "verb"),
    [("nobody", verb) for verb in ("prepare", "put", "missing", "read", "state", "blobs", "set_aside")]
    # The others ask by HEAD, whose answer does not tell a bucket that is not there from a key that is not there.
    + [("bucket", verb) for verb in ("prepare", "put", "read", "blobs")],
)
def test_every_verb_fails_in_our_words(s3, stage, monkeypatch, verb, fault) -> None:
    """A dead endpoint or a bucket that is not there: StorageError with a hint within seconds, and no secret shown."""
    if fault == "nobody":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store, item = open_store("s3://no-such-bucket/x" if fault == "bucket" else s3), stage(b"x")
    calls = {
        "prepare": store.prepare,
        "put": lambda: store.put([item]),
        "missing": lambda: store.missing([(item.sha256, 1)]),
        "read": lambda: list(store.read(item.sha256)),
        "state": lambda: store.state(item.sha256, 1),
        "blobs": lambda: list(store.blobs()),
        "set_aside": lambda: store.set_aside(item.sha256),
    }
    started = time.monotonic()
    with pytest.raises(StorageError) as caught:
        calls[verb]()
    assert time.monotonic() - started < 10
    assert caught.value.hint
    shown = "".join(traceback.format_exception(caught.value))
    assert "a-secret-key" not in shown


def test_an_endpoint_that_is_no_url(s3, monkeypatch) -> None:
    """The library panics; the caller gets one of Podium's errors."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:x y")
    with pytest.raises((StorageError, SettingsError)) as caught:
        open_store(s3).prepare()
    assert caught.value.hint


def test_an_error_is_cut_down() -> None:
    """Signed addresses, user information and what a server repeats never pass."""
    text = "Error performing GET https://u:canary@h/x?sig=canary in 3ms - 403: <Error><AWSAccessKeyId>canary</Error>\nC"
    assert brief(ValueError(text)) == "Error performing GET https://h/x in 3ms - 403"


@pytest.mark.parametrize(
    ("given", "location"),
    [
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("S3://bucket", "s3://bucket"),
        ("gs://bucket/x", "gs://bucket/x"),
        ("az://account/container/x", "az://account/container/x"),
        ("file:///a/b%20c", "/a/b c"),
        ("/a/b", "/a/b"),
    ],
)
def test_a_location_has_one_form(given, location) -> None:
    """A folder becomes absolute, a URL loses its last slash."""
    assert content_location(given) == location
    assert read_settings(content=given).content == location


@pytest.mark.parametrize(
    "given",
    [
        "ftp://h/x",
        "http://h/x",
        "s3://",
        "s3:///x",
        "s3://key:canary@bucket/x",
        "s3://bucket/x?sig=canary",
        "s3://bucket/../x",
        "s3://bucket//x",
        "file://other/x",
        "/a\nb",
    ],
)
def test_a_location_that_is_refused(given) -> None:
    """Unknown kinds, no bucket and credentials: SettingsError that shows no secret."""
    with pytest.raises(SettingsError) as caught:
        content_location(given)
    assert "PODIUM_CONTENT" in caught.value.hint
    assert "canary" not in str(caught.value)


def test_the_same_place(tmp_path) -> None:
    """Links among folders are followed; URLs are compared as they are."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert same_place(str(tmp_path / "real"), str(tmp_path / "link"))
    assert same_place("s3://b/x/", "s3://b/x")
    assert not same_place("s3://b/x", "s3://b/y")
    assert not same_place("s3://b/x", str(tmp_path))


MEMORY = """
import re, sys
from pathlib import Path
from podium.content.files import collect
from podium.content.opening import open_store
from podium.content.transfer import download
from podium.domain.manifest import Entry, Manifest

store, staged = open_store(sys.argv[1]), collect([Path(sys.argv[2])])
store.put(staged)
download(store, Manifest.of(Entry(x.path, x.size, x.sha256) for x in staged), Path(sys.argv[3]))
# Not getrusage: what it calls the maximum includes that of the process that started this one.
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_memory_stays_bounded(tmp_path, kind, request) -> None:
    """A file of 300 MB is stored and downloaded with less than 200 MB of memory."""
    location = str(tmp_path / "store") if kind == "folder" else request.getfixturevalue("s3")
    with (tmp_path / "large.bin").open("wb") as file:
        file.write(b"start")
        file.truncate(300 * 1024 * 1024)
    command = [sys.executable, "-c", MEMORY, location, str(tmp_path / "large.bin"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200
    assert (tmp_path / "out" / "large.bin").stat().st_size == 300 * 1024 * 1024


def _in_child(location: str, answer) -> None:
    try:
        answer.put(open_store(location).missing([("0" * 64, 1)]))
    except PodiumError as error:
        answer.put(error.code)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_is_told(s3) -> None:
    """A child by fork of a process that used object storage gets a typed error; it never hangs."""
    open_store(s3).missing([("0" * 64, 1)])
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_in_child, args=(s3, answer))
    child.start()
    try:
        assert answer.get(timeout=20) == "storage"
    finally:
        child.join(5)
        child.kill()
