"""Deletion is soft, guarded and undone in one call; numbers are never used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from podium.domain.origin import Origin
from podium.errors import ConflictError, InvalidValueError, NotFoundError
from podium.usecases.collections import restore_collection
from podium.usecases.unit import Unit

MODEL = "model-registry/Digits classifier"


def test_a_deleted_version_is_gone_and_comes_back(registry, model_file) -> None:
    """Deleted: no reference finds it and it counts no more. Restored: it is there under its number, bytes and all."""
    registry.log("p/a", model_file("a"))
    deleted = registry.delete("p/a:v0", reason="wrong data")
    assert deleted.deleted_at is not None
    assert registry.collection("p/a").versions == 0
    for ref in ("p/a:v0", "p/a:latest", "p/a"):
        with pytest.raises(NotFoundError):
            registry.resolve(ref)
    back = registry.restore("p/a:v0")
    assert (back.number, back.deleted_at, back.aliases) == (0, None, ("latest",))
    assert registry.verify("p/a:v0").ok


def test_the_error_says_how_to_get_it_back(registry, model_file) -> None:
    """Whoever asks for a deleted version is told when it went and how to restore it."""
    registry.log("p/a", model_file("a"))
    registry.delete("p/a:v0")
    with pytest.raises(NotFoundError, match=r"deleted or unlinked.*podium restore"):
        registry.download("p/a:v0")


def test_numbers_are_never_used_again(registry, model_file) -> None:
    """The number after a deleted one is a new one, for the same bytes too."""
    registry.log("p/a", model_file("a"))
    registry.delete("p/a:v0")
    assert registry.log("p/a", model_file("a")).number == 1
    assert registry.log("p/a", model_file("b")).number == 2


def test_latest_is_the_newest_that_is_left(registry, model_file) -> None:
    """`latest` goes back when the newest is deleted, and forward when it returns."""
    for text in "abc":
        registry.log("p/a", model_file(text))
    registry.delete("p/a:v2")
    assert registry.resolve("p/a").number == 1
    registry.restore("p/a:v2")
    assert registry.resolve("p/a").number == 2


@pytest.mark.parametrize("hold", ["link", "alias"])
def test_what_is_used_is_not_deleted(registry, linked, rows, hold) -> None:
    """A linked or aliased version is refused with what holds it, and nothing changes."""
    linked(registry, 1) if hold == "link" else None
    if hold == "alias":
        registry.log("digits/mlp", __file__)
        registry.set_alias("digits/mlp:v0", "best")
    before = rows(registry)
    with pytest.raises(InvalidValueError, match="still used") as caught:
        registry.delete("digits/mlp:v0")
    assert caught.value.kept_by == ([f"{MODEL}:v0"] if hold == "link" else ["best"])
    assert rows(registry) == before


def test_forcing_takes_links_and_stages_away(registry, linked) -> None:
    """Forced with a reason: the stage is freed, link and version go, and each is history with the reason."""
    linked(registry, 1)
    registry.promote(f"{MODEL}:v0", "production")
    registry.delete("digits/mlp:v0", force=True, reason="trained on test data")
    assert registry.model(MODEL).aliases == {}
    types = [event.type for event in registry.events(MODEL) if event.reason == "trained on test data"]
    assert types == ["model_version.demoted", "model_version.unlinked"]
    assert registry.history(MODEL, "production")[-1].after is None


def test_forcing_needs_a_reason(registry, linked) -> None:
    """Force without a reason is refused."""
    linked(registry, 1)
    for reason in (None, "", "  "):
        with pytest.raises(InvalidValueError, match="reason"):
            registry.delete("digits/mlp:v0", force=True, reason=reason)


def test_links_that_went_with_it_come_back_with_it(registry, linked) -> None:
    """Restoring a version that was deleted by force restores its links; the stages stay free."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v1", "best")
    registry.delete("digits/mlp:v1", force=True, reason="oops")
    registry.restore("digits/mlp:v1")
    assert registry.resolve(f"{MODEL}:v1").aliases == ("latest",)
    assert registry.model(MODEL).versions == 2


