"""Logging: numbers, digests, duplicates, aliases and metrics."""

from __future__ import annotations

import hashlib
import json
import math

import pytest

from podium.domain.runs import MetricPoint
from podium.errors import AlreadyExistsError


def test_versions_count_up_from_zero(registry, model_file) -> None:
    """Each new content is the next number, and `latest` names the newest."""
    made = [registry.log("digits/mlp", model_file(text)) for text in "abc"]
    assert [(version.version, version.created) for version in made] == [("v0", True), ("v1", True), ("v2", True)]
    assert registry.resolve("digits/mlp").number == 2
    assert registry.collection("digits/mlp").versions == 3


def test_the_digest_is_that_of_the_files_alone(registry, model_file) -> None:
    """Type, metadata, description and metrics are not in the digest; path, size and bytes are."""
    path = model_file("abc")
    one = registry.log("p/one", path, type="model", metadata={"a": 1}, description="x", metrics={"acc": 1})
    two = registry.log("p/two", path, type="dataset")
    rows = [["model.bin", 3, hashlib.sha256(b"abc").hexdigest()]]
    own = "sha256:" + hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    assert one.digest == two.digest == own


def test_what_was_given_comes_back(registry, model_file) -> None:
    """Metadata, description, metrics, size, actor and kind of a version are as they were logged."""
    logged = registry.log(
        "p/a", model_file("abc"), metadata={"n": 1e22, "é": [1, None]}, description="text", metrics={"acc": 0.5}
    )
    found = registry.resolve("p/a:v0")
    assert (found.metadata, found.description, found.metrics) == ({"n": 1e22, "é": [1, None]}, "text", {"acc": 0.5})
    assert (found.size, found.files, found.kind, found.created_by) == (3, 1, "artifact", "ann")
    assert (found.source, found.created_at.tzinfo is not None) == ("p/a:v0", True)
    assert found.to_json() == {**logged.to_json(), "created": False}


def test_the_same_files_are_the_same_version(registry, model_file, rows) -> None:
    """Logged again, the version that is there is returned, and not a row changes."""
    registry.log("p/a", model_file("same"))
    before = rows(registry)
    again = registry.log("p/a", model_file("same"), metadata={"other": 1})
    assert (again.version, again.created, again.metadata) == ("v0", False, {})
    assert rows(registry) == before


def test_a_duplicate_may_be_wanted(registry, model_file) -> None:
    """With `new`, the same files get a further number."""
    registry.log("p/a", model_file("same"))
    assert registry.log("p/a", model_file("same"), on_duplicate="new").version == "v1"
    assert registry.log("p/a", model_file("same")).version == "v1"


def test_a_duplicate_may_be_an_error(registry, model_file, rows) -> None:
    """With `error`, the answer names the version that has the files, and nothing changes."""
    registry.log("p/a", model_file("same"))
    before = rows(registry)
    with pytest.raises(AlreadyExistsError) as caught:
        registry.log("p/a", model_file("same"), on_duplicate="error")
    assert caught.value.ref == "p/a:v0"
    assert rows(registry) == before


def test_aliases_move_on_reuse(registry, model_file) -> None:
    """Files that are there already still take the aliases asked for."""
    registry.log("p/a", model_file("0"), aliases=["best"])
    registry.log("p/a", model_file("1"), aliases=["best"])
    again = registry.log("p/a", model_file("0"), aliases=["best", "latest"])
    assert (again.created, "best" in again.aliases, "latest" in again.aliases) == (False, True, False)
    assert registry.resolve("p/a:best").number == 0


@pytest.mark.parametrize("aliases", ["best", ["best", "best"], ("best",)], ids=repr)
def test_one_alias_may_be_a_text(registry, model_file, aliases) -> None:
    """A text is one alias, never its letters; an alias given twice is given once."""
    assert registry.log("p/a", model_file("0"), aliases=aliases).aliases == ("latest", "best")
    assert registry.link("p/a", "model-registry/M", aliases="champion").aliases == ("latest", "champion")


