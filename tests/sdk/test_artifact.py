"""An artifact: a draft that takes files, then a committed version."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import pytest

import podium
from podium.errors import IntegrityError, InvalidNameError, InvalidValueError, NotFoundError, PodiumError


@pytest.fixture
def run(lite) -> podium.Run:
    return podium.init("p", registry=lite)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and a file in a folder."""
    made = tmp_path / "given"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_text("a")
    (made / "sub" / "b.txt").write_text("b")
    return made


def staging(tmp_path: Path) -> list[Path]:
    home = tmp_path / "home" / "staging"
    return list(home.iterdir()) if home.exists() else []


def paths(registry, ref: str) -> list[str]:
    return [entry.path for entry in registry.files(ref).manifest.entries]


def test_a_draft_becomes_a_version(run, lite, folder) -> None:
    """Before it is logged it has a name, files and a digest; after, a version with the same digest."""
    artifact = podium.Artifact("mlp", "model", description="d", metadata={"n": 1})
    artifact.add_dir(str(folder))
    artifact.add_file(str(folder / "a.txt"), name="more/c.txt")
    digest, size = artifact.digest, artifact.size
    logged = run.log_artifact(artifact, aliases=["best"])
    assert (logged.version, logged.name, logged.ref, logged.created) == ("v0", "mlp:v0", "p/mlp:v0", True)
    assert (logged.digest, logged.size, logged.aliases) == (digest, size, ["latest", "best"])
    assert (logged.description, logged.metadata, logged.type) == ("d", {"n": 1}, "model")
    assert paths(lite, "p/mlp") == ["a.txt", "more/c.txt", "sub/b.txt"]
    assert logged.wait() is logged


def test_the_folder_may_be_gone_before_it_is_logged(run, lite, tmp_path) -> None:
    """Files are held from the moment they are added: a temporary folder may vanish, a file may change."""
    artifact = podium.Artifact("mlp", "model")
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "x.txt").write_text("before")
        artifact.add_dir(temporary)
        artifact.add_file(str(Path(temporary) / "x.txt"), name="y.txt")
        (Path(temporary) / "x.txt").write_text("after")
    run.log_artifact(artifact)
    lite.download("p/mlp", tmp_path / "out")
    assert {path.read_text() for path in (tmp_path / "out").iterdir()} == {"before"}


def test_no_copy_stays(run, folder, tmp_path) -> None:
    """The copies go when the version is committed, and when a draft is thrown away."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    draft = podium.Artifact("other", "model")
    draft.add_dir(str(folder))
    assert len(staging(tmp_path)) == 2
    run.log_artifact(artifact)
    assert len(staging(tmp_path)) == 1
    del draft
    gc.collect()
    assert staging(tmp_path) == []


def test_immutable_files_are_not_copied(run, lite, folder, tmp_path) -> None:
    """They are read when logged; a change since they were added is an IntegrityError and no version."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_file(str(folder / "a.txt"), policy="immutable")
    assert staging(tmp_path) == []
    (folder / "a.txt").write_text("x")
    with pytest.raises(IntegrityError):
        run.log_artifact(artifact)
    with pytest.raises(NotFoundError):
        lite.resolve("p/mlp")


def test_logging_again_is_the_same_version(run, folder) -> None:
    """A logged artifact logged again, and another one of the same files, are that version."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    first = run.log_artifact(artifact)
    assert run.log_artifact(first).ref == first.ref
    again = podium.Artifact("mlp", "model")
    again.add_dir(str(folder))
    assert (run.log_artifact(again).version, again.created) == ("v0", False)


def test_aliases_move_when_a_logged_artifact_is_logged_again(run, lite, folder) -> None:
    """Logging what is committed already still moves the aliases asked for."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    run.log_artifact(artifact)
    assert run.log_artifact(artifact, aliases=["best"]).aliases == ["latest", "best"]
    assert lite.resolve("p/mlp:best").number == 0


