"""Setting policies, and taking them away: which aliases are stages changes with them, never without a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.plain import check_text
from podium.domain.policies import Policy, validate_policy
from podium.domain.policy_targets import PolicyTarget, may_meet, parse_target
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.usecases.access import require_admin
from podium.usecases.governed import lock_governed
from podium.usecases.places import namespace_stream, stream_of
from podium.usecases.policies import no_policy, of_target
from podium.usecases.requests import close_without_stage
from podium.usecases.stage_marks import mark_stages, policies_in_force, record_changes, require_consent
from podium.usecases.unit import Unit

_P = t.policies.c


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Give a policy to a model, to models whose names fit a pattern, or to a registry as its default.

    Attributes:
        target: ``REGISTRY/MODEL``, ``REGISTRY/PATTERN`` with ``*`` and ``?``, or ``REGISTRY``.
        policy: The policy.
        reason: Why.
        adopt: Whether aliases of the names of its stages become stages, although no gate was asked.
        release: Whether stages that it does not name become plain aliases, although somebody holds them.
        apart: Ids of models that come with their stages as they are, in the same unit: nothing is told of them.
    """

    target: str
    policy: Policy
    reason: str | None = None
    adopt: bool = False
    release: bool = False
    apart: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class RemovePolicy:
    """Take the policy of a target away, so that the next one that fits is in force.

    Attributes:
        target: As for `SetPolicy`.
        reason: Why.
        adopt: As for `SetPolicy`; the next policy may have other stages.
        release: Likewise.
    """

    target: str
    reason: str | None = None
    adopt: bool = False
    release: bool = False


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
            somebody holds an alias that would become a stage, or a stage that would be none, and neither ``adopt``
            nor ``release`` says that it may.
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
    _replace(unit, scope, "policy.set", before, body, command)
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
    _replace(unit, scope, "policy.removed", old.body, {}, command)


def _replace(
    unit: Unit,
    scope: _Scope,
    event: str,
    before: Mapping[str, Any],
    body: Mapping[str, Any],
    command: SetPolicy | RemovePolicy,
) -> None:
    """Write a revision, mark stages by what is in force now, and record it; nobody waits for a stage that is gone."""
    revision = _write(unit, scope, body)
    after = policies_in_force(unit, scope.space.id, list(scope.rows))
    changed = {key: policy for key, policy in after.items() if policy != scope.before[key]}
    changes = mark_stages(unit, changed, command.apart if isinstance(command, SetPolicy) else ())
    require_consent(scope.rows, changes, adopt=command.adopt, release=command.release)
    streams = {key: stream_of(scope.rows[key]) for key in {*changes.models, *filter(None, [scope.model])}}
    stream = streams[scope.model] if scope.model is not None else namespace_stream(scope.space)
    facts = {"revision": revision, **body, "target": scope.target.text, **changes.facts(scope.rows)}
    unit.record(stream, event, scope.target.text, before=before, after=facts, reason=command.reason)
    record_changes(unit, scope.rows, streams, changes, command.reason)
    close_without_stage(unit, {key: scope.rows[key] for key in changed}, streams)


def _lock(unit: Unit, target: PolicyTarget) -> _Scope:
    space, rows = lock_governed(unit, target)
    return _Scope(target, space, rows, policies_in_force(unit, space.id, list(rows)))


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
