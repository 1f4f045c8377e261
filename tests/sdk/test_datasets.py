"""Data sets go through the same machinery: by name, from a local folder, by reference, and as inputs of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import podium
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError
from podium.sql import tables as t


@pytest.fixture
def run(lite) -> podium.Run:
    return podium.init("p", registry=lite)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "digits"
    made.mkdir()
    (made / "train.csv").write_text("1,2")
    (made / "test.csv").write_text("3,4")
    return made


def edges(lite, run: podium.Run) -> list[tuple[str, str]]:
    """Direction and reference of what a run used and logged."""
    e = t.run_versions.c
    with lite._read() as unit:
        query = sa.select(e.direction, e.ref).where(e.run_id == run.id).order_by(e.direction, e.ref)
        return [tuple(row) for row in unit.connection.execute(query)]


def test_by_name(run, lite, folder) -> None:
    """A data set that is there is used, in any of the ways a reference is written."""
    lite.log("p/digits", folder, type="dataset")
    lite.log("shared/digits", folder, type="dataset")
    assert run.use_dataset("digits").ref == "p/digits:v0"
    assert run.use_dataset("shared/digits:latest").ref == "shared/digits:v0"
    assert edges(lite, run) == [("input", "p/digits:v0"), ("input", "shared/digits:v0")]


def test_from_a_folder(run, lite, folder) -> None:
    """It is logged once, under its own name if no other is given, and is an input, not an output, of each run."""
    first = run.use_dataset(path=folder, metadata={"rows": 2})
    assert (first.ref, first.type, first.created, first.metadata) == ("p/digits:v0", "dataset", True, {"rows": 2})
    later = podium.init("p", registry=lite)
    again = later.use_dataset("digits", path=folder, aliases="clean")
    assert (again.ref, again.created, again.aliases) == ("p/digits:v0", False, ["latest", "clean"])
    assert edges(lite, run) == edges(lite, later) == [("input", "p/digits:v0")]
    assert lite.resolve("p/digits").run is None


def test_from_a_file_that_changed(run, folder) -> None:
    """Other bytes are the next version."""
    assert run.use_dataset("d", path=folder / "train.csv").version == "v0"
    (folder / "train.csv").write_text("5,6")
    assert run.use_dataset("d", path=folder / "train.csv").version == "v1"


def test_by_reference(run, lite, folder, tmp_path) -> None:
    """Nothing is stored, drift is seen."""
    data = run.use_dataset(uri=folder.as_uri())
    assert (data.ref, [entry.is_reference for entry in data.files()]) == ("p/digits:v0", [True, True])
    assert not list((tmp_path / "content").rglob("blobs/sha256/*/*"))
    assert data.verify().ok
    (folder / "train.csv").write_text("9")
    assert [problem.state for problem in data.verify().problems] == ["changed"]
    assert edges(lite, run) == [("input", "p/digits:v0")]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, InvalidValueError),
        ({"path": "digits", "uri": "digits"}, InvalidValueError),
        ({"path": "none"}, NotFoundError),
        ({"path": ""}, InvalidValueError),
        ({"uri": "none"}, NotFoundError),
        ({"uri": 3}, InvalidValueError),
        ({"uri": "digits", "integrity": "md5"}, InvalidValueError),
        ({"name": "a b", "path": "digits"}, InvalidNameError),
        ({"name": "digits:v0", "path": "digits"}, InvalidNameError),
        ({"name": "none"}, NotFoundError),
        ({"name": 3}, InvalidNameError),
        ({"name": "model"}, InvalidValueError),
        ({"name": "digits", "metadata": {"a": 1}}, InvalidValueError),
        ({"path": "digits", "metadata": 3}, InvalidValueError),
        ({"path": "."}, InvalidNameError),
    ],
    ids=repr,
)
def test_what_is_no_data_set(run, lite, folder, tmp_path, monkeypatch, given, error) -> None:
    """Each is a typed error with a hint; nothing was logged and no input noted."""
    monkeypatch.chdir(tmp_path)
    lite.log("p/model", folder, type="model")
    with pytest.raises(error) as caught:
        run.use_dataset(**given)
    assert caught.value.hint
    assert (edges(lite, run), [item.ref for item in lite.artifacts()]) == ([], ["p/model"])


def test_a_draft_that_is_used_is_an_input(run, lite, folder) -> None:
    """`use_artifact` logs a draft first, as W&B does; using it again changes nothing."""
    draft = podium.Artifact("digits", "dataset")
    draft.add_dir(folder)
    used = run.use_artifact(draft, aliases=["clean"])
    assert run.use_artifact(used) is draft
    assert (used.ref, used.aliases) == ("p/digits:v0", ["latest", "clean"])
    assert edges(lite, run) == [("input", "p/digits:v0")]


def test_the_wrong_type_leaves_no_trace(run, lite, folder) -> None:
    """A type that does not fit is refused before the use is noted, for a name, a version and a draft."""
    logged = run.log_artifact(folder, name="digits", type="dataset")
    draft = podium.Artifact("other", "dataset")
    draft.add_dir(folder)
    for given in ("digits", logged, draft):
        with pytest.raises(InvalidValueError, match="not 'model'"):
            run.use_artifact(given, type="model")
    assert edges(lite, run) == [("output", "p/digits:v0")]
    assert [item.ref for item in lite.artifacts()] == ["p/digits"]


def test_an_ended_run_uses_nothing(run, lite, folder) -> None:
    """What comes after the end is refused, and nothing is logged."""
    run.finish()
    with pytest.raises(InvalidValueError, match="has ended"):
        run.use_dataset(path=folder)
    assert lite.artifacts() == []
