"""What a policy is for: one model, the models whose names fit a pattern, or all of a registry."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from podium.domain.names import check_model, check_project, model_key
from podium.domain.plain import Value
from podium.errors import InvalidNameError

TargetKind = Literal["model", "pattern", "registry", "built-in"]
EXACT = 2**30  # the weight of a policy for one model: heavier than any pattern
_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_", "*": "%", "?": "_"})


@dataclass(frozen=True, slots=True)
class PolicyTarget(Value):
    """What a policy is for.

    Attributes:
        registry: The registry.
        kind: ``model``, ``pattern`` or ``registry``.
        name: The model or the pattern; empty for the registry as a whole.
    """

    registry: str
    kind: TargetKind
    name: str = ""

    @property
    def text(self) -> str:
        """The target as people write it."""
        return f"{self.registry}/{self.name}" if self.name else self.registry

    @property
    def weight(self) -> int:
        """How specific it is: the heaviest policy that fits a model is in force."""
        if self.kind == "pattern":
            return 1 + sum(char not in "*?" for char in self.name)
        return EXACT if self.kind == "model" else 0

    @property
    def fits(self) -> str:
        r"""The pattern for SQL's LIKE with the escape character ``\``, on folded names."""
        return pattern_key(self.name).translate(_ESCAPES)


@dataclass(frozen=True, slots=True)
class PolicyRevision(Value):
    """One revision of a policy.

    Attributes:
        target: What it is for, such as ``model-registry/churn-*``.
        revision: Counts up in the registry.
        policy: As plain JSON; None where the policy was taken away.
        at: UTC.
        actor: Who.
        reason: Why, if said.
    """

    target: str
    revision: int
    policy: dict[str, Any] | None
    at: datetime
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyCandidate(Value):
    """A policy that might be in force for a model.

    Attributes:
        target: What it is for; ``built-in`` for Podium's own.
        kind: ``model``, ``pattern``, ``registry`` or ``built-in``.
        revision: Its newest revision, None for Podium's own.
        in_force: Whether it is the one in force.
        why: A sentence.
    """

    target: str
    kind: TargetKind
    revision: int | None
    in_force: bool
    why: str


@dataclass(frozen=True, slots=True)
class PolicyExplanation(Value):
    """Which policy is in force for a model, and why.

    Attributes:
        model: ``REGISTRY/MODEL``.
        target: What the policy in force is for.
        revision: Its revision, None for Podium's own.
        policy: As plain JSON.
        candidates: All that were looked at, in the order in which they were.
    """

    model: str
    target: str
    revision: int | None
    policy: dict[str, Any]
    candidates: tuple[PolicyCandidate, ...]


def parse_target(text: Any) -> PolicyTarget:
    """Return the target that a text names: ``REGISTRY``, ``REGISTRY/MODEL``, or a pattern with ``*`` and ``?``.

    Raises:
        InvalidNameError: It is none.
    """
    registry, slash, name = text.partition("/") if isinstance(text, str) else (text, "", "")
    check_project(registry)
    if not slash:
        return PolicyTarget(registry, "registry")
    if ":" in name:
        raise InvalidNameError(
            f"{text!r} names one version; a policy is for a model.", hint=f"Write {text.partition(':')[0]!r}."
        )
    if not is_pattern(name):
        return PolicyTarget(registry, "model", check_model(name))
    plain = name.replace("*", "").replace("?", "").strip()
    if plain:
        check_model(unicodedata.normalize("NFC", plain))
    if len(name) > 128 or not unicodedata.is_normalized("NFC", name):
        raise InvalidNameError(f"{name!r} is no pattern.", hint="It has at most 128 characters, in Unicode form NFC.")
    return PolicyTarget(registry, "pattern", name)


def is_pattern(name: str) -> bool:
    """Whether a name is a pattern: no model's name has ``*`` or ``?``."""
    return "*" in name or "?" in name


def pattern_key(pattern: str) -> str:
    """Return a pattern folded like the names of models, of which no two differ only by case."""
    return model_key(pattern)


def fits_name(pattern: str, name: str) -> bool:
    """Whether the name of a model fits a pattern; the same as LIKE says of `PolicyTarget.fits`."""
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern_key(pattern))
    return re.fullmatch("".join(parts), model_key(name), re.DOTALL) is not None


def may_meet(one: str, other: str) -> bool:
    """Whether there can be a name that fits both patterns."""
    first, second = pattern_key(one), pattern_key(other)

    @functools.cache
    def meet(i: int, j: int) -> bool:
        if i == len(first) and j == len(second):
            return True
        if i < len(first) and first[i] == "*" and (meet(i + 1, j) or (j < len(second) and meet(i, j + 1))):
            return True
        if j < len(second) and second[j] == "*" and (meet(i, j + 1) or (i < len(first) and meet(i + 1, j))):
            return True
        if i == len(first) or j == len(second) or "*" in (first[i], second[j]):
            return False
        return (first[i] == second[j] or "?" in (first[i], second[j])) and meet(i + 1, j + 1)

    return meet(0, 0)
