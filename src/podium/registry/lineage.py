"""The verbs about lineage: where versions come from, and who depends on them."""

from __future__ import annotations

from podium.domain.impact import Impact
from podium.domain.lineage import Direction, Lineage
from podium.registry.base import Joint
from podium.usecases import lineage


class LineageVerbs(Joint):
    """What can be asked of the graph that runs and versions make."""

    def lineage(self, ref: str, direction: Direction = "both", depth: int | None = None) -> Lineage:
        """Return what a version or run was made from and what was made from it, through any number of runs.

        Versions that were deleted since are part of it. Each edge carries the origin of its run.

        Args:
            ref: ``PROJECT/ARTIFACT[:vN|:alias]``, ``REGISTRY/MODEL[:vN|:alias]`` or ``run:ID``. The lineage of a model
                version is that of the artifact version that it points at. A deleted version is named by its number.
            direction: ``up`` to what it was made from, ``down`` to what was made from it, or ``both``.
            depth: How many hops; from a version to a run, or from a run to a version, is one. None for all.

        Raises:
            InvalidNameError: The text is no reference.
            InvalidValueError: The direction or depth makes no sense.
            NotFoundError: It names nothing.
        """
        command = lineage.TraceLineage(ref, direction, depth)
        with self._read() as unit:
            return lineage.trace_lineage(unit, command)

    def impact(self, ref: str) -> Impact:
        """Return the registered models, model versions, stages and aliases that depend on a version or run.

        A model version depends on what its artifact version was made from, directly or through any number of runs; it
        depends on the artifact version itself by no hop at all. Links that were taken away do not count.

        Args:
            ref: As for `lineage`; typically a version of a data set.

        Raises:
            InvalidNameError: The text is no reference.
            NotFoundError: It names nothing.
        """
        with self._read() as unit:
            return lineage.find_impact(unit, ref)
