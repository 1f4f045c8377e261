"""Logging versions and using them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import sqlalchemy as sa

from podium.domain.audit import details_sha256
from podium.domain.manifest import EMPTY, Manifest
from podium.domain.names import (
    LATEST,
    Reference,
    check_alias,
    check_artifact,
    check_label,
    check_project,
    check_type,
    parse_reference,
)
from podium.domain.plain import check_text, iso, plain_dict
from podium.domain.runs import flatten_metrics, numbers_only
from podium.domain.versions import OnDuplicate, Version, VersionFiles
from podium.errors import AlreadyExistsError, InvalidValueError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import entry_row
from podium.sql.write import insert_missing
from podium.usecases.aliases import free_aliases, move_alias
from podium.usecases.editing import check_ttl
from podium.usecases.fields import add_fields
from podium.usecases.members import add_member, version_of
from podium.usecases.places import (
    ensure_collection,
    ensure_project,
    find_artifact,
    find_collection,
    find_namespace,
    require_project,
    require_type,
    stream_of,
)
from podium.usecases.resolving import get_version, show_files
from podium.usecases.runs import lock_run, show_run
from podium.usecases.tags import add_labels
from podium.usecases.unit import Stream, Unit


@dataclass(frozen=True, slots=True)
class LogVersion:
    """Make a version of an artifact whose files are in the content store already.

    Attributes:
        artifact: ``PROJECT/ARTIFACT``.
        type: Its type.
        manifest: Its files; empty until they are known.
        metadata: Anything, plain JSON.
        description: Free text.
        aliases: Aliases that it shall hold; ``latest`` comes by itself.
        run: The run that logs it; its summary becomes the version's metrics.
        metrics: Metrics to add to or put in place of the run's.
        on_duplicate: What to do when the artifact has a version with this digest.
        ttl: How long it shall live, counted from when it is logged; None for ever.
        tags: Labels that it shall have.
    """

    artifact: str
    type: str
    manifest: Manifest = field(default=EMPTY)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    aliases: tuple[str, ...] = ()
    run: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    on_duplicate: OnDuplicate = "reuse"
    ttl: timedelta | None = None
    tags: tuple[str, ...] = ()


def check_log(command: LogVersion) -> Reference:
    """Return the artifact of a command whose values all make sense; called before any byte is moved.

    Raises:
        InvalidNameError: A name breaks the rules.
        InvalidValueError: A value cannot be used.
    """
    ref = parse_reference(command.artifact)
    if ":" in command.artifact:
        raise InvalidValueError(
            f"{command.artifact!r} names a version.", hint=f"Log into {ref.collection!r}; Podium gives the number."
        )
    check_project(ref.namespace)
    check_artifact(ref.name)
    check_type(command.type)
    for alias in command.aliases:
        if alias != LATEST:
            check_alias(alias)
    plain_dict(command.metadata, "The metadata")
    flatten_metrics(command.metrics)
    check_text(command.description, "The description")
    check_ttl(command.ttl)
    for tag in command.tags:
        check_label(tag, "tag")
    if command.on_duplicate not in get_args(OnDuplicate):
        raise InvalidValueError(
            f"on_duplicate={command.on_duplicate!r} is unknown.", hint="Use 'reuse', 'new' or 'error'."
        )
    return ref


def check_place(unit: Unit, command: LogVersion) -> None:
    """Find out what would refuse a command before its bytes are stored; `log_version` looks again.

    Raises:
        AlreadyExistsError, InvalidValueError, NotFoundError: As `log_version`.
    """
    ref = parse_reference(command.artifact)
    if command.run is not None:
        show_run(unit, command.run)
    space = find_namespace(unit, ref.namespace)
    if space is None:
        return
    require_project(space)
    row = find_artifact(unit, space, ref.name)
    if row is not None:
        require_type(row, command.type)
        _same_digest(unit, row.id, command)


def log_version(unit: Unit, command: LogVersion) -> Version:
    """Make the version, or return the one that has the same digest.

    The number, manifest, aliases, lineage and events are written in this one transaction: a version is visible only
    when it is complete, and its files and numbers never change after.

    Raises:
        AlreadyExistsError: The digest exists and ``on_duplicate`` is ``error``.
        InvalidNameError, InvalidValueError: As `check_log`; or the type is not the artifact's.
        NotFoundError: There is no such run.
    """
    ref = check_log(command)
    run = lock_run(unit, command.run) if command.run is not None else None
    space = ensure_project(unit, ref.namespace)
    row, made = ensure_collection(unit, space, ref.name, "artifact", command.type)
    stream = stream_of(row)
    if made:
        unit.record(stream, "artifact.created", stream.name, after={"type": command.type})
    existing = _same_digest(unit, row.id, command)
    number = existing if existing is not None else _insert_version(unit, row, stream, command, run)
    for alias in free_aliases(command.aliases):
        move_alias(unit, stream, alias, number, "set")
    add_labels(unit, stream, number, command.tags)
    if existing is not None:
        _prolong(unit, row, stream, number, command)
    if run is not None:
        _add_edge(unit, run.id, row.id, number, "output", f"{stream.name}:v{number}")
    return replace(get_version(unit, row.id, number), created=existing is None)


def _prolong(unit: Unit, row: Any, stream: Stream, number: int, command: LogVersion) -> None:
    """Let the longer life win when the same files are logged again: who gives no end relies on there being none."""
    version_id = version_of(unit, row.id, number)
    v = t.versions.c
    query = sa.select(v.expires_at, v.metadata, v.description).where(v.id == version_id)
    end, metadata, description = unit.connection.execute(query).one()
    wanted = unit.now + command.ttl if command.ttl is not None else None
    if end is not None and (wanted is None or wanted > end):
        unit.connection.execute(sa.update(t.versions).where(v.id == version_id).values(expires_at=wanted))
        details = details_sha256(metadata, description, wanted)
        before = {"expires_at": iso(end)}
        after = {"expires_at": iso(wanted) if wanted is not None else None, "details_sha256": details}
        unit.record(stream, "artifact_version.updated", f"{stream.name}:v{number}", before=before, after=after)


def _live_numbers(column: sa.Column[Any]) -> sa.Select[Any]:
    # No max() here: SQLite would walk the numbers of the artifact from the top, and not use the index of the column.
    v = t.versions.c
    mine = (v.collection_id == sa.bindparam("collection", type_=sa.Uuid()), column == sa.bindparam("wanted"))
    return sa.select(v.number).where(*mine, v.deleted_at.is_(None))


_WITH_DIGEST = _live_numbers(t.versions.c.digest)
_WITH_IDENTITY = _live_numbers(t.versions.c.identity)


def _same_digest(unit: Unit, collection_id: UUID, command: LogVersion) -> int | None:
    if command.on_duplicate == "new":
        return None
    keys = {"collection": collection_id, "wanted": command.manifest.digest}
    number: int | None = max(unit.connection.scalars(_WITH_DIGEST, keys), default=None)
    if number is not None and command.on_duplicate == "error":
        raise AlreadyExistsError(
            f"{command.artifact}:v{number} has the same files.",
            hint="Leave on_duplicate at 'reuse' to get that version, or pass 'new' to make another.",
            ref=f"{command.artifact}:v{number}",
        )
    return number


def _insert_version(unit: Unit, row: Any, stream: Stream, command: LogVersion, run: Any) -> int:
    manifest, digest = command.manifest, command.manifest.digest
    metrics = numbers_only({**(run.summary if run is not None else {}), **flatten_metrics(command.metrics)})
    number: int = row.next_number
    version_id = new_id()
    supersedes = _superseded(unit, row.id)
    metadata = plain_dict(command.metadata, "The metadata")
    expires_at = unit.now + command.ttl if command.ttl is not None else None
    insert_manifest(unit, manifest, digest)
    unit.add(
        t.versions,
        id=version_id,
        collection_id=row.id,
        number=number,
        digest=digest,
        metadata=metadata,
        description=command.description,
        run_id=run.id if run is not None else None,
        identity=unit.origin.identity,
        supersedes=supersedes,
        origin=unit.plain_origin,
        expires_at=expires_at,
        **unit.who,
    )
    add_fields(unit, t.version_fields, {"version_id": version_id}, metadata)
    if metrics:
        rows = [{"version_id": version_id, "name": name, "value": value} for name, value in metrics.items()]
        unit.connection.execute(sa.insert(t.version_metrics), rows)
    add_member(unit, row, stream, version_id)
    after = {
        "number": number,
        "type": command.type,
        "digest": digest,
        "size": manifest.size,
        "files": len(manifest.entries),
        "run": run.id if run is not None else None,
        "metrics": metrics,
        "supersedes": supersedes,
        "details_sha256": details_sha256(metadata, command.description, expires_at),
    }
    unit.record(stream, "artifact_version.logged", f"{stream.name}:v{number}", after=after)
    return number


def insert_manifest(unit: Unit, manifest: Manifest, digest: str) -> None:
    """Write a manifest unless one with its digest is there."""
    known = sa.select(sa.literal(1)).where(t.manifests.c.digest == digest)
    if unit.connection.execute(known).first() is not None:
        return
    row = {"digest": digest, "size": manifest.size, "files": len(manifest.entries)}
    insert_missing(unit.connection, t.manifests, [row])
    insert_missing(
        unit.connection,
        t.manifest_entries,
        [{"digest": digest, **entry_row(entry)} for entry in manifest.entries],
    )


def _superseded(unit: Unit, collection_id: UUID) -> int | None:
    """The version that an earlier attempt of this very task instance left in this artifact."""
    if unit.origin.identity is None:
        return None
    keys = {"collection": collection_id, "wanted": unit.origin.identity}
    number: int | None = max(unit.connection.scalars(_WITH_IDENTITY, keys), default=None)
    return number


def use_version(unit: Unit, text: str, run: str) -> VersionFiles:
    """Return a version and note that a run uses it.

    Raises:
        NotFoundError: The reference names nothing, or there is no such run.
    """
    found = show_files(unit, text)
    row = lock_run(unit, run)
    ref = parse_reference(found.version.ref)
    assert ref.number is not None
    _add_edge(unit, row.id, find_collection(unit, ref).id, ref.number, "input", found.version.ref)
    return found


def _add_edge(unit: Unit, run: str, collection_id: UUID, number: int, direction: str, ref: str) -> None:
    version_id = version_of(unit, collection_id, number)
    edge = {"run_id": run, "version_id": version_id, "direction": direction, "ref": ref, "created_at": unit.now}
    insert_missing(unit.connection, t.run_versions, [edge])
