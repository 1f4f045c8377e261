"""Rows become frozen values here; nothing else leaves the database."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.checks import CheckResult, RecordedCheck
from podium.domain.events import Event
from podium.domain.gates import GateResult
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import LATEST
from podium.domain.origin import Origin
from podium.domain.runs import RunInfo, read_status
from podium.domain.transitions import Transition
from podium.domain.versions import AliasMove, Collection
from podium.errors import IntegrityError
from podium.processes import has_ended
from podium.sql import tables as t

_CHUNK = 500
_SHA256 = re.compile("[0-9a-f]{64}")


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
    """Return a file or reference from a row with the columns of `manifest_entries`.

    Raises:
        IntegrityError: The row was tampered with. The SHA-256 becomes part of a path, so it is never taken on trust.
    """
    if not _SHA256.fullmatch(row.sha256) and (row.uri is None or row.sha256):
        raise IntegrityError(
            f"The manifest row of {row.path!r} is damaged: {row.sha256!r} is no SHA-256.",
            hint="Somebody edited the database; restore it from a backup.",
        )
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
        goals=row.goals,
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
        gates=tuple(GateResult.from_json(gate) for gate in row.gates),
        reason=row.reason,
        forced=row.forced,
        actor=row.created_by,
        origin=Origin.from_json(row.origin),
        at=row.created_at,
        changed=changed,
        policy=row.policy,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        outcome=row.outcome,
    )


def to_event(row: Any) -> Event:
    """Return an event from a row of `events`."""
    return event_of(row, row.before, row.after, row.origin)


def event_of(row: Any, before: Any, after: Any, origin: Any) -> Event:
    """Return an event from a row of `events` whose JSON was read."""
    return Event(
        id=str(row.id),
        type=row.type,
        stream=row.stream_name,
        sequence=row.sequence,
        at=row.created_at,
        actor=row.created_by,
        origin=Origin.from_json(origin),
        subject=row.subject,
        before=before,
        after=after,
        reason=row.reason,
        previous=row.previous,
        hash=row.hash,
    )


def _chunks(ids: Iterable[UUID]) -> Iterable[Sequence[UUID]]:
    ordered = sorted(ids)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
