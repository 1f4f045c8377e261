"""Force needs an admin where there are any, and a stage that is lost by it is told as what it is: a demotion."""

from __future__ import annotations

import pytest

from podium.domain.policies import ApprovalRule, Policy, Stage
from podium.errors import PermissionDeniedError

MODEL = "model-registry/Digits classifier"
REMOVALS = {
    "unlink": lambda registry: registry.unlink(f"{MODEL}:v0", force=True, reason="leaks"),
    "delete": lambda registry: registry.delete("digits/mlp:v0", force=True, reason="leaks"),
    "delete the model": lambda registry: registry.delete_collection(MODEL, force=True, reason="leaks"),
    "delete the artifact": lambda registry: registry.delete_collection("digits/mlp", force=True, reason="leaks"),
}


@pytest.fixture(params=REMOVALS)
def remove(request):
    """Each way to take a version away from its stage."""
    return REMOVALS[request.param]


def test_only_admins_force(open_at, database_url, linked, rows, remove) -> None:
    """In a closed registry whoever is no admin takes no stage from its holder, and nothing is written."""
    ann, eve = open_at(database_url), open_at(database_url, actor="eve")
    linked(ann, 1)
    ann.promote(f"{MODEL}:v0", "production")
    ann.grant_role("model-registry", "ann", "admin")
    before = rows(ann)
    with pytest.raises(PermissionDeniedError, match="eve may not unlink or delete by force in model-registry"):
        remove(eve)
    assert rows(ann) == before
    remove(ann)


def test_a_stage_that_is_lost_is_a_demotion(registry, linked, remove) -> None:
    """The event, the move of the alias, the holder at a time and the explanation say so, with the reason."""
    linked(registry, 1)
    registry.promote(f"{MODEL}:v0", "production")
    remove(registry)
    told = next(event for event in registry.events(MODEL) if event.type == "model_version.demoted")
    assert (told.before["number"], told.after["number"], told.after["unlinked"]) == (0, None, True)
    assert registry.history(MODEL, "production")[-1].kind == "demoted"
    newest = registry.explain(MODEL, "production")[0]
    assert (newest.kind, newest.version, newest.reason) == ("demoted", "v0", "leaks")
    assert registry.holder(MODEL, "production").version is None


def test_a_demotion_by_force_names_the_freeze(registry, linked) -> None:
    """Whoever takes a stage from its holder while it is frozen does so on record."""
    linked(registry, 1)
    registry.promote(f"{MODEL}:v0", "production")
    frozen = registry.freeze("model-registry", reason="Audit")
    registry.unlink(f"{MODEL}:v0", force=True, reason="leaks")
    told = next(event for event in registry.events(MODEL) if event.type == "model_version.demoted")
    assert told.after["frozen"] == [{"freeze": frozen.id, "by": "ann", "why": "Audit"}]


def test_a_version_that_leaves_is_not_archived(registry, linked) -> None:
    """The alias for former holders is for versions that are there."""
    linked(registry, 2)
    registry.set_policy(MODEL, Policy((Stage("production", archive_as="archived"),)))
    registry.promote(f"{MODEL}:v0", "production")
    registry.unlink(f"{MODEL}:v0", force=True, reason="leaks")
    assert registry.history(MODEL, "archived") == []


def test_requests_end_with_their_holder(registry, linked) -> None:
    """Whoever asked while the version held the stage is told that it holds it no more."""
    linked(registry, 2)
    registry.promote(f"{MODEL}:v0", "production")
    registry.set_policy(MODEL, Policy((Stage("production", approvals=ApprovalRule(1)),)))
    asked = registry.promote(f"{MODEL}:v1", "production")
    registry.unlink(f"{MODEL}:v0", force=True, reason="leaks")
    (ended,) = [made for made in registry.list_requests(MODEL, status=None) if made.id == asked.id]
    assert (ended.status, ended.outcome) == (
        "cancelled",
        "'production' is held by nobody, and was held by v0 when it was asked.",
    )


def test_a_task_may_demote_and_then_unlink_by_force(as_task, linked) -> None:
    """A retry of its demotion finds the demotion, not what a removal took away; the audit agrees (see conftest)."""
    registry = as_task("cleanup")
    linked(registry, 2)
    registry.promote(f"{MODEL}:v0", "production")
    demoted = registry.demote(MODEL, "production", reason="bad")
    registry.promote(f"{MODEL}:v1", "production")
    registry.unlink(f"{MODEL}:v1", force=True, reason="leaks")
    assert registry.demote(MODEL, "production", reason="bad").id == demoted.id
