"""Setting policies, and taking them away: which aliases are stages changes with them, never without a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.plain import check_text
from podium.domain.policies import DEFAULT_POLICY, Policy, validate_policy
from podium.domain.policy_targets import PolicyTarget, may_meet, parse_target
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.usecases.access import require_admin
from podium.usecases.governed import chunks, lock_governed
from podium.usecases.places import namespace_stream, stream_of
from podium.usecases.policies import fits, no_policy, of_target, policy_in_force
from podium.usecases.unit import Stream, Unit

_A, _C, _P = t.aliases.c, t.collections.c, t.policies.c


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Give a policy to a model, to models whose names fit a pattern, or to a registry as its default.

    Attributes:
        target: ``REGISTRY/MODEL``, ``REGISTRY/PATTERN`` with ``*`` and ``?``, or ``REGISTRY``.
        policy: The policy.
        reason: Why.
        adopt: Whether aliases of the names of its stages become stages, although no gate was asked.
    """

    target: str
    policy: Policy
    reason: str | None = None
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class RemovePolicy:
    """Take the policy of a target away, so that the next one that fits is in force.

    Attributes:
        target: As for `SetPolicy`.
        reason: Why.
        adopt: As for `SetPolicy`; the next policy may have other stages.
    """

    target: str
    reason: str | None = None
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a change of policy touches, locked.

    Attributes:
        target: What the policy is for.
        space: The row of the registry.
        rows: The rows of the models that it may govern, by id.
        before: Model to the policy row that was in force there.
    """

    target: PolicyTarget
    space: Any
    rows: Mapping[UUID, Any]
    before: Mapping[UUID, UUID | None]

    @property
    def model(self) -> UUID | None:
        """The id of the model, if the target is one."""
        return next(iter(self.rows)) if self.target.kind == "model" else None


def set_policy(unit: Unit, command: SetPolicy) -> Policy:
    """Store a new revision of a policy; the same policy again changes nothing.

    Raises:
        InvalidNameError, InvalidValueError: The policy makes no sense, another pattern says as much about a name, or
            somebody holds an alias that would become a stage and ``adopt`` is not set.
        NotFoundError: There is no such model or registry.
        PermissionDeniedError: The registry has admins, and the actor is none of them.
    """
    policy = validate_policy(command.policy)
    check_text(command.reason, "The reason")
    scope = _lock(unit, parse_target(command.target))
    require_admin(unit, scope.space, "set a policy")
    old = _current(unit, scope)
    body = policy.to_json()
    if old is not None and old.body == body:
        return policy
    _refuse_ties(unit, scope)
    before = old.body if old is not None else {}
    _replace(unit, scope, "policy.set", before, body, command.reason, adopt=command.adopt)
    return policy


def remove_policy(unit: Unit, command: RemovePolicy) -> None:
    """Take a policy away; its revisions stay in the history.

    Raises:
        InvalidNameError, InvalidValueError, PermissionDeniedError: As `set_policy`.
        NotFoundError: There is no such model or registry, or it has no policy of its own.
    """
    check_text(command.reason, "The reason")
    scope = _lock(unit, parse_target(command.target))
    require_admin(unit, scope.space, "take a policy away")
    old = _current(unit, scope)
    if old is None:
        raise no_policy(scope.target)
    _replace(unit, scope, "policy.removed", old.body, {}, command.reason, adopt=command.adopt)


def mark_stages(unit: Unit, row: Any, *, adopt: bool = False) -> list[tuple[str, int]]:
    """Mark the aliases of one locked model by the policy in force, after its name changed.

    Returns:
        The aliases that became stages, with the versions that hold them.

    Raises:
        InvalidValueError: There are such, and ``adopt`` is not set.
    """
    in_force = _in_force(unit, row.namespace_id, [row.id])
    return _mark(unit, {row.id: row}, in_force, adopt=adopt).get(row.id, [])


def _replace(
    unit: Unit,
    scope: _Scope,
    event: str,
    before: Mapping[str, Any],
    body: Mapping[str, Any],
    reason: str | None,
    *,
    adopt: bool,
) -> None:
    """Write a revision, mark stages by what is in force now, and record it."""
    revision = _write(unit, scope, body)
    after = _in_force(unit, scope.space.id, list(scope.rows))
    changed = {key: policy for key, policy in after.items() if policy != scope.before[key]}
    adopted = _mark(unit, scope.rows, changed, adopt=adopt)
    streams = {key: stream_of(scope.rows[key]) for key in {*adopted, *filter(None, [scope.model])}}
    stream = streams[scope.model] if scope.model is not None else namespace_stream(scope.space)
    facts = {"revision": revision, **body, "target": scope.target.text}
    if adopted:
        facts["adopted"] = [
            {"model": streams[key].name, "stage": stage, "number": number}
            for key, stages in adopted.items()
            for stage, number in stages
        ]
    unit.record(stream, event, scope.target.text, before=before, after=facts, reason=reason)
    for key, stages in adopted.items():
        _record_adopted(unit, streams[key], stages, policy_in_force(unit, scope.rows[key]).to_json(), reason)


def _record_adopted(
    unit: Unit, stream: Stream, stages: Iterable[tuple[str, int]], policy: Mapping[str, Any], reason: str | None
) -> None:
    for stage, number in stages:
        facts = {"stage": stage, "number": number, "policy": policy}
        unit.record(stream, "stage.adopted", f"{stream.name}:v{number}", after=facts, reason=reason)


def _lock(unit: Unit, target: PolicyTarget) -> _Scope:
    space, rows = lock_governed(unit, target)
    return _Scope(target, space, rows, _in_force(unit, space.id, list(rows)))


def _in_force(unit: Unit, space_id: UUID, ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Return model to the row of the policy in force there, None where it is Podium's own."""
    first = (
        sa.select(_P.id)
        .where(_P.namespace_id == space_id, _P.current, fits(_C.id, _C.name_key))
        .order_by(_P.weight.desc(), _P.revision.desc())
        .limit(1)
        .correlate(t.collections)
        .scalar_subquery()
    )
    found: dict[UUID, UUID | None] = {}
    for some in chunks(ids):
        query = sa.select(_C.id, first.label("policy")).where(_C.id.in_(some))
        found |= {row.id: row.policy for row in unit.connection.execute(query)}
    return found


