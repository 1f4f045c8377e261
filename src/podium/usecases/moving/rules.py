"""The rules of registries that are here with a stream of their own: compared, and taken over where there are none.

Every database has its `model-registry` from the start, so the stream of the bundle's never moves. Its models would come
without the gates, roles and freezes that were in force there, and nobody would see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.bundle_check import Record
from podium.domain.bundle_rules import RegistryRules, Row, Rules, RulesState, policy_among
from podium.domain.names import check_label
from podium.domain.policies import DEFAULT_POLICY, Policy
from podium.domain.transitions import check_person, person_key
from podium.sql import tables as t
from podium.usecases.access import ADMIN
from podium.usecases.freezes import FreezeStage, freeze_stage
from podium.usecases.moving.comparing import Records
from podium.usecases.moving.plan import Plan, RulesPlan
from podium.usecases.moving.scope import chunks
from podium.usecases.places import namespace_stream, require_registry
from podium.usecases.policy_changes import SetPolicy, set_policy
from podium.usecases.unit import Unit

_RULED = ("policy.set", "policy.removed", "role.granted", "role.revoked", "stage.frozen", "stage.unfrozen")


@dataclass(frozen=True, slots=True)
class _Sides:
    """A registry in the bundle and here.

    Attributes:
        name: Of the registry.
        wanted: The rules of the bundle.
        here: Those here.
        policies: The policies of the bundle, those of models too.
        policies_here: Those here, those of models too.
        models: The models of the bundle that are, or will be, as they are there.
    """

    name: str
    wanted: Rules
    here: Rules
    policies: Sequence[Row]
    policies_here: Sequence[Row]
    models: Sequence[Record]


def plan_rules(unit: Unit, records: Records, plan: Plan) -> None:
    """Decide what becomes of the rules of registries that keep their own stream here.

    Args:
        unit: The unit.
        records: The bundle.
        plan: What is known so far: what is moved, and which registries keep their stream.
    """
    kinds = {kind: _of_spaces(records, kind, plan) for kind in ("policies", "roles", "freezes", "collections")}
    for space, row in sorted(plan.apart.items(), key=lambda item: item[1].name):
        mine = {kind: [record for record in found if record["namespace_id"] == space] for kind, found in kinds.items()}
        sides = _compare_sides(unit, plan, row, mine)
        planned = _plan_one(unit, plan, row, sides)
        if planned is not None:
            plan.rules.append(planned)


def bring_rules(unit: Unit, plan: Plan, reason: str) -> None:
    """Take over what was planned, as changes of policies, freezes and roles that are on record here.

    The models that came were governed by the same policies: that their stages are such is no news, and their streams
    stay as they are. Where an alias of another model becomes a stage, or a stage is none any more, that is on record in
    its stream.

    Args:
        unit: The unit; the registries are locked.
        plan: What changes.
        reason: Why, for the events.
    """
    for rules in plan.taken_rules:
        _bring_policies(unit, rules, _moved_models(unit, plan, rules.row), reason)
        for stage, until in rules.wanted.freezes.items():
            why = f"{rules.wanted.reasons[stage]} ({reason})"
            freeze_stage(unit, FreezeStage(rules.row.name, stage, why, until))
        _bring_roles(unit, rules, reason)


def _of_spaces(records: Records, kind: str, plan: Plan) -> list[Record]:
    return [record for record in records(kind) if record["namespace_id"] in plan.apart]


def _compare_sides(unit: Unit, plan: Plan, row: Any, mine: Mapping[str, list[Record]]) -> _Sides:
    policies = [record for record in mine["policies"] if record["current"] and record["body"]]
    here = {table.name: _rows(unit, table, row.id) for table in (t.policies, t.roles, t.freezes)}
    models = [
        record
        for record in mine["collections"]
        if record["deleted_at"] is None and record["id"] in plan.active.keys() | plan.same
    ]
    return _Sides(
        name=row.name,
        wanted=Rules.of(policies, mine["roles"], mine["freezes"], unit.now),
        here=Rules.of(here["policies"], here["roles"], here["freezes"], unit.now),
        policies=policies,
        policies_here=[
            # What a model that is written has of its own comes with it.
            *(policy for policy in policies if policy["collection_id"] in plan.active),
            *(policy for policy in here["policies"] if policy["collection_id"] not in plan.active),
        ],
        models=models,
    )


def _rows(unit: Unit, table: sa.Table, space_id: Any) -> list[Row]:
    query = sa.select(table).where(table.c.namespace_id == space_id)
    if table is t.policies:
        query = query.where(t.policies.c.current)
    elif table is t.freezes:
        query = query.where(t.freezes.c.collection_id.is_(None), t.freezes.c.ended_at.is_(None))
    return [row._asdict() for row in unit.connection.execute(query)]


def _plan_one(unit: Unit, plan: Plan, row: Any, sides: _Sides) -> RulesPlan | None:
    wanted, missing = sides.wanted, sides.wanted.without(sides.here)
    if wanted and not _has_own(unit, row.id):
        wanted = _freezable(plan, sides)
        return RulesPlan(row, wanted, replace(_counted(row, "brought", wanted), admins=wanted.admins))
    ungoverned, other = _stages(sides)
    if missing or ungoverned or other:
        report = replace(_counted(row, "kept", missing), ungoverned=ungoverned, other_gates=other)
        return RulesPlan(row, missing, report)
    return RulesPlan(row, wanted, _counted(row, "same", wanted)) if wanted else None


def _counted(row: Any, state: RulesState, rules: Rules) -> RegistryRules:
    return RegistryRules(
        row.name, state, int(rules.default is not None), len(rules.patterns), len(rules.roles), len(rules.freezes)
    )


def _has_own(unit: Unit, space_id: Any) -> bool:
    """Whether a registry ever had rules of its own; what was taken away was decided, too."""
    e = t.events.c
    query = sa.select(e.id).where(e.stream == space_id, e.type.in_(_RULED)).limit(1)
    return unit.connection.execute(query).first() is not None


def _freezable(plan: Plan, sides: _Sides) -> Rules:
    """Return the rules of the bundle without freezes of stages that no policy will know here: they close nothing."""
    coming = [policy for policy in sides.policies if policy["collection_id"] is None]
    known = {name for policy in [*coming, *sides.policies_here] for name in Policy.from_json(policy["body"]).names}
    known |= set(DEFAULT_POLICY.names) if sides.wanted.default is None else set()
    lost = sorted(stage for stage in sides.wanted.freezes if stage is not None and stage not in known)
    plan.notes += [
        f"The freeze of {stage!r} in {sides.name} is left out: no policy knows that stage any more." for stage in lost
    ]
    kept = {stage: until for stage, until in sides.wanted.freezes.items() if stage not in lost}
    return replace(sides.wanted, freezes=kept)


def _stages(sides: _Sides) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stages of the bundle's models that are none here, and those that ask for something else here."""
    ungoverned, other = [], []
    for model in sorted(sides.models, key=lambda record: str(record["name"])):
        here = policy_among(sides.policies_here, model["id"], model["name"])
        gates = {stage.name: stage.to_json() for stage in here.stages}
        for stage in policy_among(sides.policies, model["id"], model["name"]).stages:
            text = f"{sides.name}/{model['name']}:{stage.name}"
            if stage.name not in gates:
                ungoverned.append(text)
            elif gates[stage.name] != stage.to_json():
                other.append(text)
    return tuple(ungoverned), tuple(other)