def test_no_single_version_named(registry, model_file) -> None:
    """Deleting and unlinking want a version by number or alias, never `latest` by silence."""
    registry.log("p/a", model_file("a"))
    for call in (registry.delete, registry.unlink):
        with pytest.raises(InvalidValueError, match="no single version"):
            call("p/a")


def test_unlink_and_link_again(registry, linked) -> None:
    """Unlinking leaves the artifact; linking the same version again brings it back under the same number."""
    linked(registry, 2)
    gone = registry.unlink(f"{MODEL}:v0", reason="superseded")
    assert gone.deleted_at is not None
    assert registry.resolve("digits/mlp:v0").digest == gone.digest
    again = registry.link("digits/mlp:v0", MODEL)
    assert (again.number, again.created) == (0, True)
    assert [version.number for version in registry.versions(MODEL)] == [1, 0]


def test_an_unlinked_version_that_holds_a_stage_stays(registry, linked) -> None:
    """A model version with a stage is not unlinked; by force it is, and the stage is free."""
    linked(registry, 1)
    registry.promote(f"{MODEL}:v0", "staging")
    with pytest.raises(InvalidValueError, match="staging"):
        registry.unlink(f"{MODEL}:v0")
    registry.unlink(f"{MODEL}:v0", force=True, reason="leaks data")
    assert registry.model(MODEL).aliases == {}


def test_a_link_to_a_deleted_source_is_not_restored(registry, linked) -> None:
    """The source comes first."""
    linked(registry, 1)
    registry.unlink(f"{MODEL}:v0")
    registry.delete("digits/mlp:v0")
    with pytest.raises(InvalidValueError, match="Restore that first"):
        registry.restore(f"{MODEL}:v0")


def test_a_deleted_version_cannot_be_linked(registry, model_file) -> None:
    """Linking a deleted version is refused like any unknown one."""
    registry.log("p/a", model_file("a"))
    registry.delete("p/a:v0")
    with pytest.raises(NotFoundError):
        registry.link("p/a:v0", MODEL)


def test_what_an_alias_named_then_can_still_be_told(registry, linked) -> None:
    """Who held an alias is answered also for a version that was deleted since."""
    linked(registry, 1)
    registry.set_alias(f"{MODEL}:v0", "best")
    then = datetime.now(UTC)
    registry.delete("digits/mlp:v0", force=True, reason="gone")
    told = registry.resolve(f"{MODEL}:best", at=then)
    assert told.number == 0
    assert told.deleted_at is not None


def test_deleted_versions_are_listed_apart(registry, model_file) -> None:
    """The list of versions has the live ones, and on request the deleted ones."""
    for text in "ab":
        registry.log("p/a", model_file(text))
    registry.delete("p/a:v0")
    assert [version.number for version in registry.versions("p/a")] == [1]
    assert [version.number for version in registry.versions("p/a", deleted=True)] == [0]


def test_restoring_what_is_there_changes_nothing(registry, model_file, rows) -> None:
    """A restore of a live version returns it and writes nothing."""
    registry.log("p/a", model_file("a"))
    before = rows(registry)
    assert registry.restore("p/a:v0").number == 0
    assert registry.restore_collection("p/a").versions == 1
    assert rows(registry) == before


def test_a_collection_goes_and_comes_back(registry, linked) -> None:
    """A deleted model is not listed and not found, its history can be read, and restoring brings its versions back."""
    linked(registry, 3)
    registry.unlink(f"{MODEL}:v1")
    registry.delete_collection(MODEL, reason="retired")
    assert registry.models() == []
    with pytest.raises(NotFoundError, match="podium restore"):
        registry.model(MODEL)
    assert registry.events(MODEL)[-1].type == "model.deleted"
    back = registry.restore_collection(MODEL)
    assert (back.versions, back.aliases) == (2, {"latest": 2})


