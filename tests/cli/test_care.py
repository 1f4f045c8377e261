"""References, time to live, garbage, the cache, and folders that are compared, from the command line."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

import podium
from podium.cli.given import duration, lifetime


@pytest.fixture
def expired(ok, files, request) -> str:
    """An artifact whose v0 ended a while ago; v1 lives on."""
    request.node.add_marker(pytest.mark.tampers)
    ok("log", "p/old", files, "--ttl", "1s")
    (files / "model.bin").write_bytes(b"z" * 100)
    ok("log", "p/old", files)
    with podium.open_registry()._database.write() as connection:
        connection.exec_driver_sql("UPDATE versions SET expires_at = '2020-01-01 00:00:00.000000' WHERE number = 0")
    return "p/old"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("45m", 2700), ("12h", 43_200), ("30d", 2_592_000), (" 2W ", 1_209_600)]
)
def test_times_are_read(text, seconds):
    """Seconds, minutes, hours, days, weeks."""
    assert duration(text) == lifetime(text) == timedelta(seconds=seconds)


def test_log_keeps_references_tags_and_time_to_live(ok, answer, files, tmp_path):
    """What stays where it is stands beside what is stored, each with what it promises."""
    data = tmp_path / "data.csv"
    data.write_text("1,2\n")
    given = ("--reference", f"raw/data.csv=file://{data}", "--integrity", "etag", "--tag", "raw", "--ttl", "12h")
    version = answer("log", "p/a", files, *given)
    assert (version["files"], version["tags"]) == (3, ["raw"])
    shown = ok("show", "p/a")
    assert "raw/data.csv" in shown
    assert "(etag)" in shown
    assert "Expires" in shown
    entry = next(item for item in answer("show", "p/a")["manifest"]["entries"] if item["uri"])
    assert (entry["path"], entry["uri"]) == ("raw/data.csv", f"file://{data}")


def test_log_of_references_alone(answer, tmp_path):
    """A folder by its URI is all that lies below; a '=' in a URI is no path."""
    folder = tmp_path / "data" / "year=2026"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("1\n")
    version = answer("log", "p/raw", "--type", "dataset", "--reference", f"file://{tmp_path}/data/year=2026/")
    assert (version["files"], version["size"]) == (1, 2)
    assert answer("show", "p/raw")["manifest"]["entries"][0]["path"] == "a.csv"


def test_log_of_references_again_makes_nothing(ok, tmp_path):
    """The same references are the same version."""
    (tmp_path / "a.csv").write_text("1\n")
    for _ in range(2):
        text = ok("log", "p/raw", "--reference", tmp_path / "a.csv", "--type", "dataset")
    assert text == "p/raw:v0 has the same files; nothing new was made\n"


def test_verify_finds_drift_of_references(run, ok, tmp_path):
    """A reference that changed is damage, and exit code 1."""
    (tmp_path / "a.csv").write_text("1\n")
    ok("log", "p/raw", "--reference", tmp_path / "a.csv")
    assert "all as it was logged" in ok("verify", "p/raw")
    (tmp_path / "a.csv").write_text("2\n")
    result = run("verify", "p/raw")
    assert (result.exit_code, "changed" in result.stdout) == (1, True)


def test_verify_says_what_cannot_be_checked(ok, tmp_path):
    """A reference without integrity is no fault, and is said."""
    (tmp_path / "a.csv").write_text("1\n")
    ok("log", "p/raw", "--reference", tmp_path / "a.csv", "--integrity", "none")
    assert "1 reference declared no integrity" in ok("verify")


def test_verify_of_a_folder(run, ok, model):
    """A downloaded folder is compared with its version: changed, missing and extra files."""
    ok("download", "digits/mlp:v0", "--to", "out")
    assert "all as it was logged" in ok("verify", "digits/mlp:v0", "--folder", "out")
    Path("out/model.bin").write_bytes(b"other")
    Path("out/more.txt").write_text("extra")
    result = run("verify", "digits/mlp:v0", "--folder", "out")
    assert result.exit_code == 1
    assert re.search(r"model.bin +changed", result.stdout)
    assert re.search(r"more.txt +extra", result.stdout)


def test_damage_is_set_aside_and_mended(run, ok, files, tmp_path):
    """What is damaged is moved away, and logging the right files again restores it."""
    ok("log", "p/a", files)
    for path in (tmp_path / "home" / "content" / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"?" * path.stat().st_size)
    assert run("verify", "--set-aside").exit_code == 1
    ok("log", "p/a", files)
    assert "all as it was logged" in ok("verify")


def test_expire_previews_unless_told(ok, answer, expired):
    """Without --yes it only says what would go and how to do it; with it, that goes."""
    text = ok("expire", "p")
    assert "1 version would be deleted; do it: podium expire p --yes" in text
    assert len(answer("ls", expired)) == 2
    assert "1 version deleted" in ok("expire", "p", "--yes")
    assert [item["number"] for item in answer("ls", expired)] == [1]
    assert ok("expire", "--yes") == "No time to live has ended\n"


def test_expire_keeps_what_is_used(ok, answer, expired):
    """What holds an alias or is linked stays, and it is said by what."""
    ok("alias", "set", f"{expired}:v0", "keep")
    text = ok("expire", "--yes")
    assert "keep" in text
    assert "0 versions deleted, 1 kept" in text
    assert answer("expire")["versions"][0]["kept_by"] == ["keep"]


def test_gc_says_what_went(ok, answer, files, tmp_path):
    """A dry run and the collection name versions, contents and bytes; afterwards there is nothing."""
    ok("log", "p/a", files)
    ok("delete", "p/a:v0", "--yes")
    now = ("gc", "--keep-deleted", "0s", "--older-than", "0s")
    would = ok(*now, "--dry-run").splitlines()
    assert would == [
        "1 deleted version would be given up for good",
        "2 contents would be removed (1.5 kB)",
    ]
    assert (answer(*now)["versions"], len(list((tmp_path / "home" / "content" / "blobs").rglob("*/*/*")))) == (1, 0)
    assert ok(*now) == "There is nothing to remove\n"


def test_gc_leaves_what_is_young_or_can_be_restored(ok, answer, files):
    """By default a deletion of today can be undone afterwards."""
    ok("log", "p/a", files)
    ok("delete", "p/a:v0", "--yes")
    assert answer("gc")["blobs"] == 0
    ok("restore", "p/a:v0")
    assert "all as it was logged" in ok("verify")


def test_the_cache_is_shown_and_emptied(ok, answer, tmp_path):
    """It says where it is and how large; clearing leaves nothing, twice is fine."""
    place = tmp_path / "home" / "cache" / "blobs" / "ab"
    place.mkdir(parents=True)
    (place / ("ab" + "0" * 62)).write_bytes(b"x" * 1000)
    assert answer("cache", "show")["size"] == 1000
    assert "1.0 kB" in ok("cache", "show")
    assert answer("cache", "prune")["removed"] == 0
    assert answer("cache", "clear") == {"path": str(tmp_path / "home" / "cache"), "removed": 1000, "size": 0}
    assert answer("cache", "clear")["removed"] == 0


def test_a_cache_that_is_too_large_is_pruned(answer, tmp_path, monkeypatch):
    """What was not used for longest goes first."""
    place = tmp_path / "home" / "cache" / "blobs" / "ab"
    place.mkdir(parents=True)
    (place / ("ab" + "0" * 62)).write_bytes(b"x" * 1000)
    monkeypatch.setenv("PODIUM_CACHE_SIZE", "500")
    assert answer("cache", "prune")["size"] == 0


def test_a_cache_that_is_off_can_be_emptied(ok, answer, monkeypatch):
    """Turned off, it says so."""
    monkeypatch.setenv("PODIUM_CACHE_SIZE", "0")
    assert "turned off" in ok("cache", "show")
    assert answer("cache", "clear")["removed"] == 0


def test_a_cache_size_that_is_none(run, monkeypatch):
    """A wrong setting is one line."""
    monkeypatch.setenv("PODIUM_CACHE_SIZE", "much")
    result = run("cache", "show")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
