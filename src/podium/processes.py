"""Processes of this machine: who this one is, and whether one that said so still lives.

Only Linux tells enough to be certain: the same boot, the same space of process numbers, and a process that started at
another time or not at all. Elsewhere nothing is claimed, and a run is known by its heartbeat alone.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.domain.plain import storable

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19  # places in /proc/PID/stat after the name of the program: fields 3 and 22 of proc(5)
_ENDED = ("Z", "X", "x")  # it ended, and its parent has not asked how


def this_process() -> dict[str, Any]:
    """Return what tells this process from every other, as plain JSON.

    Returns:
        ``host``, ``pid``, and where the system says so ``boot`` (id of this boot), ``space`` (of process numbers; each
        container has its own) and ``started`` (clock ticks after the boot).
    """
    pid = os.getpid()
    found = _stat(pid)
    return {
        "host": storable(socket.gethostname()),
        "pid": pid,
        "boot": _boot(),
        "space": _space(),
        "started": int(found[_STARTED]) if found else None,
    }


def has_ended(process: Any) -> bool:
    """Whether a process that `this_process` described has certainly ended; False wherever that cannot be told."""
    if not isinstance(process, Mapping):
        return False
    boot, space, pid = process.get("boot"), process.get("space"), process.get("pid")
    if not boot or boot != _boot() or not space or space != _space() or not isinstance(pid, int):
        return False
    found = _stat(pid)
    if found is None:
        return not _exists(pid)
    return found[_STATE] in _ENDED or int(found[_STARTED]) != process.get("started")


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name of a program may hold anything, brackets too
    return fields if len(fields) > _STARTED else None


def _exists(pid: int) -> bool:
    """Ask the kernel itself: where /proc is mounted with hidepid, processes of others are not seen in it."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _boot() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def _space() -> str | None:
    try:
        return os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return None