def test_a_collection_in_use_stays(registry, linked, rows) -> None:
    """An artifact with linked versions and a model with a stage are refused, and nothing changes."""
    linked(registry, 1)
    registry.promote(f"{MODEL}:v0", "production")
    before = rows(registry)
    for ref in (MODEL, "digits/mlp"):
        with pytest.raises(InvalidValueError, match="still used"):
            registry.delete_collection(ref)
    assert rows(registry) == before


def test_an_artifact_deleted_by_force(registry, linked) -> None:
    """By force its versions leave every model they were linked into, each with an event of its own."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v1", "best")
    registry.delete_collection("digits/mlp", force=True, reason="licence")
    assert registry.model(MODEL).versions == 0
    assert [event.sequence for event in registry.events(MODEL)] == list(range(1, 8))
    assert registry.restore_collection("digits/mlp").versions == 2


def test_re_creation_counts_on(registry, linked, model_file) -> None:
    """An artifact that is logged again after its deletion never repeats a number."""
    registry.log("p/a", model_file("a"))
    registry.log("p/a", model_file("b"))
    registry.delete_collection("p/a")
    assert registry.log("p/a", model_file("a")).ref == "p/a:v2"
    assert registry.collection("p/a").versions == 1


def test_every_event_chain_holds_after_all_this(registry, linked) -> None:
    """Deletions and restores append to the chains in sequence."""
    linked(registry, 2)
    registry.delete("digits/mlp:v0", force=True, reason="x")
    registry.restore("digits/mlp:v0")
    for ref in (MODEL, "digits/mlp"):
        events = registry.events(ref)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert all(b.previous == a.hash for a, b in pairwise(events))


def test_an_expected_holder_that_was_deleted(registry, linked) -> None:
    """Compare-and-set sees that the holder is gone."""
    linked(registry, 2)
    registry.set_alias(f"{MODEL}:v0", "best")
    registry.unlink(f"{MODEL}:v0", force=True, reason="x")
    with pytest.raises(ConflictError) as caught:
        registry.set_alias(f"{MODEL}:v1", "best", expected="v0")
    assert caught.value.holder is None


def test_what_was_made_again_gets_its_versions_back(registry, model_file) -> None:
    """Restoring an artifact that was logged again since brings back the versions that went with its deletion."""
    for text in "ab":
        registry.log("p/a", model_file(text))
    registry.delete("p/a:v0")
    registry.delete_collection("p/a")
    registry.log("p/a", model_file("c"))
    assert registry.restore_collection("p/a").versions == 2
    assert [version.number for version in registry.versions("p/a")] == [2, 1]


def test_a_source_is_not_deleted_while_its_links_come_back(registry, linked) -> None:
    """Whoever deletes the source of a model that is restored at that moment waits, and is refused then."""
    linked(registry, 1)
    registry.delete_collection(MODEL)
    with ThreadPoolExecutor(1) as pool:
        with registry._database.write() as connection:
            unit = Unit(connection, "ann", Origin(), datetime.now(UTC))
            restore_collection(unit, MODEL)
            deleting = pool.submit(registry.delete, "digits/mlp:v0")
            with pytest.raises(TimeoutError):
                deleting.result(timeout=0.5)
        with pytest.raises(InvalidValueError, match="still used"):
            deleting.result(timeout=60)
    assert registry.verify(f"{MODEL}:v0").ok


def test_a_rollback_says_which_holders_went(registry, linked) -> None:
    """When every earlier holder was unlinked since, the error names them."""
    linked(registry, 2)
    for number in range(2):
        registry.promote(f"{MODEL}:v{number}", "production")
    registry.unlink(f"{MODEL}:v0")
    with pytest.raises(NotFoundError, match="is left: v0 went since"):
        registry.rollback(MODEL)
