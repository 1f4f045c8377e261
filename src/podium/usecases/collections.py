"""Artifacts and registered models as a whole: describe, rename, delete, restore."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from podium.domain.names import Reference, check_artifact, check_model, model_key
from podium.domain.plain import check_text
from podium.domain.versions import Collection
from podium.errors import AlreadyExistsError, InvalidValueError
from podium.sql import tables as t
from podium.sql.write import upsert
from podium.usecases.access import require_admin
from podium.usecases.deletion import free_all_aliases, require_admins, unlink_all
from podium.usecases.editing import KEEP, Text
from podium.usecases.members import bring_back, take_out
from podium.usecases.places import (
    COLLECTIONS,
    collection_reference,
    find_collection,
    require_registry,
    show_row,
    stream_of,
)
from podium.usecases.policies import policy_in_force
from podium.usecases.requests import close_without_stage
from podium.usecases.stage_marks import follow_name, policies_in_force
from podium.usecases.subscriptions import follow_rename
from podium.usecases.transitions import close_stale
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class EditCollection:
    """Change what describes an artifact or model.

    Attributes:
        ref: ``NAMESPACE/NAME``.
        description: Of a model, its model card in Markdown; None takes it away.
        owner: Who answers for it.
        task: What it is for.
        reason: Why.
    """

    ref: str
    description: Text = KEEP
    owner: Text = KEEP
    task: Text = KEEP
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """Delete an artifact or model with all its versions.

    Attributes:
        ref: ``NAMESPACE/NAME``.
        reason: Why; needed with ``force``.
        force: Take the links and aliases that stand in the way away too.
    """

    ref: str
    reason: str | None = None
    force: bool = False


def edit_collection(unit: Unit, command: EditCollection) -> Collection:
    """Make the changes and record what was and what is.

    Raises:
        InvalidValueError: A text cannot be stored.
        NotFoundError: There is no such artifact or model.
    """
    check_text(command.reason, "The reason")
    wanted = {"description": command.description, "owner": command.owner, "task": command.task}
    texts = {name: check_text(text, f"The {name}") for name, text in wanted.items() if isinstance(text, str | None)}
    row = find_collection(unit, collection_reference(command.ref), lock=True)
    after = {name: text for name, text in texts.items() if getattr(row, name) != text}
    if after:
        before = {name: getattr(row, name) for name in after}
        unit.connection.execute(sa.update(t.collections).where(t.collections.c.id == row.id).values(after))
        stream = stream_of(row)
        kind = f"{row.kind}.updated"
        unit.record(stream, kind, stream.name, before=before, after=after, reason=command.reason)
    return _show(unit, row.id)


def rename_collection(unit: Unit, text: str, name: str, reason: str | None = None) -> Collection:
    """Give an artifact or model another name in its project or registry; its versions, aliases and history stay.

    The old name stays known: whoever uses it is told the new one, and an artifact or model that takes it later counts
    on from where this one is, so that no reference ever names two things. A name by which another policy is for a model
    changes its gates: that is on record, and needs whoever may set policies. Subscriptions and automations that name it
    follow it.

    Raises:
        AlreadyExistsError: The name is taken, or was given up by another.
        InvalidNameError: The name breaks the rules.
        InvalidValueError: By the policy for its new name, an alias that somebody holds would become a stage without a
            gate, or a stage a plain alias.
        NotFoundError: There is no such artifact or model.
        PermissionDeniedError: Another policy is for its new name, the registry has admins, and the actor is none.
    """
    check_text(reason, "The reason")
    ref = collection_reference(text)
    row = find_collection(unit, ref, lock=True)
    check_model(name) if row.kind == "model" else check_artifact(name)
    if name == row.name:
        return _show(unit, row.id)
    if row.kind == "model":  # before anything refers to it: two renames would wait for each other
        require_registry(unit, row.namespace, lock=True)
    key = model_key(name) if row.kind == "model" else name
    _require_free(unit, row, Reference(ref.namespace, name), key)
    _give_up(unit, row, key)
    before, after = _write_name(unit, row, name, key)
    stream = Stream(t.collections, row.id, f"{ref.namespace}/{name}", row.sequence, row.head)
    follow_rename(unit, f"{ref.namespace}/{row.name}", stream.name, exact=row.kind != "model")
    unit.record(stream, f"{row.kind}.renamed", stream.name, before=before, after=after, reason=reason)
    if row.kind == "model":
        close_without_stage(unit, {row.id: row}, {row.id: stream})
    return _show(unit, row.id)


def delete_collection(unit: Unit, command: DeleteCollection) -> Collection:
    """Delete an artifact or model softly, with all its versions; `restore_collection` brings them back.

    Raises:
        InvalidValueError: It has aliases, or versions that are linked, and ``force`` is not set; or no reason with it.
        NotFoundError: There is no such artifact or model.
        PermissionDeniedError: ``force``, where the registry of the model, or one that links to the artifact, has admins
            and the actor is none of them.
    """
    check_text(command.reason, "The reason")
    if command.force and not (command.reason or "").strip():
        raise InvalidValueError("Forcing it needs a reason.", hint="Say why, for whoever reads the history.")
    row = find_collection(unit, collection_reference(command.ref), lock=True)
    stream = stream_of(row)
    if row.kind == "artifact":
        _lock_versions(unit, row.id)
    elif command.force:
        require_admins(unit, [row])
    kept = _kept_by(unit, row)
    if kept and not command.force:
        more = f" and {len(kept) - 5} more" if len(kept) > 5 else ""
        raise InvalidValueError(
            f"{stream.name} is still used: {', '.join(kept[:5])}{more}.",
            hint="Unlink and free those first, or force it with a reason (force=True, --force --reason).",
            ref=stream.name,
            kept_by=kept,
        )
    if row.kind == "artifact":
        unlink_all(unit, row.id, command.reason)
        v = t.versions.c
        live = sa.update(t.versions).where(v.collection_id == row.id, v.deleted_at.is_(None))
        unit.connection.execute(live.values(deleted_at=unit.now))
    free_all_aliases(unit, row, stream, command.reason)
    count = take_out(unit, row.id)
    gone = sa.update(t.collections).where(t.collections.c.id == row.id).values(deleted_at=unit.now)
    unit.connection.execute(gone)
    close_stale(unit, stream)
    facts = {"versions": count, "type": row.type}
    unit.record(stream, f"{row.kind}.deleted", stream.name, before=facts, reason=command.reason)
    return _show(unit, row.id)


def restore_collection(unit: Unit, text: str) -> Collection:
    """Bring a deleted artifact or model back, with the versions that went with it; aliases and links stay away.

    One that was made again under its name since gets the versions back that went with its last deletion.

    Raises:
        NotFoundError: There is none of this name, deleted or not.
    """
    row = find_collection(unit, collection_reference(text), lock=True, deleted=True)
    when = row.deleted_at or _last_deletion(unit, row)
    m, v = t.memberships.c, t.versions.c
    if row.kind == "artifact":
        mine = (v.collection_id == row.id, v.deleted_at == when, v.purged_at.is_(None))
        unit.connection.execute(sa.update(t.versions).where(*mine).values(deleted_at=None))
    else:
        _hold_sources(unit, row.id, when)
    there = sa.select(v.id).where(v.purged_at.is_(None), v.deleted_at.is_(None))
    back = bring_back(unit, row.id, m.deleted_at == when, m.version_id.in_(there))
    if row.deleted_at is None and not back:
        return _show(unit, row.id)
    unit.connection.execute(sa.update(t.collections).where(t.collections.c.id == row.id).values(deleted_at=None))
    stream = stream_of(row)
    away = sa.select(m.number).where(m.collection_id == row.id, m.deleted_at == when).order_by(m.number)
    facts = {"versions": len(back), "away": list(unit.connection.scalars(away))}
    unit.record(stream, f"{row.kind}.restored", stream.name, after=facts)
    return _show(unit, row.id)


def _write_name(unit: Unit, row: Any, name: str, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a locked collection its new name, and a model what is for that; return what the event says."""
    write = sa.update(t.collections).where(t.collections.c.id == row.id).values(name=name, name_key=key)
    before: dict[str, Any] = {"name": row.name}
    after: dict[str, Any] = {"name": name}
    if row.kind != "model":
        unit.connection.execute(write)
        return before, after
    # Whoever sets a policy waits meanwhile: it is for this name or for that one.
    space = require_registry(unit, row.namespace, lock=True)
    (old,), was = policies_in_force(unit, space.id, [row.id]).values(), policy_in_force(unit, row)
    unit.connection.execute(write)
    (new,) = policies_in_force(unit, space.id, [row.id]).values()
    if new != old:
        require_admin(unit, space, "rename a model so that another policy is for it")
        renamed = unit.connection.execute(COLLECTIONS.where(t.collections.c.id == row.id)).one()
        follow_name(unit, renamed)
        before["policy"], after["policy"] = was.to_json(), policy_in_force(unit, renamed).to_json()
    return before, after


