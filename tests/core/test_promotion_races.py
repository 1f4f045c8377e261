"""Promotions and approvals that happen at once, each in a process of its own, on each database: no wrong commit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.domain.transitions import Transition
from podium.registry import Registry
from tests.core.actors import Actors
from tests.core.promotion_truth import at

pytestmark = pytest.mark.slow
TRIALS = int(os.environ.get("PODIUM_RACE_TRIALS", "8"))  # of each kind; the bars are 60 and 100
RACERS = 4
ONE = {"stages": [{"name": "production", "approvals": {"count": 1}}]}
TWO = {"stages": [{"name": "production", "approvals": {"count": 2}}]}
DAY = {"stages": [{"name": "production", "approvals": {"count": 1, "expires": "1d"}}]}


def model(trial: int) -> str:
    return f"model-registry/Race {trial}"


@pytest.fixture
def raced(registry: Registry, model_file: Callable[[str], Path], actors: Actors) -> Callable[..., list[list[str]]]:
    """Let processes call verbs at the same moment, trial by trial, and return what each heard."""

    def race(*each: Callable[[int], tuple[str, list[object], dict[str, object]]]) -> list[list[str]]:
        calls = [["do", [list(call(trial)) for trial in range(TRIALS)], seed] for seed, call in enumerate(each)]
        return [list(heard) for heard in zip(*actors.answers(actors.start_different(calls)), strict=True)]

    for number in range(RACERS):
        registry.log("race/model", model_file(f"model {number}"))
    for trial in range(TRIALS):
        for number in range(RACERS):
            registry.link(f"race/model:v{number}", model(trial))
    return race


@pytest.fixture
def ask(registry: Registry) -> Callable[..., list[Transition]]:
    """Set a policy, and ask in each model for a version."""

    def make(policy: dict[str, object], number: int = 1, ago: str = "") -> list[Transition]:
        registry.set_policy("model-registry", policy)
        with at(ago):
            return [registry.promote(f"{model(trial)}:v{number}", "production") for trial in range(TRIALS)]

    return make


def moved(registry: Registry, trial: int) -> list[tuple[int | None, int | None]]:
    """The moves of the stage, in one chain that ends with its holder."""
    moves = registry.history(model(trial), "production")
    assert [move.before for move in moves] == [None, *(move.after for move in moves)][: len(moves)]
    assert registry.model(model(trial)).aliases.get("production") == (moves[-1].after if moves else None)
    return [(move.before, move.after) for move in moves]


def promote(number: int, **named: object) -> Callable[[int], tuple[str, list[object], dict[str, object]]]:
    return lambda trial: ("promote", [f"{model(trial)}:v{number}", "production"], named)


def decide(
    verb: str, asked: list[Transition], person: str, *more: object
) -> Callable[[int], tuple[str, list[object], dict[str, object]]]:
    return lambda trial: (verb, [asked[trial].id, *more], {"on_behalf_of": person})


def test_four_promotions_at_once(registry: Registry, raced: Callable[..., list[list[str]]]) -> None:
    """Four versions to one stage at once: all came one after the other, the last one holds it, history shows all."""
    for trial, heard in enumerate(raced(*(promote(number) for number in range(RACERS)))):
        assert heard == ["ok committed"] * RACERS
        assert sorted(after for _, after in moved(registry, trial) if after is not None) == list(range(RACERS))


def test_four_promotions_that_expect_nobody(registry: Registry, raced: Callable[..., list[list[str]]]) -> None:
    """Four versions to one empty stage at once, each expecting nobody: one holds it, three got a ConflictError."""
    for trial, heard in enumerate(raced(*(promote(number, expected=None) for number in range(RACERS)))):
        assert Counter(word.split()[0] for word in heard) == {"ok": 1, "ConflictError": 3}
        winner = next(number for number, word in enumerate(heard) if word.startswith("ok"))
        assert moved(registry, trial) == [(None, winner)]


def test_approved_while_the_holder_changes(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """The approval is committed before the other version takes the stage, or not at all."""
    asked = ask(ONE)
    force = promote(2, force=True, reason="fire")
    for trial, (approved, forced) in enumerate(raced(decide("approve", asked, "bob"), force)):
        assert forced == "ok committed"
        made = registry.transition(asked[trial].id)
        if approved == "ok committed":
            assert made.status == "committed"
            assert moved(registry, trial) == [(None, 1), (1, 2)]
        else:
            assert approved.startswith("ConflictError")
            assert made.status == "cancelled"
            assert moved(registry, trial) == [(None, 2)]


def test_approved_by_two_at_once(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """Where one approval is enough and two come at once, one commits and the other is told that it came late."""
    asked = ask(ONE)
    for trial, heard in enumerate(raced(decide("approve", asked, "bob"), decide("approve", asked, "cy"))):
        assert sorted(word.split()[0] for word in heard) == ["ConflictError", "ok"]
        assert moved(registry, trial) == [(None, 1)]
        assert len(registry.transition(asked[trial].id).approvals) == 1


def test_approved_twice_by_one(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """Where two approvals are needed, one person twice at once is one person: the request still waits."""
    asked = ask(TWO)
    calls = (decide("approve", asked, "bob"), decide("approve", asked, "BOB"), decide("approve", asked, "bob"))
    for trial, heard in enumerate(raced(*calls)):
        assert heard == ["ok pending"] * 3
        made = registry.transition(asked[trial].id)
        assert (made.status, len(made.approvals), moved(registry, trial)) == ("pending", 1, [])


def test_the_last_two_approvals_at_once(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """Two that are both needed come at once: the second one commits, once."""
    asked = ask(TWO)
    for trial, heard in enumerate(raced(decide("approve", asked, "bob"), decide("approve", asked, "cy"))):
        assert sorted(heard) == ["ok committed", "ok pending"]
        assert moved(registry, trial) == [(None, 1)]


def test_approved_and_rejected_at_once(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """One of them counts, and the other hears that it came late."""
    asked = ask(ONE)
    calls = (decide("approve", asked, "bob"), decide("reject", asked, "cy", "bad"))
    for trial, heard in enumerate(raced(*calls)):
        assert sorted(word.split()[0] for word in heard) == ["ConflictError", "ok"]
        made = registry.transition(asked[trial].id)
        committed = heard[0] == "ok committed"
        assert (made.status, moved(registry, trial)) == (("committed", [(None, 1)]) if committed else ("rejected", []))


def test_the_author_approves_while_others_do(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """The author's word never counts, under no spelling, whatever else happens at that moment."""
    asked = ask(TWO)
    calls = (decide("approve", asked, "ann"), decide("approve", asked, "Ann"), decide("approve", asked, "bob"))
    for trial, heard in enumerate(raced(*calls)):
        assert [word.split()[0] for word in heard] == ["PermissionDeniedError", "PermissionDeniedError", "ok"]
        assert (registry.transition(asked[trial].id).status, moved(registry, trial)) == ("pending", [])


