"""Calling code of others so that nothing it does reaches the caller: not a raise, not an exit, not a hang."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from podium.domain.plain import storable


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a guarded call did.

    Attributes:
        value: What it returned, None if it failed.
        error: What went wrong, as one line, or None.
        cause: The exception behind `error`, if there was one.
    """

    value: Any = None
    error: str | None = None
    cause: BaseException | None = None


def call_here(function: Callable[[], Any]) -> Outcome:
    """Call in this thread; for code that reads the context of the caller."""
    try:
        return Outcome(function())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit of a plugin must not end the host
        return Outcome(error=describe(error), cause=error)


def call_within(function: Callable[[], Any], seconds: float) -> Outcome:
    """Call in a thread of its own and wait for it at most so long.

    A call that hangs keeps its thread, which ends with the process; nobody waits for it any more.
    """
    done: list[Outcome] = []
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: done.append(context.run(call_here, function)), daemon=True)
    thread.start()
    thread.join(seconds)
    return done[0] if done else Outcome(error=f"gave no answer within {seconds:g} s")


def describe(error: BaseException) -> str:
    """Return an exception as one line that every backend can keep."""
    try:
        text = " ".join(storable(str(error)).split())
    except Exception:  # noqa: BLE001 - an exception of a plugin may fail to say what it is
        text = "it cannot be put in words"
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
