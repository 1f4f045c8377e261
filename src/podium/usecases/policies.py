"""Policies: which stages a model has and what each requires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import check_project
from podium.domain.plain import check_text
from podium.domain.stages import DEFAULT_POLICY, Policy, validate_policy
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.usecases.places import collection_reference, find_collection, namespace_stream, require_registry, stream_of
from podium.usecases.unit import Unit


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Give a policy to a registered model, or to a registry as its default.

    Attributes:
        target: ``REGISTRY/MODEL`` or ``REGISTRY``.
        policy: The policy.
        reason: Why.
    """

    target: str
    policy: Policy
    reason: str | None = None


def set_policy(unit: Unit, command: SetPolicy) -> Policy:
    """Store a new revision of a policy; the same policy again changes nothing.

    Raises:
        InvalidNameError, InvalidValueError: The policy makes no sense.
        NotFoundError: There is no such model or registry.
    """
    policy = validate_policy(command.policy)
    check_text(command.reason, "The reason")
    space_name, model = _target(command.target)
    space = require_registry(unit, space_name, lock=True)
    row = find_collection(unit, collection_reference(command.target), kind="model", lock=True) if model else None
    before = _stored(unit, space.id, row.id if row is not None else None)
    if before == policy:
        return policy
    p = t.policies.c
    revisions = sa.select(sa.func.max(p.revision)).where(p.namespace_id == space.id)
    revision = (unit.connection.execute(revisions).scalar() or 0) + 1
    unit.add(
        t.policies,
        id=new_id(),
        namespace_id=space.id,
        collection_id=row.id if row is not None else None,
        revision=revision,
        body=policy.to_json(),
        **unit.who,
    )
    _mark_stages(unit, space.id, row.id if row is not None else None, policy.names)
    stream = stream_of(row) if row is not None else namespace_stream(space)
    old = before.to_json() if before is not None else {}
    after = {"revision": revision, **policy.to_json()}
    unit.record(stream, "policy.set", stream.name, before=old, after=after, reason=command.reason)
    return policy


def show_policy(unit: Unit, target: str) -> Policy:
    """Return the policy in force for a registered model, or the default of a registry.

    Raises:
        NotFoundError: There is no such model or registry.
    """
    space_name, model = _target(target)
    if not model:
        return effective_policy(unit, require_registry(unit, space_name).id, None)
    row = find_collection(unit, collection_reference(target), kind="model")
    return effective_policy(unit, row.namespace_id, row.id)


def effective_policy(unit: Unit, namespace_id: UUID, collection_id: UUID | None) -> Policy:
    """Return the model's own policy, else the registry's default, else Podium's: two stages without requirements."""
    return policy_of(unit.connection.execute(IN_FORCE, {"space": namespace_id, "collection": collection_id}).scalar())


def policy_of(body: Any) -> Policy:
    """Return the policy of what `IN_FORCE` selects."""
    return Policy.from_json(body) if body is not None else DEFAULT_POLICY


# The policy of a model in a registry, :collection in :space; for use in other statements too.
IN_FORCE = (
    sa.select(t.policies.c.body)
    .where(
        t.policies.c.namespace_id == sa.bindparam("space", type_=sa.Uuid()),
        sa.or_(
            t.policies.c.collection_id == sa.bindparam("collection", type_=sa.Uuid()),
            t.policies.c.collection_id.is_(None),
        ),
    )
    .order_by(t.policies.c.collection_id.is_(None), t.policies.c.revision.desc())  # a model's own comes first
    .limit(1)
)


def _target(text: str) -> tuple[str, str]:
    """Split ``REGISTRY/MODEL`` or ``REGISTRY`` into the registry and the model, "" for none."""
    space, _, model = text.partition("/") if isinstance(text, str) else (text, "", "")
    return check_project(space), model


def _stored(unit: Unit, namespace_id: UUID, collection_id: UUID | None) -> Policy | None:
    p = t.policies.c
    query = (
        sa.select(p.body)
        .where(p.namespace_id == namespace_id, p.collection_id == collection_id)
        .order_by(p.revision.desc())
        .limit(1)
    )
    body = unit.connection.execute(query).scalar()
    return Policy.from_json(body) if body is not None else None


def _mark_stages(unit: Unit, namespace_id: UUID, collection_id: UUID | None, stages: Sequence[str]) -> None:
    """Mark which aliases are stages, where this policy governs: in its model, or in all that have none of their own."""
    a, c, p = t.aliases.c, t.collections.c, t.policies.c
    if collection_id is not None:
        governed = a.collection_id == collection_id
    else:
        own = sa.select(p.collection_id).where(p.namespace_id == namespace_id, p.collection_id.is_not(None))
        governed = a.collection_id.in_(
            sa.select(c.id).where(c.namespace_id == namespace_id, c.kind == "model", c.id.not_in(own))
        )
    unit.connection.execute(sa.update(t.aliases).where(governed).values(stage=a.name.in_(stages)))
