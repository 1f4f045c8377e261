"""Which call of a task a task run is, so that the next attempt is known as the same call.

Prefect has no such name: the id of a task run survives a retry of the task but not one of the flow, and its dynamic
key is random (``dynamic_key_for_task_run(..., stable=False)`` in Prefect 3.7). A call is therefore named by what it is
given, and calls that are given the same by their order in one attempt of the flow run.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from podium.domain.plain import canonical
from podium.prefect.results import ModelResult

_FLOW_RUNS = 256  # that are remembered in one process; a worker that serves for weeks must not grow
_DEPTH, _WIDTH, _LENGTH = 4, 64, 1000  # how much of a parameter is looked at: this runs at every change

_lock = threading.Lock()
_orders: OrderedDict[tuple[str, int], dict[str, dict[str, int]]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Call:
    """One task run.

    Attributes:
        flow_run: The id of its flow run.
        attempt: How often that flow run was started.
        task_key: The task.
        task_run: Its own id, the same over retries of the task.
    """

    flow_run: str
    attempt: int
    task_key: str
    task_run: str


def call_key(call: Call, inputs: Mapping[str, Any]) -> str:
    """Return a name for a call that is the same after a retry of its task or of its flow.

    Calls with equal inputs are numbered in the order in which they first change something, in this process. Where that
    is not the order of the attempt before (equal calls at the same time, or in several processes), they take each
    other's place, which matters only if their inputs differ in what no text shows, such as two data frames.
    """
    text = canonical({name: _sketch(value, _DEPTH) for name, value in sorted(inputs.items())})
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{digest}.{_order(call, digest)}"


def _order(call: Call, digest: str) -> int:
    with _lock:
        seen = _orders.setdefault((call.flow_run, call.attempt), defaultdict(dict))
        _orders.move_to_end((call.flow_run, call.attempt))
        if len(_orders) > _FLOW_RUNS:
            _orders.popitem(last=False)
        runs = seen[f"{call.task_key}/{digest}"]
        return runs.setdefault(call.task_run, len(runs))


def _sketch(value: Any, depth: int) -> Any:
    """Return what is plain in a parameter; of anything else only the type, since it may be huge or change."""
    if isinstance(value, str | PurePath):
        return _text(str(value))
    if isinstance(value, int):
        return [type(value).__name__, hex(value)[:_LENGTH]]  # repr refuses huge ones
    if isinstance(value, float | None):
        return [repr(value)]
    if isinstance(value, ModelResult):
        return value.ref
    if depth and isinstance(value, Mapping):
        return _items(((str(key), _sketch(item, depth - 1)) for key, item in value.items()), len(value))
    if depth and isinstance(value, list | tuple):
        return _items((_sketch(item, depth - 1) for item in value), len(value))
    return f"<{type(value).__qualname__}>"


def _text(value: str) -> str:
    # A temporary folder has another name in each attempt.
    return "<temporary>" if value.startswith(tempfile.gettempdir()) else value[:_LENGTH]


def _items(items: Iterable[Any], length: int) -> list[Any]:
    return [length, *(item for item, _ in zip(items, range(_WIDTH), strict=False))]
