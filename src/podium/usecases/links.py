"""Linking versions into registered models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from podium.domain.names import LATEST, check_alias, check_model
from podium.domain.versions import Version
from podium.sql import tables as t
from podium.usecases.aliases import free_aliases, move_alias, refuse_stages
from podium.usecases.places import collection_reference, ensure_collection, require_registry, stream_of
from podium.usecases.resolving import get_version, resolve_version
from podium.usecases.unit import Unit
from podium.usecases.versions import add_member


@dataclass(frozen=True, slots=True)
class LinkVersion:
    """Link a version into a registered model; the model is made by its first link.

    Attributes:
        ref: The version, of an artifact or of another model (then its source is linked).
        model: ``REGISTRY/MODEL``.
        aliases: Aliases that it shall hold there.
    """

    ref: str
    model: str
    aliases: tuple[str, ...] = ()


def link_version(unit: Unit, command: LinkVersion) -> Version:
    """Give the version a number in the model, or return the one it has; no byte is copied.

    Raises:
        InvalidNameError: A name breaks the rules.
        InvalidValueError: The model holds versions of another type, or an alias is a stage.
        NotFoundError: The reference names nothing, or there is no such registry.
    """
    target = collection_reference(command.model)
    check_model(target.name)
    for alias in command.aliases:
        if alias != LATEST:
            check_alias(alias)
    source = resolve_version(unit, command.ref)
    space = require_registry(unit, target.namespace)
    row, made = ensure_collection(unit, space, target.name, "model", source.type)
    refuse_stages(unit, row, command.aliases)
    stream = stream_of(row)
    if made:
        unit.record(stream, "model.created", stream.name, after={"type": source.type})
    m = t.memberships.c
    version_id = unit.connection.execute(_version_id(source)).scalar_one()
    query = sa.select(m.number).where(m.collection_id == row.id, m.version_id == version_id)
    number: int | None = unit.connection.execute(query).scalar()
    created = number is None
    if number is None:
        number = row.next_number
        add_member(unit, row.id, number, version_id)
        facts = {"number": number, "source": source.source, "digest": source.digest, "metrics": source.metrics}
        unit.record(stream, "model_version.linked", f"{stream.name}:v{number}", after=facts)
    for alias in free_aliases(command.aliases):
        move_alias(unit, stream, alias, number, "set")
    return replace(get_version(unit, row.id, number), created=created)


def _version_id(version: Version) -> sa.Select[Any]:
    """The row of the bytes behind a version, found by its source reference."""
    artifact, _, number = version.source.rpartition(":v")
    project, _, name = artifact.partition("/")
    v, c, n = t.versions.c, t.collections.c, t.namespaces.c
    return (
        sa.select(v.id)
        .join(t.collections, c.id == v.collection_id)
        .join(t.namespaces, n.id == c.namespace_id)
        .where(n.name == project, c.name_key == name, v.number == int(number))
    )
