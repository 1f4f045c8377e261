"""Rows become frozen values here; nothing else leaves the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.checks import CheckResult, RecordedCheck
from podium.domain.events import Event
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import LATEST
from podium.domain.origin import Origin
from podium.domain.runs import RunInfo, read_status
from podium.domain.stages import GateResult, Transition
from podium.domain.versions import AliasMove, Collection, Version
from podium.processes import has_ended
from podium.sql import tables as t
from podium.sql.types import PlainJson

_CHUNK = 500
_Labels = defaultdict[tuple[str, UUID, int], list[str]]

_home = t.collections.alias("home")
_home_space = t.namespaces.alias("home_space")

_VERSIONS = (
    sa.select(
        t.memberships.c.collection_id,
        t.memberships.c.number,
        t.memberships.c.version_id,
        t.memberships.c.origin,
        t.memberships.c.created_at,
        t.memberships.c.created_by,
        t.memberships.c.deleted_at,
        t.collections.c.name,
        t.collections.c.kind,
        t.collections.c.type,
        t.collections.c.latest,
        t.namespaces.c.name.label("namespace"),
        t.versions.c.number.label("home_number"),
        t.versions.c.digest,
        t.versions.c.expires_at,
        # What was edited on a link stands there; it never leaks to the source.
        sa.func.coalesce(t.memberships.c.metadata, t.versions.c.metadata, type_=PlainJson()).label("metadata"),
        sa.func.coalesce(t.memberships.c.description, t.versions.c.description).label("description"),
        t.versions.c.run_id,
        t.versions.c.supersedes,
        _home.c.name.label("home_name"),
        _home_space.c.name.label("home_namespace"),
        t.manifests.c.size,
        t.manifests.c.files,
    )
    .join(t.collections, t.collections.c.id == t.memberships.c.collection_id)
    .join(t.namespaces, t.namespaces.c.id == t.collections.c.namespace_id)
    .join(t.versions, t.versions.c.id == t.memberships.c.version_id)
    .join(_home, _home.c.id == t.versions.c.collection_id)
    .join(_home_space, _home_space.c.id == _home.c.namespace_id)
    .join(t.manifests, t.manifests.c.digest == t.versions.c.digest)
)


def load_versions(connection: sa.Connection, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[Version]:
    """Return the versions whose memberships match, newest number first within each collection."""
    query = _VERSIONS.where(*where).order_by(t.namespaces.c.name, t.collections.c.name, t.memberships.c.number.desc())
    rows = connection.execute(query.limit(limit)).all()
    labels = _labels(connection, [(row.collection_id, row.number) for row in rows])
    metrics = _metrics(connection, {row.version_id for row in rows})
    return [_version(row, labels, metrics[row.version_id]) for row in rows]


def _version(row: Any, labels: _Labels, metrics: dict[str, float]) -> Version:
    collection = f"{row.namespace}/{row.name}"
    newest = [LATEST] if row.number == row.latest else []
    return Version(
        ref=f"{collection}:v{row.number}",
        collection=collection,
        kind=row.kind,
        number=row.number,
        type=row.type,
        digest=row.digest,
        size=row.size,
        files=row.files,
        source=f"{row.home_namespace}/{row.home_name}:v{row.home_number}",
        metadata=row.metadata,
        metrics=metrics,
        description=row.description,
        aliases=(*newest, *labels["alias", row.collection_id, row.number]),
        run=row.run_id,
        supersedes=row.supersedes if row.kind == "artifact" else None,
        created_at=row.created_at,
        created_by=row.created_by,
        origin=Origin.from_json(row.origin),
        tags=tuple(labels["tag", row.collection_id, row.number]),
        expires_at=row.expires_at,
        deleted_at=row.deleted_at,
    )


def _labels(connection: sa.Connection, members: Sequence[tuple[UUID, int]]) -> _Labels:
    """Return the aliases and tags of memberships, sorted: one statement for both."""
    found: _Labels = defaultdict(list)
    for start in range(0, len(members), _CHUNK):
        some = members[start : start + _CHUNK]
        for kind, collection_id, number, name in connection.execute(_LABELS, _label_keys(some)):
            found[kind, collection_id, number].append(name)
    return found


def _label_keys(members: Sequence[tuple[UUID, int]]) -> dict[str, list[Any]]:
    return {"collections": list({member[0] for member in members}), "numbers": [member[1] for member in members]}


def _labels_of(kind: str, table: sa.Table) -> sa.Select[Any]:
    # By both columns of the key; a pair that was not asked for is never looked up, so the product does no harm.
    c = table.c
    return sa.select(sa.literal(kind), c.collection_id, c.number, c.name).where(
        c.collection_id.in_(sa.bindparam("collections", expanding=True)),
        c.number.in_(sa.bindparam("numbers", expanding=True)),
    )


_LABELS = sa.union_all(_labels_of("alias", t.aliases), _labels_of("tag", t.version_tags)).order_by("name")


def _metrics(connection: sa.Connection, ids: set[UUID]) -> defaultdict[UUID, dict[str, float]]:
    found: defaultdict[UUID, dict[str, float]] = defaultdict(dict)
    m = t.version_metrics.c
    for some in _chunks(ids):
        query = sa.select(m.version_id, m.name, m.value).where(m.version_id.in_(some)).order_by(m.name)
        for version_id, name, value in connection.execute(query):
            found[version_id][name] = value
    return found


def load_collections(connection: sa.Connection, rows: Sequence[Any]) -> list[Collection]:
    """Return artifacts and models; each row has all columns of `collections` and the name of its namespace."""
    aliases: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    tags: defaultdict[UUID, list[str]] = defaultdict(list)
    a, g = t.aliases.c, t.collection_tags.c
    for some in _chunks(row.id for row in rows):
        query = sa.select(a.collection_id, a.name, a.number).where(a.collection_id.in_(some)).order_by(a.name)
        for collection_id, name, number in connection.execute(query):
            aliases[collection_id][name] = number
        labels = sa.select(g.collection_id, g.name).where(g.collection_id.in_(some)).order_by(g.name)
        for collection_id, name in connection.execute(labels):
            tags[collection_id].append(name)
    return [_collection(row, aliases[row.id], tuple(tags[row.id])) for row in rows]


def _collection(row: Any, aliases: dict[str, int], tags: tuple[str, ...]) -> Collection:
    return Collection(
        ref=f"{row.namespace}/{row.name}",
        kind=row.kind,
        type=row.type,
        description=row.description,
        versions=row.live,
        aliases=({} if row.latest is None else {LATEST: row.latest}) | aliases,
        created_at=row.created_at,
        created_by=row.created_by,
        owner=row.owner,
        task=row.task,
        tags=tags,
        deleted_at=row.deleted_at,
    )


def load_manifest(connection: sa.Connection, digest: str) -> Manifest:
    """Return the files of a manifest."""
    e = t.manifest_entries.c
    rows = connection.execute(sa.select(e.path, e.size, e.sha256, e.uri, e.integrity, e.etag).where(e.digest == digest))
    return Manifest(tuple(sorted((to_entry(row) for row in rows), key=lambda entry: entry.path)))


def entry_row(entry: Entry) -> dict[str, Any]:
    """Return the columns of `manifest_entries` for a file or reference."""
    columns = {"path": entry.path, "size": entry.size, "sha256": entry.sha256}
    return columns | {"uri": entry.uri, "integrity": entry.integrity, "etag": entry.etag}


def to_entry(row: Any) -> Entry:
    """Return a file or reference from a row with the columns of `manifest_entries`."""
    if row.uri is None:
        return Entry(row.path, row.size, row.sha256)
    return Entry(row.path, row.size, row.sha256, row.uri, row.integrity, row.etag)


def to_run(row: Any, now: datetime) -> RunInfo:
    """Return a run; the row has the columns of `runs`, the name of its project, and its environment while it runs."""
    heartbeat = row.heartbeat_at or row.created_at  # runs of before the heartbeat were started without one
    processes = row.environment.get("processes", ()) if row.status == "running" else ()
    ended = bool(processes) and all(has_ended(process) for process in processes)
    return RunInfo(
        id=row.id,
        project=row.namespace,
        name=row.name,
        status=read_status(row.status, heartbeat, now, ended=ended),
        config=row.config,
        summary=row.summary,
        steps=row.steps,
        job_type=row.job_type,
        origin=Origin.from_json(row.origin),
        started_at=row.created_at,
        finished_at=row.finished_at,
        heartbeat_at=row.heartbeat_at,
    )


def to_check(row: Any, collection: str) -> RecordedCheck:
    """Return a recorded check from a row of `checks`."""
    result = CheckResult(
        name=row.name,
        status=row.status,
        message=row.message,
        metrics=row.metrics,
        severity=row.severity,
        duration=row.duration,
        suite=row.suite,
    )
    origin = Origin.from_json(row.origin)
    return RecordedCheck(collection, row.number, row.digest, result, row.created_at, row.created_by, origin)


def to_move(row: Any, collection: str) -> AliasMove:
    """Return an alias move from a row of `alias_moves`."""
    return AliasMove(
        collection=collection,
        alias=row.name,
        kind=row.kind,
        before=row.before,
        after=row.after,
        at=row.created_at,
        actor=row.created_by,
        origin=Origin.from_json(row.origin),
        reason=row.reason,
    )


def to_transition(row: Any, collection: str, *, changed: bool) -> Transition:
    """Return a transition from a row of `transitions`."""
    return Transition(
        id=str(row.id),
        collection=collection,
        stage=row.stage,
        number=row.number,
        digest=row.digest,
        before=row.before,
        status=row.status,
        kind=row.kind,
        gates=tuple(GateResult(**gate) for gate in row.gates),
        reason=row.reason,
        forced=row.forced,
        actor=row.created_by,
        origin=Origin.from_json(row.origin),
        at=row.created_at,
        changed=changed,
    )


def to_event(row: Any) -> Event:
    """Return an event from a row of `events`."""
    return Event(
        id=str(row.id),
        type=row.type,
        stream=row.stream_name,
        sequence=row.sequence,
        at=row.created_at,
        actor=row.created_by,
        origin=Origin.from_json(row.origin),
        subject=row.subject,
        before=row.before,
        after=row.after,
        reason=row.reason,
        previous=row.previous,
        hash=row.hash,
    )


def _chunks(ids: Iterable[UUID]) -> Iterable[Sequence[UUID]]:
    ordered = sorted(ids)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
