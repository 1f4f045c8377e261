"""Tables and images that a run logs."""

from __future__ import annotations

import datetime as dt
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import podium
from podium.domain.media import MOST_ROWS
from podium.errors import DatabaseUnavailableError, InvalidValueError, StorageError
from podium.sdk.images import Image
from podium.sdk.media import Table

PIXELS = np.zeros((2, 3), dtype=np.uint8)
CYCLE: list[object] = []
CYCLE.append(CYCLE)
LOOP: dict[str, object] = {}
LOOP["a"] = LOOP


@pytest.fixture
def run(lite) -> podium.Run:
    return podium.init("p", registry=lite)


def small() -> Table:
    return Table(columns=["id", "picture", "label"], data=[[1, Image(PIXELS), "cat"], [2, None, "dog"]])


def test_a_table_beside_metrics_is_one_step(run, lite) -> None:
    """Both are there at once, at the same step, without waiting for the end."""
    run.log({"loss": 1.0})
    run.log({"accuracy": 0.9, "predictions": small()})
    assert [(item.name, item.step, item.kind) for item in lite.media(run.id)] == [("predictions", 1, "table")]
    assert [(point.name, point.step) for point in lite.metrics(run.id)] == [("accuracy", 1), ("loss", 0)]
    word = {"_type": "table", "step": 1, "rows": 2, "columns": 3}
    assert lite.run(run.id).summary == run.summary == {"loss": 1.0, "accuracy": 0.9, "predictions": word}


def test_images_in_cells(run, lite, tmp_path) -> None:
    """A cell names the file at which a download puts the image."""
    run.log({"predictions": small()})
    table = lite.table(run.id, "predictions")
    cell = table.rows[0][1]
    assert (cell["_type"], cell["width"], cell["height"], table.rows[1]) == ("image", 3, 2, (2, None, "dog"))
    folder = lite.download_media(run.id, "predictions", tmp_path / "out")
    assert (folder / cell["path"]).read_bytes() == Image(PIXELS)._data


def test_images_alone_and_in_lists(run, lite) -> None:
    """As `run.log({"x": Image})` and `run.log({"x": [Image, ...]})`, also nested, equal ones stored once."""
    run.log({"one": Image(PIXELS, caption="a"), "val": {"many": [Image(PIXELS), Image(PIXELS, caption="b")], "n": 2}})
    many, one = sorted(lite.media(run.id), key=lambda item: item.name, reverse=True)
    assert (many.name, many.kind, many.files, many.details["count"]) == ("val.many", "images", 1, 2)
    assert (one.kind, one.details["caption"]) == ("image", "a")
    assert run.summary["val.n"] == 2


def test_a_table_may_grow(run, lite) -> None:
    """What was logged stays as it was."""
    table = Table(columns=["n"])
    for number in range(2):
        table.add_data(number)
        run.log({"t": table})
    assert lite.table(run.id, "t", step=0).rows == ((0,),)
    assert lite.table(run.id, "t").rows == ((0,), (1,))


def test_the_cells_come_back(run, lite) -> None:
    """Plain JSON as it was; NaN as text, scalars of NumPy as numbers, times as ISO 8601."""
    naive = dt.datetime(2026, 1, 2, 3)
    cells = [None, True, 1, 0.5, "ü\n", [1, {"a": None}], math.nan, np.float32(0.5), np.int64(3), naive]
    cells += [np.datetime64("2026-01-02"), 2**60, "é" * 3]
    run.log({"t": Table(columns=[str(at) for at in range(len(cells))], data=[cells])})
    (row,) = lite.table(run.id, "t").rows
    expected = [None, True, 1, 0.5, "ü\n", [1, {"a": None}], "NaN", 0.5, 3, "2026-01-02T03:00:00", "2026-01-02"]
    assert list(row) == [*expected, 2**60, "é" * 3]


def test_columns() -> None:
    """They are read, added on the right, and turned into arrays."""
    table = Table(columns=["a", "b"], data=np.array([[1, 2], [3, 4]]))
    table.add_column("c", ["x", "y"])
    assert (table.columns, table.data) == (["a", "b", "c"], [[1, 2, "x"], [3, 4, "y"]])
    assert (table.get_column("c"), table.get_column("a", convert_to="numpy").tolist()) == (["x", "y"], [1, 3])
    assert [*table.iterrows()] == [(0, [1, 2, "x"]), (1, [3, 4, "y"])]


