"""Freezes: closing stages for promotions, of one model or of all in a registry, with a reason and perhaps an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import check_label
from podium.domain.plain import check_text, iso
from podium.domain.policies import DEFAULT_POLICY, Policy
from podium.domain.policy_targets import parse_target
from podium.domain.transitions import FreezeInfo
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.usecases.access import require_admin
from podium.usecases.governed import lock_governed
from podium.usecases.places import namespace_stream, stream_of
from podium.usecases.policies import effective_policy, find_target
from podium.usecases.unit import Stream, Unit

_F = t.freezes.c
REPLACED = "Another freeze took its place."
_LAST = datetime(9999, 12, 30, tzinfo=UTC)  # a day before the end of time: databases tell times in zones of their own


@dataclass(frozen=True, slots=True)
class FreezeStage:
    """Close a stage for promotions.

    Attributes:
        target: ``REGISTRY/MODEL``, or ``REGISTRY`` for all its models.
        stage: The stage, None for all of them.
        reason: Why.
        until: When it ends by itself, None for not before somebody ends it.
    """

    target: str
    stage: str | None
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """A locked target of a freeze."""

    text: str
    space: Any
    row: Any

    @property
    def stream(self) -> Stream:
        return stream_of(self.row) if self.row is not None else namespace_stream(self.space)


def freeze_stage(unit: Unit, command: FreezeStage) -> FreezeInfo:
    """Close a stage; a freeze of the same target that is in force is replaced, the same one again changes nothing.

    Raises:
        InvalidNameError, InvalidValueError: There is no reason, or ``until`` is not a time to come.
        NotFoundError: There is no such model, registry or stage.
        PermissionDeniedError: The registry has admins, and the actor is none of them.
    """
    _require_reason(command.reason)
    _require_future(unit, command.until)
    place = _lock(unit, command.target)
    require_admin(unit, place.space, "freeze a stage")
    _require_stage(unit, place, command.stage)
    old = _newest(unit, place, command.stage)
    in_force = old if old is not None and old.holds(unit.now) else None
    if in_force is not None and (in_force.reason, in_force.until) == (command.reason, command.until):
        return in_force
    if in_force is not None:
        _end(unit, in_force, REPLACED)
    made = _begin(unit, place, command)
    before = _facts(in_force) if in_force is not None else {}
    unit.record(place.stream, "stage.frozen", place.text, before=before, after=_facts(made), reason=made.reason)
    return made


def unfreeze_stage(unit: Unit, target: str, stage: str | None = None, reason: str | None = None) -> FreezeInfo:
    """End the freeze of exactly this target and stage; one that has ended already is returned as it is.

    Raises:
        InvalidNameError, InvalidValueError: The target or the reason cannot be used.
        NotFoundError: There is no such model or registry, or it was never frozen.
        PermissionDeniedError: The registry has admins, and the actor is none of them.
    """
    check_text(reason, "The reason")
    place = _lock(unit, target)
    require_admin(unit, place.space, "end a freeze")
    found = _newest(unit, place, stage)
    if found is None:
        raise _never_frozen(unit, place, stage)
    if not found.holds(unit.now):
        return found
    ended = _end(unit, found, reason)
    unit.record(
        place.stream, "stage.unfrozen", place.text, before=_facts(found), after={"freeze": found.id}, reason=reason
    )
    return ended


def list_freezes(unit: Unit, target: str | None = None, *, ended: bool = False) -> list[FreezeInfo]:
    """Return freezes, oldest first.

    Args:
        unit: The unit.
        target: Those that this model or registry is under; None for all.
        ended: Whether those that are over are returned as well.

    Raises:
        InvalidNameError: The target is none.
        NotFoundError: There is no such model or registry.
    """
    query = _SELECT.order_by(_F.created_at, _F.id)
    if target is not None:
        space, row = find_target(unit, _target(target))
        query = query.where(_F.namespace_id == space.id)
        if row is not None:
            query = query.where(sa.or_(_F.collection_id.is_(None), _F.collection_id == row.id))
    found = [_to_freeze(row) for row in unit.connection.execute(query)]
    return [freeze for freeze in found if ended or freeze.holds(unit.now)]


def active_freezes(unit: Unit, namespace_id: UUID, collection_id: UUID, stage: str) -> list[FreezeInfo]:
    """Return the freezes that a stage of a model is under now."""
    keys = {"space": namespace_id, "collection": collection_id, "stage": stage}
    found = [_to_freeze(row) for row in unit.connection.execute(_ACTIVE, keys)]
    return [freeze for freeze in found if freeze.holds(unit.now)]


_SELECT = (
    sa.select(t.freezes, t.namespaces.c.name.label("namespace"), t.collections.c.name.label("model"))
    .join(t.namespaces, t.namespaces.c.id == _F.namespace_id)
    .outerjoin(t.collections, t.collections.c.id == _F.collection_id)
)
_ACTIVE = _SELECT.where(
    _F.namespace_id == sa.bindparam("space", type_=sa.Uuid()),
    _F.ended_at.is_(None),
    sa.or_(_F.collection_id.is_(None), _F.collection_id == sa.bindparam("collection", type_=sa.Uuid())),
    sa.or_(_F.stage.is_(None), _F.stage == sa.bindparam("stage")),
).order_by(_F.created_at, _F.id)


def _to_freeze(row: Any) -> FreezeInfo:
    return FreezeInfo(
        id=str(row.id),
        target=f"{row.namespace}/{row.model}" if row.collection_id is not None else row.namespace,
        stage=row.stage,
        reason=row.reason,
        at=row.created_at,
        actor=row.created_by,
        until=row.until,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        ended_reason=row.ended_reason,
    )


def _target(text: str) -> Any:
    target = parse_target(text)
    if target.kind == "pattern":
        raise InvalidNameError(f"{text!r} is a pattern.", hint="Freeze a model, or a registry as a whole.")
    return target


def _lock(unit: Unit, text: str) -> _Place:
    target = _target(text)
    space, rows = lock_governed(unit, target)
    return _Place(target.text, space, next(iter(rows.values())) if target.kind == "model" else None)


def _newest(unit: Unit, place: _Place, stage: str | None) -> FreezeInfo | None:
    """Return the newest freeze of exactly this target and stage, ended or not."""
    collection_id = place.row.id if place.row is not None else None
    here = (_F.namespace_id == place.space.id, _F.collection_id == collection_id, _F.stage == stage)
    query = _SELECT.where(*here).order_by(_F.created_at.desc(), _F.id.desc()).limit(1)
    row = unit.connection.execute(query).one_or_none()
    return _to_freeze(row) if row is not None else None


def _begin(unit: Unit, place: _Place, command: FreezeStage) -> FreezeInfo:
    made = FreezeInfo(str(new_id()), place.text, command.stage, command.reason, unit.now, unit.actor, command.until)
    unit.add(
        t.freezes,
        id=UUID(made.id),
        namespace_id=place.space.id,
        collection_id=place.row.id if place.row is not None else None,
        stage=made.stage,
        reason=made.reason,
        until=made.until,
        origin=unit.plain_origin,
        **unit.who,
    )
    return made


def _end(unit: Unit, freeze: FreezeInfo, reason: str | None) -> FreezeInfo:
    values = {"ended_at": unit.now, "ended_by": unit.actor, "ended_reason": reason}
    unit.connection.execute(sa.update(t.freezes).where(_F.id == UUID(freeze.id)).values(values))
    query = _SELECT.where(_F.id == UUID(freeze.id))
    return _to_freeze(unit.connection.execute(query).one())


def _facts(freeze: FreezeInfo) -> dict[str, Any]:
    until = iso(freeze.until) if freeze.until is not None else None
    return {"freeze": freeze.id, "target": freeze.target, "stage": freeze.stage, "why": freeze.reason, "until": until}


def _require_reason(reason: Any) -> None:
    check_text(reason, "The reason")
    if not (reason or "").strip():
        raise InvalidValueError("A freeze needs a reason.", hint="Say why, for those whose promotion it stops.")


def _require_future(unit: Unit, until: Any) -> None:
    if until is None:
        return
    if not isinstance(until, datetime) or until.tzinfo is None:
        raise InvalidValueError(f"{until!r} is no time with a zone.", hint="Pass datetime(2026, 12, 31, tzinfo=UTC).")
    if until > _LAST:
        raise InvalidValueError(f"{until.isoformat()} is too far away.", hint="Leave it out: it ends when you say so.")
    if until <= unit.now:
        raise InvalidValueError(f"{until.isoformat()} is over already.", hint="Give a time to come, or leave it out.")


def _require_stage(unit: Unit, place: _Place, stage: str | None) -> None:
    """Refuse a stage that no policy knows: a slip of the pen would freeze nothing."""
    if stage is None:
        return
    check_label(stage, "stage")
    if place.row is not None:
        effective_policy(unit, place.space.id, place.row.id).stage(stage)
        return
    p = t.policies.c
    bodies = unit.connection.scalars(sa.select(p.body).where(p.namespace_id == place.space.id, p.current))
    known = {each.name: each for body in bodies for each in Policy.from_json(body).stages}
    known |= {each.name: each for each in effective_policy(unit, place.space.id, None).stages}
    Policy(tuple(known.values()) or DEFAULT_POLICY.stages).stage(stage)


def _never_frozen(unit: Unit, place: _Place, stage: str | None) -> NotFoundError:
    what = f"The stage {stage!r} of {place.text}" if stage is not None else f"{place.text} as a whole"
    there = [freeze for freeze in list_freezes(unit, place.text) if freeze.holds(unit.now)]
    named = ", ".join(f"{item.target} {item.stage or '(all stages)'}" for item in there)
    hint = f"In force are: {named}." if there else "'podium freeze ls' lists what is frozen."
    return NotFoundError(f"{what} is not frozen.", hint=hint, target=place.text)
