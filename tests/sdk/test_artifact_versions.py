"""A committed version: its description is edited and saved, its successor drafted, it is linked, verified, deleted."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import podium
from podium.errors import ConflictError, IntegrityError, InvalidNameError, InvalidValueError, NotFoundError

MODEL = "model-registry/Digits"


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


@pytest.fixture
def logged(run, folder) -> podium.Artifact:
    """`p/mlp:v0` with metadata, a tag and an alias."""
    draft = podium.Artifact("mlp", "model", description="first", metadata={"lr": 0.1, "n": 1})
    draft.add_dir(folder)
    return run.log_artifact(draft, aliases=["best"], tags=["raw"])


def kinds(lite) -> list[str]:
    return [event.type for event in lite.events("p/mlp")]


def test_edits_are_saved(lite, logged) -> None:
    """Everything that describes a version is edited like W&B has it, and written by one `save`."""
    logged.metadata["lr"] = 0.2
    del logged.metadata["n"]
    logged.description = "second"
    logged.tags.append("audited")
    logged.tags.remove("raw")
    logged.aliases.append("good")
    logged.aliases.remove("best")
    logged.ttl = timedelta(days=1)
    logged.save()
    found = lite.resolve("p/mlp:v0")
    assert (dict(found.metadata), found.description, found.tags) == ({"lr": 0.2}, "second", ("audited",))
    assert (set(found.aliases), found.expires_at - found.created_at) == ({"latest", "good"}, timedelta(days=1))
    assert (logged.metadata, logged.tags, logged.ttl) == ({"lr": 0.2}, ["audited"], timedelta(days=1))
    assert logged.ref == "p/mlp:v0"


def test_nothing_is_saved_before_save(lite, logged) -> None:
    """An edit that is not saved is seen nowhere else; saving without an edit writes nothing."""
    before = kinds(lite)
    logged.save()
    logged.metadata = {"lr": 9}
    assert lite.resolve("p/mlp:v0").metadata == {"lr": 0.1, "n": 1}
    assert kinds(lite) == before


def test_edits_of_others_stay(lite, logged) -> None:
    """What others set, tagged or moved meanwhile is not undone by a save of something else."""
    lite.edit("p/mlp:v0", metadata={"other": True})
    lite.tag("p/mlp:v0", "theirs")
    lite.set_alias("p/mlp:v0", "candidate")
    logged.metadata["lr"] = 0.2
    logged.save()
    found = lite.resolve("p/mlp:v0")
    assert found.metadata == {"lr": 0.2, "n": 1, "other": True}
    assert found.tags == ("raw", "theirs")
    assert logged.metadata["other"] is True
    assert "candidate" in logged.aliases


def test_an_alias_that_moved_on_is_left_alone(run, lite, logged, folder) -> None:
    """Dropping an alias that another version took meanwhile does not take it from that one."""
    other = logged.new_draft()
    other.remove("sub")
    run.log_artifact(other, aliases=["best"])
    logged.aliases.remove("best")
    logged.save()
    assert lite.resolve("p/mlp:best").number == 1


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda artifact: artifact.tags.append("a b"), InvalidNameError),
        (lambda artifact: artifact.aliases.append("v7"), InvalidNameError),
        (lambda artifact: artifact.aliases.append("production"), InvalidValueError),
        (lambda artifact: artifact.metadata.update(x=object()), InvalidValueError),
    ],
    ids=["tag", "alias", "stage", "metadata"],
)
def test_a_refused_save_changes_nothing(lite, logged, edit, error) -> None:
    """One value that cannot be used, and none of the edits is written."""
    linked = logged.link(MODEL)
    linked.description = "never"
    edit(linked)
    with pytest.raises(error) as caught:
        linked.save()
    assert caught.value.hint
    assert lite.resolve(f"{MODEL}:v0").description == "first"


def test_a_draft_cannot_be_saved() -> None:
    """It is logged instead, and the hint says so."""
    with pytest.raises(InvalidValueError, match="log_artifact"):
        podium.Artifact("mlp", "model").save()


def test_edits_of_a_link_stay_there(lite, logged) -> None:
    """What is saved on a model version never reaches its source; time to live is not a link's to set."""
    linked = logged.link(MODEL, "challenger")
    linked.metadata["reviewed"] = True
    linked.save()
    assert lite.resolve(f"{MODEL}:challenger").metadata["reviewed"] is True
    assert "reviewed" not in lite.resolve("p/mlp:v0").metadata
    linked.ttl = timedelta(days=1)
    with pytest.raises(InvalidValueError, match=r"p/mlp:v0"):
        linked.save()