def test_the_columns_of_wandb() -> None:
    """Without any, they are W&B's own."""
    table = Table()
    table.add_data("2+2", "5", "4")
    assert (table.columns, len(table)) == (["Input", "Output", "Expected"], 1)


class Frame:
    """Stands for a pandas DataFrame."""

    columns = ("a", 0)

    def itertuples(self, *, index: bool, name: object) -> object:
        assert (index, name) == (False, None)
        return iter([(1, "x"), (2, "y")])


def test_dataframes() -> None:
    """Their columns become the table's, numbers as text; as `dataframe` or as `data`."""
    for table in (Table(dataframe=Frame()), Table(data=Frame())):
        assert (table.columns, table.data) == (["a", "0"], [[1, "x"], [2, "y"]])


def test_pandas(run, lite) -> None:
    """A DataFrame goes in and comes out; what is missing is None."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "t": [pandas.Timestamp("2026-01-02"), pandas.NaT]})
    table = Table(dataframe=frame)
    run.log({"t": table})
    assert table.data == [[1, "2026-01-02T00:00:00"], [2, None]]
    assert lite.table(run.id, "t").to_pandas()["a"].tolist() == table.to_pandas()["a"].tolist() == [1, 2]


def test_without_pandas(monkeypatch) -> None:
    """It is asked for only here, and its absence is a typed error."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InvalidValueError, match="pandas is not installed"):
        small().to_pandas()


@pytest.mark.parametrize(
    "build",
    [
        lambda: Table(columns=[]),
        lambda: Table(columns="ab"),
        lambda: Table(columns=3),
        lambda: Table(columns=["a", "a"]),
        lambda: Table(columns=["0", 0]),
        lambda: Table(columns=["a\0"]),
        lambda: Table(columns=["\ud800"]),
        lambda: Table(columns=[None]),
        lambda: Table(columns=[str(n) for n in range(1_001)]),
        lambda: Table(columns=["a"], data=[[1, 2]]),
        lambda: Table(columns=["a"], data=[[]]),
        lambda: Table(columns=["a"], data=["x"]),
        lambda: Table(columns=["a"], data=[{"a": 1}]),
        lambda: Table(columns=["a"], data="x"),
        lambda: Table(columns=["a"], data=3),
        lambda: Table(columns=["a"], data=[[object()]]),
        lambda: Table(columns=["a"], data=[[b"bytes"]]),
        lambda: Table(columns=["a"], data=[["b\0"]]),
        lambda: Table(columns=["a"], data=[["\ud800"]]),
        lambda: Table(columns=["a"], data=[[{"b": "\0"}]]),
        lambda: Table(columns=["a"], data=[[CYCLE]]),
        lambda: Table(columns=["a"], data=[[LOOP]]),
        lambda: Table(columns=["a"], data=[[10**5_000]]),
        lambda: Table(columns=["a"], data=[[[Image(PIXELS)]]]),
        lambda: Table(columns=["a"], data=[[1]]).add_column("b", []),
        lambda: Table(columns=["a"], data=[[1]]).add_column("a", [1]),
        lambda: Table(columns=["a"], data=[[1]]).add_column("b", [object()]),
        lambda: Table(columns=["a"]).get_column("b"),
        lambda: Table(columns=["a"]).get_column("a", convert_to="list"),
    ],
)
def test_tables_that_cannot_be(build) -> None:
    """Each is a typed error at the line that is wrong."""
    with pytest.raises(InvalidValueError):
        build()


def test_a_bad_row_leaves_the_table_as_it_was() -> None:
    """Neither a row nor a column that is refused is there in part."""
    table = small()
    before = table.data
    with pytest.raises(InvalidValueError):
        table.add_data(3, object(), "x")
    with pytest.raises(InvalidValueError):
        table.add_column("more", [1, object()])
    assert (table.data, table.columns) == (before, ["id", "picture", "label"])


