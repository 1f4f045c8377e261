"""The heartbeat of a run: a thread that says now and then that the run is alive."""

from __future__ import annotations

import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Self

from podium.plugins.guard import call_here

SECONDS = 30.0
_STOP_SECONDS = 1.0
_log = logging.getLogger("podium.registry")
_beating: weakref.WeakSet[Heartbeat] = weakref.WeakSet()


class Heartbeat:
    """Calls a function every 30 seconds from a daemon thread, which never raises and never keeps a process from ending.

    The thread is stopped for the moment of a fork: a child that is made while a thread holds a lock of the database
    driver finds that lock closed for ever, and Python 3.12 warns of it. The parent beats on afterwards; a child does
    from its first call of `here` on.

    Args:
        beat: Says that the run is alive.
        join: Says that a further process works for it; called in a forked child.
    """

    def __init__(self, beat: Callable[[], None], join: Callable[[], None] | None = None) -> None:
        self._beat = beat
        self._join = join
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        _watch_forks()
        self._start()
        _beating.add(self)

    def here(self) -> None:
        """Beat in this process, too, if it is a fork of the one that began."""
        if self._pid != os.getpid() and not self._stopped.is_set():
            self._pid = os.getpid()
            if self._join is not None:
                _guarded(self._join)
            self._start()
            _beating.add(self)

    def stop(self) -> None:
        """End the thread; it is waited for at most a second."""
        self._stopped.set()
        _beating.discard(self)
        self._halt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._halted = threading.Event()
        thread = threading.Thread(
            target=_beat_on, args=(self._beat, self._halted), name="podium-heartbeat", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the process is ending, or may have no more threads: the run goes on without
            _log.debug("No heartbeat: %s", error)
        else:
            self._thread = thread

    def _halt(self) -> None:
        self._halted.set()
        thread, self._thread = self._thread, None
        if thread is not None and self._pid == os.getpid() and thread is not threading.current_thread():
            thread.join(_STOP_SECONDS)


def _beat_on(beat: Callable[[], None], halted: threading.Event) -> None:
    while not halted.wait(SECONDS):
        _guarded(beat)


def _guarded(call: Callable[[], None]) -> None:
    outcome = call_here(call)
    if outcome.error is not None:
        _log.debug("A heartbeat was not written: %s", outcome.error)


@functools.cache
def _watch_forks() -> None:
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        paused: list[Heartbeat] = []
        os.register_at_fork(
            before=lambda: _pause(paused), after_in_parent=lambda: _go_on(paused), after_in_child=paused.clear
        )


def _pause(paused: list[Heartbeat]) -> None:
    paused[:] = [beating for beating in _beating if beating._pid == os.getpid()]
    for beating in paused:
        beating._halt()


def _go_on(paused: list[Heartbeat]) -> None:
    for beating in paused:
        if not beating._stopped.is_set():
            beating._start()
    paused.clear()
