"""Tables and images of runs as the registry keeps them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from podium.domain.media import Media, TableData
from podium.domain.runs import MetricPoint
from podium.errors import IntegrityError, InvalidValueError, NotFoundError, PodiumError, StorageError

PNG = b"\x89PNG a picture"


def table(*rows: list[object], step: int = 0, name: str = "predictions") -> Media:
    text = json.dumps({"columns": ["id", "label"], "data": rows}).encode()
    return Media(name, step, "table", {"columns": ["id", "label"], "rows": len(rows)}, {"table.json": text})


def image(name: str = "picture", step: int = 0, data: bytes = PNG) -> Media:
    details = {"path": "images/a.png", "format": "png", "width": 3, "height": 2, "caption": None}
    return Media(name, step, "image", details, {"images/a.png": data})


@pytest.fixture
def run(registry) -> str:
    return registry.start_run("p").id


@pytest.fixture
def damage(tmp_path: Path) -> Callable[[bytes], None]:
    """Change a byte of the one stored blob that holds these bytes."""

    def damage(part: bytes) -> None:
        blobs = [path for path in (tmp_path / "content" / "blobs").rglob("*") if path.is_file()]
        (blob,) = [path for path in blobs if part in path.read_bytes()]
        blob.chmod(0o644)
        blob.write_bytes(blob.read_bytes()[:-1] + b"?")

    return damage


def test_media_and_metrics_are_one_step(registry, run) -> None:
    """They become visible together; the summary has a short word for the media."""
    info = registry.log_metrics(run, [MetricPoint("acc", 3, 0.9)], media=[table([1, "cat"], step=3)])
    word = {"_type": "table", "step": 3, "rows": 1, "columns": 2}
    assert (info.steps, info.summary) == (4, {"acc": 0.9, "predictions": word})
    (media,) = registry.media(run)
    assert (media.name, media.step, media.kind, media.files) == ("predictions", 3, "table", 1)
    assert media.details == {"columns": ["id", "label"], "rows": 1}


def test_a_table_is_read_back(registry, run) -> None:
    """Of the newest step unless another is asked for."""
    for step in (0, 1):
        registry.log_metrics(run, [], media=[table([step, "ü"], step=step)])
    assert registry.table(run, "predictions") == TableData(("id", "label"), ((1, "ü"),))
    assert registry.table(run, "predictions", step=0).rows == ((0, "ü"),)
    assert registry.table(run, "predictions").get_column("label") == ["ü"]


def test_the_same_step_again(registry, run) -> None:
    """What a retry logs takes the place of what was there, in one call or in two."""
    registry.log_metrics(run, [], media=[table([1, "old"]), table([1, "older"])])
    registry.log_metrics(run, [], media=[table([2, "new"])])
    assert [item.step for item in registry.media(run)] == [0]
    assert registry.table(run, "predictions").rows == ((2, "new"),)


def test_images_are_downloaded(registry, run, tmp_path) -> None:
    """Into a folder, under the path that the details name, beside what lies there."""
    registry.log_metrics(run, [], media=[image()])
    (media,) = registry.media(run)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    folder = registry.download_media(run, "picture", tmp_path / "out")
    assert (folder / media.details["path"]).read_bytes() == PNG
    assert (folder / "mine.txt").exists()


def test_media_are_no_metrics_of_versions(registry, run, model_file) -> None:
    """A version takes the numbers of the summary, and no number out of a word for media."""
    registry.log_metrics(run, [MetricPoint("acc", 0, 0.9)], media=[table([1, "a"]), image()])
    assert registry.log("p/m", model_file("a"), run=run).metrics == {"acc": 0.9}


def test_equal_media_are_stored_once(registry, run, tmp_path) -> None:
    """The same picture at ten steps takes the room of one."""
    for step in range(10):
        registry.log_metrics(run, [], media=[image(step=step)])
    assert len({item.digest for item in registry.media(run)}) == 1
    assert len([path for path in (tmp_path / "content" / "blobs").rglob("*") if path.is_file()]) == 1


def test_damage_is_found(registry, run, damage, tmp_path) -> None:
    """A changed byte is refused at reading and at download, leaves nothing behind, and `verify` finds it."""
    registry.log_metrics(run, [], media=[table([1, "cat"]), image()])
    assert registry.verify().ok
    damage(b"cat")
    with pytest.raises(IntegrityError):
        registry.table(run, "predictions")
    with pytest.raises(IntegrityError):
        registry.download_media(run, "predictions", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [problem.state for problem in registry.verify().problems] == ["changed"]


def test_garbage_collection_knows_media(registry, run) -> None:
    """What a run shows is never garbage; what took the place of something else leaves that to be collected."""
    registry.log_metrics(run, [], media=[image(data=b"old")])
    registry.log_metrics(run, [], media=[image(data=b"new"), table([1, "cat"])])
    report = registry.gc(older_than=timedelta(0))
    assert (report.blobs, report.size) == (1, 3)
    assert registry.verify().ok
    assert registry.table(run, "predictions").rows == ((1, "cat"),)


@pytest.mark.slow
def test_sigkill_while_logging_media(registry, database_url, tmp_path) -> None:
    """20 kills at random moments: every acknowledged table is there and reads back, and none is there in part."""
    dice = random.Random(int(os.environ.get("PODIUM_TEST_SEED", "20261124")))
    acknowledged = 0
    for turn in range(20):
        steps = _log_and_kill(database_url, tmp_path / "content", f"turn{turn}", dice.uniform(0.0, 0.1))
        found = {item.step: item.details["rows"] for item in registry.media(f"turn{turn}")}
        assert set(steps) <= set(found)
        for step, rows in found.items():
            assert len(registry.table(f"turn{turn}", "t", step).rows) == rows == step + 1
        assert registry.run(f"turn{turn}").steps == len(found)
        acknowledged += len(steps)
    assert acknowledged >= 20
    assert registry.verify().ok


KILLED = """
import sys, podium
from podium.sdk.media import Table
run = podium.init("p", id=sys.argv[3], registry=podium.open_registry(sys.argv[1], content=sys.argv[2]))
table = Table(columns=["n", "who"])
for step in range(10_000):
    table.add_data(step, sys.argv[3])
    run.log({"t": table, "n": step})
    print(step, flush=True)
