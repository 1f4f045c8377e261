"""A stage that is held does not lose its gates without a word: by another policy, by none, or by another name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from podium.domain.policies import Policy, Stage
from podium.errors import InvalidValueError, PermissionDeniedError
from podium.usecases import collections

MODEL = "model-registry/Digits classifier"
TYPO = Policy((Stage("staging"), Stage("prodution")))


@pytest.fixture
def held(registry, linked):
    """A model whose v0 holds production by Podium's own policy."""
    linked(registry, 2)
    registry.promote(f"{MODEL}:v0", "production")
    return registry


@pytest.mark.parametrize("target", [MODEL, "model-registry/Digits*", "model-registry"])
def test_a_held_stage_stays_a_stage(held, rows, target) -> None:
    """A policy that no longer names it is refused with who holds it, and nothing is written."""
    before = rows(held)
    with pytest.raises(InvalidValueError, match=f"plain aliases, which anybody may set: {MODEL}:v0 holds") as caught:
        held.set_policy(target, TYPO)
    assert caught.value.releases == [f"{MODEL}:v0 holds 'production'"]
    assert "release=True (--release)" in caught.value.hint
    assert rows(held) == before


def test_a_stage_is_released_on_record(held) -> None:
    """With ``release`` it is a plain alias; the policy's event names it, and the model has an event of its own."""
    held.set_policy("model-registry", TYPO, release=True, reason="it is retired")
    (told,) = held.audit_events("type = 'policy.set'")
    assert told.after["released"] == [{"model": MODEL, "stage": "production", "number": 0}]
    event = held.events(MODEL)[-1]
    assert (event.type, event.subject, event.reason) == ("stage.released", f"{MODEL}:v0", "it is retired")
    assert event.after == {"stage": "production", "number": 0, "policy": {"target": "model-registry", "revision": 1}}
    assert held.set_alias(f"{MODEL}:v1", "production").changed


def test_a_release_is_explained_a_year_later(held) -> None:
    """Whoever asks what became of the stage is told that it was given up, from the events alone."""
    held.set_policy(MODEL, TYPO, release=True, reason="it is retired")
    newest = held.explain(MODEL, "production")[0]
    assert (newest.kind, newest.version, newest.reason) == ("released", "v0", "it is retired")
    assert newest.summary == "production is no stage any more, and stays an alias of v0: it is retired"


def test_taking_a_policy_away_releases_as_well(held) -> None:
    """The policy below may not name a stage that is held."""
    held.set_policy("model-registry", TYPO, release=True)
    held.set_policy(MODEL, Policy((Stage("live"),)))
    held.promote(f"{MODEL}:v0", "live")
    with pytest.raises(InvalidValueError, match="v0 holds 'live'"):
        held.remove_policy(MODEL)
    held.remove_policy(MODEL, release=True)
    assert held.events(MODEL)[-1].type == "stage.released"


def test_both_directions_are_agreed_to_apart(held) -> None:
    """To adopt an alias does not agree to give a stage up, nor the other way round."""
    held.set_alias(f"{MODEL}:v1", "prodution")
    for more in ({"adopt": True}, {"release": True}):
        with pytest.raises(InvalidValueError):
            held.set_policy(MODEL, TYPO, **more)
    held.set_policy(MODEL, TYPO, adopt=True, release=True)
    assert [event.type for event in held.events(MODEL)][-2:] == ["stage.adopted", "stage.released"]


def test_a_stage_that_nobody_holds_goes_without_asking(registry, linked) -> None:
    """There is nothing that could lose its gates."""
    linked(registry, 1)
    registry.set_policy(MODEL, TYPO)
    assert "stage.released" not in [event.type for event in registry.events(MODEL)]


def test_a_rename_does_not_give_a_held_stage_up(held, rows) -> None:
    """Where the policy for the new name has no such stage, the model keeps its name until the stage is free."""
    held.set_policy("model-registry/churn-*", TYPO)
    before = rows(held)
    with pytest.raises(InvalidValueError, match="v0 holds 'production'") as caught:
        held.rename(MODEL, "churn-eu")
    assert "Demote those stages first; or give the model a policy of its own" in caught.value.hint
    assert rows(held) == before
    held.set_policy(MODEL, held.policy(MODEL))
    assert held.rename(MODEL, "churn-eu").ref == "model-registry/churn-eu"


@pytest.mark.parametrize(("old", "new"), [("Digits classifier", "churn-eu"), ("churn-eu", "Digits classifier")])
def test_only_admins_rename_out_of_a_policy_or_into_one(open_at, database_url, linked, old, new) -> None:
    """In a closed registry nobody else changes the policy in force by a name; the event says it."""
    ann, eve = open_at(database_url), open_at(database_url, actor="eve")
    linked(ann, 1)
    ann.rename(MODEL, old)
    ann.set_policy("model-registry/churn-*", Policy((Stage("production", ("safety",)),)))
    ann.grant_role("model-registry", "ann", "admin")
    with pytest.raises(PermissionDeniedError, match="so that another policy is for it"):
        eve.rename(f"model-registry/{old}", new)
    assert eve.rename(f"model-registry/{old}", f"{old}-2").ref.endswith("-2")  # the same policy is for it
    ann.rename(f"model-registry/{old}-2", new)
    event = ann.events(f"model-registry/{new}")[-1]
    targets = {event.before["policy"]["target"], event.after["policy"]["target"]}
    assert targets == {"built-in", "model-registry/churn-*"}


def test_a_policy_for_the_new_name_waits_for_the_rename(registry, linked, monkeypatch) -> None:
    """A policy that is set while a model gets a name that it is for sees the model: no alias becomes a stage unseen."""
    linked(registry, 1)
    registry.set_alias(f"{MODEL}:v0", "live")
    show, waiting = collections._show, []
    with ThreadPoolExecutor(1) as pool:

        def show_late(unit, collection_id):
            waiting.append(pool.submit(registry.set_policy, "model-registry/churn-*", Policy((Stage("live"),))))
            wait(waiting, timeout=2)
            return show(unit, collection_id)

        monkeypatch.setattr(collections, "_show", show_late)
        assert registry.rename(MODEL, "churn-eu").ref == "model-registry/churn-eu"
        with pytest.raises(InvalidValueError, match="churn-eu:v0 as 'live'"):
            waiting[0].result()
