"""The folders in which writers prepare blobs, and how a living writer is told from a killed one.

A writer works in a folder of its own and holds a lock on the file ``lock`` in it. The kernel lets the lock go when the
process ends, however it ends: a folder whose lock is free has no writer any more.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from podium.content.store import Leftovers

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: there leftovers are told by their age alone
    fcntl = None  # type: ignore[assignment]  # asked for at each use

_LOCK = "lock"
_DAY = 86_400.0


@contextmanager
def workplace(incoming: str) -> Iterator[str]:
    """Give a writer a folder of its own; it goes afterwards, with whatever is left in it.

    Raises:
        OSError: It cannot be made.
    """
    folder, lock = claim(incoming)
    try:
        yield folder
    finally:
        release(folder, lock)


def release(folder: str, lock: int) -> None:
    """Remove a folder that `claim` made, while its lock is held: so no sweep comes in between."""
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def claim(incoming: str) -> tuple[str, int]:
    """Make a folder for a writer that is no single block of code, and return it with its lock; see `release`.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        folder = os.path.join(incoming, uuid.uuid4().hex)
        os.mkdir(folder)
        with suppress(FileNotFoundError):  # a sweep took the folder before the lock was there: take another one
            lock = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            if try_lock(lock) is not False and os.fstat(lock).st_nlink > 0:
                return folder, lock
            os.close(lock)


def try_lock(descriptor: int) -> bool | None:
    """Take a lock without waiting; False if somebody holds it, None if this file system has no locks."""
    if not hasattr(fcntl, "flock"):  # pragma: no cover - Windows
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def wait_for_lock(descriptor: int) -> None:
    """Take a lock, waiting for whoever holds it; where there are no locks, writers may do the same work twice."""
    if hasattr(fcntl, "flock"):
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def is_same_file(path: str, descriptor: int) -> bool:
    """Whether a path still names an open file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def sweep(incoming: str, older_than: float, *, dry_run: bool) -> Leftovers:
    """Remove the folders whose writers are gone; see `ContentStore.sweep`.

    Args:
        incoming: Where they are.
        older_than: Seconds.
        dry_run: Only count.

    Raises:
        OSError: They cannot be read or removed.
    """
    count = size = 0
    try:
        children = list(os.scandir(incoming))
    except FileNotFoundError:
        return Leftovers(0, 0)
    for child in children:
        with suppress(FileNotFoundError):  # its writer finished, or another sweep was faster
            files, length = _sweep_one(child, older_than, dry_run)
            count, size = count + files, size + length
    return Leftovers(count, size)


def _sweep_one(child: os.DirEntry[str], older_than: float, dry_run: bool) -> tuple[int, int]:
    age = time.time() - child.stat(follow_symlinks=False).st_mtime
    if age < older_than:
        return 0, 0
    if not child.is_dir(follow_symlinks=False):  # Podium 0.1 wrote its files right here
        size = child.stat(follow_symlinks=False).st_size
        if not dry_run:
            os.unlink(child.path)
        return 1, size
    with _ended(child.path, age) as ended:
        if not ended:
            if not dry_run:
                with suppress(OSError):  # not empty: a writer is in it, and it is not even looked at
                    os.rmdir(child.path)
            return 0, 0
        found = [entry for entry in os.scandir(child.path) if entry.name != _LOCK]
        size = sum(entry.stat(follow_symlinks=False).st_size for entry in found)
        if not dry_run:
            shutil.rmtree(child.path)
        return len(found), size


@contextmanager
def _ended(folder: str, age: float) -> Iterator[bool]:
    """Hold the lock of a folder whose writer is gone; where locks do not work, a day must have passed."""
    try:
        lock = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        # Without a lock it is new, or old and on its way out. A writer makes files only when it has the lock, so one
        # that holds files is old; and an empty one goes only as long as it is empty.
        yield bool(os.listdir(folder)) and not os.path.exists(os.path.join(folder, _LOCK))
        return
    try:
        taken = try_lock(lock)
        yield age > _DAY if taken is None else taken
    finally:
        os.close(lock)
