"""Attempts to move a stage as they are kept: stored, ended, looked up, and told as events."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.evaluation import when
from podium.domain.gates import GateResult
from podium.domain.origin import Origin
from podium.domain.plain import canonical, iso
from podium.domain.policies import Policy
from podium.domain.transitions import Approval, Transition, TransitionStatus
from podium.domain.versions import Version
from podium.errors import NotFoundError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import to_transition
from podium.usecases.aliases import holder_of, move_alias
from podium.usecases.evidence import Candidate
from podium.usecases.members import live_numbers
from podium.usecases.resolving import get_version
from podium.usecases.unit import Stream, Unit

_T, _P = t.transitions.c, t.approvals.c
_SELECT = (
    sa.select(t.transitions, t.collections.c.name, t.namespaces.c.name.label("namespace"))
    .join(t.collections, t.collections.c.id == _T.collection_id)
    .join(t.namespaces, t.namespaces.c.id == t.collections.c.namespace_id)
)
_MOVED = {"promoted": "model_version.promoted", "rolled_back": "model_version.rolled_back"}
_MOVED |= {"demoted": "model_version.demoted"}
FINAL = {"final": True}  # what the event of a request says that people ended: its key stays


def new_transition(unit: Unit, candidate: Candidate, gates: Sequence[GateResult], **more: Any) -> Transition:
    """Return an attempt that begins now; ``committed`` and ``promoted`` if nothing else is said."""
    values: dict[str, Any] = {"status": "committed", "kind": "promoted", "forced": False, **more}
    return Transition(
        id=str(new_id()),
        collection=candidate.version.collection,
        stage=candidate.stage.name,
        number=candidate.version.number,
        digest=candidate.version.digest,
        before=candidate.holder,
        gates=tuple(gates),
        reason=candidate.reason,
        actor=unit.actor,
        origin=unit.origin,
        at=unit.now,
        policy=candidate.policy.to_json(),
        **values,
    )


def store(unit: Unit, row: Any, made: Transition, key: str | None) -> None:
    """Write the row of a new attempt."""
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
        request_key=key,
        policy=dict(made.policy) if made.policy is not None else None,
        expires_at=made.expires_at,
        origin=unit.plain_origin,
        **unit.who,
    )


def end_request(
    unit: Unit,
    made: Transition,
    status: TransitionStatus,
    outcome: str,
    gates: Sequence[GateResult] | None = None,
    *,
    final: bool = False,
) -> Transition:
    """Write how a request ended, and return it so.

    What gates refused and what can no longer be committed gives its key up, so that the same task may ask again.

    Args:
        unit: The unit.
        made: The request.
        status: How it ended.
        outcome: Why, as a sentence.
        gates: What the gates say now, if they were asked again.
        final: Whether people decided so, and a retry of the task that asked is told that in place of asking them again.
    """
    ended = replace(
        made,
        status=status,
        outcome=outcome,
        ended_at=unit.now,
        ended_by=unit.actor,
        gates=tuple(gates) if gates is not None else made.gates,
        changed=True,
    )
    values = {"status": status, "outcome": outcome, "ended_at": unit.now, "ended_by": unit.actor}
    values |= {"gates": [gate.to_json() for gate in ended.gates]}
    values |= {"policy": dict(made.policy)} if made.policy is not None else {}
    values |= {"request_key": None} if status != "committed" and not final else {}
    unit.connection.execute(sa.update(t.transitions).where(_T.id == UUID(made.id)).values(values))
    return ended


def give_key(unit: Unit, made: Transition, key: str | None) -> None:
    """Let a retry of the task that calls find an attempt that no other task made."""
    free = (_T.id == UUID(made.id), _T.request_key.is_(None))
    unit.connection.execute(sa.update(t.transitions).where(*free).values(request_key=key))


def carry_out(unit: Unit, stream: Stream, candidate: Candidate, made: Transition, **facts: Any) -> None:
    """Move the stage if the attempt was committed, and tell what happened; whoever loses the stage is archived.

    Whoever gets it is not archived any more. Requests that were asked while somebody else held the stage end here.
    """
    number = None if made.kind == "demoted" else made.number
    if made.status == "committed":
        move_alias(unit, stream, made.stage, number, made.kind, made.reason)
    _tell(unit, stream, candidate, made, number, facts)
    if made.status != "committed":
        return
    archive = candidate.stage.archive_as
    if archive is not None and made.before is not None and made.before != number:
        move_alias(unit, stream, archive, made.before, "set", f"It lost {made.stage!r}.")
    elif archive is not None and holder_of(unit, stream.id, archive) == number:
        move_alias(unit, stream, archive, None, "removed", f"It holds {made.stage!r} now.")
    close_stale(unit, stream, candidate.policy.policy, made.stage)


def close_stale(unit: Unit, stream: Stream, policy: Policy | None = None, stage: str | None = None) -> list[Transition]:
    """Cancel the requests of a locked model that can no longer be committed, and return those that wait still.

    Args:
        unit: The unit.
        stream: Of the model.
        policy: The policy in force; None where only holders and versions may have changed.
        stage: Of this stage only.
    """
    waiting: list[Transition] = []
    for made in pending_of(unit, stream.id, stage):
        why = stale_reason(unit, stream.id, policy, made)
        if why is not None:
            cancel(unit, stream, made, why)
        else:
            waiting.append(made)
    return waiting


def cancel(unit: Unit, stream: Stream, made: Transition, why: str, *, final: bool = False) -> Transition:
    """End a request without a move, and tell it; ``final`` as for `end_request`."""
    ended = end_request(unit, made, "cancelled", why, final=final)
    unit.record(
        stream,
        "model_version.promotion_cancelled",
        made.ref,
        before={"stage": made.stage, "number": made.before},
        after=request_facts(ended) | {"why": why} | (FINAL if final else {}),
        reason=why,
    )
    return ended


def stale_reason(unit: Unit, collection_id: UUID, policy: Policy | None, made: Transition) -> str | None:
    """Say why a request can no longer be committed, None if it can."""
    if made.expires_at is not None and unit.now >= made.expires_at:
        return f"It waited until {when(made.expires_at)} and expired."
    if policy is not None and made.stage not in policy.names:
        return f"The policy has no stage {made.stage!r} any more."
    holder = holder_of(unit, collection_id, made.stage)
    if holder != made.before:
        now, then = (
            f"held by v{number}" if number is not None else "held by nobody" for number in (holder, made.before)
        )
        return f"{made.stage!r} is {now}, and was {then} when it was asked."
    if not live_numbers(unit, collection_id, [made.number]):
        return f"v{made.number} is no longer there."
    return None


def request_facts(made: Transition) -> dict[str, Any]:
    """Return what every event about a request says of it."""
    return {
        "stage": made.stage,
        "number": made.number,
        "digest": made.digest,
        "transition": made.id,
        "status": made.status,
        "asked": {"by": made.actor, "at": iso(made.at), "reason": made.reason},
    }


def pending_of(unit: Unit, collection_id: UUID, stage: str | None = None) -> list[Transition]:
    """Return the requests of a model that wait, oldest first."""
    where = [_T.collection_id == collection_id, _T.status == "pending"]
    if stage is not None:
        where.append(_T.stage == stage)
    return select_transitions(unit, *where)


def select_transitions(unit: Unit, *where: sa.ColumnElement[bool]) -> list[Transition]:
    """Return attempts with what people said, oldest first."""
    rows = unit.connection.execute(_SELECT.where(*where).order_by(_T.created_at, _T.id)).all()
    said = _approvals(unit, [row.id for row in rows if row.status != "refused" or row.ended_at is not None])
    return [
        replace(to_transition(row, f"{row.namespace}/{row.name}", changed=False), approvals=said[row.id])
        for row in rows
    ]


def find_transition(unit: Unit, text: Any) -> Transition:
    """Return an attempt by its id.

    Raises:
        NotFoundError: There is none.
    """
    try:
        found = select_transitions(unit, _T.id == UUID(str(text)))
    except ValueError:
        found = []
    if not found:
        raise NotFoundError(
            f"There is no promotion request {text!r}.", hint="'podium requests ls' lists those that wait.", id=str(text)
        )
    return found[0]


def answered(unit: Unit, row: Any, *keys: str | None) -> Transition | None:
    """Return what an earlier attempt of this task instance did: what it moved, else what it asked for; None if nothing.

    Args:
        unit: The unit.
        row: Of the model.
        keys: Under which it may be found, see `request_key`.
    """
    known = [key for key in keys if key is not None]
    if not known:
        return None
    found = select_transitions(unit, _T.collection_id == row.id, _T.request_key.in_(known))
    return min(found, key=lambda made: made.status != "committed", default=None)


def standing(unit: Unit, collection_id: UUID, stage: str, number: int) -> Transition | None:
    """Return the attempt that gave a version the stage it holds; None where a policy made a stage of its alias."""
    mine = (_T.collection_id == collection_id, _T.stage == stage, _T.number == number, _T.status == "committed")
    moved = [made for made in select_transitions(unit, *mine) if made.kind != "demoted"]
    return max(moved, key=lambda made: (made.ended_at or made.at, made.id), default=None)


def request_key(origin: Origin, verb: str, stage: str, number: int | None) -> str | None:
    """Return the key under which a retry of a task instance finds what its first attempt did."""
    if origin.identity is None:
        return None
    return hashlib.sha256(canonical([origin.identity, verb, stage, number]).encode("utf-8")).hexdigest()


def _approvals(unit: Unit, ids: Iterable[UUID]) -> defaultdict[UUID, tuple[Approval, ...]]:
    found: defaultdict[UUID, tuple[Approval, ...]] = defaultdict(tuple)
    ordered = list(ids)
    for start in range(0, len(ordered), 500):
        some = _P.transition_id.in_(ordered[start : start + 500])
        for row in unit.connection.execute(sa.select(t.approvals).where(some).order_by(_P.position)):
            found[row.transition_id] += (
                Approval(
                    row.position,
                    row.person,
                    row.decision,
                    row.comment,
                    row.created_at,
                    row.created_by,
                    Origin.from_json(row.origin),
                ),
            )
    return found


def _tell(
    unit: Unit, stream: Stream, candidate: Candidate, made: Transition, number: int | None, more: dict[str, Any]
) -> None:
    """Record the event, with the metrics of both versions so that a message can show what changed."""
    version = candidate.version
    after = request_facts(made) | {
        "number": number,
        "source": version.source,
        "metrics": version.metrics,
        "gates": [gate.to_json() for gate in made.gates],
        "reasons": list(made.reasons),
        "policy": made.policy,
        **more,
    }
    if made.status == "pending":
        after |= {"waiting_for": list(made.waiting_for)}
        after |= {"expires_at": iso(made.expires_at) if made.expires_at is not None else None}
    if made.approvals:
        after["approvals"] = [_said(approval) for approval in made.approvals]
    before = _before(unit, stream, made)
    if made.forced:
        after["overruled"] = list(made.overruled)
        event = "model_version.promotion_forced"
        unit.record(stream, event, version.ref, before=before, after=after, reason=made.reason)
    kinds = {"refused": "model_version.promotion_refused", "pending": "model_version.promotion_requested"}
    event = kinds.get(made.status) or _MOVED[made.kind]
    unit.record(stream, event, version.ref, before=before, after=after, reason=made.reason)


def _before(unit: Unit, stream: Stream, made: Transition) -> dict[str, Any]:
    before: dict[str, Any] = {"stage": made.stage, "number": made.before}
    if made.before is not None:
        holder: Version = get_version(unit, stream.id, made.before)
        before |= {"digest": holder.digest, "metrics": holder.metrics}
    return before


def _said(approval: Approval) -> dict[str, Any]:
    plain = {"person": approval.person, "decision": approval.decision, "comment": approval.comment}
    return plain | {"at": iso(approval.at), "actor": approval.actor}
