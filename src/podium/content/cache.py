"""What was read from object storage, kept on this machine: content-addressed, capped, safe between processes.

Layout: ``blobs/ab/<digest>`` for contents, ``parts/<digest>`` for what is on its way. Who fetches a content holds a
lock on its part; another process that wants the same waits and then finds it. The part of a killed process stays, and
the next one goes on where it ended. Nothing here is believed: each read is hashed, and what is wrong is dropped and
fetched once more. Nothing here is flushed: what a crash damages is fetched again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from podium.content.disk import copy_hashed, create, storage_errors, write_all
from podium.content.incoming import is_same_file, try_lock, wait_for_lock
from podium.content.report import damaged
from podium.content.store import CHUNK, ContentStore, Progress
from podium.errors import StorageError
from podium.settings import Settings

_ATTEMPTS = 3


class Cache:
    """A folder of contents that may be lost at any time.

    Args:
        root: The folder; it is made at first use.
        limit: How large it may grow, in bytes; 0 turns it off. Writers may pass it by a twentieth for a moment.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self.root = root
        self.limit = limit
        self._blobs = os.path.join(root, "blobs")
        self._parts = os.path.join(root, "parts")
        self._lock = threading.Lock()
        self._added = 0

    def takes(self, size: int) -> bool:
        """Whether a content of this size is kept at all."""
        return 0 <= size <= self.limit and self.limit > 0

    def fetch(self, store: ContentStore, sha256: str, size: int, target: str, progress: Progress | None = None) -> None:
        """Write a content to a new file, from here or from the store, which is not asked for what is here.

        Args:
            store: Where the content comes from.
            sha256: Its name.
            size: Its length in bytes.
            target: The file; it must not exist. Its bytes are right when this returns.
            progress: Told the bytes done.

        Raises:
            IntegrityError: The store's own bytes are wrong or missing.
            StorageError: The store or this disk failed.
        """
        with storage_errors(self.root):
            for _ in range(_ATTEMPTS):
                if self._give(sha256, size, target, progress):
                    return
                self._load(store, sha256, size)
        raise StorageError(
            f"The cache {self.root} does not keep what is written to it.",
            hint="Check that disk, or set PODIUM_CACHE_SIZE=0.",
            path=str(self.root),
        )

    def size(self) -> int:
        """Return how many bytes lie here, unfinished ones too."""
        with storage_errors(self.root):
            return sum(found.st_size for _, found in self._files())

    def clear(self) -> int:
        """Remove everything but what is being fetched right now, and return how many bytes went."""
        return self._shrink(0)

    def prune(self) -> int:
        """Remove what was not used for longest until the limit holds, and return how many bytes went."""
        return self._shrink(self.limit)

    def _give(self, sha256: str, size: int, target: str, progress: Progress | None) -> bool:
        """Copy a content that is here; False if it is not here or is wrong, in which case it is dropped."""
        place = self._place(sha256)
        try:
            source = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            with suppress(FileNotFoundError):  # pruned meanwhile; the open file is still whole
                os.utime(place)
            out = create(target)
            try:
                right = copy_hashed(source, out, size, progress) == (size, sha256)
            finally:
                os.close(out)
        finally:
            os.close(source)
        if not right:
            with suppress(FileNotFoundError):
                os.unlink(place)
            os.unlink(target)
        return right

    def _load(self, store: ContentStore, sha256: str, size: int) -> None:
        """Fetch a content, unless another process did while this one waited for it."""
        path, place = os.path.join(self._parts, sha256), self._place(sha256)
        with self._claimed(path) as part:
            if os.path.exists(place):
                os.unlink(path)
                return
            resumed = os.fstat(part).st_size > 0
            found = _go_on(store, part, sha256, size)
            if found != sha256 and resumed:  # the old part was bad: once more from the start
                os.ftruncate(part, 0)
                found = _go_on(store, part, sha256, size)
            if found != sha256:
                os.unlink(path)
                raise damaged("this version", sha256, found)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.replace(path, place)
        self._grown(size)

    @contextmanager
    def _claimed(self, path: str) -> Iterator[int]:
        """Open the part of a content, alone among all processes and threads."""
        while True:
            os.makedirs(self._parts, exist_ok=True)
            part = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            wait_for_lock(part)
            if is_same_file(path, part):  # else whoever held it finished, and it has another name now
                break
            os.close(part)
        try:
            yield part
        finally:
            os.close(part)

    def _grown(self, size: int) -> None:
        with self._lock:
            self._added += size
            if self._added <= self.limit // 20:
                return
            self._added = 0
        self.prune()

    def _shrink(self, limit: int) -> int:
        with storage_errors(self.root):
            files = sorted(self._files(), key=lambda file: file[1].st_mtime_ns)
            total, gone = sum(found.st_size for _, found in files), 0
            for path, found in files:
                if total - gone <= limit and limit > 0:
                    break
                if self._drop(path):
                    gone += found.st_size
            return gone

    def _drop(self, path: str) -> bool:
        with suppress(FileNotFoundError):
            if os.path.dirname(path) == self._parts:
                part = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    if try_lock(part) is False:
                        return False
                    os.unlink(path)
                finally:
                    os.close(part)
            else:
                os.unlink(path)
            return True
        return False

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                with suppress(FileNotFoundError):
                    yield path, os.stat(path)

    def _place(self, sha256: str) -> str:
        return os.path.join(self._blobs, sha256[:2], sha256)


def open_cache(settings: Settings) -> Cache | None:
    """Return the cache that the settings ask for, or None if it is turned off."""
    return Cache(settings.home / "cache", settings.cache_bytes) if settings.cache_bytes else None


def _go_on(store: ContentStore, part: int, sha256: str, size: int) -> str:
    """Complete a part with what the store has from there on, and return the SHA-256 of all of it."""
    if os.fstat(part).st_size > size:
        os.ftruncate(part, 0)
    digest, done = hashlib.sha256(), 0
    os.lseek(part, 0, os.SEEK_SET)
    while chunk := os.read(part, CHUNK):
        digest.update(chunk)
        done += len(chunk)
    if done < size or size == 0:
        for chunk in store.read(sha256, done):
            digest.update(chunk)
            write_all(part, chunk)
    return digest.hexdigest()
