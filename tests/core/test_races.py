"""Many processes at once, on each database: nothing lost, nothing twice, no error but the one that says who won."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from podium.errors import NotFoundError
from podium.registry import Registry
from tests.core.actors import ARTIFACT, MODEL, Actors

pytestmark = pytest.mark.slow
TRIALS = 200
MOVERS, MOVES = 16, 500


@pytest.fixture
def race(registry: Registry, model_file: Callable[[str], Path]) -> Callable[[int], None]:
    """Log so many versions to race for, and link each."""

    def make(count: int) -> None:
        for _ in range(count):
            version = registry.log(ARTIFACT, model_file("same"), on_duplicate="new")
            registry.link(version.ref, MODEL)

    return make


@pytest.mark.parametrize("verb", ["alias", "tag"])
def test_eighty_first_sets_at_once(registry: Registry, actors: Actors, race: Callable[[int], None], verb: str) -> None:
    """80 callers, 16 processes of 5 threads, set one alias or tag first: 0 errors, one change, one event."""
    race(1)
    answers = [one for several in actors.answers(actors.start("first_sets", [[verb, 5]] * 16)) for one in several]
    assert len(answers) == 80
    if verb == "alias":
        assert sorted(answers) == ["ok False"] * 79 + ["ok True"]
        assert [move.after for move in registry.history(ARTIFACT, "best")] == [0]
    else:
        assert set(answers) == {"ok ('gold',)"}
        assert registry.resolve(f"{ARTIFACT}:v0").tags == ("gold",)
    kinds = [event.type for event in registry.events(ARTIFACT)]
    assert kinds.count("alias.set") + kinds.count("tag.added") == 1


def test_an_alias_set_while_its_version_is_deleted(
    registry: Registry, actors: Actors, race: Callable[[int], None]
) -> None:
    """200 races of setting an alias with deleting, force-deleting and unlinking its version: no alias dangles."""
    race(TRIALS)
    kinds = [(ARTIFACT, "delete"), (ARTIFACT, "delete"), (MODEL, "unlink"), (MODEL, "delete")]
    trials = [(*kinds[turn % 4], turn, turn % 8 >= 4) for turn in range(TRIALS)]
    sets = [(f"{place}:v{turn}", f"alias{turn}") for place, _, turn, _ in trials]
    gone = [(verb, f"{MODEL if verb == 'unlink' else ARTIFACT}:v{turn}", force) for _, verb, turn, force in trials]
    for turn in range(0, TRIALS, 4):  # half of the plain deletions meet no link, and could win
        registry.unlink(f"{MODEL}:v{turn}")
    calls = [["set_aliases", sets, 1], ["take_out", gone, 2], ["watch", sets, 3]]
    was_set, was_taken, was_seen = actors.answers(actors.start_different(calls))
    assert was_seen == ["ok ok"] * TRIALS
    assert {answer.split()[0] for answer in was_set} <= {"ok", "NotFoundError"}
    assert {answer.split()[0] for answer in was_taken} <= {"ok", "InvalidValueError"}
    assert 0 < sum(answer.startswith("ok") for answer in was_set) < TRIALS, "both sides must win sometimes"
    assert dangling(registry, sets) == []


def test_unlinked_while_its_source_is_deleted(registry: Registry, actors: Actors, race: Callable[[int], None]) -> None:
    """200 races of unlinking with a forced deletion of what was linked: each link goes once, and is told of once."""
    race(TRIALS)
    gone = [("delete", f"{ARTIFACT}:v{turn}", True) for turn in range(TRIALS)]
    unlinked = [("unlink", f"{MODEL}:v{turn}", False) for turn in range(TRIALS)]
    deleted, taken = actors.answers(actors.start_different([["take_out", gone, 1], ["take_out", unlinked, 2]]))
    assert {answer.split()[0] for answer in deleted} == {"ok"}
    assert {answer.split()[0] for answer in taken} <= {"ok", "NotFoundError"}
    told = [event.subject for event in registry.events(MODEL) if event.type == "model_version.unlinked"]
    assert sorted(told) == sorted(f"{MODEL}:v{turn}" for turn in range(TRIALS))


def dangling(registry: Registry, sets: list[tuple[str, str]]) -> list[str]:
    """The aliases that are there and name nothing, or are not there although their version is."""
    held = {place: dict(registry.collection(place).aliases) for place in (ARTIFACT, MODEL)}
    live = {place: {version.number for version in registry.versions(place)} for place in (ARTIFACT, MODEL)}
    found = [f"{p}:{alias}" for p, aliases in held.items() for alias, n in aliases.items() if n not in live[p]]
    for ref, alias in sets:
        place = ref.partition(":")[0]
        try:
            number = registry.resolve(f"{place}:{alias}").number
        except NotFoundError:
            number = None
        if held[place].get(alias) != number:
            found.append(f"{place}:{alias}")
    return found


def test_compare_and_set_loses_nothing(registry: Registry, actors: Actors, race: Callable[[int], None]) -> None:
    """16 processes x 500 conditional moves of one alias: the history is the moves that were won, in one chain."""
    race(2 * MOVERS)
    registry.set_alias(f"{ARTIFACT}:v0", "best")
    calls = [[[2 * who, 2 * who + 1], MOVES] for who in range(MOVERS)]
    won = [tuple(move) for moves in actors.answers(actors.start("compare_and_set", calls)) for move in moves]
    history = registry.history(ARTIFACT, "best")
    assert sorted((move.before, move.after) for move in history[1:]) == sorted(won)
    assert [move.before for move in history[1:]] == [move.after for move in history[:-1]]
    assert len(won) >= MOVERS, "every process must have had its turn"
    assert registry.resolve(f"{ARTIFACT}:best").number == history[-1].after