def test_approved_when_it_has_expired(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """Nothing that expired is committed, whoever looks first: it is cancelled once, and asked again it is a new one."""
    asked = ask(DAY, ago="25h")
    look = lambda trial: ("list_requests", [model(trial)], {})  # noqa: E731 - one call of three
    calls = (decide("approve", asked, "bob"), decide("approve", asked, "cy"), look, promote(1))
    for trial, heard in enumerate(raced(*calls)):
        assert [word.split()[0] for word in heard[:2]] == ["ConflictError", "ConflictError"]
        assert heard[3] == "ok pending"
        made = registry.transition(asked[trial].id)
        assert ("expired" in (made.outcome or ""), made.status, moved(registry, trial)) == (True, "cancelled", [])
        told = [event.type for event in registry.events(model(trial))]
        assert told.count("model_version.promotion_cancelled") == 1


def test_two_requests_for_one_stage_approved_at_once(
    registry: Registry, raced: Callable[..., list[list[str]]], ask: Callable[..., list[Transition]]
) -> None:
    """An approval moves the version that it was given for, and no other: the later one finds another holder."""
    first, second = ask(ONE, 1), ask(ONE, 2)
    for trial, heard in enumerate(raced(decide("approve", first, "bob"), decide("approve", second, "cy"))):
        assert sorted(word.split()[0] for word in heard) == ["ConflictError", "ok"]
        winner = 1 if heard[0] == "ok committed" else 2
        assert moved(registry, trial) == [(None, winner)]
        assert {registry.transition(each[trial].id).status for each in (first, second)} == {"committed", "cancelled"}


def test_policies_and_freezes_beside_promotions(registry: Registry, raced: Callable[..., list[list[str]]]) -> None:
    """What locks all models of a registry and what locks one never stand in each other's way for good."""

    def policy(trial: int) -> tuple[str, list[object], dict[str, object]]:
        return "set_policy", ["model-registry", {"stages": [{"name": f"s{trial}"}, {"name": "production"}]}], {}

    def freeze(trial: int) -> tuple[str, list[object], dict[str, object]]:
        return "freeze", ["model-registry", "production"], {"reason": f"trial {trial}"}

    def unfreeze(_trial: int) -> tuple[str, list[object], dict[str, object]]:
        return "unfreeze", ["model-registry", "production"], {}

    for trial, (set_, frozen, thawed, promoted) in enumerate(raced(policy, freeze, unfreeze, promote(1))):
        assert (set_, frozen) == ("ok None", "ok None")
        assert thawed == "ok None" or (trial == 0 and thawed.startswith("NotFoundError"))
        done = promoted == "ok committed"
        assert done or promoted.startswith("PromotionRefusedError")
        assert moved(registry, trial) == ([(None, 1)] if done else [])
    assert registry.policy("model-registry").names == (f"s{TRIALS - 1}", "production")
