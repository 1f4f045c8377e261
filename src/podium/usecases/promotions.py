"""Moving stages: promotion through gates, and rollback. The gates are evaluated in the transaction that moves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import Reference, parse_reference
from podium.domain.origin import Origin
from podium.domain.plain import canonical, check_text
from podium.domain.stages import (
    Evidence,
    GateResult,
    PromotionRequest,
    Stage,
    Transition,
    earlier_holders,
    evaluate_gates,
)
from podium.domain.versions import Version
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import to_transition
from podium.usecases.aliases import UNSET, Expected, holder_of, move_alias, moves_of, require_holder
from podium.usecases.checks import evidence_for
from podium.usecases.members import live_numbers
from podium.usecases.places import collection_reference, find_collection, stream_of
from podium.usecases.policies import effective_policy
from podium.usecases.resolving import get_version, resolve_number
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class PromoteVersion:
    """Give a stage to a version.

    Attributes:
        ref: The model version.
        stage: The stage.
        reason: Why; needed with ``force``.
        expected: The version that must hold the stage now; leave it out to take it from anybody.
        force: Overrule gates that fail.
    """

    ref: str
    stage: str
    reason: str | None = None
    expected: Expected = UNSET
    force: bool = False


@dataclass(frozen=True, slots=True)
class RollBackStage:
    """Give a stage back to an earlier holder.

    Attributes:
        model: ``REGISTRY/MODEL``.
        stage: The stage.
        number: The earlier holder, whose content was verified.
        holder: The version that held the stage when that was decided.
        reason: Why.
    """

    model: str
    stage: str
    number: int
    holder: int
    reason: str | None = None


def promote_version(unit: Unit, command: PromoteVersion) -> Transition:
    """Evaluate every gate on the digest being promoted, then move the stage or store the refusal.

    Promoting what holds the stage already changes nothing. A retry of the same task instance repeats the answer of the
    first attempt and never takes the stage back from a later holder.

    Returns:
        The transition, ``committed`` or ``refused``; the caller raises for a refusal after the commit.

    Raises:
        ConflictError: Another version than the expected one holds the stage.
        InvalidValueError: ``force`` without a reason.
        NotFoundError: The reference names nothing, no model, or the policy has no such stage.
    """
    check_text(command.reason, "The reason")
    if command.force and not (command.reason or "").strip():
        raise InvalidValueError("A forced promotion needs a reason.", hint="Say why, for whoever reads the history.")
    ref = parse_reference(command.ref)
    row = find_collection(unit, ref, kind="model", lock=True)
    stage = effective_policy(unit, row.namespace_id, row.id).stage(command.stage)
    version = get_version(unit, row.id, resolve_number(unit, ref, row.id))
    key = request_key(unit.origin, "promote", stage.name, version.number)
    earlier = _answered(unit, row, key)
    if earlier is not None:
        return earlier
    require_holder(unit, row.id, Reference(ref.namespace, ref.name, stage.name), command.expected)
    holder = holder_of(unit, row.id, stage.name)
    if holder == version.number:
        return _transition(unit, version, stage.name, holder, (), command.reason, changed=False)
    gates = _gates(unit, row, stage, version, holder, command)
    allowed = all(gate.passed for gate in gates)
    moved = allowed or command.force
    made = _transition(
        unit,
        version,
        stage.name,
        holder,
        gates,
        command.reason,
        status="committed" if moved else "refused",
        forced=moved and not allowed,
        changed=moved,
    )
    _carry_out(unit, row, made, version, key if moved else None)
    return made


def roll_back_stage(unit: Unit, command: RollBackStage) -> Transition:
    """Move a stage back to an earlier holder; gates are not asked again, since it passed them when it held the stage.

    Raises:
        ConflictError: The stage moved since the decision.
        NotFoundError: There is no such model or stage.
    """
    check_text(command.reason, "The reason")
    ref = collection_reference(command.model)
    row = find_collection(unit, ref, kind="model", lock=True)
    require_holder(unit, row.id, Reference(ref.namespace, ref.name, command.stage), command.holder)
    version = get_version(unit, row.id, command.number)
    made = _transition(unit, version, command.stage, command.holder, (), command.reason, kind="rolled_back")
    _carry_out(unit, row, made, version, request_key(unit.origin, "rollback", command.stage, None))
    return made


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback may do.

    Attributes:
        holder: The version number that holds the stage.
        candidates: Earlier holders, newest first.
        done: The answer of an earlier attempt of the same task instance, if there was one.
    """

    holder: int | None
    candidates: tuple[int, ...]
    done: Transition | None = None


