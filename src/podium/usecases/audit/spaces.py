"""What the events of a project or registry add up to: its description, default policies, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from podium.domain.events import TYPES, Event
from podium.domain.plain import canonical
from podium.usecases.audit.facts import Fact
from podium.usecases.audit.replay import policy_fact, stage_names


class SpaceReplay:
    """The state of one project or registry, event by event.

    Attributes:
        policies: Revisions of its default policy.
        stages: The names of the stages of the newest; None if it never had one.
        subscriptions: What each subscription must say, by name.
    """

    def __init__(self, name: str) -> None:
        self.policies: set[int] = set()
        self.stages: tuple[str, ...] | None = None
        self.subscriptions: dict[str, Fact] = {}
        self._name = name
        self._about: dict[str, Any] = {"name": name, "description": None, "types": None}

    def take(self, event: Event) -> list[Fact]:
        """Add one event and return the facts that it settles for good.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: It does not hold what Podium records.
        """
        if event.type in ("registry.created", "registry.updated"):
            self._describe(event)
        elif event.type == "policy.set":
            fact = policy_fact(event)
            self.policies.add(fact.key[0])
            self.stages = stage_names(event)
            return [fact]
        elif event.type == "subscription.added":
            self._subscribe(event)
        elif event.type == "subscription.removed":
            del self.subscriptions[event.before["name"]]
        elif event.type not in TYPES:
            raise ValueError(f"{event.type!r} is no type of event")
        return []

    def end(self, row_id: UUID) -> Iterator[Fact]:
        """Return the fact about the project or registry itself."""
        yield Fact("namespace", (row_id,), self._about, self._name)

    def _describe(self, event: Event) -> None:
        if event.type == "registry.created":
            self._about |= {"kind": "registry", "created_at": event.at, "created_by": event.actor}
        if "description" in event.after:
            self._about["description"] = event.after["description"]
        if "types" in event.after:
            types = event.after["types"]
            self._about["types"] = canonical(types) if types is not None else None

    def _subscribe(self, event: Event) -> None:
        after = event.after
        values = {"channel": after["channel"], "events": canonical(after["events"])}
        values |= {"settings": canonical(after["settings"]), "created_at": event.at, "created_by": event.actor}
        name = after["name"]
        self.subscriptions[name] = Fact("subscription", (name,), values, name, event.sequence)
