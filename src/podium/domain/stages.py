"""Stages, the policies that govern them, and the gates that a promotion must pass."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from podium.domain.checks import RecordedCheck
from podium.domain.names import check_alias, check_label
from podium.domain.origin import Origin
from podium.domain.plain import Value
from podium.domain.versions import AliasMove
from podium.errors import InvalidValueError, NotFoundError

TransitionStatus = Literal["committed", "refused"]


@dataclass(frozen=True, slots=True)
class Stage(Value):
    """One stage of a policy.

    Attributes:
        name: By the rule of aliases.
        checks: Names of the checks that must have passed on the digest being promoted.
        from_stage: A stage that the version must hold, or have held, before this one.
    """

    name: str
    checks: tuple[str, ...] = ()
    from_stage: str | None = None


@dataclass(frozen=True, slots=True)
class Policy(Value):
    """The stages of a registered model, or the default of a registry, in order.

    Attributes:
        stages: At least one, each with its requirements.
    """

    stages: tuple[Stage, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the stages in order."""
        return tuple(stage.name for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """Return the stage of this name.

        Raises:
            NotFoundError: The policy has no such stage.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        near = difflib.get_close_matches(str(name), self.names, n=1)
        raise NotFoundError(
            f"There is no stage {name!r} here.",
            hint=(f"Did you mean {near[0]!r}? " if near else "") + f"The stages are {', '.join(self.names)}.",
            stage=name,
            stages=list(self.names),
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Policy:
        """Build a policy from ``{"stages": [{"name": ..., "checks": [...], "from_stage": ...}]}``.

        Raises:
            InvalidValueError: A key is unknown or a value has the wrong type.
        """
        try:
            stages = tuple(Stage(**{**item, "checks": _names(item.get("checks", ()))}) for item in data["stages"])
            unknown = set(data) - {"stages"}
        except (TypeError, KeyError, AttributeError):
            stages, unknown = (), {"everything"}
        if unknown:
            raise InvalidValueError(
                "This is not a policy.",
                hint='Write {"stages": [{"name": "production", "checks": ["accuracy"], "from_stage": "staging"}]}.',
            )
        return validate_policy(cls(stages))


DEFAULT_POLICY = Policy((Stage("staging"), Stage("production")))


def validate_policy(policy: Policy) -> Policy:
    """Return the policy unchanged if it makes sense.

    Raises:
        InvalidNameError: A stage or check has a bad name.
        InvalidValueError: There is no stage, one is named twice, or ``from_stage`` names none that comes before.
    """
    if not policy.stages:
        raise InvalidValueError("The policy has no stage.", hint="Give it at least one, such as 'production'.")
    seen: list[str] = []
    for stage in policy.stages:
        check_alias(stage.name)
        for name in _names(stage.checks):
            check_label(name, "check name")
        if stage.name in seen:
            raise InvalidValueError(f"The stage {stage.name!r} stands twice in the policy.", hint="Name each once.")
        if stage.from_stage is not None and stage.from_stage not in seen:
            raise InvalidValueError(
                f"The stage {stage.name!r} comes from {stage.from_stage!r}, which does not stand before it.",
                hint="Put the stages in the order in which a version passes them.",
            )
        seen.append(stage.name)
    return policy


@dataclass(frozen=True, slots=True)
class GateResult(Value):
    """The verdict of one gate.

    Attributes:
        gate: ``from:staging``, ``check:accuracy`` or ``plugin:name``.
        passed: Whether it lets the version through.
        reason: One sentence that a person understands.
    """

    gate: str
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a version when its gates are evaluated.

    Attributes:
        ref: The version, as ``NAMESPACE/NAME:vN``.
        digest: Its digest.
        held: Stages that it holds or has held.
        checks: The newest result per check name on this very digest.
        elsewhere: The newest result per check name on any other digest of this model.
    """

    ref: str
    digest: str
    held: frozenset[str]
    checks: Mapping[str, RecordedCheck]
    elsewhere: Mapping[str, RecordedCheck]


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


@dataclass(frozen=True, slots=True)
class Transition(Value):
    """One attempt to move a stage.

    Attributes:
        id: UUIDv7.
        collection: The registered model.
        stage: The stage.
        number: The version that was to hold it.
        digest: The digest that the gates were evaluated on.
        before: The version number that held the stage, or None.
        status: ``committed`` or ``refused``.
        kind: ``promoted`` or ``rolled_back``.
        gates: The verdict of each gate.
        reason: Why, if said.
        forced: Whether failing gates were overruled.
        actor: Who.
        origin: From which execution.
        at: UTC.
        changed: Whether this call moved the stage; False when the version held it already or a retry repeats itself.
    """

    id: str
    collection: str
    stage: str
    number: int
    digest: str
    before: int | None
    status: TransitionStatus
    kind: Literal["promoted", "rolled_back"]
    gates: tuple[GateResult, ...]
    reason: str | None
    forced: bool
    actor: str
    origin: Origin
    at: datetime
    changed: bool = field(default=True)

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each gate that failed."""
        return tuple(gate.reason for gate in self.gates if not gate.passed)


def evaluate_gates(stage: Stage, evidence: Evidence) -> tuple[GateResult, ...]:
    """Return the verdict of each gate of a stage on one version."""
    gates: list[GateResult] = []
    if stage.from_stage is not None:
        held = stage.from_stage in evidence.held
        reason = f"{evidence.ref} has {'' if held else 'not '}been in {stage.from_stage!r}."
        gates.append(GateResult(f"from:{stage.from_stage}", held, reason))
    gates.extend(_check_gate(name, evidence) for name in stage.checks)
    return tuple(gates)


def _check_gate(name: str, evidence: Evidence) -> GateResult:
    gate = f"check:{name}"
    here = evidence.checks.get(name)
    if here is not None:
        result = here.result
        said = f": {result.message}" if result.message else "."
        verb = {"pass": "passed", "fail": "failed", "warn": "warned", "skipped": "was skipped"}.get(
            result.status, "could not run"
        )
        return GateResult(gate, result.passed, f"The check {name!r} {verb} on {evidence.ref}{said}")
    other = evidence.elsewhere.get(name)
    if other is not None:
        return GateResult(
            gate,
            False,
            f"The check {name!r} ran on v{other.number}, whose files differ, and not on {evidence.ref}.",
        )
    return GateResult(gate, False, f"The required check {name!r} has not run on {evidence.ref}.")


def earlier_holders(moves: Sequence[AliasMove]) -> tuple[int, ...]:
    """Return who held a stage before its holder, newest first, each version once.

    A rollback takes the newest holder away, so rolling back twice goes back two steps instead of to and fro.

    Args:
        moves: All moves of the stage, oldest first.
    """
    stack: list[int] = []
    for move in moves:
        if move.after is None:
            continue
        if move.kind == "rolled_back" and move.after in stack:
            del stack[stack.index(move.after) + 1 :]
        else:
            stack = [number for number in stack if number != move.after]
            stack.append(move.after)
    return tuple(reversed(stack[:-1]))


def _names(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        raise InvalidValueError("The checks of a stage are one text.", hint=f"Write a list: [{given!r}].")
    return tuple(given)


def newest_by_name(checks: Iterable[RecordedCheck]) -> dict[str, RecordedCheck]:
    """Keep the newest result per check name; the results come oldest first."""
    return {check.result.name: check for check in checks}
