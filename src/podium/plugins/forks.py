"""Hosts across forks: threads do not survive one, and a lock that one of them held would be held for ever."""

from __future__ import annotations

import functools
import os
import sys
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What a fork must be told of."""

    def before_fork(self) -> None:
        """Called in the parent, in the thread that forks."""

    def after_fork(self) -> None:
        """Called in the child."""


_KNOWN: weakref.WeakSet[Forkable] = weakref.WeakSet()


def watch(thing: Forkable) -> None:
    """Tell an object of the forks of this process for as long as it lives."""
    _KNOWN.add(thing)
    _register()


@functools.cache
def _register() -> None:
    if sys.platform != "win32":
        os.register_at_fork(before=_before, after_in_child=_after)


def _before() -> None:
    for thing in tuple(_KNOWN):
        thing.before_fork()


def _after() -> None:
    for thing in tuple(_KNOWN):
        thing.after_fork()
