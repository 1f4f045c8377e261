"""Registries, descriptions, tags, edits and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, NotFoundError

MODEL = "model-registry/Digits classifier"


def test_a_registry_with_accepted_types(registry, model_file) -> None:
    """A registry takes the types it accepts and refuses others with what it takes."""
    registry.create_registry("data", types=["dataset"], description="curated")
    registry.log("p/set", model_file("s"), type="dataset")
    registry.log("p/a", model_file("a"))
    assert registry.link("p/set", "data/Digits").number == 0
    with pytest.raises(InvalidValueError, match="accepts dataset"):
        registry.link("p/a", "data/Digits model")
    assert [info.name for info in registry.registries()] == ["data", "model-registry"]


def test_a_registry_can_learn_a_type(registry, model_file) -> None:
    """Editing the accepted types is an event, and holds from then on."""
    registry.create_registry("data", types=["dataset"])
    registry.edit_registry("data", types=("dataset", "model"), reason="joint")
    registry.log("p/a", model_file("a"))
    assert registry.link("p/a", "data/M").collection == "data/M"
    assert registry.edit_registry("data", types=None).types is None


def test_names_of_registries_and_projects_are_one_space(registry, model_file) -> None:
    """A registry cannot take the name of a project or registry, nor a project that of a registry."""
    registry.log("p/a", model_file("a"))
    for taken in ("p", "model-registry"):
        with pytest.raises(AlreadyExistsError):
            registry.create_registry(taken)
    registry.create_registry("data")
    with pytest.raises(InvalidValueError, match="is a registry"):
        registry.log("data/a", model_file("a"))


@pytest.mark.parametrize("types", [[], "model", ["a b"]])
def test_accepted_types_must_make_sense(registry, types) -> None:
    """No type at all, a text in place of a list, or a name that is no type: refused."""
    with pytest.raises((InvalidValueError, InvalidNameError)):
        registry.create_registry("data", types=types)
    assert len(registry.registries()) == 1


def test_a_model_card(registry, linked) -> None:
    """Description, owner and task are edited one by one, each edit is an event with before and after."""
    linked(registry, 1)
    registry.edit_collection(MODEL, description="# Digits", owner="ann")
    edited = registry.edit_collection(MODEL, owner="bob", task="classification")
    assert (edited.description, edited.owner, edited.task) == ("# Digits", "bob", "classification")
    event = registry.events(MODEL)[-1]
    assert (event.type, event.before, event.after["owner"]) == ("model.updated", {"owner": "ann", "task": None}, "bob")


def test_an_edit_that_changes_nothing_leaves_no_trace(registry, linked, rows) -> None:
    """Writing what stands there already is no event."""
    linked(registry, 1)
    registry.edit_collection(MODEL, owner="ann")
    registry.edit(f"{MODEL}:v0", metadata={"a": 1})
    registry.tag(MODEL, "x")
    before = rows(registry)
    registry.edit_collection(MODEL, owner="ann")
    registry.edit(f"{MODEL}:v0", metadata={"a": 1})
    registry.tag(MODEL, "x")
    registry.untag(MODEL, "y")
    assert rows(registry) == before


def test_metadata_edits_are_history(registry, model_file) -> None:
    """Keys are set and removed; the event has what changed, before and after."""
    registry.log("p/a", model_file("a"), metadata={"C": 1, "kernel": "rbf"})
    edited = registry.edit("p/a:v0", metadata={"C": 2}, remove_metadata=["kernel"], reason="typo")
    assert edited.metadata == {"C": 2}
    event = registry.events("p/a")[-1]
    assert event.before == {"metadata": {"C": 1, "kernel": "rbf"}}
    assert (event.after["metadata"], event.reason) == ({"C": 2}, "typo")


def test_edits_of_a_link_stay_there(registry, linked) -> None:
    """What is edited on a model version never reaches its source, nor another model."""
    linked(registry, 1, metadata={"C": 1}, description="as logged")
    registry.link("digits/mlp:v0", "model-registry/Other")
    registry.edit(f"{MODEL}:v0", metadata={"C": 5}, description="reviewed")
    registry.tag(f"{MODEL}:v0", ["eu"])
    assert registry.resolve(f"{MODEL}:v0").metadata == {"C": 5}
    for ref in ("digits/mlp:v0", "model-registry/Other:v0"):
        version = registry.resolve(ref)
        assert (version.metadata, version.description, version.tags) == ({"C": 1}, "as logged", ())


def test_a_link_shows_its_source_until_it_is_edited(registry, linked) -> None:
    """An edit of the source is seen through a link that has no edit of its own."""
    linked(registry, 1, description="first")
    registry.edit("digits/mlp:v0", description="second", metadata={"k": 1})
    assert registry.resolve(f"{MODEL}:v0").description == "second"
    assert registry.resolve(f"{MODEL}:v0").metadata == {"k": 1}


def test_the_digest_does_not_change(registry, model_file) -> None:
    """No edit touches the digest, and the same files are still the same version."""
    first = registry.log("p/a", model_file("a"))
    edited = registry.edit("p/a:v0", metadata={"x": [1, {"y": None}]}, description=None)
    assert edited.digest == first.digest
    assert not registry.log("p/a", model_file("a")).created


@pytest.mark.parametrize("metadata", [{"x": object()}, {"x": "\x00"}, [1], {"x": "\ud800"}])
def test_metadata_that_cannot_be_kept(registry, model_file, rows, metadata) -> None:
    """Metadata that is no plain JSON is refused and changes nothing."""
    registry.log("p/a", model_file("a"))
    before = rows(registry)
    with pytest.raises(InvalidValueError):
        registry.edit("p/a:v0", metadata=metadata)
    assert rows(registry) == before


def test_tags_of_versions_and_of_the_whole(registry, linked) -> None:
    """A reference with a colon tags one version, without it the model; both are listed and are events."""
    linked(registry, 2)
    assert registry.tag(f"{MODEL}:v0", ["eu", "audited", "eu"]) == ("audited", "eu")
    assert registry.tag(MODEL, "vision") == ("vision",)
    assert registry.untag(f"{MODEL}:v0", "eu") == ("audited",)
    assert (registry.resolve(f"{MODEL}:v0").tags, registry.resolve(f"{MODEL}:v1").tags) == (("audited",), ())
    assert registry.model(MODEL).tags == ("vision",)
    types = [event.type for event in registry.events(MODEL)][-4:]
    assert types == ["tag.added", "tag.added", "tag.added", "tag.removed"]


def test_tags_given_when_logging(registry, model_file) -> None:
    """A version can be logged with tags; logging the same files again adds to them."""
    registry.log("p/a", model_file("a"), tags=["one"])
    assert registry.log("p/a", model_file("a"), tags="two").tags == ("one", "two")


@pytest.mark.parametrize("tag", ["", "a b", "ä", "x" * 65, None, "a\n"])
def test_tags_that_break_the_rules(registry, model_file, tag) -> None:
    """A tag follows the rule of labels."""
    registry.log("p/a", model_file("a"))
    with pytest.raises((InvalidNameError, InvalidValueError)):
        registry.tag("p/a", [tag])


def test_rename_keeps_everything(registry, linked) -> None:
    """Versions, aliases, history and the chain go on under the new name; the old one says where it went."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "best")
    renamed = registry.rename(MODEL, "Digits", reason="shorter")
    assert (renamed.ref, renamed.versions, renamed.aliases) == ("model-registry/Digits", 2, {"latest": 1, "best": 0})
    assert len(registry.history("model-registry/Digits", "best")) == 1
    events = registry.events("model-registry/Digits")
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    with pytest.raises(NotFoundError, match="was renamed to 'model-registry/Digits'"):
        registry.resolve(f"{MODEL}:v0")