def _last_deletion(unit: Unit, row: Any) -> datetime | None:
    """When a collection that is there now was deleted the last time, None if it never was."""
    e = t.events.c
    query = sa.select(sa.func.max(e.created_at)).where(e.stream == row.id, e.type == f"{row.kind}.deleted")
    when: datetime | None = unit.connection.execute(query).scalar()
    return when


def _hold_sources(unit: Unit, collection_id: Any, when: datetime | None) -> None:
    """Keep others from deleting the versions that a model points at while its links are brought back."""
    m, v = t.memberships.c, t.versions.c
    query = sa.select(v.id).join(t.memberships, m.version_id == v.id)
    gone = query.where(m.collection_id == collection_id, m.deleted_at == when).order_by(v.id)
    unit.connection.execute(gone.with_for_update(read=True, of=t.versions)).close()


def _require_free(unit: Unit, row: Any, wanted: Reference, key: str) -> None:
    c, f = t.collections.c, t.former_names.c
    taken = sa.select(c.id, c.deleted_at).where(c.namespace_id == row.namespace_id, c.name_key == key, c.id != row.id)
    found = unit.connection.execute(taken).one_or_none()
    if found is not None:
        state = "is a deleted one's" if found.deleted_at is not None else "is taken"
        raise AlreadyExistsError(f"The name {wanted.collection!r} {state}.", hint="Choose another.", name=wanted.name)
    former = sa.select(f.collection_id).where(f.namespace_id == row.namespace_id, f.name_key == key)
    owner = unit.connection.execute(former).scalar()
    if owner is not None and owner != row.id:
        raise AlreadyExistsError(
            f"The name {wanted.collection!r} was another's before; its version numbers would name two things.",
            hint="Choose another.",
            name=wanted.name,
        )


