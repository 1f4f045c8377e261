"""Many processes that log and promote at once, on each database: nothing lost, nothing twice, no error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from podium.registry import Registry
from tests.core.actors import ARTIFACT, MODEL, Actors

pytestmark = pytest.mark.slow


def test_parallel_logging_gives_consecutive_numbers(registry: Registry, actors: Actors) -> None:
    """16 processes (8 on SQLite) x 25 versions of one artifact: distinct consecutive numbers, 0 errors."""
    processes = 8 if registry.url.startswith("sqlite") else 16
    answers = actors.answers(actors.start("log", [[f"process {who}", 25] for who in range(processes)]))
    assert sorted(number for numbers in answers for number in numbers) == list(range(processes * 25))
    assert registry.collection(ARTIFACT).versions == processes * 25
    assert [event.sequence for event in registry.events(ARTIFACT)] == list(range(1, processes * 25 + 2))
    assert registry.verify().problems == ()


def test_one_promotion_wins(registry: Registry, actors: Actors, model_file: Callable[[str], Path]) -> None:
    """8 processes promote different versions over the same expected holder: one holds the stage, history says so."""
    for number in range(9):
        registry.log(ARTIFACT, model_file(str(number)))
        registry.link(ARTIFACT, MODEL)
    registry.promote(f"{MODEL}:v0", "production")
    answers = actors.answers(actors.start("promote", [[number, "v0"] for number in range(1, 9)]))
    assert answers.count("won") == 1
    holder = registry.resolve(f"{MODEL}:production").version
    assert set(answers) == {"won", f"conflict {holder}"}
    assert len(registry.history(MODEL, "production")) == 2


def test_first_use_at_once(actors: Actors, registry: Registry) -> None:
    """8 processes meet a database that nobody has used: schema, content place, project and artifact are made once."""
    answers = actors.answers(actors.start("log", [[f"process {who}", 1] for who in range(8)]))
    assert sorted(number for numbers in answers for number in numbers) == list(range(8))
    assert [event.type for event in registry.events(ARTIFACT)].count("artifact.created") == 1
