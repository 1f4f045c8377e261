"""Evaluating the gates of a stage on what is known of a version: pure, the same facts give the same verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from podium.domain.checks import RecordedCheck
from podium.domain.durations import in_words, parse_duration
from podium.domain.gates import GateResult, sentence
from podium.domain.metric_gates import Holder, Subject, rule_gate
from podium.domain.plain import iso
from podium.domain.policies import ApprovalRule, FreezeWindow, RequiredCheck, Stage
from podium.domain.policy_reading import window_times
from podium.domain.transitions import Approval, FreezeInfo, last_words
from podium.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class CheckEvidence:
    """The result of a check on the digest in question that counts, see `podium.domain.checks.counting_checks`.

    Attributes:
        check: The result.
        sequence: Its number among the results recorded in the same place.
        place: The artifact or model in which it was recorded.
    """

    check: RecordedCheck
    sequence: int
    place: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a version when its gates are evaluated.

    Attributes:
        subject: The version with its numbers.
        now: The time of the evaluation.
        holds_source: Whether it holds the stage now that the one in question is entered from.
        held_source: Whether it has held that stage at any time, by a promotion, a rollback or an adoption.
        checks: The result per check name that counts on this very digest.
        elsewhere: The newest result per check name on any other digest of this model.
        holders: Who holds each stage now, None for nobody.
        freezes: The freezes of this stage that are in force.
        approvals: What people said about the request, oldest first.
        authors: Who may not approve, by `person_key`, and why.
        roles: The roles of each person, by `person_key`.
    """

    subject: Subject
    now: datetime
    holds_source: bool = False
    held_source: bool = False
    checks: Mapping[str, CheckEvidence] = field(default_factory=dict)
    elsewhere: Mapping[str, RecordedCheck] = field(default_factory=dict)
    holders: Mapping[str, Holder | None] = field(default_factory=dict)
    freezes: tuple[FreezeInfo, ...] = ()
    approvals: tuple[Approval, ...] = ()
    authors: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)


def evaluate_gates(stage: Stage, evidence: Evidence) -> tuple[GateResult, ...]:
    """Return the verdict of each gate of a stage on one version, those of plugins apart."""
    gates = [*_freeze_gates(stage, evidence)]
    if stage.from_stage is not None:
        gates.append(_from_gate(stage.from_stage, evidence))
    gates += (_check_gate(check, evidence) for check in stage.required)
    gates += (rule_gate(rule, evidence.subject, evidence.holders) for rule in stage.metrics)
    if stage.approvals is not None:
        gates.append(approval_gate(stage.approvals, evidence))
    return tuple(gates)


def _from_gate(name: str, evidence: Evidence) -> GateResult:
    now, ever = evidence.holds_source, evidence.holds_source or evidence.held_source
    words = "is" if now else "has been" if ever else "has not been"
    reason = f"{evidence.subject.ref} {words} in {name!r}."
    return GateResult("from", name, _verdict(ever), reason, {"holds_now": now, "held_before": ever})


def _check_gate(wanted: RequiredCheck, evidence: Evidence) -> GateResult:
    here, ref = evidence.checks.get(wanted.name), evidence.subject.ref
    if here is None:
        return _advisory(wanted, _missing_check(wanted.name, evidence))
    result = here.check.result
    severity = wanted.severity or result.severity
    passed = result.status in ("pass", "warn") or (result.status == "fail" and severity == "warn")
    verbs = {"pass": "passed", "fail": "failed", "warn": "warned", "skipped": "was skipped"}
    said = f": {sentence(result.message)}" if result.message else "."
    there = f"{here.place}:v{here.check.number}"
    where = "" if passed or here.place == ref.rpartition(":")[0] else f", recorded on {there}"
    reason = f"The check {wanted.name!r} {verbs.get(result.status, 'could not run')} on {ref}{where}{said}"
    ahead = here.check.at - evidence.now  # of a clock that is wrong there or here
    age = max(-ahead, timedelta(0))
    facts: dict[str, Any] = {
        "status": result.status,
        "severity": severity,
        "message": result.message,
        "metrics": dict(result.metrics),
        "digest": here.check.digest,
        "recorded_in": here.place,
        "sequence": here.sequence,
        "at": iso(here.check.at),
        "age_seconds": round(age.total_seconds()),
    }
    if ahead >= timedelta(seconds=1):
        facts["recorded_in_future_seconds"] = round(ahead.total_seconds())
    if wanted.max_age is not None:
        facts["max_age"] = wanted.max_age
        if passed and age > parse_duration(wanted.max_age):
            passed = False
            reason = (
                f"The check {wanted.name!r} ran on {ref} {in_words(age)} ago; its result may be "
                f"{in_words(parse_duration(wanted.max_age))} old. Run it again."
            )
    return _advisory(wanted, GateResult("check", wanted.name, _verdict(passed), reason, facts))


def _missing_check(name: str, evidence: Evidence) -> GateResult:
    ref, other = evidence.subject.ref, evidence.elsewhere.get(name)
    if other is None:
        return GateResult(
            "check", name, "failed", f"The required check {name!r} has not run on {ref}.", {"status": None}
        )
    reason = f"The check {name!r} ran on v{other.number}, whose files differ, and not on {ref}."
    facts = {"status": None, "ran_on": other.number, "ran_on_digest": other.digest}
    return GateResult("check", name, "failed", reason, facts)


