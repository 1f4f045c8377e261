"""Calling code of others so that nothing it does reaches the caller: no raise, no exit, no hang, no fork."""

from __future__ import annotations

import contextvars
import functools
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from podium.domain.plain import storable

_FORKS = threading.local()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a guarded call did.

    Attributes:
        value: What it returned, None if it failed.
        error: What went wrong, as one line, or None.
        cause: The exception behind `error`, if there was one.
        forked: Whether it forked this process, which has threads that do not survive that.
        thread: Where it still runs, if nobody waited for its end.
    """

    value: Any = None
    error: str | None = None
    cause: BaseException | None = None
    forked: bool = False
    thread: threading.Thread | None = None


def call_here(function: Callable[[], Any]) -> Outcome:
    """Call in this thread; for code that reads the context of the caller.

    Ctrl-C of a person goes through, which only the main thread ever gets: elsewhere it is an error like any other.

    If it forks, only the parent comes back from here: the child ends, because it is a copy that nobody asked for.
    """
    return _call(function, interruptible=threading.current_thread() is threading.main_thread())


def call_within(function: Callable[[], Any], seconds: float) -> Outcome:
    """Call in a thread of its own, with a copy of the caller's context, and wait for it at most so long.

    A call that hangs keeps its thread, which ends with the process; nobody waits for it any more.
    """
    done: list[Outcome] = []
    context = contextvars.copy_context()
    guarded = functools.partial(_call, function, interruptible=False)
    thread = threading.Thread(target=lambda: done.append(context.run(guarded)), daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # this machine has no further thread to give
        return Outcome(error=describe(error), cause=error)
    thread.join(max(0.0, seconds))
    return done[0] if done else Outcome(error=f"gave no answer within {seconds:.3g} s", thread=thread)


def _call(function: Callable[[], Any], *, interruptible: bool) -> Outcome:
    _watch_forks()
    process, forks = os.getpid(), getattr(_FORKS, "count", 0)
    try:
        value, error = function(), None
    except BaseException as raised:  # noqa: BLE001 - SystemExit of a plugin must not end the host
        value, error = None, raised
    if os.getpid() != process:
        _leave(error)
    if interruptible and isinstance(error, KeyboardInterrupt):
        raise error
    forked = getattr(_FORKS, "count", 0) != forks
    return Outcome(value, describe(error) if error is not None else None, error, forked)


def _leave(error: BaseException | None) -> NoReturn:
    """End a child that code of others forked and let come back: what follows would be done twice."""
    code = error.code if isinstance(error, SystemExit) else None if error is None else 1
    os._exit(code if isinstance(code, int) and 0 <= code <= 255 else 0 if code is None else 1)


@functools.cache
def _watch_forks() -> None:
    """Count the forks that a thread makes, from the first guarded call on."""
    if sys.platform != "win32":
        os.register_at_fork(after_in_parent=_count_fork)


def _count_fork() -> None:
    _FORKS.count = getattr(_FORKS, "count", 0) + 1


def describe(error: BaseException, clean: Callable[[str], str] = str) -> str:
    """Return an exception as one line that every backend can keep.

    Args:
        error: The exception.
        clean: Takes out what must not be said, from all that it says: half of it would not be known again.
    """
    try:
        text = " ".join(clean(storable(str(error))).split())
    except BaseException:  # noqa: BLE001 - an exception of a plugin may fail to say what it is, or exit instead
        text = "it cannot be put in words"
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
