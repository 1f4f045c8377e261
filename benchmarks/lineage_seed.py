"""Fill a Podium database by bulk SQL with graphs of runs and versions, as its use cases would have written them.

Each run uses two versions and logs one: three edges per run. What differs is who uses whom, and so how many nodes lie
within so many hops and over how many paths each is reached:

- ``layers``: 25 layers of runs; each uses two versions of the layer before, at random, the first layer the root. The
  number of nodes grows with the depth, that of paths doubles with each layer.
- ``shared``: 400 lines of 25 runs; each uses the model of the run before it, and a data set that all of them use: the
  root. Every node is near, and over paths of up to 25 lengths besides.
- ``chain``: one line of all runs, which all use one data set besides; the root is the last model, looked at upwards.
- ``random``: each run uses any two versions of before; the root is the last model, looked at upwards. Few nodes are
  near, thousands are far, and nearly each is reached over paths of many lengths.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import GENESIS
from podium.domain.origin import Origin
from podium.sql import tables as t
from podium.sql.ids import new_id

LAYERS = 25
LINKED = 100  # every so many-th version is a model version, too
_START = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 5000
_DIGEST = "sha256:" + "0" * 64
# A run to the two runs whose versions it uses; -1 is the data set that is there from the start.
Parents = Callable[[int, int], tuple[int, int]]


def layers(run: int, runs: int) -> tuple[int, int]:
    """Two versions of the layer before."""
    width = runs // LAYERS
    if run < width:
        return -1, -1
    before = range((run // width - 1) * width, run // width * width)
    first, second = random.Random(run).sample(before, 2)
    return first, second


def shared(run: int, runs: int) -> tuple[int, int]:
    """The data set of all, and the model of the run before in the same line."""
    return -1, run - 1 if run % LAYERS else -1


def chain(run: int, runs: int) -> tuple[int, int]:
    """The data set of all, and the model of the run before."""
    return -1, run - 1


def anyone(run: int, _runs: int) -> tuple[int, int]:
    """Any two versions of before."""
    draw = random.Random(run)
    return draw.randrange(-1, run), draw.randrange(-1, run)


SHAPES: dict[str, Parents] = {"layers": layers, "shared": shared, "chain": chain, "random": anyone}


def seed(url: str, shape: str, runs: int) -> int:
    """Write a graph into a database that has its schema, and return the number of its edges."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        registry = connection.execute(
            sa.select(t.namespaces.c.id).where(t.namespaces.c.kind == "registry")
        ).scalar_one()
        project = new_id()
        connection.execute(sa.insert(t.namespaces), [_named(project, "bench", kind="project")])
        connection.execute(sa.insert(t.manifests), [{"digest": _DIGEST, "size": 1, "files": 1}])
        rows = list(_rows(project, registry, SHAPES[shape], runs))
        for table in (t.collections, t.runs, t.versions, t.memberships, t.aliases, t.run_versions):
            some = [row for kind, row in rows if kind is table]
            for start in range(0, len(some), _CHUNK):
                connection.execute(sa.insert(table), some[start : start + _CHUNK])
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))  # what the server does by itself a minute later
    engine.dispose()
    return sum(kind is t.run_versions for kind, _ in rows)


def _rows(project: UUID, registry: UUID, parents: Parents, runs: int) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    data, models, linked = new_id(), new_id(), new_id()
    yield t.collections, _collection(data, project, "data", "artifact", "dataset", 1)
    yield t.collections, _collection(models, project, "mlp", "artifact", "model", runs)
    yield t.collections, _collection(linked, registry, "Model", "model", "model", runs // LINKED)
    root, ids = new_id(), [new_id() for _ in range(runs)]
    yield from _version(data, root, 0, None)
    for run in range(runs):
        yield t.runs, _run(run, project)
        yield from _version(models, ids[run], run, _id(run))
        if run % LINKED == LINKED - 1:
            yield t.memberships, _member(linked, run // LINKED, ids[run], run)
        yield t.run_versions, _edge(run, ids[run], "output", f"bench/mlp:v{run}")
        for parent in sorted(set(parents(run, runs))):
            ref = "bench/data:v0" if parent < 0 else f"bench/mlp:v{parent}"
            yield t.run_versions, _edge(run, root if parent < 0 else ids[parent], "input", ref)
    yield t.aliases, {"collection_id": linked, "number": runs // LINKED - 1, "name": "production", "stage": True}


def _id(run: int) -> str:
    return f"r{run:07}"


def _who(run: int | None = None) -> dict[str, Any]:
    return {"created_at": _START + timedelta(minutes=run or 0), "created_by": "bench"}


def _origin(run: int | None) -> dict[str, Any]:
    known = {"dag_id": "train", "run_id": f"manual__{run}", "task_id": "fit"}
    url = f"http://airflow.example/dags/train/runs/manual__{run}/tasks/fit"
    return Origin("airflow", "DAG train · task fit", url, f"train/{run}/fit", known).to_json()


def _named(id: UUID, name: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "sequence": 0, "head": GENESIS, **more, **_who()}


def _collection(id: UUID, space: UUID, name: str, kind: str, type_: str, count: int) -> dict[str, Any]:
    counted = {"next_number": count, "live": count, "latest": count - 1}
    key = name.casefold() if kind == "model" else name
    return _named(id, name, namespace_id=space, name_key=key, kind=kind, type=type_, **counted)


def _run(run: int, project: UUID) -> dict[str, Any]:
    row = {"id": _id(run), "namespace_id": project, "name": _id(run), "status": "finished", "job_type": "train"}
    return {
        **row,
        "config": {"lr": 0.1},
        "summary": {"loss": 1 / (run + 1)},
        "steps": 1,
        "origin": _origin(run),
        **_who(run),
    }


def _version(
    collection: UUID, version: UUID, number: int, run: str | None
) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    facts = {"digest": _DIGEST, "metadata": {}, "run_id": run, "origin": _origin(number), **_who(number)}
    yield t.versions, {"id": version, "collection_id": collection, "number": number, **facts}
    yield t.memberships, _member(collection, number, version, number)


def _member(collection: UUID, number: int, version: UUID, run: int) -> dict[str, Any]:
    return {"collection_id": collection, "number": number, "version_id": version, "origin": _origin(run), **_who(run)}


def _edge(run: int, version: UUID, direction: str, ref: str) -> dict[str, Any]:
    at = _START + timedelta(minutes=run, seconds=1)
    return {"run_id": _id(run), "version_id": version, "direction": direction, "ref": ref, "created_at": at}
