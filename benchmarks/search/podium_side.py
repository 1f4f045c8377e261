"""Podium's side: filled by bulk SQL, asked through `Registry.search`."""

from __future__ import annotations

import itertools
import resource
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

import podium
from benchmarks.protocol import serve, time_calls
from benchmarks.search.data import ABOVE, ALIAS, PER_MODEL, PREFIX, TAG, Item, items
from podium.domain.events import GENESIS
from podium.domain.origin import Origin
from podium.sql import tables as t
from podium.sql.ids import new_id

_ORIGIN = Origin("script", "script seed", details={"script": "seed"}).to_json()
_START = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 2000
_WHERE = {
    "tag": f"tag = '{TAG}'",
    "alias": f"alias = '{ALIAS}'",
    "metric": f"metric.accuracy >= {ABOVE}",
    "prefix": f"name like '{PREFIX}%'",
    "all": "",
}
Row = tuple[sa.Table, dict[str, Any]]


class PodiumSide:
    """What the conductor asks; see `benchmarks.search.__main__`."""

    def __init__(self) -> None:
        self._registry: Any = None
        self._cursors: dict[str, dict[int, str | None]] = {}

    def open(self, url: str, folder: str) -> None:
        """Open a registry, making its schema."""
        self._registry, self._url = podium.open_registry(url, content=folder), url
        self._registry.upgrade()

    def seed(self, versions: int) -> None:
        """Fill the database."""
        engine = sa.create_engine(self._url)
        with engine.begin() as connection:
            for some in _chunks(_rows(connection, versions)):
                for table in t.metadata.sorted_tables:
                    rows = [row for kind, row in some if kind is table]
                    if rows:
                        connection.execute(sa.insert(table), rows)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("VACUUM ANALYZE"))  # what the server does by itself a minute later
        engine.dispose()

    def reach(self, case: str, page: int) -> int:
        """Walk to the start of a page, counted from 1, or to the last page; return which one it is."""
        cursors: dict[int, str | None] = {1: None}
        for number in range(1, page):
            cursor = self._page(case, cursors[number]).next
            if cursor is None:
                break
            cursors[number + 1] = cursor
        self._cursors[case] = cursors
        return max(cursors)

    def run(self, case: str, page: int, times: int, seconds: float) -> list[float]:
        """Time some calls for a page that was reached."""
        cursor = self._cursors[case][page]
        return time_calls(lambda _: self._page(case, cursor), range(times), seconds)

    def listing(self) -> dict[str, float]:
        """Go through everything page by page; return the seconds, the count and the largest memory in bytes."""
        start, count = time.perf_counter(), 0
        cursor = None
        while True:
            page = self._page("all", cursor)
            count, cursor = count + len(page.items), page.next
            if cursor is None:
                break
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"seconds": time.perf_counter() - start, "count": count, "memory": memory}

    def _page(self, case: str, cursor: str | None) -> Any:
        return self._registry.search(_WHERE[case], kind="model", limit=100, after=cursor)


def _rows(connection: sa.Connection, versions: int) -> Iterator[list[Row]]:
    kind = t.namespaces.c.kind
    registry = connection.execute(sa.select(t.namespaces.c.id).where(kind == "registry")).scalar_one()
    project: UUID = new_id()
    space = {"id": project, "name": "bench", "kind": "project", "sequence": 0, "head": GENESIS, **_who(0)}
    yield [(t.namespaces, space)]
    artifact, model = new_id(), new_id()
    for index, item in enumerate(items(versions)):
        rows: list[Row] = []
        if item.number == 0:
            artifact, model = new_id(), new_id()
            rows.append((t.collections, _collection(artifact, project, item, "artifact")))
            rows.append((t.collections, _collection(model, registry, item, "model")))
        yield rows + list(_version(index, item, artifact, model))


def _version(index: int, item: Item, artifact: UUID, model: UUID) -> Iterator[Row]:
    version, digest = new_id(), f"sha256:{index:064x}"
    yield t.manifests, {"digest": digest, "size": 100, "files": 1}
    facts = {"metadata": {}, "origin": _ORIGIN, **_who(index)}
    row = {"id": version, "collection_id": artifact, "number": item.number, "digest": digest}
    yield t.versions, row | facts
    place = {"number": item.number, "version_id": version, "origin": _ORIGIN, **_who(index)}
    for collection in (artifact, model):
        yield t.memberships, {"collection_id": collection, **place}
    for name, value in item.metrics.items():
        yield t.version_metrics, {"version_id": version, "name": name, "value": value}
    there = {"collection_id": model, "number": item.number}
    if item.tagged:
        yield t.version_tags, {**there, "name": TAG, **_who(index)}
    if item.aliased:
        yield t.aliases, {**there, "name": ALIAS}


def _collection(key: UUID, namespace: UUID, item: Item, kind: str) -> dict[str, Any]:
    name = {"id": key, "namespace_id": namespace, "name": item.name, "name_key": item.name}
    counts = {"next_number": PER_MODEL, "live": PER_MODEL, "latest": PER_MODEL - 1}
    return {**name, **counts, "kind": kind, "type": "model", "sequence": 0, "head": GENESIS, **_who(item.model)}


def _who(index: int) -> dict[str, Any]:
    return {"created_at": _START + timedelta(seconds=index), "created_by": "bench"}


def _chunks(rows: Iterator[list[Row]]) -> Iterator[Sequence[Row]]:
    while some := list(itertools.islice(rows, _CHUNK)):
        yield [row for several in some for row in several]


if __name__ == "__main__":
    side = PodiumSide()
    serve({name: getattr(side, name) for name in dir(side) if not name.startswith("_")})
