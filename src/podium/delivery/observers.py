"""Observers: plugins that look at what happened. Each has a queue of its own, and nobody waits for any of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial

from podium.delivery.courier import Courier
from podium.delivery.fault_book import FaultBook
from podium.domain.events import Event
from podium.plugins.host import Fault, PluginHost


class Observers:
    """Tells the observers of one registry.

    Args:
        host: The plugins.
        book: Where faults are written down.
        seconds: How long the end of a process waits for them at most.
    """

    def __init__(self, host: PluginHost, book: FaultBook, seconds: float) -> None:
        self._host = host
        self._book = book
        self._seconds = seconds
        self._lock = threading.Lock()
        self._couriers: dict[str, Courier] = {}

    def tell(self, events: Sequence[Event]) -> None:
        """Hand events to every observer, and to every plugin that may be one once it is loaded; returns at once."""
        for plugin in self._host.observers() if events else ():
            self._courier(plugin).run(partial(self._tell, plugin, tuple(events)), wait=False)

    def wait(self) -> None:
        """Wait a moment until all are told; who keeps them waiting for longer than that is noted and left behind."""
        end = time.monotonic() + self._seconds
        late: list[Fault] = []
        for plugin, courier in tuple(self._couriers.items()):
            if not courier.wait(max(0.0, end - time.monotonic()), partial(self._host.late, plugin)):
                late += self._host.late(plugin)
        self._book.at_last(late)

    def _tell(self, plugin: str, events: tuple[Event, ...]) -> None:
        for event in events:
            self._host.tell(plugin, event)
        self._book.soon()

    def _courier(self, plugin: str) -> Courier:
        with self._lock:
            return self._couriers.setdefault(plugin, Courier(self._seconds))
