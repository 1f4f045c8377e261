"""What the registry lends to its worker, so that automations act in their own name and tell what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from podium.delivery.actions import Connection
from podium.delivery.outbox import Claim
from podium.domain.automations import automation_actor, automation_origin, stopped_by
from podium.domain.events import Event
from podium.plugins.actions import ActionRegistry
from podium.registry.acting import acting_as
from podium.usecases.firings import Firing, record_firing
from podium.usecases.unit import Unit


@dataclass(frozen=True, slots=True)
class Hands:
    """See `podium.delivery.actions.Firings`.

    Attributes:
        registry: What actions get.
        clock: Gives the time, UTC.
    """

    registry: Any
    clock: Callable[[], datetime]

    @contextmanager
    def acting(self, delivery: str, automation: str, event: Event) -> Iterator[ActionRegistry]:
        """Give the registry; each change in the block is one of the automation."""
        with acting_as(automation_actor(automation), automation_origin(delivery, automation, event)):
            yield cast("ActionRegistry", self.registry)

    def record(self, connection: Connection, claimed: Claim, *, receipt: str | None, error: str | None) -> list[str]:
        """Record in an open transaction what an automation did, and return the ids of the events."""
        name, event = claimed.subscription, claimed.event
        origin = automation_origin(str(claimed.id), name, event)
        unit = Unit(connection, automation_actor(name), origin, self.clock())
        why = stopped_by(name, event) if error is not None else None
        firing = Firing(name, claimed.channel, event, str(claimed.id), claimed.attempt, receipt, error, why)
        record_firing(unit, firing)
        return [made.id for made in unit.events]

    def tell(self, events: Sequence[str]) -> None:
        """Tell observers of events that are there."""
        self.registry._tell_of(events)
