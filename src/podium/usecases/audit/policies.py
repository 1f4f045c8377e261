"""What events say of policies: their revisions, and which stages a model has by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from podium.domain.events import Event
from podium.domain.plain import canonical
from podium.domain.policy_targets import PolicyTarget, fits_name, parse_target
from podium.usecases.audit.facts import Fact, Table


@dataclass
class PolicyReplay:
    """The policies that one stream tells of, event by event.

    Attributes:
        table: ``policy`` for those of a model, ``registry policy`` for those of a registry and for its patterns.
        revisions: All of them, by number.
    """

    table: Table
    revisions: dict[int, Event] = field(default_factory=dict)
    _newest: dict[tuple[str, str], Event] = field(default_factory=dict)

    def take(self, event: Event) -> Fact:
        """Add one change and return what the row of its revision must say."""
        revision, target = event.after["revision"], parse_target(event.subject)
        self.revisions[revision] = event
        # A model that was renamed is the same model, and the only one of its stream.
        self._newest[target.kind, target.name if target.kind == "pattern" else ""] = event
        values: dict[str, Any] = {"body": canonical(_body(event)), "created_at": event.at, "created_by": event.actor}
        values |= {"pattern": None, "fits": None, "weight": target.weight}
        if target.kind == "pattern":
            values |= {"pattern": target.name, "fits": target.fits}
        return Fact(self.table, (revision,), values, event.subject, event.sequence)

    def current(self) -> Iterator[Fact]:
        """Return which revisions are the current ones of their targets."""
        newest = {event.after["revision"] for event in self._newest.values() if event.type == "policy.set"}
        for revision, event in self.revisions.items():
            yield Fact(self.table, (revision,), {"current": revision in newest}, event.subject, event.sequence)

    def stages(self, name: str) -> tuple[str, ...] | None:
        """Return the stages of a model of this name by the heaviest policy that is for it, None if none is."""
        found: list[tuple[int, Event]] = []
        for (kind, pattern), event in self._newest.items():
            if event.type == "policy.set" and (kind != "pattern" or fits_name(pattern, name)):
                found.append((PolicyTarget("", kind, pattern).weight, event))  # type: ignore[arg-type]  # as it was kept
        if not found:
            return None
        heaviest = max(found, key=lambda item: item[0])[1]
        return tuple(stage["name"] for stage in heaviest.after["stages"])


def _body(event: Event) -> dict[str, Any]:
    return {"stages": event.after["stages"]} if event.type == "policy.set" else {}