def test_the_most_rows(run, lite) -> None:
    """200,000 rows are kept, one more is refused."""
    table = Table(columns=["a", "b"], data=([at, "x"] for at in range(MOST_ROWS)))
    with pytest.raises(InvalidValueError, match="at most 200,000 rows"):
        table.add_data(1, "y")
    run.log({"t": table})
    assert len(lite.table(run.id, "t").rows) == MOST_ROWS


def test_the_most_bytes(run, lite, monkeypatch) -> None:
    """A table that is too large is refused when it is logged, and nothing of that step is written."""
    monkeypatch.setattr("podium.domain.media.MOST_BYTES", 100)
    with pytest.raises(InvalidValueError, match="at most 100 are kept"):
        run.log({"t": Table(columns=["a"], data=[["x" * 100]]), "acc": 1.0})
    run.finish()
    assert (lite.media(run.id), lite.metrics(run.id)) == ([], [])


@pytest.mark.parametrize(
    "data",
    [
        {"": Image(PIXELS)},
        {"a\0": Image(PIXELS)},
        {"x" * 251: Image(PIXELS)},
        {3: Image(PIXELS)},
        {"a": {"b": Image(PIXELS)}, "a.b": 1},
        {"a": {"b": Image(PIXELS)}, "a.b": Image(PIXELS)},
        {"a": [Image(PIXELS), 3]},
        {"a": []},
        {"a": [small(), small()]},
        {"a": [Image(PIXELS)] * 1_001},
        {"a": Image(PIXELS), "b": object()},
        {"a": Image(PIXELS), "b": CYCLE},
        LOOP,
    ],
    ids=lambda data: ascii(data)[:40],
)
def test_what_cannot_be_logged(run, lite, data) -> None:
    """Bad names and mixtures are refused at the call; neither the good half of it nor a step is kept."""
    with pytest.raises(InvalidValueError):
        run.log(data)
    assert run.step == 0
    run.finish()
    assert (lite.media(run.id), lite.run(run.id).summary) == ([], {})


def test_media_outlive_a_database_that_was_away(run, lite) -> None:
    """What could not be written is written with the next call, at its own step."""
    run.log({"warm": 1})
    run._flush()
    good, lite._database = lite._database, lite._database.__class__("postgresql://u@127.0.0.1:9/x")
    with pytest.raises(DatabaseUnavailableError):
        run.log({"t": small(), "acc": 0.5})
    lite._database = good
    run.finish()
    assert [(item.name, item.step) for item in lite.media(run.id)] == [("t", 1)]
    assert lite.run(run.id).summary["acc"] == 0.5


def test_metrics_outlive_a_store_that_is_broken(run, lite, tmp_path, caplog) -> None:
    """At the end, when nobody can try again, media that cannot be stored are given up and said; the rest is written."""
    run.log({"warm": small()})
    (tmp_path / "home" / "staging").rmdir()
    (tmp_path / "home" / "staging").touch()
    with pytest.raises(StorageError), run:
        run.log({"t": small(), "acc": 0.5})
    assert [item.name for item in lite.media(run.id)] == ["warm"]
    assert (lite.run(run.id).status, lite.run(run.id).summary["acc"]) == ("failed", 0.5)
    assert "Tables and images of the run" in caplog.text


WANDB = """
import numpy as np
import wandb

run = wandb.init(project="digits")
table = wandb.Table(columns=["id", "image", "truth", "guess"])
for at in range(3):
    table.add_data(at, wandb.Image(np.random.rand(8, 8), caption=f"digit {at}"), at, at + 1)
run.log({"predictions": table, "accuracy": 0.9})
run.log({"examples": [wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8), mode="RGB") for _ in range(2)]})
run.finish()
print(run.id)
"""


def test_a_script_for_wandb(tmp_path, open_at) -> None:
    """It runs with its import changed, and nothing else."""
    script = tmp_path / "train.py"
    script.write_text(WANDB.replace("import wandb\n", "import podium as wandb\n"))
    environment = {**os.environ, "PODIUM_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    registry = open_at(f"sqlite:///{tmp_path / 'home' / 'podium.db'}", content=None)
    assert [item.name for item in registry.media(done.stdout.strip())] == ["examples", "predictions"]
    assert registry.table(done.stdout.strip(), "predictions").get_column("guess") == [1, 2, 3]
    assert list((Path(tmp_path) / "home" / "staging").iterdir()) == []
