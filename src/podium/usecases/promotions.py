"""Promotion through gates, which are evaluated in the transaction that moves the stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from podium.domain.durations import parse_duration
from podium.domain.gates import GateResult
from podium.domain.names import Reference, parse_reference
from podium.domain.plain import check_text
from podium.domain.transitions import Transition, TransitionStatus
from podium.errors import InvalidValueError
from podium.usecases.access import require_admin
from podium.usecases.aliases import UNSET, Expected, holder_of, require_holder
from podium.usecases.evidence import Candidate, judge, settle_stage
from podium.usecases.places import find_collection, require_registry, stream_of
from podium.usecases.policies import policy_in_force
from podium.usecases.resolving import get_version, resolve_number
from podium.usecases.transitions import (
    answered,
    cancel,
    carry_out,
    close_stale,
    end_request,
    give_key,
    new_transition,
    pending_of,
    request_key,
    stale_reason,
    standing,
    store,
)
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class PromoteVersion:
    """Give a stage to a version.

    Attributes:
        ref: The model version.
        stage: The stage.
        reason: Why; needed with ``force``.
        expected: The version that must hold the stage now; leave it out to take it from anybody.
        force: Overrule gates that fail, and do not wait for approvals.
    """

    ref: str
    stage: str
    reason: str | None = None
    expected: Expected = UNSET
    force: bool = False


def promote_version(unit: Unit, command: PromoteVersion) -> Transition:
    """Evaluate every gate on the digest being promoted, then move the stage, store the refusal, or wait for people.

    Promoting what holds the stage already changes nothing. A retry of the same task instance repeats the answer of the
    first attempt, never takes the stage back from a later holder, and never asks people again who said no. Whoever asks
    for what waits already gets that request; it is committed if it has nobody to wait for any more.

    Returns:
        The transition, ``committed``, ``pending`` or ``refused``; ``rejected`` or ``cancelled`` for a retry of what
        people ended. The caller raises for a refusal after the commit.

    Raises:
        ConflictError: Another version than the expected one holds the stage.
        InvalidValueError: ``force`` without a reason.
        NotFoundError: The reference names nothing, no model, or the policy has no such stage.
        PermissionDeniedError: ``force``, where the registry has admins and the actor is none of them.
    """
    candidate = _candidate(unit, command, lock=True)
    row, stage, number = candidate.row, candidate.stage, candidate.version.number
    stream = stream_of(row)
    waiting = close_stale(unit, stream, candidate.policy.policy, stage.name)
    keys = [request_key(unit.origin, verb, stage.name, number) for verb in ("promote", "force")]
    earlier = answered(unit, row, *keys)
    asked = _asked(candidate, waiting)
    said_no = earlier is not None and earlier.status in ("rejected", "cancelled")
    key = keys[1] if said_no else keys[0]
    stays = said_no and not (command.force or asked or candidate.holder == number)
    if earlier is not None and (stays or earlier.status == "committed"):
        return earlier
    require_holder(unit, row.id, Reference(row.namespace, row.name, stage.name), command.expected)
    if candidate.holder == number:
        return _held_already(unit, candidate)
    if asked is not None and not command.force:
        return _ask_again(unit, stream, candidate, asked, key)
    if asked is not None:
        cancel(unit, stream, asked, f"{unit.actor} forced the promotion and did not wait for it.")
    made = _decided(unit, candidate, judge(unit, candidate), force=command.force)
    store(unit, row, made, key if made.status != "refused" else None)
    carry_out(unit, stream, candidate, made)
    return made


def preview_promotion(unit: Unit, command: PromoteVersion) -> Transition:
    """Evaluate every gate and say what a promotion would do now; nothing is written, no lock is taken.

    Raises:
        ConflictError, InvalidValueError, NotFoundError, PermissionDeniedError: As `promote_version`.
    """
    candidate = _candidate(unit, command, lock=False)
    row = candidate.row
    require_holder(unit, row.id, Reference(row.namespace, row.name, candidate.stage.name), command.expected)
    if candidate.holder == candidate.version.number:
        return replace(_held_already(unit, candidate), dry_run=True)
    policy = candidate.policy.policy
    pending = pending_of(unit, row.id, candidate.stage.name)
    asked = _asked(candidate, [made for made in pending if stale_reason(unit, row.id, policy, made) is None])
    gates = judge(unit, replace(candidate, request=asked))
    made = _decided(unit, candidate, gates, force=command.force)
    return replace(made, changed=False, dry_run=True)


def _candidate(unit: Unit, command: PromoteVersion, *, lock: bool) -> Candidate:
    check_text(command.reason, "The reason")
    if command.force and not (command.reason or "").strip():
        raise InvalidValueError("A forced promotion needs a reason.", hint="Say why, for whoever reads the history.")
    ref = parse_reference(command.ref)
    row = find_collection(unit, ref, kind="model", lock=lock)
    if command.force:
        require_admin(unit, require_registry(unit, row.namespace), "force a promotion")
    return candidate_for(unit, row, command.stage, resolve_number(unit, ref, row.id), command.reason)


def candidate_for(unit: Unit, row: Any, stage_name: str, number: int, reason: str | None) -> Candidate:
    """Return a version that wants a stage, under the policy in force.

    Raises:
        NotFoundError: The policy has no such stage.
    """
    policy = policy_in_force(unit, row)
    stage = settle_stage(unit, row, policy.policy.stage(stage_name))
    version = get_version(unit, row.id, number)
    return Candidate(row, policy, stage, version, holder_of(unit, row.id, stage.name), reason)


def _asked(candidate: Candidate, waiting: Iterable[Transition]) -> Transition | None:
    """Return the request among those of a stage that is for the same version, None if there is none."""
    wanted = (candidate.version.number, candidate.version.digest)
    return next((made for made in waiting if (made.number, made.digest) == wanted), None)


def _ask_again(unit: Unit, stream: Stream, candidate: Candidate, made: Transition, key: str | None) -> Transition:
    """Return a request that waits with what its gates say now; if all let it through by now, commit it.

    The policy may ask for fewer people than when it was asked. What fails meanwhile refuses it not before the last
    approval is there: a freeze may be over by then.
    """
    candidate = replace(candidate, reason=made.reason, request=made)
    gates = judge(unit, candidate)
    made = replace(made, policy=candidate.policy.to_json(), gates=gates)
    if not all(gate.passed for gate in gates):
        return made
    outcome = "It was asked again, and waits for nobody any more."
    made = end_request(unit, made, "committed", outcome, gates)
    give_key(unit, made, key)
    carry_out(unit, stream, candidate, made, outcome=outcome, asked_again=True)
    return made


def _held_already(unit: Unit, candidate: Candidate) -> Transition:
    """Say that nothing is to do; the id is that of the attempt that gave the version its stage, to be looked up."""
    made = new_transition(unit, candidate, (), changed=False)
    held = standing(unit, candidate.row.id, candidate.stage.name, made.number)
    return replace(made, id=held.id) if held else made


def _decided(unit: Unit, candidate: Candidate, gates: tuple[GateResult, ...], *, force: bool) -> Transition:
    failed, waits = (any(gate.verdict == word for gate in gates) for word in ("failed", "pending"))
    overruled = force and (failed or waits)
    status: TransitionStatus = "committed" if not (failed or waits) or overruled else "refused" if failed else "pending"
    rule = candidate.stage.approvals
    ends = unit.now + parse_duration(rule.expires) if status == "pending" and rule and rule.expires else None
    return new_transition(
        unit, candidate, gates, status=status, forced=overruled, changed=status != "refused", expires_at=ends
    )