def _moved_models(unit: Unit, plan: Plan, row: Any) -> frozenset[UUID]:
    """Return the ids of the models of a registry that came with the bundle."""
    c, found = t.collections.c, set[UUID]()
    for some in chunks(sorted(plan.active.keys() | plan.same)):
        found |= set(unit.connection.scalars(sa.select(c.id).where(c.id.in_(some), c.namespace_id == row.id)))
    return frozenset(found)


def _bring_policies(unit: Unit, rules: RulesPlan, moved: frozenset[UUID], reason: str) -> None:
    # The most specific first: no alias becomes a stage by a policy that another one is about to overrule.
    wanted = [(f"{rules.row.name}/{pattern}", body) for pattern, body in rules.wanted.patterns.items()]
    wanted += [(rules.row.name, rules.wanted.default)] if rules.wanted.default is not None else []
    for target, body in wanted:
        policy = Policy.from_json(body)
        set_policy(unit, SetPolicy(target, policy, reason, adopt=True, release=True, apart=moved))


def _bring_roles(unit: Unit, rules: RulesPlan, reason: str) -> None:
    """Give everybody's role at once.

    Not by `grant_role`: the first admin closes the registry, and whoever imports could not give the roles after it.
    """
    space = require_registry(unit, rules.row.name, lock=True)
    stream = namespace_stream(space)
    for person, role in _grants(rules.wanted):
        facts = {"person": person, "role": role}
        unit.add(t.roles, namespace_id=space.id, person_key=person_key(person), role=role, person=person, **unit.who)
        unit.record(stream, "role.granted", space.name, after=facts, reason=reason)


def _grants(rules: Rules) -> Iterable[tuple[str, str]]:
    found = {(check_person(person), check_label(role, "role")) for (_, role), person in rules.roles.items()}
    return sorted(found, key=lambda grant: (grant[1] == ADMIN, grant[1], person_key(grant[0])))
