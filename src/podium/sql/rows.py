"""Rows become frozen values here; nothing else leaves the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.checks import CheckResult, RecordedCheck
from podium.domain.events import Event
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import LATEST
from podium.domain.origin import Origin
from podium.domain.runs import RunInfo
from podium.domain.stages import GateResult, Transition
from podium.domain.versions import AliasMove, Collection, Version
from podium.sql import tables as t

_CHUNK = 500

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
        t.collections.c.name,
        t.collections.c.kind,
        t.collections.c.type,
        t.namespaces.c.name.label("namespace"),
        t.versions.c.number.label("home_number"),
        t.versions.c.digest,
        t.versions.c.metadata,
        t.versions.c.description,
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
    aliases = _aliases(connection, {row.collection_id for row in rows})
    metrics = _metrics(connection, {row.version_id for row in rows})
    return [_version(row, aliases[row.collection_id], metrics[row.version_id]) for row in rows]


def _version(row: Any, aliases: dict[int, list[str]], metrics: dict[str, float]) -> Version:
    collection = f"{row.namespace}/{row.name}"
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
        aliases=tuple(aliases.get(row.number, ())),
        run=row.run_id,
        supersedes=row.supersedes if row.kind == "artifact" else None,
        created_at=row.created_at,
        created_by=row.created_by,
        origin=Origin.from_json(row.origin),
    )


def _aliases(connection: sa.Connection, ids: set[UUID]) -> defaultdict[UUID, dict[int, list[str]]]:
    """Return collection to number to aliases, with `latest` for the newest number."""
    found: defaultdict[UUID, dict[int, list[str]]] = defaultdict(dict)
    m, a = t.memberships.c, t.aliases.c
    for some in _chunks(ids):
        newest = sa.select(m.collection_id, sa.func.max(m.number)).where(m.collection_id.in_(some))
        for collection_id, number in connection.execute(newest.group_by(m.collection_id)):
            found[collection_id].setdefault(number, []).append(LATEST)
        query = sa.select(a.collection_id, a.number, a.name).where(a.collection_id.in_(some)).order_by(a.name)
        for collection_id, number, name in connection.execute(query):
            found[collection_id].setdefault(number, []).append(name)
    return found


def _metrics(connection: sa.Connection, ids: set[UUID]) -> defaultdict[UUID, dict[str, float]]:
    found: defaultdict[UUID, dict[str, float]] = defaultdict(dict)
    m = t.version_metrics.c
    for some in _chunks(ids):
        query = sa.select(m.version_id, m.name, m.value).where(m.version_id.in_(some)).order_by(m.name)
        for version_id, name, value in connection.execute(query):
            found[version_id][name] = value
    return found


def load_collection(connection: sa.Connection, row: Any) -> Collection:
    """Return an artifact or model; the row has all columns of `collections` and the name of its namespace."""
    m, a = t.memberships.c, t.aliases.c
    count, newest = connection.execute(
        sa.select(sa.func.count(), sa.func.max(m.number)).where(m.collection_id == row.id)
    ).one()
    named = connection.execute(sa.select(a.name, a.number).where(a.collection_id == row.id).order_by(a.name))
    aliases = {} if newest is None else {LATEST: newest}
    return Collection(
        ref=f"{row.namespace}/{row.name}",
        kind=row.kind,
        type=row.type,
        description=row.description,
        versions=count,
        aliases={**aliases, **{name: number for name, number in named}},
        created_at=row.created_at,
        created_by=row.created_by,
    )


def load_manifest(connection: sa.Connection, digest: str) -> Manifest:
    """Return the files of a manifest."""
    e = t.manifest_entries.c
    rows = connection.execute(sa.select(e.path, e.size, e.sha256).where(e.digest == digest))
    return Manifest(tuple(sorted(Entry(*row) for row in rows)))


def to_run(row: Any) -> RunInfo:
    """Return a run; the row has all columns of `runs` and the name of its project."""
    return RunInfo(
        id=row.id,
        project=row.namespace,
        name=row.name,
        status=row.status,
        config=row.config,
        summary=row.summary,
        steps=row.steps,
        job_type=row.job_type,
        origin=Origin.from_json(row.origin),
        started_at=row.created_at,
        finished_at=row.finished_at,
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
