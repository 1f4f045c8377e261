"""What is known of a version when its gates are evaluated, read in the transaction that decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.automations import LONGEST_CHAIN
from podium.domain.checks import counting_checks
from podium.domain.evaluation import CheckEvidence, Evidence, evaluate_gates, open_windows
from podium.domain.gates import GateResult, PromotionRequest, plugin_gates
from podium.domain.metric_gates import Holder, Subject, parse_rule
from podium.domain.origin import Origin
from podium.domain.policies import Policy, Stage
from podium.domain.transitions import FreezeInfo, Transition, person_key
from podium.domain.versions import Version
from podium.sql import tables as t
from podium.sql.rows import to_check
from podium.usecases.access import roles_by_person, rule_in_force
from podium.usecases.aliases import holder_of
from podium.usecases.checks import recorded_for
from podium.usecases.freezes import active_freezes
from podium.usecases.policies import InForce
from podium.usecases.resolving import get_version
from podium.usecases.stage_holders import has_held
from podium.usecases.unit import Unit

_A, _K = t.aliases.c, t.checks.c
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that wants a stage, and what stands against it.

    Attributes:
        row: Of the model.
        policy: The policy in force.
        stage: The stage, as the policy has it; who approves is settled already.
        version: The version.
        holder: The version number that holds the stage, None for nobody.
        reason: Why it shall have it, if said.
        request: What was asked before, if this is about a request.
    """

    row: Any
    policy: InForce
    stage: Stage
    version: Version
    holder: int | None
    reason: str | None = None
    request: Transition | None = None

    @property
    def asker(self) -> str | None:
        """Who asked, None for whoever calls now."""
        return self.request.actor if self.request is not None else None


def settle_stage(unit: Unit, row: Any, stage: Stage) -> Stage:
    """Return a stage with who has to approve in this registry."""
    if stage.approvals is None:
        return stage
    return replace(stage, approvals=rule_in_force(unit, row.namespace_id, stage.approvals))


def judge(unit: Unit, candidate: Candidate) -> tuple[GateResult, ...]:
    """Evaluate every gate of a stage on a version, those of plugins at the end."""
    version, stage = candidate.version, candidate.stage
    evidence = gather_evidence(unit, candidate)
    request = PromotionRequest(
        ref=version.ref,
        collection=version.collection,
        stage=stage.name,
        number=version.number,
        digest=version.digest,
        metadata=version.metadata,
        metrics=version.metrics,
        holder=candidate.holder,
        actor=candidate.asker or unit.actor,
        reason=candidate.reason,
    )
    return evaluate_gates(stage, evidence) + plugin_gates(stage.plugins, unit.vetoes(request))


def gather_evidence(unit: Unit, candidate: Candidate) -> Evidence:
    """Read what the gates of a stage ask for."""
    row, version, stage = candidate.row, candidate.version, candidate.stage
    source = stage.from_stage
    required = [check.name for check in stage.required]
    return Evidence(
        subject=Subject(version.ref, version.number, version.digest, version.metrics, version.metadata, version.tags),
        now=unit.now,
        holds_source=source is not None and holder_of(unit, row.id, source) == version.number,
        held_source=source is not None and has_held(unit, row.id, source, version.number),
        checks=_checks(unit, row.id, version) if required else {},
        elsewhere={name: check for name in required for check in _elsewhere(unit, row.id, version, name)},
        holders=_holders(unit, row.id, candidate.policy.policy, stage),
        freezes=freezes_of(unit, candidate.row, stage.name),
        approvals=candidate.request.approvals if candidate.request is not None else (),
        authors=authors_of(unit, candidate) if stage.approvals is not None else {},
        roles=roles_by_person(unit, row.namespace_id) if stage.approvals is not None else {},
    )


def freezes_of(unit: Unit, row: Any, stage: str) -> tuple[FreezeInfo, ...]:
    """Return the freezes that a stage of a model is under now."""
    return tuple(active_freezes(unit, row.namespace_id, row.id, stage))


