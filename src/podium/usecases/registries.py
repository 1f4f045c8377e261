"""Registries: the curated namespaces that models are linked into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from podium.domain.events import GENESIS
from podium.domain.names import check_project, check_type
from podium.domain.plain import check_text
from podium.domain.versions import RegistryInfo
from podium.errors import AlreadyExistsError, InvalidValueError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.write import insert_missing
from podium.usecases.editing import KEEP, Keep, Text
from podium.usecases.places import find_namespace, namespace_stream, require_registry
from podium.usecases.unit import Unit

Types = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class CreateRegistry:
    """Make a registry.

    Attributes:
        name: Unique among projects and registries.
        types: The artifact types that it accepts, None for every type.
        description: Free text.
    """

    name: str
    types: Types = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class EditRegistry:
    """Change what a registry accepts or how it is described.

    Attributes:
        name: The registry.
        types: The artifact types that it accepts from now on, None for every type.
        description: Free text, None to take it away.
        reason: Why.
    """

    name: str
    types: Types | Keep = KEEP
    description: Text = KEEP
    reason: str | None = None


def create_registry(unit: Unit, command: CreateRegistry) -> RegistryInfo:
    """Make a registry.

    Raises:
        AlreadyExistsError: A project or registry has the name.
        InvalidNameError, InvalidValueError: A value cannot be used.
    """
    check_project(command.name)
    types = check_types(command.types)
    check_text(command.description, "The description")
    row = {"id": new_id(), "name": command.name, "kind": "registry", "sequence": 0, "head": GENESIS, **unit.who}
    values = {"description": command.description, "types": list(types) if types is not None else None}
    insert_missing(unit.connection, t.namespaces, [row | values])
    found = find_namespace(unit, command.name, lock=True)
    if found.id != row["id"]:
        raise AlreadyExistsError(
            f"There is a {found.kind} {command.name!r} already.", hint="Choose another name.", name=command.name
        )
    unit.record(namespace_stream(found), "registry.created", command.name, after=values)
    return show_registry(unit, command.name)


def edit_registry(unit: Unit, command: EditRegistry) -> RegistryInfo:
    """Change a registry; what is linked already stays, whatever its type.

    Raises:
        InvalidNameError, InvalidValueError: A value cannot be used.
        NotFoundError: There is no such registry.
    """
    check_text(command.reason, "The reason")
    row = require_registry(unit, check_project(command.name), lock=True)
    wanted: dict[str, Any] = {}
    if not isinstance(command.types, Keep):
        types = check_types(command.types)
        wanted["types"] = list(types) if types is not None else None
    if not isinstance(command.description, Keep):
        wanted["description"] = check_text(command.description, "The description")
    after = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if after:
        before = {name: getattr(row, name) for name in after}
        unit.connection.execute(sa.update(t.namespaces).where(t.namespaces.c.id == row.id).values(after))
        stream = namespace_stream(row)
        unit.record(stream, "registry.updated", row.name, before=before, after=after, reason=command.reason)
    return show_registry(unit, row.name)


def show_registry(unit: Unit, name: str) -> RegistryInfo:
    """Return a registry.

    Raises:
        NotFoundError: There is none of this name.
    """
    require_registry(unit, check_project(name))
    return _registries(unit, t.namespaces.c.name == name)[0]


def list_registries(unit: Unit) -> list[RegistryInfo]:
    """Return all registries, sorted by name."""
    return _registries(unit)


def check_types(types: Iterable[str] | None) -> Types:
    """Return accepted types once each.

    Raises:
        InvalidNameError: One breaks the rules.
        InvalidValueError: It is a text, or empty: a registry that accepts nothing is of no use.
    """
    if types is None:
        return None
    if isinstance(types, str) or not (several := tuple(types)):
        raise InvalidValueError(f"{types!r} is no list of types.", hint="Pass ['model'], or None for every type.")
    return tuple(dict.fromkeys(check_type(name) for name in several))


def _registries(unit: Unit, *where: sa.ColumnElement[bool]) -> list[RegistryInfo]:
    n, c = t.namespaces.c, t.collections.c
    count = sa.select(sa.func.count()).where(c.namespace_id == n.id, c.deleted_at.is_(None)).scalar_subquery()
    query = sa.select(t.namespaces, count.label("models")).where(n.kind == "registry", *where).order_by(n.name)
    return [
        RegistryInfo(
            name=row.name,
            description=row.description,
            types=tuple(row.types) if row.types is not None else None,
            models=row.models,
            created_at=row.created_at,
            created_by=row.created_by,
        )
        for row in unit.connection.execute(query)
    ]