def plan_rollback(unit: Unit, model: str, stage: str) -> RollbackPlan:
    """Return who holds a stage and who held it before.

    Raises:
        NotFoundError: There is no such model or stage, or nobody held the stage before.
    """
    ref = collection_reference(model)
    row = find_collection(unit, ref, kind="model")
    effective_policy(unit, row.namespace_id, row.id).stage(stage)
    holder = holder_of(unit, row.id, stage)
    done = _answered(unit, row, request_key(unit.origin, "rollback", stage, None))
    if done is not None:
        return RollbackPlan(holder, (), done)
    earlier = earlier_holders(moves_of(unit, row.id, ref.collection, stage))
    candidates = live_numbers(unit, row.id, earlier)
    if earlier and not candidates:
        raise NotFoundError(
            f"No earlier holder of {stage!r} of {ref.collection} is left: "
            f"{', '.join(f'v{number}' for number in earlier)} went since.",
            hint=f"'podium restore \"{ref.collection}:v{earlier[0]}\"' brings the last one back, if it still can be.",
            stage=stage,
        )
    if holder is None or not candidates:
        raise NotFoundError(
            f"Nothing held {stage!r} of {ref.collection} before {'v' + str(holder) if holder is not None else 'now'}.",
            hint=f"'podium history \"{ref.collection}\"' shows who held what.",
            stage=stage,
        )
    return RollbackPlan(holder, candidates)


def _gates(
    unit: Unit, row: Any, stage: Stage, version: Version, holder: int | None, command: PromoteVersion
) -> tuple[GateResult, ...]:
    here, elsewhere = evidence_for(unit, row.id, version, stage.checks)
    m = t.alias_moves.c
    held = sa.select(m.name).where(m.collection_id == row.id, m.after == version.number).distinct()
    evidence = Evidence(version.ref, version.digest, frozenset(unit.connection.scalars(held)), here, elsewhere)
    request = PromotionRequest(
        ref=version.ref,
        collection=version.collection,
        stage=stage.name,
        number=version.number,
        digest=version.digest,
        metadata=version.metadata,
        metrics=version.metrics,
        holder=holder,
        actor=unit.actor,
        reason=command.reason,
    )
    return evaluate_gates(stage, evidence) + unit.vetoes(request)


def _transition(
    unit: Unit,
    version: Version,
    stage: str,
    before: int | None,
    gates: tuple[GateResult, ...],
    reason: str | None,
    **more: Any,
) -> Transition:
    values: dict[str, Any] = {"status": "committed", "kind": "promoted", "forced": False, **more}
    return Transition(
        id=str(new_id()),
        collection=version.collection,
        stage=stage,
        number=version.number,
        digest=version.digest,
        before=before,
        gates=gates,
        reason=reason,
        actor=unit.actor,
        origin=unit.origin,
        at=unit.now,
        **values,
    )


def _carry_out(unit: Unit, row: Any, made: Transition, version: Version, request_key: str | None) -> None:
    """Store the transition, move the stage unless it was refused, and record what happened."""
    stream = stream_of(row)
    _store(unit, row, made, request_key)
    if made.status == "committed":
        move_alias(unit, stream, made.stage, made.number, made.kind, made.reason)
    _tell(unit, stream, made, version)


def _store(unit: Unit, row: Any, made: Transition, request_key: str | None) -> None:
    unit.add(
        t.transitions,
        id=UUID(made.id),
        collection_id=row.id,
        stage=made.stage,
        number=made.number,
        digest=made.digest,
        before=made.before,
        status=made.status,
        kind=made.kind,
        gates=[gate.to_json() for gate in made.gates],
        reason=made.reason,
        forced=made.forced,
        request_key=request_key,
        origin=unit.plain_origin,
        **unit.who,
    )


def _tell(unit: Unit, stream: Stream, made: Transition, version: Version) -> None:
    """Record the event, with the metrics of both versions so that a message can show what changed."""
    before: dict[str, Any] = {"stage": made.stage, "number": made.before}
    if made.before is not None:
        holder = get_version(unit, stream.id, made.before)
        before |= {"digest": holder.digest, "metrics": holder.metrics}
    after = {
        "stage": made.stage,
        "number": made.number,
        "source": version.source,
        "digest": made.digest,
        "metrics": version.metrics,
        "gates": [gate.to_json() for gate in made.gates],
        "reasons": list(made.reasons),
        "transition": made.id,
    }
    if made.forced:
        event = "model_version.promotion_forced"
        unit.record(stream, event, version.ref, before=before, after=after, reason=made.reason)
    kinds = {"refused": "model_version.promotion_refused", "committed": f"model_version.{made.kind}"}
    unit.record(stream, kinds[made.status], version.ref, before=before, after=after, reason=made.reason)


def request_key(origin: Origin, verb: str, stage: str, number: int | None) -> str | None:
    """Return the key under which a retry of a task instance finds what its first attempt did."""
    if origin.identity is None:
        return None
    return hashlib.sha256(canonical([origin.identity, verb, stage, number]).encode("utf-8")).hexdigest()


def _answered(unit: Unit, row: Any, key: str | None) -> Transition | None:
    if key is None:
        return None
    c = t.transitions.c
    query = sa.select(t.transitions).where(c.collection_id == row.id, c.request_key == key)
    found = unit.connection.execute(query).one_or_none()
    return to_transition(found, f"{row.namespace}/{row.name}", changed=False) if found is not None else None
