"""Many processes at once, on each database: nothing lost, nothing twice, no error."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.registry import Registry

pytestmark = pytest.mark.slow
ACTORS = Path(__file__).with_name("actors.py")
MODEL = "model-registry/Race"


@pytest.fixture
def run_all(database_url: str, tmp_path: Path) -> Callable[..., list[object]]:
    """Run one process per argument list, all from the same moment, and return their answers."""

    def run(verb: str, arguments: list[list[object]]) -> list[object]:
        start = str(time.time() + 1.0 + 0.4 * len(arguments))
        base = [sys.executable, str(ACTORS), verb, database_url, str(tmp_path / "content"), start]
        processes = [
            subprocess.Popen([*base, *map(str, items)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for items in arguments
        ]
        answers = [process.communicate(timeout=240) for process in processes]
        assert [error for _, error in answers if error] == []
        return [json.loads(out) for out, _ in answers]

    return run


def test_parallel_logging_gives_consecutive_numbers(registry: Registry, run_all: Callable[..., list[object]]) -> None:
    """8 processes x 25 versions of one artifact: 200 distinct consecutive numbers, 0 errors."""
    answers = run_all("log", [[who, 25] for who in range(8)])
    assert sorted(number for numbers in answers for number in numbers) == list(range(200))
    assert registry.collection("race/model").versions == 200
    assert [event.sequence for event in registry.events("race/model")] == list(range(1, 202))


def test_one_compare_and_set_wins(registry: Registry, run_all: Callable[..., list[object]], model_file) -> None:
    """16 processes move an alias from the same expected holder: one wins, the others see who did."""
    for number in range(17):
        registry.log("race/model", model_file(str(number)))
    registry.set_alias("race/model:v0", "best")
    answers = run_all("set_alias", [[number, "v0"] for number in range(1, 17)])
    assert answers.count("won") == 1
    holder = registry.resolve("race/model:best").version
    assert set(answers) == {"won", f"conflict {holder}"}
    assert len(registry.history("race/model", "best")) == 2


def test_one_promotion_wins(registry: Registry, run_all: Callable[..., list[object]], model_file) -> None:
    """8 processes promote different versions over the same expected holder: one holds the stage, history says so."""
    for number in range(9):
        registry.log("race/model", model_file(str(number)))
        registry.link("race/model", MODEL)
    registry.promote(f"{MODEL}:v0", "production")
    answers = run_all("promote", [[number, "v0"] for number in range(1, 9)])
    assert answers.count("won") == 1
    assert len(registry.history(MODEL, "production")) == 2


def test_first_use_at_once(database_url: str, run_all: Callable[..., list[object]]) -> None:
    """8 processes meet a database that nobody has used: schema, content place, project and artifact are made once."""
    answers = run_all("log", [[who, 1] for who in range(8)])
    assert sorted(number for numbers in answers for number in numbers) == list(range(8))