def test_metrics_come_from_the_summary_of_the_run(registry, model_file) -> None:
    """A version carries the finite numbers of its run's summary; those given by hand come on top."""
    run = registry.start_run("p").id
    points = [("acc", 0.1), ("acc", 0.9), ("loss", math.nan), ("note", "text"), ("n", 3)]
    registry.log_metrics(run, [MetricPoint(name, step, value) for step, (name, value) in enumerate(points)])
    version = registry.log("p/a", model_file("0"), run=run, metrics={"f1": 0.5, "n": 4})
    assert version.metrics == {"acc": 0.9, "f1": 0.5, "n": 4.0}
    assert version.run == run


class Float32:
    """Stands for a NumPy scalar that is no float."""

    def tolist(self) -> float:
        return 0.25


def test_metrics_of_libraries_are_not_lost(registry, model_file) -> None:
    """Scalars of NumPy and nested metrics are carried like plain numbers; NaN is left out."""
    metrics = {"acc": Float32(), "test": {"f1": 0.5}, "bad": math.nan}
    assert registry.log("p/a", model_file("0"), metrics=metrics).metrics == {"acc": 0.25, "test.f1": 0.5}


def test_files_in_all_shapes(registry, model_file, tmp_path) -> None:
    """A file, a folder, several of them, and a mapping of paths are all the same files."""
    folder = tmp_path / "folder" / "sub"
    folder.mkdir(parents=True)
    (folder / "x.txt").write_text("x")
    one = model_file("m")
    for files in (
        {"model.bin": one, "sub/x.txt": folder / "x.txt"},
        [one, folder.parent],
        [str(one), str(folder.parent)],
    ):
        version = registry.log("p/a", files)
        assert (version.version, version.files, version.size) == ("v0", 2, 2)
    paths = [entry.path for entry in registry.files("p/a").manifest.entries]
    assert paths == ["model.bin", "sub/x.txt"]


def test_another_attempt_with_other_bytes_supersedes(as_task, model_file) -> None:
    """A retry of a task that makes other bytes makes a version that names the one of the first attempt."""
    first = as_task("dag/run/train").log("p/a", model_file("0"))
    other = as_task("dag/run2/train").log("p/a", model_file("1"))
    retry = as_task("dag/run/train").log("p/a", model_file("2"))
    assert (first.supersedes, other.supersedes, retry.supersedes) == (None, None, 0)
    assert retry.origin.label == "DAG train · task dag/run/train"


def test_a_retry_with_the_same_bytes_adds_nothing(as_task, model_file, rows) -> None:
    """The same task with the same bytes finds its version; no row is added."""
    registry = as_task("dag/run/train")
    registry.log("p/a", model_file("0"), aliases=["best"])
    before = rows(registry)
    assert registry.log("p/a", model_file("0"), aliases=["best"]).created is False
    assert rows(registry) == before


def test_a_script_supersedes_nothing(registry, model_file) -> None:
    """A plain script has no identity, so its versions are just versions."""
    versions = [registry.log("p/a", model_file(text)) for text in "ab"]
    assert [version.supersedes for version in versions] == [None, None]
    assert versions[0].origin.kind == "script"


def test_a_number_is_not_used_again(registry, model_file, rows) -> None:
    """A refused attempt, a duplicate and another artifact leave the count as it is: no gap, no number twice."""
    registry.log("p/a", model_file("0"))
    with pytest.raises(AlreadyExistsError):
        registry.log("p/a", model_file("0"), on_duplicate="error")
    registry.log("p/b", model_file("9"))
    registry.log("p/a", model_file("0"))
    assert registry.log("p/a", model_file("1")).number == 1
    assert [version.number for version in registry.versions("p/a")] == [1, 0]


def test_lineage_is_noted_on_reuse_too(registry, model_file) -> None:
    """Every run that logged the same files is an origin of the version, and using it is noted once."""
    for _ in range(2):
        run = registry.start_run("p").id
        registry.log("p/a", model_file("0"), run=run)
        for _ in range(2):
            registry.use("p/a", run)
    with registry._database.read() as connection:
        edges = connection.exec_driver_sql("select direction, count(*) from run_versions group by direction").all()
    assert sorted(tuple(edge) for edge in edges) == [("input", 2), ("output", 2)]


def test_newest_first_and_limited(registry, model_file) -> None:
    """Versions are listed newest first, as many as asked for."""
    for text in "abc":
        registry.log("p/a", model_file(text))
    assert [version.version for version in registry.versions("p/a", limit=2)] == ["v2", "v1"]
