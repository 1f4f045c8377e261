"""Doing the same to many things at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run_parallel(work: Callable[[*Ts], T], calls: Sequence[tuple[*Ts]], workers: int) -> list[T]:
    """Call a function with each of several arguments in threads, and return the answers in their order.

    After the first call that fails no other one starts; those under way end first, then the error is raised.
    """
    if len(calls) < 2:
        return [work(*call) for call in calls]
    with ThreadPoolExecutor(min(workers, len(calls))) as pool:
        futures = [pool.submit(work, *call) for call in calls]
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
    for future in done:
        future.result()
    return [future.result() for future in futures]
