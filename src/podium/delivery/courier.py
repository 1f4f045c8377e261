"""What happens after the commit, in this process: observers are told, and what is due is sent, off the caller's way."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]
_log = logging.getLogger("podium.delivery")


class Courier:
    """Runs jobs one after the other in a thread of its own.

    The caller waits a moment for its own job, so that a short script does not end before its message is out. When an
    earlier job still hangs, nobody waits behind it: the outbox keeps what is left for ``podium deliver``.

    Args:
        seconds: How long a caller waits at most.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._jobs: queue.Queue[tuple[Job, threading.Event]] = queue.Queue()
        self._lock = threading.Lock()
        self._pid = 0
        self._late: threading.Event | None = None

    def run(self, job: Job) -> None:
        """Run a job, and wait for it unless the thread is still busy with an earlier one."""
        done = threading.Event()
        with self._lock:
            if self._pid != os.getpid():  # first use, or a fork: threads do not survive one
                self._jobs, self._pid, self._late = queue.Queue(), os.getpid(), None
                threading.Thread(target=self._work, args=(self._jobs,), name="podium-courier", daemon=True).start()
            hanging = self._late is not None and not self._late.is_set()
        self._jobs.put((job, done))
        if not hanging and not done.wait(self.seconds):
            self._late = done

    def wait(self, seconds: float) -> bool:
        """Wait until every job given so far has run; return whether that came true in time."""
        if self._pid != os.getpid():
            return True
        done = threading.Event()
        self._jobs.put((lambda: None, done))
        return done.wait(seconds)

    @staticmethod
    def _work(jobs: queue.Queue[tuple[Job, threading.Event]]) -> None:
        while True:
            job, done = jobs.get()
            try:
                job()
            except Exception:  # noqa: BLE001 - the thread must go on; the outbox keeps what is left
                _log.warning("A delivery after a change failed; 'podium deliver' takes what is left.", exc_info=True)
            finally:
                done.set()
