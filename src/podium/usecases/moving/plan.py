"""What an import changes, and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from podium.domain.bundle import Moved

RENAME = "Rename the one of the bundle where it comes from ('podium rename'), then export it again."
APART = "Only one of them can be in this registry: import the bundle into a database of its own."
RESTORE = "Restore it here first, or take it out of the models where the bundle comes from."
UNLINK = "Unlink it here first, or restore it where the bundle comes from."
ACCEPT = "Let the registry accept that type, too: 'podium registry edit'."


@dataclass(frozen=True, slots=True)
class Conflict:
    """What cannot be brought together, the audit heads here and in the bundle, and what to do."""

    text: str
    hint: str
    here: str | None = None
    there: str | None = None


@dataclass
class Plan:
    """What an import changes.

    Attributes:
        spaces: Namespace of the bundle to the one here.
        accepts: What registries here accept, by their ids in the bundle; every type where nothing stands.
        registries: The rows of registries that are here, by their ids in the bundle.
        active_spaces: Those that get events, with the sequence of the last event that they have.
        new_spaces: Names of those that are made.
        active: Collections that get events, with the sequence of the last event that they have.
        new: Those of them that are made.
        moved: Every collection of the bundle.
        new_runs: Runs that are made.
        forward_runs: Runs that are here, and of which the bundle knows more.
        left_runs: How many runs are as they are in the bundle, or further.
        edges: Lineage edges that are new.
        notes: What is worth knowing.
    """

    spaces: dict[UUID, UUID] = field(default_factory=dict)
    accepts: dict[UUID, list[str]] = field(default_factory=dict)
    registries: dict[UUID, Any] = field(default_factory=dict)
    active_spaces: dict[UUID, int] = field(default_factory=dict)
    new_spaces: list[str] = field(default_factory=list)
    active: dict[UUID, int] = field(default_factory=dict)
    new: set[UUID] = field(default_factory=set)
    moved: list[Moved] = field(default_factory=list)
    new_runs: set[str] = field(default_factory=set)
    forward_runs: set[str] = field(default_factory=set)
    left_runs: int = 0
    edges: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def active_runs(self) -> set[str]:
        """Runs that are written."""
        return self.new_runs | self.forward_runs

    @property
    def changed(self) -> bool:
        """Whether anything is written at all."""
        return bool(self.active_spaces or self.new_spaces or self.active or self.active_runs or self.edges)
