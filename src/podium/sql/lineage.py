"""The graph of runs and versions as it is read: one recursive statement for the whole of it, then details in batches.

`run_versions` is the graph: version -(input of)-> run -(output)-> version. The statement walks over nodes, not over
edges: a data set that ten thousand runs use is looked at once. `UNION` drops what was reached before, so that no cycle
keeps it going; cycles are real, for a run may log the very bytes that it used.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from podium.domain.lineage import RUN, Direction, LineageRun, LineageVersion, ModelPlace
from podium.domain.names import LATEST
from podium.domain.origin import Origin
from podium.domain.runs import read_status
from podium.processes import has_ended
from podium.sql import tables as t
from podium.sql.types import PlainJson

Key = str | UUID  # of a run or a version
Hops = tuple[int | None, int | None]  # up and down from the root
_CHUNK = 500
# Hops are counted in the statement up to here: a node then comes once per length of a path to it, of which there are at
# most half as many. For more hops it is cheaper to take all that can be reached and to count afterwards.
_COUNTED = 64
_E = t.run_versions
# The way of a walk is the direction of the edges that it follows from a run: up to its inputs, or down to its outputs.
_WAYS: dict[Direction, tuple[str, ...]] = {"up": ("input",), "down": ("output",), "both": ("input", "output")}


class Edge(NamedTuple):
    """A row of `run_versions` with the nodes that it connects, in the way of the data."""

    at: datetime
    run: str
    version: UUID
    direction: Literal["input", "output"]
    ref: str

    @property
    def ends(self) -> tuple[Key, Key]:
        """The source and the target."""
        return (self.version, self.run) if self.direction == "input" else (self.run, self.version)


def read_edges(connection: sa.Connection, root: Key, direction: Direction, depth: int | None) -> list[Edge]:
    """Return the edges that a walk from a run or version goes over, in order of time.

    Args:
        connection: The connection.
        root: The id of the run, or the row id of the version.
        direction: Which way.
        depth: How many hops the walk must go at least, None for all; it may go further.
    """
    counted = depth is not None and depth <= _COUNTED
    keys = {"run": root, "version": None} if isinstance(root, str) else {"run": None, "version": root}
    rows = connection.execute(_graph(_WAYS[direction], counted), keys | ({"depth": depth} if counted else {}))
    return sorted({Edge(*row) for row in rows})  # what lies on a cycle is walked both ways


@functools.cache
def _graph(ways: tuple[str, ...], counted: bool) -> sa.CompoundSelect[Any]:
    """Return the statement, made once per kind."""
    walk = _walk(ways, counted)
    w = walk.c
    reached = sa.select(w.way, w.run_id, w.version_id).distinct().cte("reached") if counted else walk
    edge = (_E.c.created_at, _E.c.run_id, _E.c.version_id, _E.c.direction, _E.c.ref)
    of_run = sa.and_(_E.c.run_id == reached.c.run_id, _E.c.direction == reached.c.way)
    of_version = sa.and_(_E.c.version_id == reached.c.version_id, _E.c.direction == _other(reached.c.way))
    # Two statements, not one with "or": each finds its edges by an index.
    return sa.union_all(*(sa.select(*edge).join_from(reached, _E, on) for on in (of_run, of_version)))


def _walk(ways: tuple[str, ...], counted: bool) -> sa.CTE:
    """Return what is reached, as ways with a run or a version; the edges of the last hop lead on from there."""
    # The columns have the types of the table: PostgreSQL wants both parts of the recursion alike to the length.
    begins = sa.union_all(*(_begin(way) for way in ways)).subquery("begin")
    start = sa.select(begins.c.way, begins.c.run_id, begins.c.version_id)
    walk = (start.add_columns(sa.literal(1).label("hops")) if counted else start).cte("walk", recursive=True)
    w, of_run, of_version = walk.c, _E.alias("of_run"), _E.alias("of_version")
    from_run = sa.and_(of_run.c.run_id == w.run_id, of_run.c.direction == w.way)
    from_version = sa.and_(of_version.c.version_id == w.version_id, of_version.c.direction == _other(w.way))
    onward = (
        sa.select(w.way, of_version.c.run_id, of_run.c.version_id)
        .select_from(walk.outerjoin(of_run, from_run).outerjoin(of_version, from_version))
        .where(sa.or_(of_run.c.version_id.is_not(None), of_version.c.run_id.is_not(None)))
    )
    if counted:
        onward = onward.add_columns(w.hops + 1).where(w.hops < sa.bindparam("depth", type_=sa.Integer()))
    return walk.union(onward)


def _begin(way: str) -> sa.Select[Any]:
    root: list[sa.ColumnElement[Any]] = [
        sa.cast(sa.literal(way), sa.String(8)).label("way"),
        sa.cast(sa.bindparam("run", type_=sa.String(64)), sa.String(64)).label("run_id"),
        sa.cast(sa.bindparam("version", type_=sa.Uuid()), sa.Uuid()).label("version_id"),
    ]
    return sa.select(*root)


def _other(way: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Return the direction of the edges that lead on from a version, which is the other one than from a run."""
    return sa.case((way == "input", sa.literal("output", sa.String(8))), else_=sa.literal("input", sa.String(8)))


