"""What both sides are filled with: versions with a tag, an alias and metrics, each found by a fifth of them or more.

Only the standard library, since both environments import it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

PER_MODEL = 10
METRICS = ("accuracy", "auc", "f1", "latency", "loss")
TAG = "fraud-team"
ALIAS = "champion"
PREFIX = "fraud-"
ABOVE = 0.8


@dataclass(frozen=True, slots=True)
class Item:
    """One version.

    Attributes:
        model: Which model, counted from 0.
        name: Its name; a fifth of the models have the prefix.
        number: Counted from 0 in its model.
        tagged: Whether it has the tag; a fifth have.
        aliased: Whether it holds the alias; one in each model does.
        metrics: Five numbers in [0, 1); a fifth have an accuracy above 0.8.
    """

    model: int
    name: str
    number: int
    tagged: bool
    aliased: bool
    metrics: dict[str, float]


def items(versions: int) -> Iterator[Item]:
    """Yield the versions, the same at each call."""
    chance = random.Random(versions)
    for index in range(versions):
        model, number = divmod(index, PER_MODEL)
        kind = PREFIX if model % 5 == 0 else "churn-"
        metrics = {name: chance.random() for name in METRICS}
        yield Item(model, f"{kind}{model:06}", number, chance.random() < 0.2, number == PER_MODEL - 1, metrics)
