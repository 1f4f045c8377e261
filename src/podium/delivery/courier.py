"""What happens after the commit, in this process: observers are told, and what is due is sent, off the caller's way."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

Job = Callable[[], None]
_STEP_SECONDS = 0.1
_INSIDE: ContextVar[bool] = ContextVar("podium_courier", default=False)
_log = logging.getLogger("podium.delivery")


class Courier:
    """Runs jobs one after the other in a thread of its own.

    The caller waits a moment for its own job: where all is well its message is out when the change is done. Once a job
    took longer, nobody waits any more until one is quick again: a receiver that is slow or hangs costs one change this
    moment. The process waits at its end, see `wait`, and the outbox keeps what is left for ``podium deliver``. A call
    that is itself made by a job, such as that of an observer, never waits.

    Args:
        seconds: How long a caller waits at most.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._jobs: queue.Queue[tuple[Job, threading.Event]] = queue.Queue()
        self._lock = threading.Lock()
        self._pid = 0
        self._prompt = True
        self._left = 0

    def run(self, job: Job, *, wait: bool = True) -> None:
        """Run a job, and wait for it unless jobs take long just now, or nobody wants to."""
        done = threading.Event()
        with self._lock:
            if self._pid != os.getpid():  # first use, or a fork: threads do not survive one
                self._jobs, self._pid, self._prompt, self._left = queue.Queue(), os.getpid(), True, 0
                threading.Thread(target=self._work, args=(self._jobs,), name="podium-courier", daemon=True).start()
            self._left += 1
        self._jobs.put((job, done))
        if wait and self._prompt and not _INSIDE.get() and not done.wait(self.seconds):
            self._prompt = False

    def wait(self, seconds: float, hopeless: Callable[[], object] = lambda: False) -> bool:
        """Wait until every job has run, those that jobs gave as well; return whether that came true in time.

        Args:
            seconds: How long at most.
            hopeless: Asked now and then; waiting ends when it says so.
        """
        if self._pid != os.getpid():
            return True
        end = time.monotonic() + seconds
        while self._left:
            done = threading.Event()
            self._jobs.put((_pause, done))
            while not done.wait(min(_STEP_SECONDS, max(0.0, end - time.monotonic()))):
                if time.monotonic() >= end or hopeless():
                    return False
        return True

    def _work(self, jobs: queue.Queue[tuple[Job, threading.Event]]) -> None:
        _INSIDE.set(True)  # plugins run in threads of their own, with a copy of this context
        while True:
            job, done = jobs.get()
            start = time.monotonic()
            try:
                job()
            except Exception:  # noqa: BLE001 - the thread must go on; the outbox keeps what is left
                _log.warning("A delivery after a change failed; 'podium deliver' takes what is left.", exc_info=True)
            finally:
                self._prompt = time.monotonic() - start < self.seconds
                if job is not _pause and jobs is self._jobs:
                    with self._lock:
                        self._left -= 1
                done.set()


def _pause() -> None:
    """Do nothing: whoever waits for this job waits for those before it."""