def load_runs(connection: sa.Connection, hops: Mapping[str, Hops], now: datetime) -> dict[str, LineageRun]:
    """Return runs as nodes by their ids."""
    found: dict[str, LineageRun] = {}
    for some in _chunks(hops):
        for row in connection.execute(_RUNS, {"ids": some}):
            found[row.id] = _to_run(row, hops[row.id], now)
    return found


def load_versions(connection: sa.Connection, hops: Mapping[UUID, Hops]) -> dict[UUID, LineageVersion]:
    """Return versions as nodes by their row ids, deleted ones too."""
    names, models = load_places(connection, hops)
    found: dict[UUID, LineageVersion] = {}
    for some in _chunks(hops):
        for row in connection.execute(_VERSIONS, {"ids": some}):
            up, down = hops[row.id]
            found[row.id] = LineageVersion(
                id=f"{row.namespace}/{row.name}:v{row.number}",
                up=up,
                down=down,
                type=row.type,
                digest=row.digest,
                aliases=tuple(names[row.id]),
                models=tuple(models[row.id]),
                created_at=row.created_at,
                created_by=row.created_by,
                origin=Origin.from_json(row.origin),
                deleted_at=row.deleted_at,
            )
    return found


def load_places(
    connection: sa.Connection, ids: Iterable[UUID]
) -> tuple[defaultdict[UUID, list[str]], defaultdict[UUID, list[ModelPlace]]]:
    """Return what points at versions now: their aliases, and their places in registered models by name."""
    members: dict[tuple[UUID, int], list[Any]] = {}
    for some in _chunks(ids):
        for row in connection.execute(_PLACES, {"ids": some}):
            members.setdefault((row.collection_id, row.number), []).append(row)
    names: defaultdict[UUID, list[str]] = defaultdict(list)
    models: defaultdict[UUID, list[ModelPlace]] = defaultdict(list)
    for rows in members.values():
        first = rows[0]
        newest = [LATEST] if first.number == first.latest else []
        aliases = newest + sorted(row.alias for row in rows if row.alias is not None and not row.stage)
        stages = sorted(row.alias for row in rows if row.alias is not None and row.stage)
        if first.kind == "artifact":
            names[first.version_id] = aliases
        else:
            model = f"{first.namespace}/{first.name}"
            place = ModelPlace(f"{model}:v{first.number}", model, tuple(aliases), tuple(stages))
            models[first.version_id].append(place)
    for places in models.values():
        places.sort(key=lambda place: place.ref)
    return names, models


def _to_run(row: Any, hops: Hops, now: datetime) -> LineageRun:
    processes = row.environment.get("processes", ()) if row.status == "running" else ()
    ended = bool(processes) and all(has_ended(process) for process in processes)
    return LineageRun(
        id=f"{RUN}{row.id}",
        up=hops[0],
        down=hops[1],
        run=row.id,
        project=row.namespace,
        name=row.name,
        status=read_status(row.status, row.heartbeat_at or row.created_at, now, ended=ended),
        job_type=row.job_type,
        origin=Origin.from_json(row.origin),
        started_at=row.created_at,
    )


def _chunks(ids: Iterable[Any]) -> Iterator[Sequence[Any]]:
    ordered = sorted(ids)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_R, _V, _C, _M, _A, _N = (
    table.c for table in (t.runs, t.versions, t.collections, t.memberships, t.aliases, t.namespaces)
)
# Which packages were installed is kilobytes per run; whether it lives is asked of runs that say so.
_LIVE = sa.type_coerce(sa.case((_R.status == "running", _R.environment)), PlainJson).label("environment")
_RUNS = (
    sa.select(_R.id, _R.name, _R.status, _R.job_type, _R.origin, _R.created_at, _R.heartbeat_at, _LIVE)
    .add_columns(_N.name.label("namespace"))
    .join(t.namespaces, _N.id == _R.namespace_id)
    .where(_R.id.in_(_IDS))
)
_VERSIONS = (
    sa.select(_V.id, _V.number, _V.digest, _V.created_at, _V.created_by, _V.origin, _V.deleted_at)
    .add_columns(_C.name, _C.type, _N.name.label("namespace"))
    .join(t.collections, _C.id == _V.collection_id)
    .join(t.namespaces, _N.id == _C.namespace_id)
    .where(_V.id.in_(_IDS))
)
_PLACES = (
    sa.select(_M.version_id, _M.collection_id, _M.number, _C.name, _C.kind, _C.latest, _N.name.label("namespace"))
    .add_columns(_A.name.label("alias"), _A.stage)
    .join(t.collections, _C.id == _M.collection_id)
    .join(t.namespaces, _N.id == _C.namespace_id)
    .outerjoin(t.aliases, sa.and_(_A.collection_id == _M.collection_id, _A.number == _M.number))
    .where(_M.version_id.in_(_IDS), _M.deleted_at.is_(None))
)
