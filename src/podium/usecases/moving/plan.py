"""What an import changes, and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from podium.domain.bundle import Moved
from podium.domain.bundle_rules import RegistryRules, Rules

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


@dataclass(frozen=True, slots=True)
class RulesPlan:
    """What becomes of the rules of a registry that keeps its own stream here.

    Attributes:
        row: Of the registry here.
        wanted: Those that are meant.
        report: What is said about them.
    """

    row: Any
    wanted: Rules
    report: RegistryRules


@dataclass
class Plan:
    """What an import changes.

    Attributes:
        spaces: Namespace of the bundle to the one here.
        accepts: What registries here accept, by their ids in the bundle; every type where nothing stands.
        registries: The rows of registries that are here, by their ids in the bundle.
        apart: Rows of registries here that keep a stream of their own, by the ids of those of the name in the bundle.
        rules: What becomes of the rules of these.
        active_spaces: Those that get events, with the sequence of the last event that they have.
        new_spaces: Names of those that are made.
        active: Collections that get events, with the sequence of the last event that they have.
        new: Those of them that are made.
        same: Those that are here with the same history.
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
    apart: dict[UUID, Any] = field(default_factory=dict)
    rules: list[RulesPlan] = field(default_factory=list)
    active_spaces: dict[UUID, int] = field(default_factory=dict)
    new_spaces: list[str] = field(default_factory=list)
    active: dict[UUID, int] = field(default_factory=dict)
    new: set[UUID] = field(default_factory=set)
    same: set[UUID] = field(default_factory=set)
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
        spaces = self.active_spaces or self.new_spaces or self.taken_rules
        return bool(spaces or self.active or self.active_runs or self.edges)

    @property
    def taken_rules(self) -> list[RulesPlan]:
        """Rules that registries here take over."""
        return [rules for rules in self.rules if rules.report.state == "brought"]