"""


def _log_and_kill(url: str, content: Path, run: str, seconds: float) -> list[int]:
    """Let a process log tables, kill it some time after its first answer, and return the steps it acknowledged."""
    command = [sys.executable, "-c", KILLED, url, str(content), run]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        lines = [first, *process.stdout.readlines()]
    return [int(line) for line in lines if line.endswith("\n")]


@pytest.mark.parametrize(
    ("name", "step"), [("nothing", None), ("predictions", 1), ("", None), ("a\0", None), ("predictions", -1)]
)
def test_what_is_not_there(registry, run, tmp_path, name, step) -> None:
    """An unknown name or step, or one that is none, is a typed error."""
    registry.log_metrics(run, [], media=[table([1, "cat"])])
    for verb in (registry.table, lambda *args: registry.download_media(*args[:2], tmp_path / "out", args[2])):
        with pytest.raises((NotFoundError, InvalidValueError)):
            verb(run, name, step)


def test_an_image_is_no_table(registry, run) -> None:
    """It says what to call instead."""
    registry.log_metrics(run, [], media=[image()])
    with pytest.raises(InvalidValueError, match="download_media"):
        registry.table(run, "picture")


def test_an_unknown_run(registry, tmp_path) -> None:
    """Every verb about media says that there is no such run."""
    for verb in (
        registry.media,
        lambda run: registry.table(run, "a"),
        lambda run: registry.download_media(run, "a", tmp_path),
        lambda run: registry.log_metrics(run, [], media=[image()]),
    ):
        with pytest.raises(NotFoundError):
            verb("nosuchrun")


@pytest.mark.parametrize(
    "bad",
    [
        Media("", 0, "image", {}, {"a": b""}),
        Media("x" * 251, 0, "image", {}, {"a": b""}),
        Media("a", -1, "image", {}, {"a": b""}),
        Media("a", 0, "image", {}, {}),
        Media("a", 0, "image", {"caption": "\0"}, {"a": b""}),
        Media("a", 0, "image", {}, {"../a": b""}),
        Media("a", 0, "image", {}, {"a": b"", "A": b""}),
    ],
    ids=lambda bad: ascii(bad)[:70],
)
def test_media_that_cannot_be_kept(registry, run, rows, bad) -> None:
    """They are refused, and neither the points beside them nor the other media are written."""
    before = rows(registry)
    with pytest.raises(PodiumError):
        registry.log_metrics(run, [MetricPoint("acc", 0, 1.0)], media=[image("good"), bad])
    assert rows(registry) == before


def test_an_ended_run_takes_no_media(registry, run, rows) -> None:
    """As with metrics."""
    registry.finish_run(run)
    before = rows(registry)
    with pytest.raises(InvalidValueError, match="has ended"):
        registry.log_metrics(run, [], media=[image()])
    assert rows(registry) == before


def test_a_store_that_fails(registry, run, rows, tmp_path) -> None:
    """Bytes that cannot be stored are a typed error, and the points beside them are not written."""
    registry.log_metrics(run, [], media=[image()])
    (tmp_path / "home" / "staging").rmdir()
    (tmp_path / "home" / "staging").touch()
    before = rows(registry)
    with pytest.raises(StorageError):
        registry.log_metrics(run, [MetricPoint("acc", 0, 1.0)], media=[image("again", data=b"other")])
    assert rows(registry) == before


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"columns":1,"data":[]}', b"\xff", b"[" * 100_000])
def test_tables_of_another_program(data) -> None:
    """A file that is no table is a typed error."""
    with pytest.raises(IntegrityError):
        TableData.read(data)
