"""What a run was told about its metrics: which way they get better, and what else its summary keeps of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from podium.domain.goals import SUMMARIES, Goal, check_goal, check_pattern, pattern_for
from podium.domain.runs import check_metric_name
from podium.errors import InvalidValueError


@dataclass(slots=True)
class _Seen:
    """What was logged of one metric so far."""

    count: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    def read(self, word: str, goal: Goal | None) -> float:
        if word == "best":
            word = "min" if goal == "minimize" else "max"
        return {"min": self.low, "max": self.high, "mean": self.total / self.count}[word]


class Definitions:
    """The definitions of a run, by name or pattern."""

    def __init__(self, goals: Mapping[str, str]) -> None:
        self.goals: dict[str, Goal] = {name: check_goal(goal) for name, goal in goals.items()}
        self.pending: dict[str, Goal] = {}
        self._words: dict[str, tuple[str, ...]] = {}
        self._seen: dict[str, _Seen] = {}

    def define(self, name: str, goal: Any, summary: Any) -> bool:
        """Take a definition over, and return whether the values logged so far are needed for it.

        Raises:
            InvalidValueError: The name, the goal or the summary cannot be used.
        """
        name = check_pattern(name)
        wanted = None if goal is None else check_goal(goal)
        words = _words(summary)
        if "best" in words and wanted is None and name not in self.goals:
            raise InvalidValueError(
                f"What is best of {name!r} is not known.", hint="Pass goal='minimize' or 'maximize'."
            )
        if wanted is not None:
            self.goals[name] = self.pending[name] = wanted
        if words:
            self._words[name] = words
        return bool(words)

    def again(self, points: Iterable[tuple[str, Any]]) -> None:
        """Begin anew with everything that was logged so far."""
        self._seen = {}
        for name, value in points:
            self._add(name, value)

    def take(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Take values that are logged now, and return what the summary gets beside them: ``{"loss.min": 0.1}``.

        Raises:
            InvalidValueError: A name is too long to be a metric with ``.mean`` behind it; nothing was taken.
        """
        if not self._words:
            return {}
        for name in values:
            for word in self._kept(name):
                check_metric_name(f"{name}.{word}")
        for name, value in values.items():
            self._add(name, value)
        return self.summary(values)

    def summary(self, names: Iterable[str] | None = None) -> dict[str, float]:
        """Return what the summary keeps of metrics beside their last values; of all if no names are given."""
        chosen = [name for name in (self._seen if names is None else names) if name in self._seen]
        return {
            f"{name}.{word}": self._seen[name].read(word, self._goal(name))
            for name in chosen
            for word in self._kept(name)
        }

    def _add(self, name: str, value: Any) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if number and self._kept(name):
            self._seen.setdefault(name, _Seen()).add(float(value))

    def _kept(self, name: str) -> tuple[str, ...]:
        pattern = pattern_for(name, self._words)
        return () if pattern is None else self._words[pattern]

    def _goal(self, name: str) -> Goal | None:
        pattern = pattern_for(name, self.goals)
        return None if pattern is None else self.goals[pattern]


def _words(summary: Any) -> tuple[str, ...]:
    """Read ``"min"`` or ``"min,max"``; the last value is always kept, so ``last`` adds nothing.

    Raises:
        InvalidValueError: A word is unknown.
    """
    if summary is None:
        return ()
    words = [word.strip() for word in summary.split(",")] if isinstance(summary, str) else [summary]
    for word in words:
        if word not in SUMMARIES:
            raise InvalidValueError(
                f"summary={word!r} is unknown.", hint=f"Use {', '.join(SUMMARIES)}, or several: 'min,max'."
            )
    return tuple(word for word in words if word != "last")