def test_a_name_that_was_given_up_counts_on(registry, model_file) -> None:
    """Whoever takes an old name gets numbers that it never had, so that no reference names two things."""
    for text in "abc":
        registry.log("p/a", model_file(text))
    registry.rename("p/a", "b")
    assert registry.log("p/a", model_file("d")).ref == "p/a:v3"


def test_a_name_of_another_is_not_taken_by_rename(registry, model_file) -> None:
    """A name that is taken, was another's, or is a deleted one's is refused; its own old name is not."""
    registry.log("p/a", model_file("a"))
    registry.log("p/b", model_file("b"))
    registry.rename("p/b", "c")
    for name in ("b", "c"):
        with pytest.raises(AlreadyExistsError):
            registry.rename("p/a", name)
    assert registry.rename("p/c", "b").ref == "p/b"


def test_only_case_changes(registry, linked) -> None:
    """A model can change the case of its name, though two models may not differ by case alone."""
    linked(registry, 1)
    assert registry.rename(MODEL, "DIGITS classifier").ref == "model-registry/DIGITS classifier"
    assert registry.resolve("model-registry/DIGITS classifier:v0").number == 0


@pytest.mark.parametrize("name", ["", "a/b", "a:b", " x", "x\x00"])
def test_renaming_to_no_name(registry, model_file, name) -> None:
    """The new name follows the rules."""
    registry.log("p/a", model_file("a"))
    with pytest.raises(InvalidNameError):
        registry.rename("p/a", name)


def test_a_copy_between_registries_carries_its_edits(registry, linked) -> None:
    """Linking a model version elsewhere copies tags, metadata and description, which are independent then."""
    linked(registry, 1)
    registry.create_registry("eu")
    registry.edit(f"{MODEL}:v0", description="card", metadata={"k": 1})
    registry.tag(f"{MODEL}:v0", "gold")
    copy = registry.link(f"{MODEL}:v0", "eu/Digits")
    assert (copy.description, copy.metadata, copy.tags, copy.source) == ("card", {"k": 1}, ("gold",), "digits/mlp:v0")
    registry.untag("eu/Digits:v0", "gold")
    assert registry.resolve(f"{MODEL}:v0").tags == ("gold",)


