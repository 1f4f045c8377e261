"""Actions: what an automation does when something happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from podium.domain.events import Event


class ActionRegistry(Protocol):
    """The part of the registry that an action may call; each change is recorded as one of the automation."""

    def promote(self, ref: str, stage: str, *, reason: str | None = None) -> Any:
        """See `podium.Registry.promote`."""

    def set_alias(self, ref: str, alias: str) -> Any:
        """See `podium.Registry.set_alias`."""


@dataclass(frozen=True)
class ActionCall:
    """One firing of an automation.

    Attributes:
        id: The same for every attempt; whatever the action starts should be known by it, so that a second attempt
            after a lost answer starts nothing twice.
        automation: The name of the automation.
        event: What happened.
        chain: The automations that led to this call, this one last. What the action starts should hand it on, so that
            an event that comes of it does not fire the same automation again.
        registry: The registry that the event is from. A call of it is one of the automation.
    """

    id: str
    automation: str
    event: Event
    chain: tuple[str, ...]
    registry: ActionRegistry


class Action(ABC):
    """Something to do; one object per process serves all automations, from several threads.

    Attributes:
        name: What an automation calls it, such as ``airflow.trigger_dag``: by the rule of aliases.
        required: Settings that it cannot do without. A tuple inside means that one of them is needed.
        optional: Further settings.
        secrets: Settings whose value must be a reference such as ``env:TOKEN``, because it is never stored.
    """

    name: ClassVar[str]
    required: ClassVar[tuple[str | tuple[str, ...], ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Do it, and return a receipt, such as the id of the run that was started.

        Args:
            call: Why, and with which registry.
            settings: The settings of the automation; templates are rendered and references to secrets resolved.

        Raises:
            DeliveryFailedError: It was not accepted; ``retry_after`` and ``permanent`` say when to try again. Any
                other exception counts as a failed attempt too.
        """