def _current(unit: Unit, scope: _Scope) -> Any:
    query = sa.select(_P.id, _P.body).where(*of_target(scope.space.id, scope.model, scope.target), _P.current)
    return unit.connection.execute(query).one_or_none()


def _write(unit: Unit, scope: _Scope, body: Mapping[str, Any]) -> int:
    target = scope.target
    here = of_target(scope.space.id, scope.model, target)
    unit.connection.execute(sa.update(t.policies).where(*here, _P.current).values(current=False))
    revisions = sa.select(sa.func.max(_P.revision)).where(_P.namespace_id == scope.space.id)
    revision: int = (unit.connection.execute(revisions).scalar() or 0) + 1
    unit.add(
        t.policies,
        id=new_id(),
        namespace_id=scope.space.id,
        collection_id=scope.model,
        revision=revision,
        body=dict(body),
        pattern=target.name if target.kind == "pattern" else None,
        fits=target.fits if target.kind == "pattern" else None,
        weight=target.weight,
        current=bool(body),
        **unit.who,
    )
    return revision


def _refuse_ties(unit: Unit, scope: _Scope) -> None:
    """Refuse a pattern that says as much as another one that may fit the same name."""
    target = scope.target
    if target.kind != "pattern":
        return
    same = (_P.namespace_id == scope.space.id, _P.current, _P.weight == target.weight, _P.pattern.is_not(None))
    for pattern in unit.connection.scalars(sa.select(_P.pattern).where(*same)):
        if pattern != target.name and may_meet(pattern, target.name):
            raise InvalidValueError(
                f"A name may fit {target.name!r} and {pattern!r}, and neither is more specific.",
                hint="Write more of the name into one of them, or give the models in question policies of their own.",
                pattern=pattern,
            )


def _mark(
    unit: Unit, rows: Mapping[UUID, Any], in_force: Mapping[UUID, UUID | None], *, adopt: bool
) -> dict[UUID, list[tuple[str, int]]]:
    """Mark which aliases of models are stages, and return those that became one, with who holds them."""
    governed: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for key, policy in in_force.items():
        governed[policy].append(key)
    adopted: defaultdict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for policy, models in governed.items():
        names = _names(unit, policy)
        for some in chunks(models):
            fresh = sa.select(_A.collection_id, _A.name, _A.number)
            fresh = fresh.where(_A.collection_id.in_(some), _A.name.in_(names), ~_A.stage)
            for row in unit.connection.execute(fresh):
                adopted[row.collection_id].append((row.name, row.number))
            marked = sa.update(t.aliases).where(_A.collection_id.in_(some)).values(stage=_A.name.in_(names))
            unit.connection.execute(marked)
    if adopted and not adopt:
        raise _would_adopt(rows, adopted)
    return {key: sorted(stages) for key, stages in adopted.items()}


def _names(unit: Unit, policy: UUID | None) -> tuple[str, ...]:
    if policy is None:
        return DEFAULT_POLICY.names
    body = unit.connection.execute(sa.select(_P.body).where(_P.id == policy)).scalar_one()
    return Policy.from_json(body).names


def _would_adopt(rows: Mapping[UUID, Any], adopted: Mapping[UUID, list[tuple[str, int]]]) -> InvalidValueError:
    named = [
        f"{rows[key].namespace}/{rows[key].name}:v{number} as {stage!r}"
        for key, stages in adopted.items()
        for stage, number in sorted(stages)
    ]
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return InvalidValueError(
        f"Aliases would become stages although no gate was asked: {', '.join(sorted(named)[:5])}{more}.",
        hint="Remove those aliases first, or take their holders over with adopt=True (--adopt); that is on record.",
        adopts=sorted(named),
    )
