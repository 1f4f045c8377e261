"""Versions under numbers that another registry gave them: what an import needs so that a reference stays true.

Numbers still count up and never name two things. A number given by hand must never have been used here; those that are
skipped stay free, and nobody gets them by an ordinary `log` or `link`. Each use is an event of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import Reference, check_artifact, check_label, check_model, model_key
from podium.domain.plain import check_text
from podium.domain.versions import Collection, CollectionKind, Version
from podium.errors import AlreadyExistsError, InvalidValueError
from podium.sql import tables as t
from podium.usecases.links import LinkVersion, link_version
from podium.usecases.places import (
    collection_reference,
    ensure_collection,
    ensure_project,
    require_registry,
    show_row,
    stream_of,
)
from podium.usecases.resolving import get_version
from podium.usecases.tags import ChangeTags, change_tags
from podium.usecases.unit import Unit
from podium.usecases.versions import LogVersion, check_log, log_version

_NUMBERS = 10**15  # what any reader of JSON holds exactly


@dataclass(frozen=True, slots=True)
class PlaceVersion:
    """Log a version and link it, both under a given number.

    Attributes:
        log: The version; it is made even if the artifact has one with the same files.
        model: ``REGISTRY/MODEL`` to link it into.
        number: Its number in the artifact and in the model.
        tags: Labels of the model version.
        reason: Why it has this number: it stands in the events.
    """

    log: LogVersion
    model: str
    number: int
    tags: tuple[str, ...] = ()
    reason: str | None = None


def check_place_version(command: PlaceVersion) -> None:
    """Refuse values that make no sense, before any byte is moved.

    Raises:
        InvalidNameError, InvalidValueError: A name or value cannot be used.
    """
    check_log(command.log)
    check_model(collection_reference(command.model).name)
    check_text(command.reason, "The reason")
    for tag in command.tags:
        check_label(tag, "tag")
    if not isinstance(command.number, int) or isinstance(command.number, bool) or not 0 <= command.number < _NUMBERS:
        raise InvalidValueError(f"{command.number!r} is no version number.", hint="Numbers count up from 0.")


def place_version(unit: Unit, command: PlaceVersion) -> Version:
    """Make the version and its link in this one transaction, and return the model version.

    Raises:
        AlreadyExistsError: The number was used in the artifact or the model before, even if it is deleted by now.
        InvalidNameError, InvalidValueError, NotFoundError: As `log_version` and `link_version`.
    """
    check_place_version(command)
    artifact, model = collection_reference(command.log.artifact), collection_reference(command.model)
    home = _reserve(unit, artifact, "artifact", command.log.type, command)  # first, as whoever deletes locks them
    target = _reserve(unit, model, "model", command.log.type, command)
    logged = log_version(unit, replace(command.log, on_duplicate="new"))
    _count_on(unit, *home)
    link_version(unit, LinkVersion(logged.ref, command.model))
    _count_on(unit, *target)
    if command.tags:
        change_tags(unit, ChangeTags(f"{command.model}:v{command.number}", add=command.tags))
    return replace(get_version(unit, target[0], command.number), created=True)


def open_model(unit: Unit, model: str, type_: str = "model") -> Collection:
    """Return a registered model, made without a version if it is new.

    Raises:
        AlreadyExistsError: A model whose name differs only by case exists.
        InvalidNameError, InvalidValueError, NotFoundError: As `link_version`.
    """
    ref = collection_reference(model)
    check_model(ref.name)
    row, made = ensure_collection(unit, require_registry(unit, ref.namespace), ref.name, "model", type_)
    if made:
        unit.record(stream_of(row), "model.created", ref.collection, after={"type": type_})
    return show_row(unit, row)


def _reserve(
    unit: Unit, ref: Reference, kind: CollectionKind, type_: str, command: PlaceVersion
) -> tuple[UUID, int, int]:
    """Let the next version of a collection, which is made if new, get the number; return what `_count_on` needs."""
    find = require_registry if kind == "model" else ensure_project
    check_model(ref.name) if kind == "model" else check_artifact(ref.name)
    row, made = ensure_collection(unit, find(unit, ref.namespace), ref.name, kind, type_)
    stream, number = stream_of(row), command.number
    _require_unused(unit, row, ref, number)
    if made:
        unit.record(stream, f"{kind}.created", stream.name, after={"type": type_})
    if number != row.next_number:
        before, after = {"next_number": row.next_number}, {"next_number": number}
        unit.record(stream, f"{kind}.numbered", stream.name, before=before, after=after, reason=command.reason)
        c = t.collections.c
        unit.connection.execute(sa.update(t.collections).where(c.id == row.id).values(next_number=number))
    return row.id, row.next_number, number


def _require_unused(unit: Unit, row: Any, ref: Reference, number: int) -> None:
    m, f = t.memberships.c, t.former_names.c
    used = sa.select(m.deleted_at).where(m.collection_id == row.id, m.number == number)
    found = unit.connection.execute(used).one_or_none()
    key = model_key(ref.name) if row.kind == "model" else ref.name
    former = sa.select(f.next_number).where(f.namespace_id == row.namespace_id, f.name_key == key)
    if found is None and number >= (unit.connection.execute(former).scalar() or 0):
        return
    what = "names a version already" if found is not None and found.deleted_at is None else "named a version before"
    raise AlreadyExistsError(
        f"{ref.collection}:v{number} {what}.",
        hint="A number names one version for ever; use another name, project or registry.",
        ref=f"{ref.collection}:v{number}",
    )


def _count_on(unit: Unit, collection_id: UUID, before: int, number: int) -> None:
    """Let a collection count on from where it was, and name its newest version, after one came into a gap."""
    if number >= before:
        return  # the version that came is the newest, and the counter stands behind it
    m, c = t.memberships.c, t.collections.c
    newest = sa.select(sa.func.max(m.number)).where(m.collection_id == collection_id, m.deleted_at.is_(None))
    values = {"next_number": before, "latest": newest.scalar_subquery()}
    unit.connection.execute(sa.update(t.collections).where(c.id == collection_id).values(values))
