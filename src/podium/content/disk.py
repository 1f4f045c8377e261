"""What must be right about a disk: flushing files and names, copying while hashing, and errors in our words."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from podium.content.store import CHUNK, Progress
from podium.errors import PodiumError, StorageError

MANY = 64
"""From so many files or folders on, flushing the whole file system once beats flushing each."""
LARGE = 16 * CHUNK
"""From so many bytes on, a file is hashed, written and flushed at the same time."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@contextmanager
def storage_errors(where: str | os.PathLike[str]) -> Iterator[None]:
    """Turn errors of the file system into `StorageError`; what is Podium's own passes."""
    try:
        yield
    except PodiumError:
        raise
    except OSError as error:
        place = str(error.filename or where)
        room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageError(
            f"{place} cannot be used: {error.strerror or error}.",
            hint="Make room on that disk, then do it again."
            if room
            else "Check that the folder exists, has room, and may be read and written by this user.",
            path=place,
        ) from error


def copy_hashed(
    source: int, target: int, size: int, progress: Progress | None = None, *, flush: bool = False
) -> tuple[int, str]:
    """Copy an open file into another, and return the size and SHA-256 of the bytes that were written.

    Args:
        source: Descriptor to read from.
        target: Descriptor to write to.
        size: How long the file is about: large ones are hashed, written and flushed at the same time.
        progress: Told the bytes done.
        flush: Whether the bytes must be on the disk in the end.

    Raises:
        OSError: One of them fails.
    """
    if size >= LARGE:
        return _copy_large(source, target, progress, flush)
    digest, done = hashlib.sha256(), 0
    while chunk := os.read(source, CHUNK):
        digest.update(chunk)
        write_all(target, chunk)
        done += len(chunk)
        if progress is not None:
            progress(len(chunk))
    if flush:
        os.fsync(target)
    return done, digest.hexdigest()


def _copy_large(source: int, target: int, progress: Progress | None, flush: bool) -> tuple[int, str]:
    # In pieces of 1 MiB: larger ones cost twice the processor time, since each is fresh memory of the kernel.
    # Hashing, writing and fdatasync all release the interpreter: the slowest of them sets the time, not their sum.
    digest, done = hashlib.sha256(), 0
    hashing: Future[None] | None = None
    flushing: Future[None] | None = None
    with ThreadPoolExecutor(2) as pool:
        while chunk := os.read(source, CHUNK):
            if hashing is not None:
                hashing.result()
            hashing = pool.submit(digest.update, chunk)
            write_all(target, chunk)
            done += len(chunk)
            if flush and (flushing is None or flushing.done()):
                if flushing is not None:
                    flushing.result()
                flushing = pool.submit(os.fdatasync, target)
            if progress is not None:
                progress(len(chunk))
        if hashing is not None:
            hashing.result()
        if flushing is not None:
            flushing.result()
    if flush:
        os.fsync(target)
    return done, digest.hexdigest()


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes; `os.write` may stop early, at 2 GiB or at a signal.

    Raises:
        OSError: The disk does not take them.
    """
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, memoryview(data)[done:])


def create(path: str) -> int:
    """Open a new file for writing; anything that stands there already, a link too, is an error.

    Raises:
        OSError: It cannot be made.
    """
    return os.open(path, _NEW, 0o666)


def save(path: str, data: bytes, *, flush: bool = False) -> None:
    """Write a new file.

    Raises:
        OSError: It cannot be made, or the disk does not take the bytes.
    """
    descriptor = create(path)
    try:
        write_all(descriptor, data)
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: str) -> None:
    """Flush the bytes of a file.

    Raises:
        OSError: It cannot be flushed.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Flush the names in a folder.

    Raises:
        OSError: It cannot be flushed.
    """
    if os.name != "nt":  # Windows cannot flush a folder
        sync_file(os.fspath(folder))


def sync_folders(folders: Iterable[str], root: str) -> None:
    """Flush the names in several folders below a root; many of them with the whole file system at once.

    Raises:
        OSError: They cannot be flushed.
    """
    several = sorted(folders)
    if len(several) > MANY and sync_filesystem(root):
        return
    for folder in several:
        sync_folder(folder)


def sync_files(paths: list[str], root: str) -> None:
    """Flush the bytes of several files of one file system.

    Raises:
        OSError: They cannot be flushed.
    """
    if len(paths) > MANY and sync_filesystem(root):
        return
    for path in paths:
        sync_file(path)


def sync_filesystem(root: str) -> bool:
    """Flush everything of the file system that a folder is on, bytes and names, and say whether that can be done here.

    Before Linux 5.8 `syncfs` did not report bytes that could not be written, so it is not relied on there.

    Raises:
        OSError: The disk failed.
    """
    if not _has_syncfs():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            if code == errno.ENOSYS:  # a sandbox may not know the call
                return False
            raise OSError(code, os.strerror(code), root)
    finally:
        os.close(descriptor)
    return True


def _has_syncfs() -> bool:
    if os.name != "posix" or os.uname().sysname != "Linux":
        return False
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) >= (5, 8)
