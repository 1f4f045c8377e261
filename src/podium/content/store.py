"""What a content store is: blobs named by their SHA-256, written once, never changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from podium.domain.plain import Value

BlobState = Literal["ok", "missing", "changed"]
Progress = Callable[[int], None]
"""Told the bytes done since the last call; it may be called from any thread."""
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Staged(Value):
    """A file on its way into the store.

    Attributes:
        path: Its path inside the artifact.
        local: Where its bytes are now.
        size: Bytes.
        sha256: SHA-256 of its bytes when it was added.
        owned: Whether Podium made this copy, so that a store on the same disk may use it as it is.
        data: The bytes themselves, where a small file was kept so that it need not be read twice.
    """

    path: str
    local: Path
    size: int
    sha256: str
    owned: bool = False
    data: bytes | None = field(default=None, repr=False, compare=False, metadata={"hidden": True})


@dataclass(frozen=True, slots=True)
class Blob(Value):
    """A blob as it lies in a store; its bytes were not looked at.

    Attributes:
        sha256: Its name.
        size: Bytes.
        modified: When it was written or last asked to be stored again, UTC.
    """

    sha256: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Leftovers(Value):
    """What killed writers left behind.

    Attributes:
        count: Files.
        size: Bytes.
    """

    count: int
    size: int


class ContentStore(Protocol):
    """Where blobs live. All methods raise `StorageError` when the place fails."""

    location: str
    """A folder, or a URL without secrets."""

    def prepare(self) -> None:
        """Make the place ready for its first use, and prove that it can be written."""

    def claim(self, owner: str, *, fresh: bool) -> None:
        """Make sure that the place is there, and that it is this registry's.

        Garbage collection of one registry would take the contents of another. Later calls that write or list look again
        whether the place is still there.

        Args:
            owner: What tells this registry from every other.
            fresh: Whether it is used for the first time, and may be made.

        Raises:
            SettingsError: It belongs to another registry.
            StorageError: It is not there, for example because its disk is not mounted.
        """

    def workplace(self) -> AbstractContextManager[str | None]:
        """Give a writer a folder that `files.collect` may copy large files into before `put`, or None.

        It goes when the context ends, with what was not stored.
        """

    def put(self, staged: list[Staged], progress: Progress | None = None) -> int:
        """Store the bytes of all files durably; what is there with its size is trusted and not written again.

        What is there counts as modified now, so that the grace period of `gc` starts anew.

        Returns:
            The number of bytes that were new.

        Raises:
            IntegrityError: A file is no longer what it was when it was added.
            NotFoundError: A file vanished.
        """

    def missing(self, contents: Iterable[tuple[str, int]]) -> list[str]:
        """Return the SHA-256 of those contents that are not there with their size: a quick look that hashes nothing."""

    def read(self, sha256: str, offset: int = 0) -> Iterator[bytes]:
        """Stream a blob from an offset on; the caller hashes what it gets.

        Raises:
            IntegrityError: The blob is missing.
        """

    def state(self, sha256: str, size: int, progress: Progress | None = None) -> BlobState:
        """Hash a blob, never in memory as a whole, and say whether it is what its name says."""

    def blobs(self) -> Iterator[Blob]:
        """List all blobs, in no order."""

    def delete(self, sha256s: Iterable[str], unless_after: datetime | None = None) -> None:
        """Remove blobs; what is not there is fine.

        Args:
            sha256s: Their names.
            unless_after: Leave those that were modified after this time: somebody stored them again meanwhile.
        """

    def sweep(self, older_than: timedelta, *, dry_run: bool = False) -> Leftovers:
        """Remove what killed writers left behind; what a living one is about is never touched, whatever its age.

        Args:
            older_than: How long it must have been left alone.
            dry_run: Only say what would go.
        """

    def set_aside(self, sha256: str) -> None:
        """Move a damaged blob to `damaged/`, so that logging the right bytes again stores them."""


def hash_file(path: str | os.PathLike[str], progress: Progress | None = None) -> tuple[int, str]:
    """Return the size and SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return hash_descriptor(descriptor, progress)
    finally:
        os.close(descriptor)


def hash_descriptor(descriptor: int, progress: Progress | None = None) -> tuple[int, str]:
    """Return the size and SHA-256 of what an open file holds from here on.

    Without a buffered file object: for ten thousand small files that object costs more than hashing them.

    Raises:
        OSError: It cannot be read.
    """
    digest, size, chunk = hashlib.sha256(), 0, b"-"
    while chunk:
        chunk = os.read(descriptor, CHUNK)
        digest.update(chunk)
        size += len(chunk)
        if progress is not None and chunk:
            progress(len(chunk))
    return size, digest.hexdigest()
