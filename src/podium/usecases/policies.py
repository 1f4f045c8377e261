"""Policies: which one is in force for a model, what was before, and why it is this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.policies import DEFAULT_POLICY, Policy
from podium.domain.policy_targets import (
    PolicyCandidate,
    PolicyExplanation,
    PolicyRevision,
    PolicyTarget,
    TargetKind,
    parse_target,
)
from podium.domain.policy_text import diff_text, policy_yaml
from podium.errors import InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.usecases.places import collection_reference, find_collection, require_registry
from podium.usecases.unit import Unit

_P = t.policies.c
_NEWEST_FIRST = (_P.weight.desc(), _P.revision.desc())


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy in force for a model.

    Attributes:
        policy: The policy.
        target: What it is for, such as ``model-registry``; ``built-in`` for Podium's own.
        revision: Its revision, None for Podium's own.
    """

    policy: Policy
    target: str = "built-in"
    revision: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return which policy it is, as transitions and events keep it."""
        return {"target": self.target, "revision": self.revision}


def fits(collection_id: Any, name_key: Any) -> sa.ColumnElement[bool]:
    """Whether a policy is for a collection: for it alone, for a pattern that its name fits, or for all."""
    by_name = sa.or_(_P.fits.is_(None), sa.type_coerce(name_key, sa.Text).like(_P.fits, escape="\\"))
    return sa.or_(_P.collection_id == collection_id, sa.and_(_P.collection_id.is_(None), by_name))


def _of(*columns: Any) -> sa.Select[Any]:
    """The policies of a model, :collection in :space, the one in force first."""
    collection = sa.bindparam("collection", type_=sa.Uuid())
    name_key = sa.select(t.collections.c.name_key).where(t.collections.c.id == collection).scalar_subquery()
    here = (_P.namespace_id == sa.bindparam("space", type_=sa.Uuid()), _P.current)
    return sa.select(*columns).where(*here, fits(collection, name_key)).order_by(*_NEWEST_FIRST)


# The policy of a model in a registry, :collection in :space; for use in other statements too.
IN_FORCE = _of(_P.body).limit(1)
_IN_FORCE_ROW = _of(_P.body, _P.revision, _P.collection_id, _P.pattern).limit(1)
_CURRENT = sa.select(_P.id, _P.revision, _P.collection_id, _P.pattern, _P.body, _P.weight).where(
    _P.namespace_id == sa.bindparam("space", type_=sa.Uuid()), _P.current
)


def effective_policy(unit: Unit, namespace_id: UUID, collection_id: UUID | None) -> Policy:
    """Return the model's own policy, else that of the pattern that says most of its name, else the registry's default.

    Without any of them it is Podium's: two stages without requirements.
    """
    return policy_of(unit.connection.execute(IN_FORCE, {"space": namespace_id, "collection": collection_id}).scalar())


def policy_of(body: Any) -> Policy:
    """Return the policy of what `IN_FORCE` selects."""
    return Policy.from_json(body) if body is not None else DEFAULT_POLICY


def policy_in_force(unit: Unit, row: Any) -> InForce:
    """Return the policy in force for a model, with its name and revision.

    Args:
        unit: The unit.
        row: Of the model, as `find_collection` gives it.
    """
    keys = {"space": row.namespace_id, "collection": row.id}
    found = unit.connection.execute(_IN_FORCE_ROW, keys).one_or_none()
    if found is None:
        return InForce(DEFAULT_POLICY)
    name = row.name if found.collection_id is not None else found.pattern
    return InForce(Policy.from_json(found.body), _text(row.namespace, name), found.revision)


def show_policy(unit: Unit, text: str) -> Policy:
    """Return the policy in force for a model, the default of a registry, or that of a pattern.

    Raises:
        InvalidNameError: The target is none.
        NotFoundError: There is no such model or registry, or no policy for this pattern.
    """
    target = parse_target(text)
    if target.kind == "model":
        row = find_collection(unit, collection_reference(text), kind="model")
        return effective_policy(unit, row.namespace_id, row.id)
    space = require_registry(unit, target.registry)
    if target.kind == "registry":
        return effective_policy(unit, space.id, None)
    body = unit.connection.execute(sa.select(_P.body).where(*of_target(space.id, None, target), _P.current)).scalar()
    if body is None:
        raise no_policy(target)
    return Policy.from_json(body)


def policy_history(unit: Unit, text: str) -> list[PolicyRevision]:
    """Return every revision of the policy of exactly this target, oldest first.

    Raises:
        InvalidNameError: The target is none.
        NotFoundError: There is no such model or registry.
    """
    target = parse_target(text)
    space, row = find_target(unit, target)
    columns = (_P.revision, _P.body, _P.created_at, _P.created_by)
    where = of_target(space.id, row.id if row is not None else None, target)
    found = unit.connection.execute(sa.select(*columns).where(*where).order_by(_P.revision)).all()
    reasons = _reasons(unit, row.id if row is not None else space.id)
    return [
        PolicyRevision(
            target.text, item.revision, item.body or None, item.created_at, item.created_by, reasons.get(item.revision)
        )
        for item in found
    ]


def diff_policies(unit: Unit, text: str, old: int | None = None, new: int | None = None) -> str:
    """Return what changed between two revisions of a policy, as a unified diff of their YAML; empty if nothing.

    Args:
        unit: The unit.
        text: The target.
        old: The older revision; the one before the newer if None.
        new: The newer revision; the newest if None.

    Raises:
        InvalidValueError: There is no such revision.
        NotFoundError: There is no such model or registry, or it never had a policy of its own.
    """
    revisions = policy_history(unit, text)
    if not revisions:
        raise no_policy(parse_target(text))
    numbers = [item.revision for item in revisions]
    newer = _position(numbers, new, len(numbers) - 1)
    older = _position(numbers, old, newer - 1)
    before = revisions[older] if older >= 0 else None
    after = revisions[newer]
    return diff_text(
        _yaml(before), _yaml(after), f"revision {before.revision}" if before else "none", f"revision {after.revision}"
    )


def explain_policy(unit: Unit, text: str) -> PolicyExplanation:
    """Return which policy is in force for a model, and why: all that might be, in the order in which they count.

    Raises:
        NotFoundError: There is no such model.
    """
    row = find_collection(unit, collection_reference(text), kind="model")
    keys = {"space": row.namespace_id, "collection": row.id}
    fitting = set(unit.connection.scalars(_of(_P.id), keys))
    rows = sorted(unit.connection.execute(_CURRENT, keys), key=lambda item: (-item.weight, item.revision))
    rows = [item for item in rows if item.collection_id in (None, row.id)]
    chosen = next((item for item in rows if item.id in fitting), None)
    candidates = [_candidate(row, item, chosen, item.id in fitting) for item in rows]
    why = "No other policy fits." if chosen is None else "It is there for models that no policy fits."
    candidates.append(PolicyCandidate("built-in", "built-in", None, chosen is None, why))
    force = next(item for item in candidates if item.in_force)
    policy = Policy.from_json(chosen.body) if chosen is not None else DEFAULT_POLICY
    ref = f"{row.namespace}/{row.name}"
    return PolicyExplanation(ref, force.target, force.revision, policy.to_json(), tuple(candidates))


def find_target(unit: Unit, target: PolicyTarget, *, lock: bool = False) -> tuple[Any, Any]:
    """Return the row of the registry of a target, and that of its model, None for another kind of target.

    Raises:
        NotFoundError: There is no such model or registry.
    """
    row = None
    if target.kind == "model":
        require_registry(unit, target.registry)
        row = find_collection(unit, collection_reference(target.text), kind="model", lock=lock)
    return require_registry(unit, target.registry), row


def of_target(space_id: UUID, collection_id: UUID | None, target: PolicyTarget) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions for the revisions of the policy of exactly one target."""
    pattern = target.name if target.kind == "pattern" else None
    return _P.namespace_id == space_id, _P.collection_id == collection_id, _P.pattern == pattern


