"""Lineage: what a version or run was made from, and what was made from it.

Versions and runs are the nodes. A version is an *input* of the runs that used it and an *output* of the runs that
logged it; each such fact is an edge, and one edge is one hop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from podium.domain.origin import Origin
from podium.domain.plain import Value
from podium.domain.runs import RunStatus
from podium.errors import InvalidNameError, InvalidValueError

Direction = Literal["up", "down", "both"]
RUN = "run:"  # begins a reference to a run: `run:k3v9x1ab`
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ModelPlace(Value):
    """A place in a registered model that points at a version.

    Attributes:
        ref: ``REGISTRY/MODEL:vN``.
        model: ``REGISTRY/MODEL``.
        aliases: What names it there now, ``latest`` included, stages not.
        stages: The stages that it holds now.
    """

    ref: str
    model: str
    aliases: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineageVersion(Value):
    """An artifact version as a node.

    Attributes:
        id: ``PROJECT/ARTIFACT:vN`` by the name that it has now.
        up: Hops from the root up to it; None if it does not lie upstream.
        down: Hops from the root down to it; None if it does not lie downstream.
        type: ``model``, ``dataset``, or any word.
        digest: Of its manifest.
        aliases: What names it now in its artifact.
        models: The registered models that it is linked into now.
        created_at: UTC.
        created_by: The actor.
        origin: The execution that logged it first.
        deleted_at: UTC; None while it is there.
        kind: ``version``.
    """

    id: str
    up: int | None
    down: int | None
    type: str
    digest: str
    aliases: tuple[str, ...]
    models: tuple[ModelPlace, ...]
    created_at: datetime
    created_by: str
    origin: Origin
    deleted_at: datetime | None = None
    kind: Literal["version"] = "version"


@dataclass(frozen=True, slots=True)
class LineageRun(Value):
    """A run as a node.

    Attributes:
        id: ``run:`` and the id of the run.
        up: Hops from the root up to it; None if it does not lie upstream.
        down: Hops from the root down to it; None if it does not lie downstream.
        run: The id of the run.
        project: Its project.
        name: A name for people.
        status: ``running``, ``finished``, ``failed`` or ``crashed``.
        job_type: What kind of work it does, if said.
        origin: Where it runs.
        started_at: UTC.
        kind: ``run``.
    """

    id: str
    up: int | None
    down: int | None
    run: str
    project: str
    name: str
    status: RunStatus
    job_type: str | None
    origin: Origin
    started_at: datetime
    kind: Literal["run"] = "run"


Node = LineageVersion | LineageRun


@dataclass(frozen=True, slots=True)
class LineageEdge(Value):
    """That a run used or logged a version; the arrow goes the way of the data.

    Attributes:
        source: The id of the node that the data comes from.
        target: The id of the node that it goes to.
        kind: ``input``: the run `target` used the version `source`. ``output``: the run `source` logged `target`.
        ref: The reference by which the version was used or logged then; a model version if it was used as such.
        at: UTC; when it was used or logged first.
        origin: The execution of the run: its DAG or flow, task and URL.
    """

    source: str
    target: str
    kind: Literal["input", "output"]
    ref: str
    at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True)
class Lineage(Value):
    """Where a version or run comes from, and what came from it.

    Attributes:
        root: The id of the node that was asked for. Of a model version it is the artifact version that it points at.
        nodes: The root first, then by hops and time.
        edges: By time.
        ref: What was asked for: ``NAMESPACE/NAME:vN`` or ``run:ID``.
        direction: ``up``, ``down`` or ``both``.
        depth: How many hops were followed, None for all.
    """

    root: str
    nodes: tuple[Node, ...]
    edges: tuple[LineageEdge, ...]
    ref: str
    direction: Direction
    depth: int | None = None
    _by_id: dict[str, Node] = field(
        default_factory=dict, init=False, repr=False, compare=False, metadata={"hidden": True}
    )

    def __post_init__(self) -> None:
        self._by_id.update((node.id, node) for node in self.nodes)

    def node(self, id: str) -> Node:
        """Return a node by its id.

        Raises:
            KeyError: It is not part of this lineage.
        """
        return self._by_id[id]

    def nearest(self, limit: int | None) -> Lineage:
        """Return the part with at most so many nodes, the nearest, and the edges between them; all of it for None."""
        nodes = self.nodes[:limit]
        known = {node.id for node in nodes}
        edges = tuple(edge for edge in self.edges if edge.source in known and edge.target in known)
        return replace(self, nodes=nodes, edges=edges)

    def to_tree(self, limit: int | None = None) -> str:
        """Return trees of text, one up and one down; a node that comes again is not drawn again.

        Args:
            limit: Draw at most so many nodes, the nearest; None for all.
        """
        from podium.domain.lineage_tree import draw_trees

        return "\n".join(line.text for line in draw_trees(self, limit))

    def to_mermaid(self, limit: int | None = None) -> str:
        """Return a Mermaid flow chart; see `to_tree` for ``limit``."""
        from podium.domain.lineage_charts import draw_mermaid

        return draw_mermaid(self, limit)

    def to_dot(self, limit: int | None = None) -> str:
        """Return a graph in Graphviz' language DOT; see `to_tree` for ``limit``."""
        from podium.domain.lineage_charts import draw_dot

        return draw_dot(self, limit)


@dataclass(frozen=True, slots=True)
class Step:
    """How a node is reached first.

    Attributes:
        hops: How many from the root.
        via: The node before it; None for the root.
    """

    hops: int
    via: Any


def check_direction(direction: Any) -> Direction:
    """Return a direction unchanged if it is one.

    Raises:
        InvalidValueError: It is none.
    """
    if direction not in get_args(Direction):
        raise InvalidValueError(f"{direction!r} is no direction.", hint="Use 'up', 'down' or 'both'.")
    known: Direction = direction
    return known


def check_depth(depth: Any) -> int | None:
    """Return how many hops shall be followed, None for all.

    Raises:
        InvalidValueError: It is no whole number from 1 on.
    """
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 1):
        raise InvalidValueError(f"{depth!r} is no depth.", hint="Give 1 or more hops, or None for all.")
    return depth


def run_of(ref: Any) -> str | None:
    """Return the id of the run that a reference names, None if it has the shape of one to a version.

    Raises:
        InvalidNameError: It has neither shape.
    """
    if isinstance(ref, str) and ref.startswith(RUN) and "/" not in ref:
        return ref.removeprefix(RUN)
    if isinstance(ref, str) and "/" in ref:
        return None
    raise InvalidNameError(
        f"{ref!r} names neither a version nor a run.",
        hint="Write PROJECT/ARTIFACT:v3, 'REGISTRY/MODEL:production' or run:ID.",
        name=ref,
    )


def steps_from(root: K, following: Mapping[K, Sequence[K]], depth: int | None = None) -> dict[K, Step]:
    """Return every node that can be reached, the nearest first; of equally near ones those that `following` has first.

    Args:
        root: Where to begin.
        following: What comes after each node.
        depth: How many hops at most, None for all.
    """
    found = {root: Step(0, None)}
    queue = deque([root])
    while queue:
        here = queue.popleft()
        hops = found[here].hops + 1
        for there in following.get(here, ()) if depth is None or hops <= depth else ():
            if there not in found:
                found[there] = Step(hops, here)
                queue.append(there)
    return found


def path_to(node: K, steps: Mapping[K, Step]) -> list[K]:
    """Return the nodes from the root to one of those that `steps_from` found."""
    path = [node]
    while (via := steps[path[-1]].via) is not None:
        path.append(via)
    return path[::-1]
