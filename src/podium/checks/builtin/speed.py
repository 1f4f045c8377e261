"""The check of latency: how long one call of the model takes."""

from __future__ import annotations

import importlib
import inspect
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

from podium.checks.builtin.making import Common, built, number_of
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError, NotFoundError

_MOST = 1_000_000


def latency(
    call: str | Callable[..., Any],
    *,
    median_ms: float | None = None,
    p95_ms: float | None = None,
    repeats: int = 100,
    warm_up: int = 10,
    **common: Unpack[Common],
) -> Check:
    """One call takes no longer than a limit, at the median or for 95 of 100 calls.

    Args:
        call: A function that is given ``model_version``, loads the model, and returns the call to time, a function
            without arguments; or where it is: ``module:name`` or ``file.py:name``.
        median_ms: Milliseconds that the median may be.
        p95_ms: Milliseconds that the 95th percentile may be, by nearest rank.
        repeats: How many calls are timed, each by itself, by the monotonic clock of highest resolution.
        warm_up: How many calls come before, which are not timed.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used, or there is no limit.
    """
    limits = {"median_ms": median_ms, "p95_ms": p95_ms}
    if all(limit is None for limit in limits.values()):
        raise InvalidValueError("latency has no limit.", hint="Give median_ms= or p95_ms=.")
    for name, limit in limits.items():
        number_of(0.0 if limit is None else limit, name, least=0)
    for name, amount, least in (("repeats", repeats, 1), ("warm_up", warm_up, 0)):
        if not isinstance(amount, int) or isinstance(amount, bool) or not least <= amount <= _MOST:
            raise InvalidValueError(f"{name} is {amount!r}.", hint=f"Give a whole number from {least} to {_MOST:,}.")

    def measure(model_version: TestSubject) -> CheckResult:
        timed = _prepare(call, model_version)
        for _ in range(warm_up):
            timed()
        times = sorted(_once(timed) for _ in range(repeats))
        measured = {"median_ms": statistics.median(times), "p95_ms": times[math.ceil(0.95 * len(times)) - 1]}
        over = [name for name, limit in limits.items() if limit is not None and measured[name] > limit]
        words = [f"median {measured['median_ms']:.4g} ms", f"95th percentile {measured['p95_ms']:.4g} ms"]
        asked = " and ".join(f"{name[:-3]} at most {limit:g} ms" for name, limit in limits.items() if limit is not None)
        message = f"{', '.join(words)} of {repeats} calls; {'but asked for is' if over else 'as asked for'}: {asked}."
        return CheckResult("-", "fail" if over else "pass", message[:1].upper() + message[1:], measured)

    options = {"call": call, **limits, "repeats": repeats, "warm_up": warm_up}
    return built("latency", measure, options, common)


def _once(call: Callable[[], Any]) -> float:
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def _prepare(call: str | Callable[..., Any], subject: TestSubject) -> Callable[[], Any]:
    made = (_find(call) if isinstance(call, str) else call)(subject)
    if not callable(made):
        raise InvalidValueError(
            f"What is to be timed returned {type(made).__name__}.",
            hint="Return a function without arguments: it is called and timed.",
        )
    inspect.signature(made).bind()
    found: Callable[[], Any] = made
    return found


def _find(place: str) -> Callable[..., Any]:
    """Return a function by ``module:name`` or ``file.py:name``."""
    where, _, name = place.partition(":")
    if where.endswith(".py"):
        from podium.checks.loading import load_module

        module = load_module(Path(where))
    else:
        importlib.import_module(where)
        module = sys.modules[where]
    found = getattr(module, name, None)
    if not callable(found):
        raise NotFoundError(f"{where} has no function {name!r}.", hint="Write module:name or file.py:name.")
    chosen: Callable[..., Any] = found
    return chosen
