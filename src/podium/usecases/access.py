"""Roles: who has which in a registry, and what needs one. The actor is who the process says it is."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import check_label, check_project
from podium.domain.plain import check_text
from podium.domain.policies import ApprovalRule
from podium.domain.transitions import RoleGrant, check_person, person_key
from podium.errors import InvalidValueError, PermissionDeniedError
from podium.sql import tables as t
from podium.usecases.places import namespace_stream, require_registry
from podium.usecases.unit import Unit

ADMIN = "admin"
_R = t.roles.c
_HAS_ADMIN = sa.select(sa.func.count()).where(_R.namespace_id == sa.bindparam("space"), _R.role == ADMIN)
_IS = sa.select(sa.func.count()).where(
    _R.namespace_id == sa.bindparam("space"), _R.person_key == sa.bindparam("person"), _R.role == ADMIN
)


def grant_role(unit: Unit, registry: str, person: str, role: str, reason: str | None = None) -> RoleGrant:
    """Give a person a role in a registry; whoever has it already keeps it, and nothing is written.

    Raises:
        InvalidNameError, InvalidValueError: The role or the person has no proper name.
        NotFoundError: There is no such registry.
        PermissionDeniedError: The registry has admins, and the actor is none of them.
    """
    who, space = _checked(unit, registry, person, role, reason)
    require_admin(unit, space, "give a role")
    found = unit.connection.execute(sa.select(t.roles).where(*_one(space.id, who, role))).one_or_none()
    if found is not None:
        return RoleGrant(space.name, found.person, role, found.created_at, found.created_by)
    unit.add(t.roles, namespace_id=space.id, person_key=person_key(who), role=role, person=who, **unit.who)
    facts = {"person": who, "role": role}
    unit.record(namespace_stream(space), "role.granted", space.name, after=facts, reason=reason)
    return RoleGrant(space.name, who, role, unit.now, unit.actor)


def revoke_role(unit: Unit, registry: str, person: str, role: str, reason: str | None = None) -> bool:
    """Take a role away, and return whether the person had it.

    Raises:
        InvalidNameError, NotFoundError, PermissionDeniedError: As `grant_role`.
        InvalidValueError: The person is the last admin; the registry would be open to everybody again.
    """
    who, space = _checked(unit, registry, person, role, reason)
    require_admin(unit, space, "take a role away")
    found = unit.connection.execute(sa.select(t.roles).where(*_one(space.id, who, role))).one_or_none()
    if found is None:
        return False
    if role == ADMIN and _count(unit, _HAS_ADMIN, space=space.id) == 1:
        raise InvalidValueError(
            f"{found.person} is the last admin of {space.name}.", hint="Make somebody else an admin first."
        )
    unit.connection.execute(sa.delete(t.roles).where(*_one(space.id, who, role)))
    facts = {"person": found.person, "role": role}
    unit.record(namespace_stream(space), "role.revoked", space.name, before=facts, reason=reason)
    return True


def list_roles(unit: Unit, registry: str) -> list[RoleGrant]:
    """Return who has which role in a registry, by role and person.

    Raises:
        NotFoundError: There is no such registry.
    """
    space = require_registry(unit, check_project(registry))
    rows = unit.connection.execute(sa.select(t.roles).where(_R.namespace_id == space.id)).all()
    rows = sorted(rows, key=lambda row: (row.role, row.person_key))
    return [RoleGrant(space.name, row.person, row.role, row.created_at, row.created_by) for row in rows]


def roles_by_person(unit: Unit, namespace_id: UUID) -> dict[str, frozenset[str]]:
    """Return the roles of each person in a registry, by `person_key`."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, role in unit.connection.execute(sa.select(_R.person_key, _R.role).where(_R.namespace_id == namespace_id)):
        found[key].add(role)
    return {key: frozenset(roles) for key, roles in found.items()}


def require_admin(unit: Unit, space: Any, what: str) -> None:
    """Refuse whoever is no admin, in a registry that has any: a new registry is open, its first admin closes it.

    Args:
        unit: The unit.
        space: Row of the registry.
        what: What they wanted to do, after "may not".

    Raises:
        PermissionDeniedError: The actor is no admin.
    """
    if is_closed(unit, space.id) and not _count(unit, _IS, space=space.id, person=person_key(unit.actor)):
        raise PermissionDeniedError(
            f"{unit.actor} may not {what} in {space.name}: that needs the role 'admin'.",
            hint="'podium role ls' says who has it.",
            actor=unit.actor,
            role=ADMIN,
        )


def is_closed(unit: Unit, namespace_id: UUID) -> bool:
    """Whether a registry has an admin."""
    return _count(unit, _HAS_ADMIN, space=namespace_id) > 0


def closed_registries(unit: Unit) -> list[Any]:
    """Return the rows of the registries that have an admin."""
    n = t.namespaces.c
    closed = sa.select(_R.namespace_id).where(_R.role == ADMIN)
    return list(unit.connection.execute(sa.select(t.namespaces).where(n.id.in_(closed)).order_by(n.name)))


def rule_in_force(unit: Unit, namespace_id: UUID, rule: ApprovalRule) -> ApprovalRule:
    """Return who has to approve: where a registry has admins and a policy names no role, it is they."""
    if rule.roles or not is_closed(unit, namespace_id):
        return rule
    return ApprovalRule(rule.count, (ADMIN,), rule.not_author, rule.expires)


def _checked(unit: Unit, registry: str, person: str, role: str, reason: str | None) -> tuple[str, Any]:
    check_label(role, "role")
    check_text(reason, "The reason")
    return check_person(person), require_registry(unit, check_project(registry), lock=True)


def _one(space_id: UUID, person: str, role: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _R.namespace_id == space_id, _R.person_key == person_key(person), _R.role == role


def _count(unit: Unit, query: sa.Select[Any], **keys: Any) -> int:
    count: int = unit.connection.execute(query, keys).scalar_one()
    return count