def frozen_facts(unit: Unit, candidate: Candidate) -> dict[str, Any]:
    """Return what an event says of the freezes that a stage moves under all the same: of people, and of the policy."""
    stage = candidate.stage
    frozen: list[dict[str, Any]] = [
        {"freeze": item.id, "by": item.actor, "why": item.reason}
        for item in freezes_of(unit, candidate.row, stage.name)
    ]
    frozen += [{"window": window.to_json(), "why": window.reason} for window in open_windows(stage, unit.now)]
    return {"frozen": frozen} if frozen else {}


def authors_of(unit: Unit, candidate: Candidate) -> Mapping[str, str]:
    """Return who asked for a promotion and who logged the version, by `person_key`, with the words for it.

    Where an automation asked, those behind it count as well: who added it, and whose change it followed on.
    """
    v, m = t.versions.c, t.memberships.c
    here = (m.collection_id == candidate.row.id, m.number == candidate.version.number)
    logged = sa.select(v.created_by).join(t.memberships, m.version_id == v.id).where(*here)
    logger: str = unit.connection.execute(logged).scalar_one()
    asker = candidate.asker or unit.actor
    behind = _behind(unit, candidate.request.origin if candidate.request is not None else unit.origin)
    asked = {person_key(logger): "logged this version", person_key(asker): "asked for this promotion"}
    return {person_key(person): words for person, words in behind} | asked


def _behind(unit: Unit, origin: Origin) -> Iterator[tuple[str, str]]:
    """Yield the people behind the automations that led to a call, and what they did."""
    for _ in range(LONGEST_CHAIN):
        name, event = origin.details.get("automation"), origin.details.get("event")
        if not isinstance(name, str) or not isinstance(event, str) or not _ID.fullmatch(event):
            return
        for person in unit.connection.scalars(_ADDERS, {"name": name}):
            yield person, f"added or changed the automation {name!r}, which asked for this promotion"
        found = unit.connection.execute(_EVENT, {"event": UUID(event)}).one_or_none()
        if found is None:
            return
        yield found.created_by, f"made the change that the automation {name!r} followed on"
        origin = Origin.from_json(found.origin)


# With a reason it is Podium that let the automation follow a rename.
_E = t.events.c
_ADDERS = (
    sa.select(_E.created_by)
    .where(_E.type == "automation.added", _E.subject == sa.bindparam("name"), _E.reason.is_(None))
    .distinct()
)
_EVENT = sa.select(t.events.c.created_by, t.events.c.origin).where(t.events.c.id == sa.bindparam("event"))


def _checks(unit: Unit, collection_id: UUID, version: Version) -> dict[str, CheckEvidence]:
    """Return the result per check name that counts for a version."""
    places = recorded_for(unit, collection_id, version).values()
    numbers = {id(check): sequence for place in places for check, sequence in place}
    counting = counting_checks(check for place in places for check, _ in place)
    return {name: CheckEvidence(check, numbers[id(check)], check.collection) for name, check in counting.items()}


def _elsewhere(unit: Unit, collection_id: UUID, version: Version, name: str) -> list[Any]:
    where = (_K.collection_id == collection_id, _K.name == name, _K.digest != version.digest)
    query = sa.select(t.checks).where(*where).order_by(_K.sequence.desc()).limit(1)
    return [to_check(row, version.collection) for row in unit.connection.execute(query)]


def _holders(unit: Unit, collection_id: UUID, policy: Policy, stage: Stage) -> dict[str, Holder | None]:
    """Return who holds the stages that the rules name; of the others only the names."""
    holders: dict[str, Holder | None] = dict.fromkeys(policy.names)
    named = {found.field.name for rule in stage.metrics for found in parse_rule(rule, policy.names).fields}
    wanted = [name for name in policy.names if name in named]
    if wanted:
        query = sa.select(_A.name, _A.number).where(_A.collection_id == collection_id, _A.name.in_(wanted))
        for row in unit.connection.execute(query).all():
            version = get_version(unit, collection_id, row.number)
            holders[row.name] = Holder(row.number, version.digest, version.metrics)
    return holders
