"""Importing where something is already: brought forward, left alone, or refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.domain.bundle import ImportReport
from podium.domain.runs import MetricPoint
from podium.errors import ConflictError, PermissionDeniedError
from podium.registry import Registry
from tests.core.conftest import Move
from tests.core.moved import ARTIFACT, MODEL, fill, rows_of, told, write


@pytest.fixture
def here(lite: Registry, tmp_path: Path) -> Registry:
    """A registry with something of every kind."""
    fill(lite, tmp_path / "files")
    return lite


def states(report: ImportReport) -> dict[str, str]:
    return {item.ref: item.state for item in report.collections}


def check_sound(registry: Registry) -> None:
    assert registry.verify().ok
    assert registry.verify_audit().findings == ()


def refuse(move: Move, source: Registry, target: Registry, *refs: str) -> ConflictError:
    """Move what cannot be moved; nothing may be written."""
    before = rows_of(target)
    with pytest.raises(ConflictError) as caught:
        move(source, target, *refs)
    assert rows_of(target) == before
    return caught.value


def test_an_earlier_history_is_brought_forward(here, there, move, tmp_path) -> None:
    """New versions, moved aliases, edits, tags, a rename and deletions since the last move all arrive."""
    move(here, there)
    here.log(ARTIFACT, write(tmp_path / "files", "later"), metadata={"later": 1})
    here.link(f"{ARTIFACT}:v5", MODEL)
    here.promote(f"{MODEL}:v1", "production")
    here.edit(f"{ARTIFACT}:v0", metadata={"edited": True}, remove_metadata=["number"])
    here.untag(MODEL, ["team-a"])
    here.rename(MODEL, "Numbers")
    here.unlink("model-registry/Numbers:v3")
    report = move(here, there)
    assert states(report) == {ARTIFACT: "forward", "model-registry/Numbers": "forward", "digits/raw": "same"}
    assert (told(there), rows_of(there)) == (told(here), rows_of(here))
    check_sound(there)


def test_what_went_on_there_is_left_alone(here, there, move) -> None:
    """An older bundle does not take back what happened since."""
    move(here, there)
    there.promote(f"{MODEL}:v1", "production")
    before = rows_of(there)
    report = move(here, there)
    assert states(report)[MODEL] == "ahead"
    assert (report.changed, rows_of(there)) == (False, before)


def test_and_goes_back_to_where_it_came_from(here, there, move) -> None:
    """A model that went on there comes back and brings its old home forward."""
    move(here, there)
    there.promote(f"{MODEL}:v1", "production")
    assert states(move(there, here))[MODEL] == "forward"
    assert here.resolve(f"{MODEL}:production").number == 1
    assert told(here) == told(there)
    check_sound(here)


def test_two_ways_are_a_conflict_that_names_both_heads(here, there, move) -> None:
    """Both went on: neither is an earlier part of the other."""
    move(here, there)
    here.promote(f"{MODEL}:v1", "production", reason="here")
    there.promote(f"{MODEL}:v1", "production", reason="there")
    error = refuse(move, here, there)
    assert (error.expected, error.holder) == (here.events(MODEL)[-1].hash, there.events(MODEL)[-1].hash)
    assert error.holder in str(error)
    assert error.expected in str(error)


def test_two_ways_of_different_length_are_one_too(here, there, move) -> None:
    """More events alone make nobody an heir."""
    move(here, there)
    there.promote(f"{MODEL}:v1", "production", reason="there")
    for number in (1, 0):
        here.promote(f"{MODEL}:v{number}", "production")
    refuse(move, here, there)
    refuse(move, there, here)


def test_another_model_of_the_same_name(here, there, move, tmp_path) -> None:
    """It was made there by somebody else; also where only the case of its name differs."""
    there.log("theirs/net", write(tmp_path / "files", "theirs"))
    there.link("theirs/net", MODEL.upper().replace("MODEL-REGISTRY", "model-registry"))
    error = refuse(move, here, there, MODEL)
    assert error.holder == there.events(there.models()[0].ref)[-1].hash


def test_a_name_that_another_gave_up_there(here, there, move, tmp_path) -> None:
    """A reference must never name two things."""
    there.log(ARTIFACT, write(tmp_path / "files", "theirs"))
    there.rename(ARTIFACT, "renamed")
    refuse(move, here, there, MODEL)


def test_renaming_where_it_comes_from_makes_room(here, there, move, tmp_path) -> None:
    """What the error says: the one of the bundle gets another name, and its former name leads to whoever has it."""
    there.log(ARTIFACT, write(tmp_path / "files", "theirs"))
    assert "podium rename" in refuse(move, here, there, MODEL).hint
    here.rename(ARTIFACT, "ours")
    move(here, there, MODEL)
    assert (there.resolve(ARTIFACT).number, there.resolve("digits/ours").number) == (0, 4)
    check_sound(there)


def test_a_project_that_is_a_registry_there(here, there, move) -> None:
    """A namespace is the one or the other."""
    there.create_registry("digits")
    refuse(move, here, there, MODEL)


def test_another_run_of_the_same_id(here, there, move) -> None:
    """Ids of runs are words that people choose."""
    there.start_run("digits", id="training")
    refuse(move, here, there, MODEL)


def test_a_registry_there_keeps_what_is_its_own(here, there, move) -> None:
    """The model goes into the registry that has the name, and obeys its default policy."""
    here.create_registry("prod", description="ours")
    here.link(f"{ARTIFACT}:v0", "prod/Digits", aliases=["gold"])
    there.create_registry("prod", description="theirs")
    there.set_policy("prod", {"stages": [{"name": "gold"}]})
    report = move(here, there, "prod")
    assert "'prod'" in report.notes[0]
    assert there.registry("prod").description == "theirs"
    assert there.policy("prod/Digits").names == ("gold",)
    assert there.verify().ok


def test_a_registry_that_is_missing_is_made(here, there, move) -> None:
    """With its stream: description, accepted types and default policy; later changes are brought forward."""
    here.create_registry("prod", types=["model"], description="ours")
    here.set_policy("prod", {"stages": [{"name": "gold"}]})
    here.link(f"{ARTIFACT}:v0", "prod/Digits")
    assert move(here, there, "prod/Digits").namespaces == ("digits", "prod")
    assert there.registry("prod") == here.registry("prod")
    here.edit_registry("prod", description="changed")
    here.promote("prod/Digits:v0", "gold")
    assert move(here, there, "prod").changed
    assert there.registry("prod") == here.registry("prod")
    assert there.policy("prod/Digits") == here.policy("prod/Digits")
    check_sound(there)


def test_what_waits_goes_on_there(here, there, move, open_at) -> None:
    """A request with one of its two approvals, a freeze and roles: the second approval there commits it."""
    here.create_registry("prod")
    here.set_policy("prod", {"stages": [{"name": "gold", "approvals": {"count": 2, "not_author": False}}]})
    here.link(f"{ARTIFACT}:v0", "prod/Digits")
    here.link(f"{ARTIFACT}:v0", "prod/Closed")
    here.freeze("prod/Closed", reason="under review")
    request = here.promote("prod/Digits:v0", "gold").id
    here.approve(request, comment="fine")
    for person in ("ann", "bob"):
        here.grant_role("prod", person, "admin")
    move(here, there, "prod")
    assert (there.list_roles("prod"), there.list_freezes()) == (here.list_roles("prod"), here.list_freezes())
    there.approve(request)
    assert there.resolve("prod/Digits:gold").number == 0
    check_sound(there)


def test_a_registry_that_has_admins_takes_models_from_them_only(here, there, move, open_at, tmp_path) -> None:
    """An import moves stages past their gates."""
    there.grant_role("model-registry", "carl", "admin")
    before = rows_of(there)
    with pytest.raises(PermissionDeniedError):
        move(here, there, MODEL)
    assert rows_of(there) == before
    carl = open_at(there.settings.url, content=tmp_path / "there", actor="carl")
    assert move(here, carl, MODEL).changed


def test_a_registry_there_that_accepts_other_types(here, there, move) -> None:
    """What could not be linked cannot be imported either."""
    here.create_registry("prod")
    here.link("digits/raw", "prod/Data")
    there.create_registry("prod", types=["model"])
    assert "accepts" in str(refuse(move, here, there, "prod"))


def test_policies_of_two_models_in_one_registry(here, there, move, tmp_path) -> None:
    """Each model keeps the revisions of its own policies."""
    there.log("theirs/net", write(tmp_path / "files", "theirs"))
    there.link("theirs/net", "model-registry/Theirs")
    there.set_policy("model-registry/Theirs", {"stages": [{"name": "silver"}]})
    move(here, there, MODEL)
    assert there.policy("model-registry/Theirs").names == ("silver",)
    assert there.policy(MODEL) == here.policy(MODEL)
    assert there.verify().ok


def test_a_run_that_went_on_is_brought_forward(here, there, move) -> None:
    """Its metrics, configuration and state are those of whoever heard of it last."""
    run = here.start_run("digits", id="long", config={"lr": 1}).id
    here.log_metrics(run, [MetricPoint("acc", 0, 0.1)])
    move(here, there, "digits")
    here.log_metrics(run, [MetricPoint("acc", 0, 0.2), MetricPoint("acc", 1, 0.3)], config={"lr": 2})
    here.finish_run(run)
    assert move(here, there, "digits").runs == {"new": 0, "forward": 1, "same": 1}
    assert (there.run(run), there.metrics(run)) == (here.run(run), here.metrics(run))
    assert rows_of(there)["run_fields"] == rows_of(here)["run_fields"]


def test_a_version_deleted_there_that_the_bundle_links(here, there, move) -> None:
    """The artifact went on there and lost the version that a new model points at."""
    move(here, there, ARTIFACT)
    there.delete(f"{ARTIFACT}:v0")
    error = refuse(move, here, there, MODEL)
    assert f"{ARTIFACT}:v0" in str(error)


def test_a_version_deleted_here_that_is_linked_there(here, there, move) -> None:
    """A model of their own points at it: what is linked is never deleted by an import."""
    move(here, there, ARTIFACT)
    there.link(f"{ARTIFACT}:v4", "model-registry/Theirs")
    here.delete(f"{ARTIFACT}:v4")
    assert "model-registry/Theirs:v0" in str(refuse(move, here, there, ARTIFACT))


def test_a_name_taken_over_within_the_bundle(here, there, move, tmp_path) -> None:
    """One gave its name up and another took it, since the last move: both arrive."""
    move(here, there)
    here.rename(ARTIFACT, "old")
    here.log(ARTIFACT, write(tmp_path / "files", "a successor"))
    assert states(move(here, there)) == {ARTIFACT: "new", "digits/old": "forward", "digits/raw": "same", MODEL: "same"}
    assert told(there) == told(here)
    check_sound(there)


def test_a_dry_run_says_the_same(here, there, move) -> None:
    """It plans what the import then does."""
    planned = move(here, there, dry_run=True)
    done = move(here, there)
    assert (planned.collections, planned.runs, planned.contents) == (done.collections, done.runs, done.contents)


def test_two_imports_at_once_are_one(here, there, tmp_path) -> None:
    """One of them does it, the other finds it done."""
    from concurrent.futures import ThreadPoolExecutor

    here.export_bundle(to=tmp_path / "b.podium")
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: there.import_bundle(tmp_path / "b.podium"), range(4)))
    assert any(report.changed for report in reports)
    assert rows_of(there) == rows_of(here)
    check_sound(there)


def test_an_export_beside_writers_is_of_one_moment(here, there, move, tmp_path) -> None:
    """While others log, link and promote, every bundle is whole and can be imported."""
    import threading

    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            made = here.log(ARTIFACT, write(tmp_path / "files", f"busy {number}"))
            here.link(made.ref, MODEL, aliases=["candidate"])

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(5):
            move(here, there)
    finally:
        stop.set()
        worker.join()
    check_sound(there)