def test_logging_again_gives_aliases_and_tags(run, lite, logged) -> None:
    """Edits that wait for a save are neither written nor lost by it."""
    logged.description = "later"
    run.log_artifact(logged, aliases=["new"], tags=["more"], ttl=timedelta(days=2))
    assert ("new" in logged.aliases, "more" in logged.tags) == (True, True)
    assert lite.resolve("p/mlp:v0").description == "first"
    logged.save()
    found = lite.resolve("p/mlp:v0")
    assert (found.description, found.tags) == ("later", ("more", "raw"))
    assert found.expires_at - found.created_at == logged.ttl == timedelta(days=2)
    assert set(found.aliases) == {"latest", "best", "new"}


def test_a_new_draft_needs_no_bytes(run, lite, logged, folder, tmp_path) -> None:
    """The next version takes over what stays: no byte is read, copied or stored for it."""
    shutil.rmtree(folder)
    draft = logged.new_draft()
    with draft.new_file("c.txt") as file:
        file.write("c")
    draft.remove("sub")
    stored: list[int] = []
    version = run.log_artifact(draft, progress=stored.append)
    assert (version.ref, sum(stored)) == ("p/mlp:v1", 1)
    assert sorted(path.name for path in Path(version.download(tmp_path / "out")).iterdir()) == ["a.txt", "c.txt"]
    assert (version.metadata, version.description, logged.ref) == ({"lr": 0.1, "n": 1}, "first", "p/mlp:v0")


def test_a_new_draft_that_was_not_changed_is_the_same_version(run, logged) -> None:
    """Its digest is that of the version it comes of, references included."""
    again = run.log_artifact(logged.new_draft())
    assert (again.ref, again.created) == ("p/mlp:v0", False)


def test_a_new_draft_of_references(run, folder) -> None:
    """References are carried over as they are, also when what they name has changed."""
    draft = podium.Artifact("data", "dataset")
    draft.add_reference(folder)
    first = run.log_artifact(draft)
    (folder / "a.txt").write_text("changed")
    following = first.new_draft()
    following.remove("sub")
    assert run.log_artifact(following).files() == [first.get_entry("a.txt")]


def test_paths_of_a_new_draft_are_taken(logged, tmp_path) -> None:
    """The same bytes as a file that is carried over add nothing; others need `overwrite`."""
    draft = logged.new_draft()
    (tmp_path / "x").write_text("a")
    draft.add_file(tmp_path / "x", "a.txt")
    assert draft.digest == logged.digest
    (tmp_path / "x").write_text("x")
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        draft.add_file(tmp_path / "x", "a.txt")
    draft.add_file(tmp_path / "x", "a.txt", overwrite=True)
    assert draft.digest != logged.digest


def test_a_draft_outlives_its_source(run, lite, logged) -> None:
    """While the bytes are there, it does not matter that the version they come of was deleted."""
    draft = logged.new_draft()
    draft.remove("sub")
    logged.delete(True, reason="superseded")
    assert run.log_artifact(draft).ref == "p/mlp:v1"
    assert lite.verify().ok


def test_bytes_given_up_are_missed_before_the_log(run, lite, logged, folder) -> None:
    """Carried content that gc took is an error, no version is made, and adding the file itself mends the draft."""
    draft = logged.new_draft()
    draft.remove("sub")
    logged.delete(True, reason="superseded")
    lite.gc(keep_deleted=timedelta(0), older_than=timedelta(0))
    with pytest.raises(IntegrityError, match=r"a\.txt") as caught:
        run.log_artifact(draft)
    assert "add the file itself" in caught.value.hint
    assert lite.versions("p/mlp") == []
    draft.remove("a.txt")
    draft.add_file(folder / "a.txt")
    assert run.log_artifact(draft).ref == "p/mlp:v1"


def test_gc_between_the_look_and_the_commit(run, lite, logged, monkeypatch) -> None:
    """Content that vanishes after it was looked for is missed in the transaction: an error, never a hollow version."""
    draft = logged.new_draft()
    draft.remove("sub")
    logged.delete(True, reason="superseded")
    change = type(lite)._change
    ran: list[int] = []

    def collect_first(self, verb):
        if not ran:
            ran.append(1)
            lite.gc(keep_deleted=timedelta(0), older_than=timedelta(0))
        return change(self, verb)

    monkeypatch.setattr(type(lite), "_change", collect_first)
    with pytest.raises((IntegrityError, ConflictError)):
        run.log_artifact(draft)
    monkeypatch.undo()
    assert ran
    assert lite.versions("p/mlp") == []


def test_a_draft_carried_to_another_registry(run, logged, open_at, tmp_path) -> None:
    """Content that the other registry's store has not got is an error with a hint, and nothing is made there."""
    other = open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "elsewhere")
    with podium.init("p", registry=other) as there, pytest.raises(IntegrityError, match="another registry"):
        there.log_artifact(logged.new_draft())
    assert other.artifacts() == []


def test_a_version_of_another_registry(logged, open_at, tmp_path) -> None:
    """A run takes none: the same name is another thing there. Nothing is linked in either of them."""
    other = open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "elsewhere")
    with podium.init("p", registry=other) as there:
        verbs = (there.use_artifact, there.log_artifact, lambda it: there.link_artifact(it, MODEL))
        for verb in verbs:
            with pytest.raises(InvalidValueError, match=r"other\.db"):
                verb(logged)
    with pytest.raises(NotFoundError):
        logged._registry.model(MODEL)


