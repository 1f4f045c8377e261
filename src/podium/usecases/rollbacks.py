"""The ways back: a stage goes to an earlier holder, or to nobody. No gate is asked, as nothing new goes out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from podium.domain.names import Reference
from podium.domain.plain import check_text
from podium.domain.transitions import HELD_BY, Transition, earlier_holders
from podium.errors import InvalidValueError, NotFoundError
from podium.usecases.aliases import UNSET, Expected, holder_of, require_holder
from podium.usecases.evidence import Candidate, frozen_facts
from podium.usecases.members import live_numbers
from podium.usecases.places import collection_reference, find_collection, stream_of
from podium.usecases.policies import effective_policy
from podium.usecases.promotions import candidate_for
from podium.usecases.stage_holders import steps_of
from podium.usecases.transitions import answered, carry_out, new_transition, request_key, store
from podium.usecases.unit import Unit

_VERSION = re.compile(r"v?(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RollBackStage:
    """Give a stage back to an earlier holder.

    Attributes:
        model: ``REGISTRY/MODEL``.
        stage: The stage.
        number: The earlier holder, whose content was verified.
        holder: The version that held the stage when that was decided, None for nobody.
        reason: Why; needed while the stage is frozen.
    """

    model: str
    stage: str
    number: int
    holder: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DemoteStage:
    """Take a stage away from its holder, so that nobody holds it.

    Attributes:
        model: ``REGISTRY/MODEL``.
        stage: The stage.
        reason: Why.
        expected: The version that must hold the stage now; leave it out to take it from anybody.
    """

    model: str
    stage: str
    reason: str
    expected: Expected = UNSET


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """Where a stage may go back to.

    Attributes:
        holder: The version that holds it now, None for nobody.
        candidates: Who held it before, newest first; the first one whose content verifies shall get it.
        done: What the first attempt of the same task instance did, if this is a retry; then there is nothing to do.
    """

    holder: int | None
    candidates: tuple[int, ...]
    done: Transition | None = None


def plan_rollback(unit: Unit, model: str, stage: str, to: str | int | None = None) -> RollbackPlan:
    """Return who holds a stage and who held it before.

    Args:
        unit: The unit.
        model: ``REGISTRY/MODEL``.
        stage: The stage.
        to: The earlier holder that is wanted, such as ``v3``; None for the previous one that verifies.

    Raises:
        InvalidValueError: ``to`` is no version, or holds the stage now.
        NotFoundError: There is no such model or stage, or nobody held the stage before.
    """
    ref = collection_reference(model)
    row = find_collection(unit, ref, kind="model")
    effective_policy(unit, row.namespace_id, row.id).stage(stage)
    holder = holder_of(unit, row.id, stage)
    done = answered(unit, row, request_key(unit.origin, "rollback", stage, None))
    if done is not None:
        return RollbackPlan(holder, (), done)
    steps = steps_of(unit, row.id, stage)
    if to is not None:
        number = _named(
            ref, stage, to, holder, {after for kind, after in steps if kind in HELD_BY and after is not None}
        )
        earlier: tuple[int, ...] = (number,)
    else:
        earlier = earlier_holders(steps)
    candidates = live_numbers(unit, row.id, earlier)
    if earlier and not candidates:
        raise NotFoundError(
            f"No earlier holder of {stage!r} of {ref.collection} is left: {_versions(earlier)} went since.",
            hint=f"'podium restore \"{ref.collection}:v{earlier[0]}\"' brings the last one back, if it still can be.",
            stage=stage,
        )
    if not candidates:
        raise NotFoundError(
            f"Nothing held {stage!r} of {ref.collection} before {'v' + str(holder) if holder is not None else 'now'}.",
            hint=f"'podium history \"{ref.collection}\"' shows who held what.",
            stage=stage,
        )
    return RollbackPlan(holder, candidates)


def roll_back_stage(unit: Unit, command: RollBackStage) -> Transition:
    """Move a stage back to an earlier holder; gates are not asked again, since it passed them when it held the stage.

    Raises:
        ConflictError: The stage moved since the decision.
        InvalidValueError: The stage is frozen, and there is no reason.
        NotFoundError: There is no such model or stage.
    """
    check_text(command.reason, "The reason")
    ref = collection_reference(command.model)
    row = find_collection(unit, ref, kind="model", lock=True)
    require_holder(unit, row.id, Reference(ref.namespace, ref.name, command.stage), command.holder)
    candidate = candidate_for(unit, row, command.stage, command.number, command.reason)
    facts = frozen_facts(unit, candidate)
    _require_reason(candidate, facts, "A rollback")
    made = new_transition(unit, candidate, (), kind="rolled_back")
    store(unit, row, made, request_key(unit.origin, "rollback", command.stage, None))
    carry_out(unit, stream_of(row), candidate, made, **facts)
    return made


def demote_stage(unit: Unit, command: DemoteStage) -> Transition:
    """Take a stage away from its holder. A retry of the same task instance repeats the answer of the first attempt.

    Raises:
        ConflictError: Another version than the expected one holds the stage.
        InvalidValueError: There is no reason.
        NotFoundError: There is no such model or stage, or nobody holds it.
    """
    check_text(command.reason, "The reason")
    if not (command.reason or "").strip():
        raise InvalidValueError("A demotion needs a reason.", hint="Say why, for whoever finds the stage empty.")
    ref = collection_reference(command.model)
    row = find_collection(unit, ref, kind="model", lock=True)
    effective_policy(unit, row.namespace_id, row.id).stage(command.stage)
    key = request_key(unit.origin, "demote", command.stage, None)
    done = answered(unit, row, key)
    if done is not None:
        return done
    require_holder(unit, row.id, Reference(ref.namespace, ref.name, command.stage), command.expected)
    holder = holder_of(unit, row.id, command.stage)
    if holder is None:
        raise NotFoundError(
            f"Nobody holds {command.stage!r} of {ref.collection}.",
            hint=f"'podium history \"{ref.collection}\"' shows who held what.",
            stage=command.stage,
        )
    candidate = candidate_for(unit, row, command.stage, holder, command.reason)
    facts = frozen_facts(unit, candidate)
    _require_reason(candidate, facts, "A demotion")
    made = new_transition(unit, candidate, (), kind="demoted")
    store(unit, row, made, key)
    carry_out(unit, stream_of(row), candidate, made, **facts)
    return made


def _require_reason(candidate: Candidate, facts: dict[str, Any], what: str) -> None:
    """Ask for a reason where a way back goes through a freeze, of people or of the policy.

    Raises:
        InvalidValueError: There is one, and no reason.
    """
    if facts and not (candidate.reason or "").strip():
        first, where = facts["frozen"][0], f"{candidate.stage.name!r} of {candidate.version.collection}"
        by = first.get("by", "the policy")
        raise InvalidValueError(
            f"{where} is frozen (by {by}): {first['why']}",
            hint=f"{what} is possible all the same: say why (reason=, --reason).",
        )


def _named(ref: Reference, stage: str, to: str | int, holder: int | None, ever: set[int]) -> int:
    """Return the number of an earlier holder that somebody names."""
    place, colon, text = str(to).rpartition(":")
    match = _VERSION.fullmatch(text) if not isinstance(to, bool) else None
    if match is None or (colon and place != ref.collection):
        raise InvalidValueError(f"{to!r} is not a version of {ref.collection}.", hint="Pass 'v3' or 3.")
    number = int(match[1])
    if number == holder:
        raise InvalidValueError(
            f"v{number} holds {stage!r} of {ref.collection} now.", hint="Name a version that held it before."
        )
    if number not in ever:
        known = _versions(sorted(ever - {holder})) or "nobody"
        raise NotFoundError(
            f"v{number} never held {stage!r} of {ref.collection}.",
            hint=f"Before, it was held by {known}; a version that never held it is promoted.",
            stage=stage,
        )
    return number


def _versions(numbers: Iterable[int | None]) -> str:
    return ", ".join(f"v{number}" for number in numbers)
