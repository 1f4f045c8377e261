"""Fill a Podium database by bulk SQL with what its use cases would have written.

Each model has an artifact of its own whose versions are all linked, and there is one artifact of spare versions to
link while measuring. Counters (`live`, `latest`, `next_number`) are those of the rows. The chains of events are left
empty, which is a consistent stream: the head of each is the genesis hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import GENESIS
from podium.domain.manifest import Entry, Manifest
from podium.domain.origin import Origin
from podium.sql import tables as t
from podium.sql.ids import new_id

SPARE = 1000
_CHUNK = 5000
_WHO = {"created_at": datetime(2026, 1, 1, tzinfo=UTC), "created_by": "bench"}
_ORIGIN = Origin("script", "script seed", details={"script": "seed"}).to_json()


def model_name(index: int) -> str:
    """Return the name of a model."""
    return f"Model {index:04}"


def seed(url: str, versions: int, models: int) -> None:
    """Write versions, linked, spread over models; the database has its schema."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        registry = connection.execute(
            sa.select(t.namespaces.c.id).where(t.namespaces.c.kind == "registry")
        ).scalar_one()
        project: UUID = new_id()
        namespace = {"id": project, "name": "bench", "kind": "project", "sequence": 0, "head": GENESIS, **_WHO}
        connection.execute(sa.insert(t.namespaces), [namespace])
        _fill(connection, project, None, "spare", SPARE)
        for index in range(models):
            target = _collection(connection, registry, model_name(index), "model", versions // models)
            _fill(connection, project, target, f"a{index:04}", versions // models)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))  # what the server does by itself a minute later
    engine.dispose()


def _collection(connection: sa.Connection, namespace: UUID, name: str, kind: str, count: int) -> UUID:
    made: UUID = new_id()
    row = {
        "id": made,
        "namespace_id": namespace,
        "name": name,
        "name_key": name.casefold() if kind == "model" else name,
        "kind": kind,
        "type": "model",
        "next_number": count,
        "live": count,
        "latest": count - 1,
        "sequence": 0,
        "head": GENESIS,
        **_WHO,
    }
    connection.execute(sa.insert(t.collections), [row])
    return made


def _fill(connection: sa.Connection, project: UUID, model: UUID | None, name: str, count: int) -> None:
    artifact = _collection(connection, project, name, "artifact", count)
    for start in range(0, count, _CHUNK):
        numbers = range(start, min(start + _CHUNK, count))
        rows = [row for number in numbers for row in _rows(artifact, model, name, number)]
        for table in (t.manifests, t.manifest_entries, t.versions, t.memberships):
            connection.execute(sa.insert(table), [row for kind, row in rows if kind is table])


def _rows(artifact: UUID, model: UUID | None, name: str, number: int) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    sha256 = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
    digest = Manifest((Entry("model.bin", 100, sha256),)).digest
    version = new_id()
    yield t.manifests, {"digest": digest, "size": 100, "files": 1}
    yield t.manifest_entries, {"digest": digest, "path": "model.bin", "size": 100, "sha256": sha256}
    facts = {"metadata": {}, "origin": _ORIGIN, **_WHO}
    yield t.versions, {"id": version, "collection_id": artifact, "number": number, "digest": digest, **facts}
    place = {"number": number, "version_id": version, "origin": _ORIGIN, **_WHO}
    yield t.memberships, {"collection_id": artifact, **place}
    if model is not None:
        yield t.memberships, {"collection_id": model, **place}