def _give_up(unit: Unit, row: Any, key: str) -> None:
    """Remember the old name, and forget that the new one was given up, if it was this one's before."""
    f = t.former_names.c
    unit.connection.execute(sa.delete(t.former_names).where(f.namespace_id == row.namespace_id, f.name_key == key))
    if key != row.name_key:
        old = {"namespace_id": row.namespace_id, "name_key": row.name_key, "collection_id": row.id}
        upsert(unit.connection, t.former_names, [old | {"next_number": row.next_number, **unit.who}])


def _kept_by(unit: Unit, row: Any) -> list[str]:
    """Return what stands in the way of a deletion: aliases, and model versions that point here."""
    a, m, v, c, n = t.aliases.c, t.memberships.c, t.versions.c, t.collections.c, t.namespaces.c
    aliases = unit.connection.scalars(sa.select(a.name).where(a.collection_id == row.id).order_by(a.name))
    links = (
        sa.select(n.name + "/" + c.name + ":v" + sa.cast(m.number, sa.String))
        .select_from(t.versions)
        .join(t.memberships, m.version_id == v.id)
        .join(t.collections, c.id == m.collection_id)
        .join(t.namespaces, n.id == c.namespace_id)
        .where(v.collection_id == row.id, c.kind == "model", m.deleted_at.is_(None))
        .limit(100)
    )
    return [*aliases, *(sorted(unit.connection.scalars(links)) if row.kind == "artifact" else [])]


def _lock_versions(unit: Unit, collection_id: Any) -> None:
    """Keep others from linking any version of the artifact while it is deleted."""
    v = t.versions.c
    query = sa.select(v.id).where(v.collection_id == collection_id, v.deleted_at.is_(None)).order_by(v.id)
    unit.connection.execute(query.with_for_update()).close()


def _show(unit: Unit, collection_id: Any) -> Collection:
    row = unit.connection.execute(COLLECTIONS.where(t.collections.c.id == collection_id)).one()
    return show_row(unit, row)