def _advisory(wanted: RequiredCheck, gate: GateResult) -> GateResult:
    """Let a check through that the policy calls a warning, and say so."""
    if wanted.severity != "warn" or gate.passed:
        return gate
    return GateResult(
        "check", gate.name, "passed", f"{gate.reason} It only warns here.", {**gate.facts, "warned": True}
    )


def approval_gate(rule: ApprovalRule, evidence: Evidence) -> GateResult:
    """Return the verdict of people: who approved and counts, and how many are missing."""
    approved: list[str] = []
    left_out: list[dict[str, str]] = []
    for key, word in last_words(evidence.approvals).items():
        if word.decision == "approved":
            why = may_not_approve(rule, key, evidence.authors, evidence.roles)
            if why is None:
                approved.append(word.person)
            else:
                left_out.append({"person": word.person, "why": why})
    missing = max(0, rule.count - len(approved))
    facts: dict[str, Any] = {
        "count": rule.count,
        "roles": list(rule.roles),
        "not_author": rule.not_author,
        "approved": approved,
        "left_out": left_out,
        "missing": missing,
    }
    return GateResult(
        "approvals", "+".join(rule.roles) or "anybody", "pending" if missing else "passed", _who(rule, approved), facts
    )


def may_not_approve(
    rule: ApprovalRule, key: str, authors: Mapping[str, str], roles: Mapping[str, Iterable[str]]
) -> str | None:
    """Say why a person may not approve, None if they may.

    Args:
        rule: The rule.
        key: The person, by `person_key`.
        authors: Who asked or logged, by the same, and why that is so.
        roles: The roles of each person, by the same.
    """
    if rule.not_author and key in authors:
        return authors[key]
    if rule.roles and not set(rule.roles) & set(roles.get(key, ())):
        return f"does not have the role {_joined(rule.roles, 'or')}"
    return None


def _who(rule: ApprovalRule, approved: Sequence[str]) -> str:
    whose = f" of {_joined(rule.roles, 'or')}" if rule.roles else ""
    need = f"{rule.count} approval{'' if rule.count == 1 else 's'}{whose}"
    if len(approved) >= rule.count:
        return f"Approved by {_joined(approved, 'and')}; {need} {'is' if rule.count == 1 else 'are'} needed."
    there = f"approved by {_joined(approved, 'and')} so far" if approved else "nobody approved yet"
    return f"It needs {need}; {there}."


def _freeze_gates(stage: Stage, evidence: Evidence) -> list[GateResult]:
    gates = [_frozen(freeze) for freeze in evidence.freezes if freeze.holds(evidence.now)]
    if stage.freeze:
        gates.append(_windows_gate(stage, evidence.now))
    return gates


def _frozen(freeze: FreezeInfo) -> GateResult:
    what = f"{freeze.stage!r} of {freeze.target}" if freeze.stage else f"{freeze.target}"
    until = f"until {when(freeze.until)}" if freeze.until else "until somebody ends it"
    reason = f"{what} is frozen {until} (by {freeze.actor}): {sentence(freeze.reason)}"
    facts = {"freeze": freeze.id, "target": freeze.target, "stage": freeze.stage, "why": freeze.reason}
    facts |= {"by": freeze.actor, "since": iso(freeze.at), "until": iso(freeze.until) if freeze.until else None}
    return GateResult("freeze", freeze.target, "failed", reason, facts)


def _windows_gate(stage: Stage, now: datetime) -> GateResult:
    """Return the verdict of the windows that the policy names; one that cannot be read counts as open."""
    for window in open_windows(stage, now):
        try:
            start, end = window_times(window)
        except InvalidValueError as error:
            return GateResult(
                "freeze", "policy", "failed", f"A freeze window cannot be read: {error}", window.to_json()
            )
        reason = f"{stage.name!r} is frozen by the policy until {when(end)}: {sentence(window.reason)}"
        facts = {**window.to_json(), "since": iso(start), "until": iso(end)}
        return GateResult("freeze", "policy", "failed", reason, facts)
    later = [start for start, _ in map(window_times, stage.freeze) if start > now]
    reason = f"The policy does not freeze {stage.name!r} now" + (
        f"; the next time is {when(min(later))}." if later else "."
    )
    return GateResult("freeze", "policy", "passed", reason, {"next": iso(min(later)) if later else None})


def open_windows(stage: Stage, now: datetime) -> list[FreezeWindow]:
    """Return the windows of a policy that a stage is in; one that cannot be read counts as open."""
    return [window for window in stage.freeze if _is_open(window, now)]


def _is_open(window: FreezeWindow, now: datetime) -> bool:
    try:
        start, end = window_times(window)
    except InvalidValueError:
        return True
    return start <= now < end


def _verdict(passed: bool) -> Any:
    return "passed" if passed else "failed"


def when(time: datetime) -> str:
    """Return a time for a sentence."""
    return f"{iso(time)[:16].replace('T', ' ')} UTC"


def _joined(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
