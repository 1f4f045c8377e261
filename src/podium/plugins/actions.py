"""Actions: what an automation does when something happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from podium.domain.events import Event

USUAL_SECONDS = 20.0


class ActionRegistry(Protocol):
    """The part of the registry that an action may call; each change is recorded as one of the automation."""

    def promote(self, ref: str, to: str, *, reason: str | None = None, expected: Any = ...) -> Any:
        """See `podium.Registry.promote`."""

    def set_alias(self, ref: str, alias: str, *, expected: Any = ..., reason: str | None = None) -> Any:
        """See `podium.Registry.set_alias`."""

    def history(self, collection: str, alias: str | None = None) -> Any:
        """See `podium.Registry.history`."""

    def test(self, ref: str, checks: Any = (), **options: Any) -> Any:
        """See `podium.Registry.test`."""


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
        seconds: How long it may take.
    """

    id: str
    automation: str
    event: Event
    chain: tuple[str, ...]
    registry: ActionRegistry
    seconds: float = USUAL_SECONDS

    def to_hand_on(self) -> dict[str, Any]:
        """Return what to give to that which is started, as plain JSON, so that its changes tell of the chain.

        ``podium.airflow`` reads it back from ``podium`` in the conf of a DAG run, ``podium.prefect`` from the labels of
        a flow run.
        """
        return {"automation": self.automation, "event": self.event.id, "automations": list(self.chain)}


class Action(ABC):
    """Something to do; one object per process serves all automations, from several threads.

    Attributes:
        name: What an automation calls it, such as ``airflow.trigger_dag``: by the rule of aliases.
        required: Settings that it cannot do without. A tuple inside means that one of them is needed.
        optional: Further settings.
        secrets: Settings whose value must be a reference such as ``env:TOKEN``, because it is never stored.
        mappings: Settings that are names with values; a text is refused for one, unless all of it is one expression.
            Of one that is a secret as well, each value is a reference.
        documents: Settings that are any JSON: a text that is the JSON of an object or a list counts as that.
        seconds: How long an attempt may take. What takes more than the usual 20 is left to ``podium deliver``: it is
            never run right after the change, in the process that made it.
    """

    name: ClassVar[str]
    required: ClassVar[tuple[str | tuple[str, ...], ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[frozenset[str]] = frozenset()
    mappings: ClassVar[frozenset[str]] = frozenset()
    documents: ClassVar[frozenset[str]] = frozenset()
    seconds: ClassVar[float] = USUAL_SECONDS

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

    def check(self, settings: Mapping[str, Any]) -> None:  # noqa: B027 - optional: most have nothing to judge
        """Judge settings when an automation is made, as far as that can be done without secrets; nothing by itself.

        It is called where people add, apply or check an automation, and must be quick: after 2 s nobody waits for it.
        Neither the network nor the registry is asked. What a text with ``{{`` or ``{%`` says, only an event knows: it
        is not to be judged.

        Args:
            settings: What was given, a copy; secrets are the references that they are. What is declared was looked at.

        Raises:
            InvalidValueError: They cannot work; the hint says what to write instead. Any other exception is a fault of
                the plugin, is listed as one, and refuses nothing.
        """
