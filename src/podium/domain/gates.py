"""Gates: the rules that a promotion must pass, each with a verdict, a sentence, and the facts it was decided on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from podium.domain.plain import Value

GateKind = Literal["from", "check", "metric", "approvals", "freeze", "plugin"]
Verdict = Literal["passed", "failed", "pending"]
_STOPS = ".!?…:;"


def sentence(words: str) -> str:
    """Return what a person said with a stop at its end, as another sentence follows."""
    words = words.rstrip()
    return words if words[-1:] in _STOPS else f"{words}."


@dataclass(frozen=True, slots=True)
class GateResult(Value):
    """The verdict of one gate.

    Attributes:
        kind: ``from``, ``check``, ``metric``, ``approvals``, ``freeze`` or ``plugin``.
        name: Of the stage, check or plugin, the expression, or what the freeze is for.
        verdict: ``passed``, ``failed``, or ``pending`` where only people are missing.
        reason: One sentence that a person understands.
        facts: What it was decided on, plain JSON: values, thresholds, digests, ages, who holds the stage.
    """

    kind: GateKind
    name: str
    verdict: Verdict
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gate(self) -> str:
        """Kind and name in one: ``from:staging``, ``check:accuracy``, ``plugin:name``."""
        return f"{self.kind}:{self.name}"

    @property
    def passed(self) -> bool:
        """Whether it lets the version through."""
        return self.verdict == "passed"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GateResult:
        """Build a verdict from what `to_json` gave, today or in the first Podium."""
        if "gate" in data:
            kind, _, name = data["gate"].partition(":")
            return cls(kind, name, "passed" if data["passed"] else "failed", data["reason"])
        return cls(data["kind"], data["name"], data["verdict"], data["reason"], data.get("facts", {}))


@dataclass(frozen=True, slots=True)
class PromotionRequest(Value):
    """What a gate plugin is asked about.

    Attributes:
        ref: The version that wants to move, as ``NAMESPACE/NAME:vN``.
        collection: The registered model.
        stage: The stage it wants to hold.
        number: Its number.
        digest: Its digest.
        metadata: As logged.
        metrics: As logged.
        holder: The version number that holds the stage now, or None.
        actor: Who asks.
        reason: Why, if said.
    """

    ref: str
    collection: str
    stage: str
    number: int
    digest: str
    metadata: Mapping[str, Any]
    metrics: Mapping[str, float]
    holder: int | None
    actor: str
    reason: str | None


def plugin_gates(wanted: Sequence[str], answers: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """Return what the gate plugins said, and a refusal for each that a policy asks for and that did not answer."""
    answered = {gate.name for gate in answers}
    missing = (
        GateResult(
            "plugin",
            name,
            "failed",
            f"The policy asks for the gate plugin {name!r}, which is not at work where this promotion runs.",
            {"required": True, "answered": False},
        )
        for name in wanted
        if name not in answered
    )
    return (*answers, *missing)
