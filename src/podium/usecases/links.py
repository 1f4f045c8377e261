"""Linking versions into registered models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.audit import details_sha256
from podium.domain.names import LATEST, Reference, check_alias, check_model, parse_reference
from podium.domain.origin import Origin
from podium.domain.versions import Version
from podium.errors import ConflictError, InvalidValueError
from podium.sql import tables as t
from podium.sql.versions import hold_version
from podium.sql.write import insert_missing
from podium.usecases.aliases import free_aliases, move_alias, refuse_stages
from podium.usecases.fields import replace_fields
from podium.usecases.members import add_member, bring_back
from podium.usecases.places import (
    collection_reference,
    ensure_collection,
    lock_model,
    require_registry,
    stream_of,
    take_collection,
)
from podium.usecases.resolving import get_version, resolve_version
from podium.usecases.unit import Stream, Unit


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
    source, version_id = _hold_version(unit, parse_reference(command.ref))
    row, made = _lock_target(unit, target, source)
    if command.aliases:
        refuse_stages(unit, row, command.aliases)
    stream = stream_of(row)
    if made:
        unit.record(stream, "model.created", stream.name, after={"type": source.type})
    number, created = _place(unit, row, stream, version_id)
    if created:
        facts = {"number": number, "source": source.source, "digest": source.digest, "metrics": source.metrics}
        copied = {"copied_from": source.ref} if source.kind == "model" else {}
        if source.kind == "model" and number == row.next_number:  # what was edited on a link of before stays
            copied |= _copy_edits(unit, source, row.id, number)
        unit.record(stream, "model_version.linked", f"{stream.name}:v{number}", after=facts | copied)
    for alias in free_aliases(command.aliases):
        move_alias(unit, stream, alias, number, "set")
    if number == row.next_number and source.kind == "artifact" and not command.aliases:
        return _new_link(unit, stream, source, number)
    return replace(get_version(unit, row.id, number), created=created)


def _new_link(unit: Unit, stream: Stream, source: Version, number: int) -> Version:
    """Return what a read of a link that was made just now gives, without the two statements of one."""
    return replace(
        source,
        ref=f"{stream.name}:v{number}",
        collection=stream.name,
        kind="model",
        number=number,
        aliases=(LATEST,),
        tags=(),
        supersedes=None,
        created_at=unit.now,
        created_by=unit.actor,
        origin=Origin.from_json(unit.plain_origin),
        created=True,
    )


def _place(unit: Unit, row: Any, stream: Stream, version_id: UUID) -> tuple[int, bool]:
    """Return the number of a version in a locked model and whether this unit put it there, perhaps once more."""
    found = unit.connection.execute(_MEMBER, {"collection": row.id, "version": version_id}).one_or_none()
    if found is None:
        return add_member(unit, row, stream, version_id), True
    if found.deleted_at is not None:  # the number named this very version all the time
        bring_back(unit, row.id, t.memberships.c.number == found.number)
    return found.number, found.deleted_at is not None


_MEMBER = sa.select(t.memberships.c.number, t.memberships.c.deleted_at).where(
    t.memberships.c.collection_id == sa.bindparam("collection"),
    t.memberships.c.version_id == sa.bindparam("version"),
)


def _hold_version(unit: Unit, ref: Reference) -> tuple[Version, UUID]:
    """Return what a reference names and the row of its bytes, and keep others from deleting them meanwhile."""
    found = hold_version(unit.connection, ref)
    if found is None:
        source = resolve_version(unit, str(ref)).source  # if it names nothing, this says so
        raise ConflictError(
            f"{source} was deleted or renamed at this moment.",
            hint="Look again and decide.",
            holder=None,
            transient=True,  # the unit is done again, and says what is true then
        )
    return found


def _lock_target(unit: Unit, target: Reference, source: Version) -> tuple[Any, bool]:
    """Return the locked row of the model that a version goes into, and whether this unit made it."""
    row = lock_model(unit, target)
    if row is None:
        space = require_registry(unit, target.namespace)
        _require_type(space.types, source, target)
        return ensure_collection(unit, space, target.name, "model", source.type)
    _require_type(row.accepts, source, target)
    return row, take_collection(unit, row, target.name, source.type)


def _require_type(types: Sequence[str] | None, source: Version, target: Reference) -> None:
    if types is not None and source.type not in types:
        raise InvalidValueError(
            f"The registry {target.namespace!r} accepts {', '.join(types)}; {source.ref} is a {source.type}.",
            hint="Link it into another registry, or let this one accept the type ('podium registry edit').",
            types=list(types),
        )


def _copy_edits(unit: Unit, source: Version, collection_id: UUID, number: int) -> dict[str, Any]:
    """Carry what was edited on a model version over to its copy in another model: metadata, description, tags.

    Returns:
        What the event shall say of it.
    """
    m, g = t.memberships.c, t.version_tags.c
    values: dict[str, Any] = {"metadata": dict(source.metadata), "description": source.description}
    here = (m.collection_id == collection_id, m.number == number)
    unit.connection.execute(sa.update(t.memberships).where(*here).values(values))
    replace_fields(unit, t.member_fields, {"collection_id": collection_id, "number": number}, values["metadata"])
    unit.connection.execute(sa.delete(t.version_tags).where(g.collection_id == collection_id, g.number == number))
    rows = [{"collection_id": collection_id, "number": number, "name": tag, **unit.who} for tag in source.tags]
    insert_missing(unit.connection, t.version_tags, rows)
    details = details_sha256(values["metadata"], source.description, None)
    return {"details_sha256": details, "tags": sorted(source.tags)}
