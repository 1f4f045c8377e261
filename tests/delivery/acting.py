"""Actions of the tests, and registries that have them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from podium.plugins import PluginHost, hookimpl
from podium.plugins.actions import Action, ActionCall
from podium.registry import Registry

MODEL = "model-registry/M"


@dataclass
class Act(Action):
    """An action that keeps what it is given, and then does what the test says."""

    name: str = "act"
    do: Callable[[ActionCall, Mapping[str, Any]], object] = lambda call, settings: "done"
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("text", "deep", "token")
    secrets: frozenset[str] = frozenset({"token"})
    seconds: float = 20.0
    calls: list[ActionCall] = field(default_factory=list)
    settings: list[Mapping[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        with self.lock:
            self.calls.append(call)
            self.settings.append(dict(settings))
        return self.do(call, settings)  # type: ignore[return-value]  # some tests answer nonsense


@dataclass
class Offer:
    """A plugin that offers actions."""

    offered: list[Action]

    @hookimpl
    def podium_actions(self) -> list[Action]:
        return self.offered


def host_of(*actions: Action) -> PluginHost:
    """Return plugins that have these actions, and Podium's own."""
    host = PluginHost(discover=False)
    host.register(Offer(list(actions)), "offer")
    return host


def soon(registry: Registry) -> None:
    """Let the next attempts be due now."""
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set next_at = '2020-01-01 00:00:00' where status = 'pending'"))


def drain(registry: Registry) -> None:
    """Wait for what is under way, and deliver until nothing is left."""
    registry.close()
    for _ in range(20):
        report = registry.deliver()
        registry.close()
        if not (report.sent or report.dead):
            return
    raise AssertionError("it never ends")


def told(registry: Registry, model: str = MODEL) -> list[tuple[str, str]]:
    """Return type and automation of each event about a firing."""
    return [(e.type, e.after["automation"]) for e in registry.events(model) if e.type.startswith("automation.")]
