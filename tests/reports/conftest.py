"""Comparisons to make documents of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import podium
from podium.domain.comparison import Comparison
from podium.registry import Registry

NASTY = (
    "<script>alert(1)</script> \"'> & | `x` [a](http://evil.example) <img src=http://evil.example/x> "
    "\u202eevil {{ 7*7 }}"
)


@pytest.fixture
def log(lite: Registry, model_file: Callable[[str], Path]) -> Callable[..., str]:
    """Log a version from a run of its own and return its reference."""

    def log(values: list[dict[str, Any]], **given: Any) -> str:
        with podium.init("p", registry=lite, config=given.get("config")) as run:
            for name, goal in given.get("goals", {}).items():
                run.define_metric(name, goal=goal)
            for logged in values:
                run.log(logged)
            made = podium.Artifact("a", type="model", metadata=given.get("metadata"))
            made.add_file(str(model_file(run.id)), name=given.get("path", "model.bin"))
            return run.log_artifact(made).ref

    return log


@pytest.fixture
def five(lite: Registry, log: Callable[..., str]) -> Comparison:
    """Five versions with histories, settings, checks and predictions; v2 is the baseline."""
    refs = []
    for number in range(5):
        table = podium.Table(columns=["id", "truth", "guess"], data=[[at, at, at + (number > at)] for at in range(3)])
        history = [{"loss": 1 / (step + number + 1), "val/accuracy": step / 10} for step in range(8)]
        history.append({"predictions": table})
        given = {"config": {"lr": 0.1 * number, "seed": 0}, "metadata": {"kind": f"k{number}", "same": 1}}
        refs.append(log(history, goals={"loss": "minimize"}, **given))
        lite.record_check(refs[-1], "bias", ("pass", "fail", "warn", "error", "skipped")[number])
    return lite.compare(refs, refs[2], histories=True, predictions=True)


@pytest.fixture
def nasty(lite: Registry, log: Callable[..., str]) -> Comparison:
    """Two versions whose every free text is hostile."""
    refs = []
    for number in range(2):
        table = podium.Table(columns=["id", NASTY], data=[[NASTY, f"{NASTY}{number}"]])
        values = [{f"loss {NASTY}": 1.0 + number}, {f"loss {NASTY}": 0.5}, {"predictions": table}]
        given = {"config": {NASTY: f"{NASTY}{number}", "same": NASTY}, "metadata": {NASTY: f"{number}{NASTY}"}}
        refs.append(log(values, path=f"{number} & 'x' [a](b).bin", **given))
    return lite.compare(refs, histories=True, predictions=True)