def no_policy(target: PolicyTarget) -> NotFoundError:
    """Return the error for a target that has no policy of its own."""
    return NotFoundError(
        f"{target.text} has no policy of its own.",
        hint="'podium policy show' with the name of a model says which one is in force there.",
        target=target.text,
    )


def _candidate(row: Any, item: Any, chosen: Any, fitting: bool) -> PolicyCandidate:
    kind: TargetKind = "model" if item.collection_id is not None else "pattern" if item.pattern else "registry"
    says = {"model": "It is the model's own.", "registry": "It is the default of the registry."}
    why = says.get(kind) or f"The name {'fits' if fitting else 'does not fit'}."
    if fitting and item is not chosen:
        why += " A more specific one is in force."
    name = row.name if kind == "model" else item.pattern
    return PolicyCandidate(_text(row.namespace, name), kind, item.revision, item is chosen, why)


def _reasons(unit: Unit, stream: UUID) -> dict[int, str | None]:
    e = t.events.c
    query = sa.select(e.after, e.reason).where(e.stream == stream, e.type.in_(("policy.set", "policy.removed")))
    return {row.after["revision"]: row.reason for row in unit.connection.execute(query)}


def _position(numbers: Sequence[int], wanted: int | None, otherwise: int) -> int:
    if wanted is None:
        return otherwise
    if wanted not in numbers:
        known = ", ".join(str(number) for number in numbers)
        raise InvalidValueError(f"There is no revision {wanted!r} of this policy.", hint=f"There is {known}.")
    return numbers.index(wanted)


def _yaml(revision: PolicyRevision | None) -> str:
    return policy_yaml(Policy.from_json(revision.policy)) if revision and revision.policy else ""


def _text(namespace: str, name: str | None) -> str:
    return f"{namespace}/{name}" if name else namespace
