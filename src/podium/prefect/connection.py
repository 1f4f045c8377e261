"""The registry that the tasks of this process share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from podium.registry import Registry, open_registry
from podium.settings import Settings, read_settings


@dataclass
class _Shared:
    registry: Registry = field(default_factory=open_registry)
    users: int = 0


_lock = threading.Lock()
_shared: dict[tuple[int, Settings], _Shared] = {}


@contextmanager
def shared_registry() -> Iterator[Registry]:
    """Open the registry that the environment names (``PODIUM_URL`` ...), one per process and settings.

    The last task that leaves closes it, which waits at most some seconds for messages on their way: worker processes
    may end without saying goodbye. It cannot live in a block or a task, which Prefect copies and pickles.

    Raises:
        SettingsError: The environment does not name a registry.
    """
    entry = _enter((os.getpid(), read_settings()))
    try:
        yield entry.registry
    finally:
        with _lock:
            entry.users -= 1
            last = not entry.users
        if last:  # outside the lock, where nobody waits for the messages of others
            entry.registry.close()


def _enter(key: tuple[int, Settings]) -> _Shared:
    with _lock:
        entry = _shared.get(key)
        if entry is None:
            entry = _shared[key] = _Shared()
        entry.users += 1
        return entry