@pytest.mark.parametrize("given", [3, None, b"x"], ids=repr)
def test_what_is_no_artifact(run, given) -> None:
    """Each verb of a run refuses it with a typed error and a hint."""
    for verb in (run.log_artifact, run.use_artifact, run.log_model, lambda it: run.link_artifact(it, MODEL)):
        with pytest.raises((InvalidValueError, InvalidNameError)) as caught:
            verb(given)
        assert caught.value.hint


def test_one_object_is_one_version(run, lite, logged) -> None:
    """Logged into a second project it is refused, and the hint leads to a draft that goes there without bytes."""
    second = podium.init("q", registry=lite)
    with pytest.raises(InvalidValueError, match="link_artifact") as caught:
        second.log_artifact(logged, aliases=["stolen"])
    assert "new_draft()" in caught.value.hint
    assert "stolen" not in lite.resolve("p/mlp:v0").aliases
    assert second.log_artifact(logged.new_draft()).ref == "q/mlp:v0"


def test_verify(logged, tmp_path) -> None:
    """It says what is right and what is not, of the store and of a folder, and raises for neither."""
    assert logged.verify().ok
    out = Path(logged.download(tmp_path / "out"))
    (out / "a.txt").write_text("x")
    report = logged.verify(out)
    assert [(problem.path, problem.state) for problem in report.problems] == [("a.txt", "changed")]
    blob = next((tmp_path / "content" / "blobs" / "sha256").glob("*/*"))
    blob.write_bytes(b"x")
    assert not logged.verify().ok


def test_looking_at_a_version(run, logged, tmp_path) -> None:
    """Files, entries, manifest and the one file of a version of one."""
    assert [entry.path for entry in logged.files()] == ["a.txt", "sub/b.txt"]
    assert (logged.file_count, logged.size, logged.manifest.digest) == (2, 2, logged.digest)
    assert logged.get_entry("sub/b.txt").size == 1
    with pytest.raises(InvalidValueError, match="download"):
        logged.file()
    draft = logged.new_draft()
    draft.remove("sub")
    assert Path(run.log_artifact(draft).file(tmp_path / "one")).read_text() == "a"


def test_link_and_unlink(lite, logged) -> None:
    """A link is a model version with its own number; unlinked, its source stays."""
    linked = logged.link(MODEL, ["challenger"])
    assert (linked.ref, linked.aliases) == (f"{MODEL}:v0", ["latest", "challenger"])
    with pytest.raises(InvalidValueError, match="challenger"):
        linked.unlink()
    linked.aliases = []
    linked.save()
    linked.unlink()
    assert lite.versions(MODEL) == []
    with pytest.raises(NotFoundError):
        linked.unlink()
    assert lite.resolve("p/mlp:v0").number == 0


def test_only_a_link_is_unlinked(logged) -> None:
    """An artifact version is no link, and says so."""
    with pytest.raises(NotFoundError, match="registered model"):
        logged.unlink()


def test_delete(lite, logged) -> None:
    """What holds an alias needs a word and a reason; deleting a model version deletes the link alone."""
    linked = logged.link(MODEL)
    with pytest.raises(InvalidValueError):
        logged.delete()
    linked.delete()
    assert lite.resolve("p/mlp:v0").number == 0
    with pytest.raises(InvalidValueError, match="reason"):
        logged.delete(delete_aliases=True)
    logged.delete(delete_aliases=True, reason="wrong data")
    assert lite.versions("p/mlp") == []


@pytest.mark.parametrize("what", ["save", "unlink", "delete", "verify", "new_draft", "file", "download"])
def test_verbs_that_need_a_version(what) -> None:
    """On a draft each is a typed error that leads to log_artifact."""
    with pytest.raises(InvalidValueError, match="is a draft") as caught:
        getattr(podium.Artifact("mlp", "model"), what)()
    assert "log_artifact" in caught.value.hint


def test_a_save_on_each_database(registry, folder) -> None:
    """Metadata, description, tags and aliases are written in one transaction on SQLite and PostgreSQL alike."""
    with podium.init("p", registry=registry) as run:
        made = run.log_artifact(folder, "mlp", "model", aliases=["old"], tags=["raw"])
        made.metadata, made.tags, made.aliases, made.description = {"n": 1}, ["new"], ["best"], "d"
        made.save()
        following = made.new_draft()
        following.remove("sub")
        assert run.log_artifact(following, aliases=["best"]).version == "v1"
    found = registry.resolve("p/mlp:v0")
    assert (found.metadata, found.tags, found.aliases, found.description) == ({"n": 1}, ("new",), (), "d")
    assert registry.resolve("p/mlp:best").number == 1
