"""Impact: which registered models, versions and stages depend on a version or run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podium.domain.plain import Value


@dataclass(frozen=True, slots=True)
class Dependent(Value):
    """A model version that was made from a version, directly or through any number of runs.

    Attributes:
        ref: ``REGISTRY/MODEL:vN``.
        model: ``REGISTRY/MODEL``.
        source: The artifact version that it points at.
        aliases: What names it now, ``latest`` included, stages not.
        stages: The stages that it holds now.
        hops: The length of the shortest path; 0 if it points at the version itself.
        path: One shortest path, from the version asked for to `source`, as ids of nodes.
    """

    ref: str
    model: str
    source: str
    aliases: tuple[str, ...]
    stages: tuple[str, ...]
    hops: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impact(Value):
    """What depends on a version or run.

    Attributes:
        ref: What was asked for.
        root: The id of its node; see `Lineage`.
        models: The registered models, by name.
        stages: The stages that are held by what depends on it, as ``REGISTRY/MODEL:STAGE``.
        aliases: The other aliases, in the same form.
        dependents: The model versions, the nearest first.
        runs: How many runs lie downstream, linked or not.
        versions: How many artifact versions lie downstream, linked or not.
    """

    ref: str
    root: str
    models: tuple[str, ...]
    stages: tuple[str, ...]
    aliases: tuple[str, ...]
    dependents: tuple[Dependent, ...]
    runs: int
    versions: int


def sum_up(ref: str, root: str, dependents: Iterable[Dependent], runs: int, versions: int) -> Impact:
    """Return what depends on a version or run, from the model versions that do.

    Args:
        ref: What was asked for.
        root: The id of its node.
        dependents: The model versions, in any order.
        runs: How many runs lie downstream.
        versions: How many artifact versions lie downstream.
    """
    ordered = tuple(sorted(dependents, key=lambda item: (item.hops, item.model, int(item.ref.rpartition(":v")[2]))))
    models = tuple(sorted({item.model for item in ordered}))
    stages = tuple(sorted({f"{item.model}:{name}" for item in ordered for name in item.stages}))
    aliases = tuple(sorted({f"{item.model}:{name}" for item in ordered for name in item.aliases}))
    return Impact(ref, root, models, stages, aliases, ordered, runs, versions)
