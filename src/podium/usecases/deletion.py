"""Deleting, unlinking and restoring versions. Deletion is soft: nothing is lost before `gc` takes what is old."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import Reference, parse_reference
from podium.domain.plain import check_text
from podium.domain.versions import Version
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.usecases.access import require_admin
from podium.usecases.aliases import holder_of, move_alias
from podium.usecases.evidence import frozen_facts
from podium.usecases.members import bring_back, take_out, version_of
from podium.usecases.places import COLLECTIONS, find_collection, require_registry, stream_of
from podium.usecases.policies import effective_policy
from podium.usecases.promotions import candidate_for
from podium.usecases.resolving import get_version, resolve_number
from podium.usecases.transitions import carry_out, close_stale, new_transition, store
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """Delete a version of an artifact, or unlink one from a registered model.

    Attributes:
        ref: The version; by number or alias, never ``latest`` by silence.
        reason: Why; needed with ``force``.
        force: Take the links and aliases that stand in the way away too.
        only_expired: Do nothing unless its time to live has ended by now.
    """

    ref: str
    reason: str | None = None
    force: bool = False
    only_expired: bool = False


def check_removal(ref: str, reason: str | None, *, force: bool) -> Reference:
    """Return the reference of what is to be deleted or unlinked.

    Raises:
        InvalidNameError: It is no reference.
        InvalidValueError: It names no one version, or ``force`` comes without a reason.
    """
    check_text(reason, "The reason")
    parsed = parse_reference(ref)
    if ":" not in ref:
        raise InvalidValueError(f"{ref!r} names no single version.", hint=f"Write '{ref}:v3' for one version.", ref=ref)
    if force and not (reason or "").strip():
        raise InvalidValueError("Forcing it needs a reason.", hint="Say why, for whoever reads the history.")
    return parsed


def delete_version(unit: Unit, command: DeleteVersion) -> Version:
    """Delete a version softly: it disappears, keeps its number and its bytes, and can be restored until `gc` takes it.

    Raises:
        InvalidValueError: It is linked or holds an alias, and ``force`` is not set; or the reference names none.
        NotFoundError: The reference names nothing, or no artifact.
        PermissionDeniedError: ``force``, where a registry that links to it has admins and the actor is none of them.
    """
    ref = check_removal(command.ref, command.reason, force=command.force)
    row = find_collection(unit, ref, kind="artifact", lock=True)
    number = resolve_number(unit, ref, row.id)
    version_id = version_of(unit, row.id, number)
    _lock_version(unit, version_id)
    version = get_version(unit, row.id, number)
    if command.only_expired and (version.expires_at is None or version.expires_at > unit.now):
        return version
    kept = kept_by(unit, row.id, number, version_id)
    if kept and not command.force:
        raise _still_used(version.ref, kept)
    linking = _linking(unit, version_id, lock=True)
    require_admins(unit, linking)
    for model in linking:
        _unlink(unit, model, stream_of(model), command.reason)
    stream = stream_of(row)
    _free_aliases(unit, row, stream, _aliases_of(unit, row.id, number), command.reason)
    unit.connection.execute(sa.update(t.versions).where(t.versions.c.id == version_id).values(deleted_at=unit.now))
    take_out(unit, row.id, [number])
    facts = {"number": number, "digest": version.digest, "size": version.size}
    unit.record(stream, "artifact_version.deleted", version.ref, before=facts, reason=command.reason)
    return get_version(unit, row.id, number)


def unlink_version(unit: Unit, command: DeleteVersion) -> Version:
    """Take a version out of a registered model; the artifact it came from stays, and linking it again brings it back.

    Raises:
        InvalidValueError: It holds an alias or a stage, and ``force`` is not set; or the reference names none.
        NotFoundError: The reference names nothing, or no registered model.
        PermissionDeniedError: ``force``, where the registry has admins and the actor is none of them.
    """
    ref = check_removal(command.ref, command.reason, force=command.force)
    row = find_collection(unit, ref, kind="model", lock=True)
    if command.force:
        require_admins(unit, [row])
    number = resolve_number(unit, ref, row.id)
    held = _aliases_of(unit, row.id, number)
    if held and not command.force:
        raise _still_used(f"{ref.collection}:v{number}", held)
    _unlink(unit, row, stream_of(row), command.reason, number)
    return get_version(unit, row.id, number)


def restore_version(unit: Unit, text: str) -> Version:
    """Bring a deleted or unlinked version back under its number, with the links that went with it; aliases stay away.

    Raises:
        InvalidValueError: The reference names no version by number, or its source is deleted.
        NotFoundError: There was none, or `gc` took its content.
    """
    ref = parse_reference(text)
    if ref.number is None:
        raise InvalidValueError(f"{text!r} names no version by number.", hint=f"Write '{ref.collection}:v3'.")
    row = find_collection(unit, ref, lock=True)
    m, v = t.memberships.c, t.versions.c
    query = sa.select(t.versions, m.deleted_at.label("left_at")).join(t.memberships, m.version_id == v.id)
    found = unit.connection.execute(
        query.where(m.collection_id == row.id, m.number == ref.number).with_for_update(of=t.versions)
    ).one_or_none()
    if found is None or found.purged_at is not None:
        resolve_number(unit, ref, row.id)  # says what it was, or that there never was one
    assert found is not None
    if found.left_at is None:
        return get_version(unit, row.id, ref.number)
    if row.kind == "model":
        _restore_link(unit, row, ref, found)
    else:
        _restore_bytes(unit, row, ref, found)
    return replace(get_version(unit, row.id, ref.number), created=True)


def kept_by(unit: Unit, collection_id: UUID, number: int, version_id: UUID) -> tuple[str, ...]:
    """Return what refers to an artifact version: its aliases, then the model versions that link to it."""
    linking = [f"{row.namespace}/{row.name}:v{row.number}" for row in _linking(unit, version_id)]
    return (*_aliases_of(unit, collection_id, number), *linking)


def require_admins(unit: Unit, models: Iterable[Any]) -> None:
    """Refuse whoever may not force what takes links, aliases and stages of models away.

    Raises:
        PermissionDeniedError: One of their registries has admins, and the actor is none of them.
    """
    for name in sorted({row.namespace for row in models}):
        require_admin(unit, require_registry(unit, name), "unlink or delete by force")


def free_all_aliases(unit: Unit, row: Any, stream: Stream, reason: str | None) -> None:
    """Take every alias of a locked collection away, stages included."""
    a = t.aliases.c
    names = sa.select(a.name).where(a.collection_id == stream.id).order_by(a.name)
    _free_aliases(unit, row, stream, tuple(unit.connection.scalars(names)), reason)


def unlink_all(unit: Unit, collection_id: UUID, reason: str | None) -> None:
    """Take every version of an artifact out of the models that link to it.

    Raises:
        PermissionDeniedError: One of their registries has admins, and the actor is none of them.
    """
    m, v, c = t.memberships.c, t.versions.c, t.collections.c
    query = (
        COLLECTIONS.add_columns(m.number)
        .join(t.memberships, m.collection_id == c.id)
        .join(t.versions, v.id == m.version_id)
        .where(v.collection_id == collection_id, c.kind == "model", m.deleted_at.is_(None))
        .order_by(c.id, m.number)
    )
    streams: dict[UUID, Stream] = {}
    models = _locked(unit, query)
    require_admins(unit, models)
    for model in models:
        _unlink(unit, model, streams.setdefault(model.id, stream_of(model)), reason)


def _unlink(unit: Unit, row: Any, stream: Stream, reason: str | None, number: int | None = None) -> None:
    """Take a member out of a model whose row is locked; the one that comes with the row if none is named."""
    number = row.number if number is None else number
    version = get_version(unit, stream.id, number)
    _free_aliases(unit, row, stream, _aliases_of(unit, row.id, number), reason)
    take_out(unit, stream.id, [number])
    facts = {"number": number, "source": version.source, "digest": version.digest}
    unit.record(stream, "model_version.unlinked", version.ref, before=facts, reason=reason)
    close_stale(unit, stream)  # requests for it, and those that were asked while it held a stage


def _restore_link(unit: Unit, row: Any, ref: Reference, version: Any) -> None:
    if version.deleted_at is not None:
        source = get_version(unit, row.id, ref.number or 0).source
        raise InvalidValueError(
            f"{ref} points at {source}, which is deleted.", hint=f"Restore that first: podium restore {source}."
        )
    bring_back(unit, row.id, t.memberships.c.number == ref.number)
    unit.record(stream_of(row), "model_version.restored", str(ref), after={"number": ref.number})


def _restore_bytes(unit: Unit, row: Any, ref: Reference, version: Any) -> None:
    """Undo the deletion of a version, and of the links that went in the same unit with it."""
    m = t.memberships.c
    same = (m.version_id == version.id, m.deleted_at == version.deleted_at)
    unit.connection.execute(sa.update(t.versions).where(t.versions.c.id == version.id).values(deleted_at=None))
    bring_back(unit, row.id, *same)
    facts = {"number": ref.number, "digest": version.digest}
    unit.record(stream_of(row), "artifact_version.restored", str(ref), after=facts)
    query = COLLECTIONS.add_columns(m.number).join(t.memberships, m.collection_id == t.collections.c.id).where(*same)
    live = t.collections.c.deleted_at.is_(None)
    for model in _locked(unit, query.where(live).order_by(t.collections.c.id)):
        bring_back(unit, model.id, *same)
        stream = stream_of(model)
        unit.record(stream, "model_version.restored", f"{stream.name}:v{model.number}", after={"number": model.number})


def _linking(unit: Unit, version_id: UUID, *, lock: bool = False) -> Sequence[Any]:
    """Return the models that link to a version now, each with its ``number`` there, in the order that locks them."""
    m, c = t.memberships.c, t.collections.c
    query = (
        COLLECTIONS.add_columns(m.number)
        .join(t.memberships, m.collection_id == c.id)
        .where(m.version_id == version_id, m.deleted_at.is_(None), c.kind == "model")
        .order_by(c.id)
    )
    return _locked(unit, query) if lock else unit.connection.execute(query).all()


def _locked(unit: Unit, query: sa.Select[Any]) -> Sequence[Any]:
    """Return the rows of a query whose collections are locked by now.

    By a second statement: what PostgreSQL joins to a row that it waited for is as it was before the wait, so a link
    that another unit took out meanwhile would be taken out, and told of, once more.
    """
    unit.connection.execute(query.with_for_update(of=t.collections)).close()
    return unit.connection.execute(query).all()


def _lock_version(unit: Unit, version_id: UUID) -> None:
    """Keep others from linking the version while it is deleted; `links` takes the same row for itself."""
    unit.connection.execute(sa.select(t.versions.c.id).where(t.versions.c.id == version_id).with_for_update())


def _aliases_of(unit: Unit, collection_id: UUID, number: int) -> tuple[str, ...]:
    a = t.aliases.c
    query = sa.select(a.name).where(a.collection_id == collection_id, a.number == number).order_by(a.name)
    return tuple(unit.connection.scalars(query))


def _free_aliases(unit: Unit, row: Any, stream: Stream, aliases: Iterable[str], reason: str | None) -> None:
    """Take aliases away from whatever holds them in a locked collection; what is a stage is taken by a demotion."""
    stages = effective_policy(unit, row.namespace_id, row.id).names if row.kind == "model" else ()
    for alias in aliases:
        if alias in stages:
            _lose_stage(unit, row, stream, alias, reason)
        else:
            move_alias(unit, stream, alias, None, "removed", reason)


def _lose_stage(unit: Unit, row: Any, stream: Stream, stage: str, reason: str | None) -> None:
    """Take a stage from a version that is about to leave its model, as a demotion that everybody sees."""
    number = holder_of(unit, row.id, stage)
    assert number is not None
    found = candidate_for(unit, row, stage, number, reason)
    candidate = replace(found, stage=replace(found.stage, archive_as=None))  # what leaves gets no alias any more
    made = new_transition(unit, candidate, (), kind="demoted")
    store(unit, row, made, None)  # no answer for a retry of a task that demotes
    carry_out(unit, stream, candidate, made, unlinked=True, **frozen_facts(unit, candidate))


def _still_used(ref: str, kept: Sequence[str]) -> InvalidValueError:
    return InvalidValueError(
        f"{ref} is still used: {', '.join(kept)}.",
        hint="Unlink it and move its aliases first, or force it with a reason (force=True, --force --reason).",
        ref=ref,
        kept_by=list(kept),
    )