@pytest.mark.parametrize("aliases", [None, [], "best", ["best"], ("best",)], ids=repr)
def test_aliases_in_all_shapes(run, folder, aliases) -> None:
    """None, a text and a list are all understood."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    assert run.log_artifact(artifact, aliases=aliases).aliases == ["latest", *(["best"] if aliases else [])]


def test_files_by_path(run, lite, folder) -> None:
    """A path is logged under its own name or the one given, a folder with its files."""
    assert run.log_artifact(str(folder), name="data", type="dataset").type == "dataset"
    assert paths(lite, "p/data") == ["a.txt", "sub/b.txt"]
    made = run.log_artifact(folder / "a.txt")
    assert (made.name, made.type) == (f"run-{run.id}-a.txt:v0", "unspecified")


def test_a_link_logs_a_draft_first(run, lite, folder) -> None:
    """A draft that is linked is logged on the way; the answer is the model version."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    linked = run.link_artifact(artifact, "model-registry/My Registered Model", aliases=["best"])
    assert (linked.ref, linked.aliases) == ("model-registry/My Registered Model:v0", ["latest", "best"])
    assert artifact.ref == "p/mlp:v0"
    assert lite.resolve(linked.ref).source == "p/mlp:v0"


def test_metrics_and_lineage_go_with_it(run, lite, folder) -> None:
    """The version carries the summary at that moment, and the run that logged it."""
    run.log({"acc": 0.5})
    run.log({"acc": 0.75, "note": "x"})
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    run.log_artifact(artifact)
    assert artifact.metrics == {"acc": 0.75}
    assert lite.resolve("p/mlp").run == run.id


def test_download_of_a_committed_version(run, folder, tmp_path, monkeypatch) -> None:
    """The files come back into the folder given, or into `artifacts/NAME-vN`."""
    monkeypatch.chdir(tmp_path)
    artifact = run.log_artifact(str(folder), name="data", type="dataset")
    assert artifact.download() == os.path.join("artifacts", "data-v0")
    assert (Path(artifact.download(str(tmp_path / "out"))) / "sub" / "b.txt").read_text() == "b"


@pytest.mark.parametrize("what", ["version", "ref", "aliases", "created", "metrics"])
def test_a_draft_has_no_version(what) -> None:
    """What only a committed version has is an error of Podium that hasattr does not hide."""
    with pytest.raises(InvalidValueError, match="is a draft"):
        getattr(podium.Artifact("mlp", "model"), what)


def test_a_draft_cannot_be_downloaded() -> None:
    """Nor has it a digest without a file."""
    for call in (podium.Artifact("mlp", "model").download, lambda: podium.Artifact("mlp", "model").digest):
        with pytest.raises(InvalidValueError):
            call()


def test_a_committed_version_takes_nothing(run, folder) -> None:
    """The files of a committed version cannot change."""
    artifact = run.log_artifact(str(folder), name="data", type="dataset")
    changes = (
        lambda: artifact.add_file(str(folder / "a.txt"), name="z"),
        lambda: artifact.add_dir(str(folder)),
        lambda: artifact.add_reference(str(folder)),
        lambda: artifact.new_file("z").__enter__(),
        lambda: artifact.remove("a.txt"),
    )
    for change in changes:
        with pytest.raises(InvalidValueError, match="is committed") as caught:
            change()
        assert "new_draft()" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"name": "a b"}, InvalidNameError),
        ({"name": "p/a"}, InvalidNameError),
        ({"name": "a:v0"}, InvalidNameError),
        ({"type": ""}, InvalidNameError),
        ({"metadata": {"a": object()}}, InvalidValueError),
        ({"metadata": 3}, InvalidValueError),
        ({"description": 3}, InvalidValueError),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else given.__name__,
)
def test_artifacts_that_cannot_be(given, error) -> None:
    """A bad name, type, description or metadata is refused when the artifact is made."""
    with pytest.raises(error):
        podium.Artifact(**{"name": "mlp", "type": "model", **given})