def test_time_to_live(registry, model_file) -> None:
    """A version whose time ended is previewed, then deleted softly; linked and aliased ones are kept, and say why."""
    short = timedelta(microseconds=1)
    for name in ("a", "b", "c"):
        registry.log(f"p/{name}", model_file(name), ttl=short)
    registry.log("p/d", model_file("d"), ttl=timedelta(days=1))
    registry.set_alias("p/b:v0", "best")
    registry.link("p/c:v0", MODEL)
    due = {item.version.ref: item.kept_by for item in registry.expire()}
    assert due == {"p/a:v0": (), "p/b:v0": ("best",), "p/c:v0": (f"{MODEL}:v0",)}
    assert registry.collection("p/a").versions == 1
    gone = [item.version.ref for item in registry.expire(dry_run=False) if item.version.deleted_at is not None]
    assert gone == ["p/a:v0"]
    assert registry.events("p/a")[-1].reason == "time to live ended"


def test_time_to_live_counts_from_logging(registry, model_file) -> None:
    """The end is counted from when the version was logged, can be moved and taken away, and is history."""
    version = registry.log("p/a", model_file("a"))
    edited = registry.edit("p/a:v0", ttl=timedelta(days=2))
    assert edited.expires_at == version.created_at + timedelta(days=2)
    assert registry.edit("p/a:v0", ttl=None).expires_at is None
    assert [event.type for event in registry.events("p/a")][-2:] == ["artifact_version.updated"] * 2


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(days=-1), timedelta(days=365 * 101), 30])
def test_times_to_live_that_are_none(registry, model_file, ttl) -> None:
    """No, negative, endless or untyped times are refused, when logging and when editing."""
    with pytest.raises(InvalidValueError):
        registry.log("p/a", model_file("a"), ttl=ttl)
    registry.log("p/a", model_file("a"))
    with pytest.raises(InvalidValueError):
        registry.edit("p/a:v0", ttl=ttl)


def test_a_link_has_no_time_to_live(registry, linked) -> None:
    """Time to live belongs to the bytes."""
    linked(registry, 1)
    with pytest.raises(InvalidValueError, match="belongs to its source"):
        registry.edit(f"{MODEL}:v0", ttl=timedelta(days=1))


def test_what_is_kept_does_not_starve_the_rest(registry, model_file) -> None:
    """A limit counts what can go, by when its time ended, whatever else is kept by aliases and links."""
    for position, name in enumerate(("a", "b", "c", "d")):
        registry.log(f"p/{name}", model_file(name), ttl=timedelta(microseconds=4 - position))
    registry.set_alias("p/a:v0", "best")
    registry.link("p/b:v0", MODEL)
    registry.expire(dry_run=False, limit=1)
    assert [registry.collection(f"p/{name}").versions for name in "abcd"] == [1, 1, 0, 1]


@pytest.mark.parametrize("again", [None, timedelta(days=30)])
def test_the_longer_life_wins(registry, model_file, again) -> None:
    """The same files logged again without an end, or with a later one, live as long as the last caller relies on."""
    registry.log("p/a", model_file("a"), ttl=timedelta(days=1))
    version = registry.log("p/a", model_file("a"), ttl=again)
    assert version.expires_at is None if again is None else version.expires_at > datetime.now(UTC) + timedelta(days=29)
    assert not registry.log("p/a", model_file("a"), ttl=timedelta(days=2)).created
    assert registry.resolve("p/a").expires_at == version.expires_at
    assert [event.type for event in registry.events("p/a")][-1] == "artifact_version.updated"


def test_a_copy_that_comes_back_keeps_its_edits(registry, linked) -> None:
    """Copying again after an unlink brings the copy back as it was edited, not as its source is now."""
    linked(registry, 1)
    registry.create_registry("eu")
    registry.link(f"{MODEL}:v0", "eu/Digits")
    registry.edit("eu/Digits:v0", description="eu text")
    registry.unlink("eu/Digits:v0")
    assert registry.link(f"{MODEL}:v0", "eu/Digits").description == "eu text"


@pytest.mark.parametrize("limit", [0, -1, True, "3"])
def test_limits_that_are_none(registry, model_file, limit) -> None:
    """A limit that is no whole number from 1 on is refused alike on both databases."""
    registry.log("p/a", model_file("a"))
    for call in (lambda: registry.versions("p/a", limit), lambda: registry.expire(limit=limit)):
        with pytest.raises(InvalidValueError, match="limit"):
            call()


@pytest.mark.parametrize("files", [None, 5, b"abc", [None]])
def test_files_that_are_no_paths(registry, files) -> None:
    """What is neither a path nor several is refused with a word about it."""
    with pytest.raises(InvalidValueError, match="path"):
        registry.log("p/a", files)
