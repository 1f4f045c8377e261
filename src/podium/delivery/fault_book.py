"""The book of what plugins did wrong: written together, now and then, so that faults cost no change its time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from podium.plugins.host import Fault, PluginHost

Counted = Mapping[tuple[str, str], tuple[str, int]]
_PAUSE_SECONDS = 1.0
_log = logging.getLogger("podium.delivery")


class FaultBook:
    """Writes down the faults of a host.

    Args:
        host: Whose faults.
        write: Writes them: plugin and hook to the last error, and how often.
    """

    def __init__(self, host: PluginHost, write: Callable[[Counted], None]) -> None:
        self._host = host
        self._write = write
        self._waiting = 0  # the process that has a timer: a fork leaves it behind
        self._lock = threading.Lock()

    def soon(self) -> None:
        """Write in a moment, together with what comes until then; returns at once."""
        with self._lock:
            if not self._host.faults or self._waiting == os.getpid():
                return
            self._waiting = os.getpid()
        timer = threading.Timer(_PAUSE_SECONDS, self._in_time)
        timer.daemon = True
        timer.start()

    def now(self, more: Sequence[Fault] = ()) -> None:
        """Write what there is.

        Args:
            more: Further faults.
        """
        counted: dict[tuple[str, str], tuple[str, int]] = {}
        for fault in (*self._host.take_faults(), *more):
            _, times = counted.get((fault.plugin, fault.hook), ("", 0))
            counted[fault.plugin, fault.hook] = (fault.error, times + 1)
        if counted:
            self._write(counted)

    def at_last(self, more: Sequence[Fault] = ()) -> None:
        """Write what there is, or say in the log that it could not be written: no fault of a plugin ends a caller.

        Args:
            more: Further faults.
        """
        try:
            self.now(more)
        except Exception:  # noqa: BLE001 - the database may be away by now
            _log.warning("What plugins did wrong could not be written down.", exc_info=True)

    def _in_time(self) -> None:
        with self._lock:
            self._waiting = 0
        self.at_last()
