"""Lineage: where a version or run comes from, what came from it, and which models depend on it."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from podium.domain.impact import Dependent, Impact, sum_up
from podium.domain.lineage import (
    RUN,
    Direction,
    Lineage,
    LineageEdge,
    Node,
    Step,
    check_depth,
    check_direction,
    path_to,
    run_of,
    steps_from,
)
from podium.domain.names import LATEST, Reference, parse_reference
from podium.errors import NotFoundError
from podium.sql import tables as t
from podium.sql.lineage import Edge, Hops, Key, load_places, load_runs, load_versions, read_edges
from podium.usecases.members import version_of
from podium.usecases.places import find_collection
from podium.usecases.resolving import resolve_version
from podium.usecases.runs import show_run
from podium.usecases.unit import Unit

_Steps = Mapping[Key, Step]
_NOWHERE: _Steps = {}


@dataclass(frozen=True, slots=True)
class TraceLineage:
    """Trace where a version or run comes from and what came from it.

    Attributes:
        ref: ``PROJECT/ARTIFACT[:vN|:alias]``, ``REGISTRY/MODEL[:vN|:alias]`` or ``run:ID``.
        direction: ``up``, ``down`` or ``both``.
        depth: How many hops, None for all.
    """

    ref: str
    direction: Direction = "both"
    depth: int | None = None


def trace_lineage(unit: Unit, command: TraceLineage) -> Lineage:
    """Return the graph around a version or run, read with one recursive statement.

    Raises:
        InvalidNameError: The text is no reference.
        InvalidValueError: The direction or depth makes no sense.
        NotFoundError: It names nothing.
    """
    direction, depth = check_direction(command.direction), check_depth(command.depth)
    ref, root = _find_root(unit, command.ref)
    edges = read_edges(unit.connection, root, direction, depth)
    up = steps_from(root, _next(edges, up=True), depth) if direction != "down" else _NOWHERE
    down = steps_from(root, _next(edges, up=False), depth) if direction != "up" else _NOWHERE
    nodes = _load_nodes(unit, {key: (_hops(up, key), _hops(down, key)) for key in [*up, *down]})
    return Lineage(
        root=nodes[root].id,
        nodes=tuple(sorted(nodes.values(), key=_nearness)),
        edges=tuple(_to_edge(edge, nodes) for edge in edges if _is_crossed(edge, up, down, depth)),
        ref=ref,
        direction=direction,
        depth=depth,
    )


def find_impact(unit: Unit, ref: str) -> Impact:
    """Return the registered models, model versions, stages and aliases that depend on a version or run.

    Raises:
        InvalidNameError: The text is no reference.
        NotFoundError: It names nothing.
    """
    asked, root = _find_root(unit, ref)
    steps = steps_from(root, _next(read_edges(unit.connection, root, "down", None), up=False))
    versions = [key for key in steps if isinstance(key, UUID)]
    _, models = load_places(unit.connection, versions)
    paths = {key: path_to(key, steps) for key in models}
    named = _load_nodes(unit, dict.fromkeys([root, *(key for path in paths.values() for key in path)], (None, None)))
    dependents = [
        Dependent(
            ref=place.ref,
            model=place.model,
            source=named[version].id,
            aliases=place.aliases,
            stages=place.stages,
            hops=steps[version].hops,
            path=tuple(named[key].id for key in paths[version]),
        )
        for version, places in models.items()
        for place in places
    ]
    reached = len(versions) - isinstance(root, UUID)
    return sum_up(asked, named[root].id, dependents, len(steps) - 1 - reached, reached)


def _find_root(unit: Unit, text: str) -> tuple[str, Key]:
    """Return what a reference names in full, and the key of its node; a deleted version is found by its number.

    Raises:
        InvalidNameError: The text is no reference.
        NotFoundError: It names nothing.
    """
    run = run_of(text)
    if run is not None:
        return f"{RUN}{show_run(unit, run).id}", run
    ref = parse_reference(text)
    if ref.number is not None:
        row = find_collection(unit, ref, deleted=True)
        m = t.memberships.c
        query = sa.select(m.version_id).where(m.collection_id == row.id, m.number == ref.number)
        version: UUID | None = unit.connection.execute(query).scalar()
        if version is not None:
            return f"{ref.collection}:v{ref.number}", version
    try:
        found = resolve_version(unit, text)
    except NotFoundError as error:
        if (empty := _empty(unit, ref)) is not None:
            raise empty from error
        raise
    ref = parse_reference(found.ref)
    assert ref.number is not None
    return found.ref, version_of(unit, find_collection(unit, ref).id, ref.number)


def _empty(unit: Unit, ref: Reference) -> NotFoundError | None:
    """The error for an artifact or model whose versions are all gone, None if it has some or never was."""
    if ref.selector != LATEST or find_collection(unit, ref).latest is not None:
        return None
    there = f"'podium ls --deleted {shlex.quote(ref.collection)}' lists those that were deleted or unlinked."
    return NotFoundError(f"{ref.collection} has no version now.", hint=there, ref=ref.collection)


def _next(edges: Sequence[Edge], *, up: bool) -> Mapping[Key, Sequence[Key]]:
    """Return what comes after each node, on the way up or down, in order of time."""
    found: defaultdict[Key, list[Key]] = defaultdict(list)
    for edge in edges:
        source, target = edge.ends
        if up:
            found[target].append(source)
        else:
            found[source].append(target)
    return found


def _is_crossed(edge: Edge, up: _Steps, down: _Steps, depth: int | None) -> bool:
    """Whether a walk goes over an edge before it ends; the statement may have gone further."""
    source, target = edge.ends
    begins = (up.get(target), down.get(source))
    return any(step is not None and (depth is None or step.hops < depth) for step in begins)


def _hops(steps: _Steps, key: Key) -> int | None:
    step = steps.get(key)
    return None if step is None else step.hops


def _load_nodes(unit: Unit, hops: Mapping[Key, Hops]) -> dict[Key, Node]:
    """Return the nodes by key, in the order given."""
    versions = load_versions(unit.connection, {key: hops[key] for key in hops if isinstance(key, UUID)})
    runs = load_runs(unit.connection, {key: hops[key] for key in hops if isinstance(key, str)}, unit.now)
    return {key: versions[key] if isinstance(key, UUID) else runs[key] for key in hops}


def _nearness(node: Node) -> int:
    return min(hops for hops in (node.up, node.down) if hops is not None)


def _to_edge(edge: Edge, nodes: Mapping[Key, Node]) -> LineageEdge:
    source, target = edge.ends
    origin = nodes[edge.run].origin
    return LineageEdge(nodes[source].id, nodes[target].id, edge.direction, edge.ref, edge.at, origin)
