"""What the events of a project or registry add up to: its description, default policies, subscriptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from podium.domain.events import TYPES, Event
from podium.domain.plain import canonical
from podium.domain.transitions import person_key
from podium.usecases.audit.attempts import Freezes
from podium.usecases.audit.facts import Fact
from podium.usecases.audit.policies import PolicyReplay


class SpaceReplay:
    """The state of one project or registry, event by event.

    Attributes:
        policies: Its default policy, and those for patterns of names.
        freezes: The freezes of all its models.
        subscriptions: What each subscription must say, by name.
        automations: What each automation must say, by name.
    """

    def __init__(self, name: str) -> None:
        self.policies = PolicyReplay("registry policy")
        self.freezes = Freezes()
        self._roles: dict[tuple[str, str], Event] = {}
        self.subscriptions: dict[str, Fact] = {}
        self.automations: dict[str, Fact] = {}
        self._name = name
        self._about: dict[str, Any] = {"name": name, "description": None, "types": None}

    def take(self, event: Event) -> list[Fact]:
        """Add one event and return the facts that it settles for good.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: It does not hold what Podium records.
        """
        self._about["name"] = event.stream
        if event.type in ("registry.created", "registry.updated"):
            self._describe(event)
        elif event.type in ("policy.set", "policy.removed"):
            return [self.policies.take(event)]
        elif event.type in ("stage.frozen", "stage.unfrozen"):
            (self.freezes.frozen if event.type == "stage.frozen" else self.freezes.unfrozen)(event)
        elif event.type == "role.granted":
            self._roles[person_key(event.after["person"]), event.after["role"]] = event
        elif event.type == "role.revoked":
            del self._roles[person_key(event.before["person"]), event.before["role"]]
        elif event.type == "subscription.added":
            self._subscribe(event)
        elif event.type == "subscription.removed":
            del self.subscriptions[event.before["name"]]
        elif event.type == "automation.added":
            self._automate(event)
        elif event.type == "automation.removed":
            del self.automations[event.before["name"]]
        elif event.type not in TYPES:
            raise ValueError(f"{event.type!r} is no type of event")
        return []

    def end(self, row_id: UUID) -> Iterator[Fact]:
        """Return the fact about the project or registry itself."""
        yield Fact("namespace", (row_id,), self._about, self._name)

    def roles(self) -> Iterator[Fact]:
        """Return the facts about who has which role."""
        for key, event in self._roles.items():
            values = {"person": event.after["person"], "created_at": event.at, "created_by": event.actor}
            yield Fact("role", key, values, f"{key[1]} for {event.after['person']}", event.sequence)

    def _describe(self, event: Event) -> None:
        if event.type == "registry.created":
            self._about |= {"kind": "registry", "created_at": event.at, "created_by": event.actor}
        if "description" in event.after:
            self._about["description"] = event.after["description"]
        if "types" in event.after:
            types = event.after["types"]
            self._about["types"] = canonical(types) if types is not None else None

    def _subscribe(self, event: Event) -> None:
        after, name = event.after, event.after["name"]
        template = after.get("template")
        values = _choice(event) | {"channel": after["channel"]}
        values |= {"template": canonical(template) if template is not None else None}
        values |= {"digest": after.get("digest"), "deduplicate": after.get("deduplicate")}
        self.subscriptions[name] = Fact("subscription", (name,), values, name, event.sequence)

    def _automate(self, event: Event) -> None:
        after, name = event.after, event.after["name"]
        values = _choice(event) | {"action": after["action"], "enabled": after["enabled"]}
        self.automations[name] = Fact("automation", (name,), values, name, event.sequence)


def _choice(event: Event) -> dict[str, Any]:
    """Return what subscriptions and automations have in common; events of an older Podium tell of less."""
    after = event.after
    texts = {name: canonical(after[name]) for name in ("events", "settings")}
    return texts | {
        "model": after.get("model"),
        "filter": after.get("filter", ""),
        "created_at": event.at,
        "created_by": event.actor,
    }