def test_metadata_may_be_filled_in(run, folder) -> None:
    """A draft's metadata may be changed in place; what cannot be kept is refused when it is logged."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    artifact.metadata["n"] = object()
    with pytest.raises(InvalidValueError):
        run.log_artifact(artifact)
    artifact.metadata["n"] = 1
    assert run.log_artifact(artifact).metadata == {"n": 1}


@pytest.mark.parametrize("name", ["../x", "/x", "a\\b", "con", "", "a\0", 3], ids=repr)
def test_paths_that_break_the_rules(folder, name) -> None:
    """A bad path inside the artifact is refused at once, and nothing was added."""
    artifact = podium.Artifact("mlp", "model")
    with pytest.raises(InvalidNameError):
        artifact.add_file(str(folder / "a.txt"), name=name)
    assert artifact.size == 0


def test_one_path_one_content(folder) -> None:
    """Other bytes at a path that is taken need `overwrite`; the same bytes do not."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_file(str(folder / "a.txt"), name="x")
    artifact.add_file(str(folder / "a.txt"), name="x")
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        artifact.add_file(str(folder / "sub" / "b.txt"), name="x")
    entry = artifact.add_file(str(folder / "sub" / "b.txt"), name="x", overwrite=True)
    assert (entry.path, entry.size, artifact.size) == ("x", 1, 1)


def test_a_folder_is_added_whole_or_not_at_all(run, lite, folder, tmp_path) -> None:
    """A link in it refuses the folder, and the files added before are as they were, copies included."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    digest = artifact.digest
    (folder / "a.txt").write_text("changed")
    (folder / "sub" / "z").symlink_to(folder / "a.txt")
    with pytest.raises(InvalidValueError, match="symlink"):
        artifact.add_dir(str(folder), merge=True)
    assert artifact.digest == digest
    run.log_artifact(artifact)
    lite.download("p/mlp", tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "a"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda artifact, folder: artifact.add_file(str(folder / "none")), NotFoundError),
        (lambda artifact, folder: artifact.add_file(str(folder)), InvalidValueError),
        (lambda artifact, folder: artifact.add_dir(str(folder / "a.txt")), InvalidValueError),
        (lambda artifact, folder: artifact.add_dir(str(folder / "none")), NotFoundError),
        (lambda artifact, folder: artifact.add_file(str(folder / "a.txt"), policy="x"), InvalidValueError),
        (lambda artifact, folder: artifact.add_dir(str(folder), name="../up"), InvalidNameError),
    ],
)
def test_files_that_cannot_be_added(folder, act, error) -> None:
    """A missing file, a folder for a file, and a path that leaves the artifact are typed errors."""
    artifact = podium.Artifact("mlp", "model")
    with pytest.raises(error) as caught:
        act(artifact, folder)
    assert caught.value.hint
    assert artifact.size == 0


def test_an_empty_artifact_is_refused(run, lite) -> None:
    """Without a file there is nothing to log, and no project or artifact is made."""
    with pytest.raises(InvalidValueError, match="no file"):
        run.log_artifact(podium.Artifact("mlp", "model"))
    assert lite.artifacts("p") == []


def test_a_refused_artifact_may_be_logged_again(run, lite, folder) -> None:
    """After a refusal the draft is still whole: corrected, it is logged."""
    lite.log("p/mlp", folder, type="dataset")
    artifact = podium.Artifact("mlp", "model")
    artifact.add_file(str(folder / "a.txt"))
    for aliases in (["v3"], []):
        with pytest.raises(PodiumError):
            run.log_artifact(artifact, aliases=aliases)
    other = podium.init("q", registry=lite)
    assert other.log_artifact(artifact).ref == "q/mlp:v0"
    assert lite.verify().ok


def test_a_store_that_refuses_leaves_the_draft_whole(run, lite, folder, tmp_path) -> None:
    """When one file cannot be stored, the copies of the others are still there: without that file it is logged."""
    artifact = podium.Artifact("mlp", "model")
    artifact.add_dir(str(folder))
    (folder / "a.txt").write_text("x")
    artifact.add_file(str(folder / "a.txt"), name="y.txt", policy="immutable")
    (folder / "a.txt").write_text("changed")
    with pytest.raises(IntegrityError):
        run.log_artifact(artifact)
    artifact.remove("y.txt")
    lite.download(run.log_artifact(artifact).ref, tmp_path / "out")
    assert (tmp_path / "out" / "sub" / "b.txt").read_text() == "b"
