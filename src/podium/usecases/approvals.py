"""Requests that wait for people: approve, reject, withdraw; the last approval evaluates every gate again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from podium.domain.evaluation import Evidence, approval_gate, may_not_approve
from podium.domain.gates import GateResult
from podium.domain.metric_gates import Subject
from podium.domain.names import parse_reference
from podium.domain.plain import check_text
from podium.domain.policies import ApprovalRule
from podium.domain.transitions import Approval, Decision, Transition, check_person, last_words, person_key
from podium.errors import ConflictError, InvalidValueError, NotFoundError, PermissionDeniedError, PluginError
from podium.sql import tables as t
from podium.usecases.access import roles_by_person, rule_in_force
from podium.usecases.evidence import Candidate, authors_of, judge
from podium.usecases.places import collection_reference, find_collection, stream_of
from podium.usecases.policies import policy_in_force
from podium.usecases.promotions import candidate_for
from podium.usecases.resolving import resolve_number
from podium.usecases.transitions import (
    FINAL,
    cancel,
    carry_out,
    end_request,
    find_transition,
    pending_of,
    request_facts,
    select_transitions,
    stale_reason,
)
from podium.usecases.unit import Stream, Unit

Verb = Literal["approve", "reject", "withdraw"]
_T = t.transitions.c
_WORDS: dict[Verb, Decision] = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """Say something about a request.

    Attributes:
        verb: ``approve``, ``reject`` or ``withdraw``.
        request: Its id, or the version that it is about.
        stage: The stage, if a version is named.
        comment: What else there is to say; needed to reject.
        on_behalf_of: The person who decided, where a process tells it; the actor if None.
    """

    verb: Verb
    request: str
    stage: str | None = None
    comment: str | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """A request with the locked model that it is about.

    Attributes:
        row: Of the model.
        stream: Its events.
        made: The request.
        person: Who decides.
        comment: What else was said.
    """

    row: Any
    stream: Stream
    made: Transition
    person: str
    comment: str | None


def decide_request(unit: Unit, command: DecideRequest) -> Transition:
    """Record what a person says, and what follows: a commit, a refusal by a gate, or the end of the request.

    A request that can no longer be committed is cancelled, whatever is said about it; the caller raises for it after
    the commit, as for a refusal.

    Returns:
        The request as it is now; ``changed`` is False if the same person said the same already.

    Raises:
        ConflictError: The request was decided already, or the retry of a task tells an approval that was taken back.
        InvalidValueError: A rejection without a comment, or nothing that this person could withdraw.
        NotFoundError: There is no such request.
        PermissionDeniedError: The person is the author, or lacks the role.
        PluginError: The last approval comes from where a gate plugin is missing that the policy asks for.
    """
    check_text(command.comment, "The comment")
    person = check_person(command.on_behalf_of if command.on_behalf_of is not None else unit.actor)
    if command.verb == "reject" and not (command.comment or "").strip():
        raise InvalidValueError("A rejection needs a comment.", hint="Say what is wrong, for whoever asked.")
    row, made = _find(unit, command)
    case = _Case(row, stream_of(row), made, person, command.comment)
    if made.status != "pending":
        return _repeated(case, _WORDS[command.verb])
    why = stale_reason(unit, row.id, policy_in_force(unit, row).policy, made)
    if why is not None:
        return cancel(unit, case.stream, made, why)
    return {"approve": _approve, "reject": _reject, "withdraw": _withdraw}[command.verb](unit, case)


def _find(unit: Unit, command: DecideRequest) -> tuple[Any, Transition]:
    """Return the locked row of the model and the request as it is under that lock."""
    if "/" not in str(command.request):
        named = find_transition(unit, command.request)
        row = find_collection(unit, collection_reference(named.collection), kind="model", lock=True)
        return row, find_transition(unit, named.id)
    if command.stage is None:
        raise InvalidValueError(
            f"{command.request} may be asked for several stages.", hint="Name the stage too (stage=, --stage)."
        )
    ref = parse_reference(command.request)
    row = find_collection(unit, ref, kind="model", lock=True)
    number = resolve_number(unit, ref, row.id)
    policy_in_force(unit, row).policy.stage(command.stage)
    where = (_T.collection_id == row.id, _T.stage == command.stage, _T.number == number, _T.kind == "promoted")
    found = select_transitions(unit, *where, sa.or_(_T.status == "pending", _T.ended_at.is_not(None)))
    found = [made for made in found if made.status == "pending"] or found[-1:]
    if not found:
        waiting = ", ".join(f"v{made.number} for {made.stage!r}" for made in pending_of(unit, row.id))
        raise NotFoundError(
            f"Nobody asked to give {command.stage!r} to {ref.collection}:v{number}.",
            hint=f"These wait: {waiting}." if waiting else "'podium promote' asks for it.",
            stage=command.stage,
        )
    return row, found[0]


def _repeated(case: _Case, decision: Decision) -> Transition:
    """Answer somebody who says about a decided request what they said before; anything else is too late."""
    made, key = case.made, person_key(case.person)
    said = last_words(made.approvals).get(key)
    if said is not None and said.decision == decision:
        return made
    if decision == "withdrawn" and made.status == "cancelled" and key == person_key(made.actor):
        return made
    how = f" ({made.outcome})" if made.outcome else ""
    raise ConflictError(
        f"The request for {made.ref} as {made.stage!r} is {made.status} since "
        f"{made.ended_at or made.at:%Y-%m-%d %H:%M} UTC{how}.",
        hint="Look at what became of it ('podium history --explain').",
        holder=None,
        request=made.id,
        status=made.status,
    )


def _approve(unit: Unit, case: _Case) -> Transition:
    candidate, rule = _candidate(unit, case)
    if rule is not None:
        _require_may(unit, case, candidate, rule, "approve")
    said = last_words(case.made.approvals).get(person_key(case.person))
    fresh = said is None or said.decision != "approved"
    if fresh:
        _require_new_word(unit, case)
    made = _add(unit, case, "approved") if fresh else case.made
    gate = _people(unit, candidate, rule, made)
    if fresh:
        facts = _tally(made, gate)
        _record(unit, case, made, "model_version.promotion_approved", facts)
    if not gate.passed:
        return _keep_waiting(unit, replace(made, changed=fresh), gate)
    candidate = replace(candidate, request=made)
    gates = judge(unit, candidate)
    _require_plugins(gates)
    failed = any(not item.passed for item in gates)
    made = replace(made, policy=candidate.policy.to_json())
    outcome = "A gate failed when the last approval was there." if failed else f"Approved by {case.person}."
    made = end_request(unit, made, "refused" if failed else "committed", outcome, gates)
    carry_out(unit, case.stream, candidate, made, outcome=outcome)
    return made


def _reject(unit: Unit, case: _Case) -> Transition:
    candidate, rule = _candidate(unit, case)
    if rule is not None:
        anybody = replace(rule, not_author=False)
        _require_may(unit, case, candidate, anybody, "reject")
    made = _add(unit, case, "rejected")
    made = end_request(unit, made, "rejected", f"Rejected by {case.person}: {case.comment}", final=True)
    _record(unit, case, made, "model_version.promotion_rejected", request_facts(made) | FINAL)
    return made


def _withdraw(unit: Unit, case: _Case) -> Transition:
    """Cancel the request of whoever asked; from anybody else take their approval back."""
    made, key = case.made, person_key(case.person)
    if key == person_key(made.actor):
        said = f": {case.comment}" if case.comment else "."
        return cancel(unit, case.stream, made, f"Withdrawn by {case.person}, who asked for it{said}", final=True)
    if key not in last_words(made.approvals):
        if any(person_key(word.person) == key for word in made.approvals):
            return made
        raise InvalidValueError(
            f"{case.person} neither asked for {made.ref} as {made.stage!r} nor approved it.",
            hint="Only whoever asked can withdraw the request; others reject it.",
        )
    candidate, rule = _candidate(unit, case)
    made = _add(unit, case, "withdrawn")
    gate = _people(unit, candidate, rule, made)
    facts = _tally(made, gate)
    _record(unit, case, made, "model_version.approval_withdrawn", facts)
    return _keep_waiting(unit, made, gate)


def _candidate(unit: Unit, case: _Case) -> tuple[Candidate, ApprovalRule | None]:
    made = case.made
    candidate = replace(candidate_for(unit, case.row, made.stage, made.number, made.reason), request=made)
    rule = candidate.stage.approvals
    return candidate, rule_in_force(unit, case.row.namespace_id, rule) if rule is not None else None


def _require_may(unit: Unit, case: _Case, candidate: Candidate, rule: ApprovalRule, what: str) -> None:
    roles = roles_by_person(unit, case.row.namespace_id)
    why = may_not_approve(rule, person_key(case.person), authors_of(unit, candidate), roles)
    if why is not None:
        raise PermissionDeniedError(
            f"{case.person} may not {what} {case.made.ref} as {case.made.stage!r}: {case.person} {why}.",
            hint="Somebody else has to do it; 'podium role ls' says who has which role.",
            person=case.person,
            request=case.made.id,
        )


def _require_new_word(unit: Unit, case: _Case) -> None:
    """Refuse the retry of a task that told an approval which the person took back since.

    Raises:
        ConflictError: It is one.
    """
    told = [word for word in case.made.approvals if person_key(word.person) == person_key(case.person)]
    identity = unit.origin.identity
    if identity is not None and any(word.decision == "approved" and word.origin.identity == identity for word in told):
        raise ConflictError(
            f"{case.person} approved {case.made.ref} as {case.made.stage!r}, which this task told already, and took it "
            f"back on {told[-1].at:%Y-%m-%d %H:%M} UTC.",
            hint=f"{case.person} can approve again with 'podium approve {case.made.id}'.",
            holder=None,
            request=case.made.id,
        )


def _require_plugins(gates: Iterable[GateResult]) -> None:
    """Leave a request as it is where the last approval comes from an environment that lacks a gate plugin.

    Raises:
        PluginError: It does; nothing is written, and somebody else can approve elsewhere.
    """
    missing = [gate.name for gate in gates if gate.kind == "plugin" and gate.facts.get("required")]
    if missing:
        raise PluginError(
            f"The policy asks for the gate plugin {missing[0]!r}, which is not at work here; the request waits still.",
            hint="Approve where that plugin is installed ('podium plugins' lists those of this environment).",
            plugin=missing[0],
        )


def _add(unit: Unit, case: _Case, decision: Decision) -> Transition:
    """Add what a person says to a request."""
    said = case.made.approvals
    word = Approval(len(said) + 1, case.person, decision, case.comment, unit.now, unit.actor, unit.origin)
    unit.add(
        t.approvals,
        transition_id=UUID(case.made.id),
        position=word.position,
        person=word.person,
        decision=decision,
        comment=word.comment,
        origin=unit.plain_origin,
        **unit.who,
    )
    return replace(case.made, approvals=(*said, word), changed=True)


def _people(unit: Unit, candidate: Candidate, rule: ApprovalRule | None, made: Transition) -> GateResult:
    """Return the verdict of people alone; where the policy asks for nobody any more, they have agreed."""
    version = candidate.version
    evidence = Evidence(
        subject=Subject(version.ref, version.number, version.digest),
        now=unit.now,
        approvals=made.approvals,
        authors=authors_of(unit, candidate),
        roles=roles_by_person(unit, candidate.row.namespace_id),
    )
    if rule is None:
        approved = [word.person for word in last_words(made.approvals).values() if word.decision == "approved"]
        return GateResult(
            "approvals", "anybody", "passed", "Nobody has to agree.", {"approved": approved, "missing": 0}
        )
    return approval_gate(rule, evidence)


def _keep_waiting(unit: Unit, made: Transition, gate: GateResult) -> Transition:
    """Show in the request what it waits for now; its other gates stay as they were when it was asked."""
    gates = tuple(gate if item.kind == "approvals" else item for item in made.gates)
    values = {"gates": [item.to_json() for item in gates]}
    unit.connection.execute(sa.update(t.transitions).where(_T.id == UUID(made.id)).values(values))
    return replace(made, gates=gates)


def _tally(made: Transition, gate: GateResult) -> dict[str, Any]:
    """Return what an event says after somebody approved, or took that back."""
    counted = {"approved": gate.facts["approved"], "missing": gate.facts["missing"]}
    return request_facts(made) | counted | {"gate": gate.to_json()}


def _record(unit: Unit, case: _Case, made: Transition, event: str, facts: dict[str, Any]) -> None:
    word = made.approvals[-1]
    after = facts | {"person": word.person, "comment": word.comment, "position": word.position}
    before = {"stage": made.stage, "number": made.before}
    unit.record(case.stream, event, made.ref, before=before, after=after, reason=case.comment)
