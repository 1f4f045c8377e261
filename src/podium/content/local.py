"""The content store in a folder.

Layout: ``blobs/sha256/ab/<digest>`` for content, ``incoming/`` for what is being written. A blob is written beside its
place, flushed to the disk, renamed, and its folder is flushed, before anybody is told of it. A process that is killed
leaves at worst a file in ``incoming/`` or a blob that no version names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from podium.content.store import CHUNK, BlobState, Staged, hash_file
from podium.errors import IntegrityError, NotFoundError, PodiumError, StorageError


class LocalStore:
    """Blobs in a folder of this machine or of a mounted file system.

    Args:
        root: The folder; it is made at first use.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.location = str(root)
        self._blobs = root / "blobs" / "sha256"
        self._incoming = root / "incoming"

    def prepare(self) -> None:
        """Make the folder, so that a place that cannot be used is known before anybody relies on it."""
        with _storage_errors(self.root):
            self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, staged: list[Staged]) -> None:
        """Store the bytes of all files durably; see `ContentStore.put`."""
        with _storage_errors(self.root):
            self._incoming.mkdir(parents=True, exist_ok=True)
            folders = {self._put_one(item) for item in staged}
            # Also for blobs that were there: whoever made them may not have come to flushing their names yet.
            for folder in sorted(folders | {self._blobs}):
                _sync_folder(folder)

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading; see `ContentStore.open`."""
        with _storage_errors(self.root):
            try:
                return self._place(sha256).open("rb")
            except FileNotFoundError as error:
                raise IntegrityError(
                    f"The content sha256:{sha256} is not in the store {self.root}.",
                    hint="Run 'podium verify' to see every version that needs it, and restore it from a backup.",
                    sha256=sha256,
                ) from error

    def state(self, sha256: str, size: int) -> BlobState:
        """Hash a blob; see `ContentStore.state`."""
        with _storage_errors(self.root):
            try:
                return "ok" if hash_file(self._place(sha256)) == (size, sha256) else "changed"
            except FileNotFoundError:
                return "missing"

    def _place(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256

    def _put_one(self, item: Staged) -> Path:
        place = self._place(item.sha256)
        if _holds(place, item):
            return place.parent
        new_folder = not place.parent.is_dir()
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming = self._incoming / uuid.uuid4().hex
        try:
            self._fill(item, incoming)
            os.replace(incoming, place)
        finally:
            incoming.unlink(missing_ok=True)
        if new_folder:
            for folder in (self._blobs.parent, self.root):
                _sync_folder(folder)
        return place.parent

    def _fill(self, item: Staged, incoming: Path) -> None:
        """Bring the bytes to `incoming`, flushed; a file that is ours and on this disk is moved instead of copied."""
        if item.owned and _same_disk(item.local, self._incoming):
            os.replace(item.local, incoming)
            with incoming.open("rb") as file:
                os.fsync(file.fileno())
            return
        digest = hashlib.sha256()
        with _open_source(item) as source, incoming.open("xb") as target:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != item.sha256:
            raise IntegrityError(
                f"The file {item.local} changed while it was being logged.",
                hint="Log it again when nothing writes to it any more.",
                path=item.path,
            )


def read_into(store_file: BinaryIO, target: Path, sha256: str) -> None:
    """Copy a blob to a file, hashing while it streams; the file appears only when its bytes are right.

    Raises:
        IntegrityError: The bytes are not what the digest says; nothing is left behind.
        StorageError: The target cannot be written.
    """
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    digest = hashlib.sha256()
    with _storage_errors(target):
        try:
            with store_file, part.open("xb") as file:
                while chunk := store_file.read(CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != sha256:
                raise IntegrityError(
                    f"The stored content of {target.name} is damaged: it is sha256:{digest.hexdigest()} "
                    f"and should be sha256:{sha256}.",
                    hint="Run 'podium verify' to see what else is damaged, and restore it from a backup.",
                    sha256=sha256,
                )
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _storage_errors(where: Path) -> Iterator[None]:
    try:
        yield
    except PodiumError:
        raise
    except shutil.Error as error:  # pragma: no cover - an OSError, but without a file name
        raise StorageError(f"{where} failed: {error}.", hint="Check the disk.") from error
    except OSError as error:
        raise StorageError(
            f"{error.filename or where} cannot be used: {error.strerror or error}.",
            hint="Check that the folder exists, has room, and may be read and written by this user.",
            path=str(error.filename or where),
        ) from error


@contextmanager
def _open_source(item: Staged) -> Iterator[BinaryIO]:
    try:
        source = item.local.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"The file {item.local} vanished before it was logged.", hint="Add it again.", path=item.path
        ) from error
    with source:
        yield source


def _holds(place: Path, item: Staged) -> bool:
    """Whether a blob is there and right; one that is damaged is written again, since the right bytes are at hand."""
    try:
        return place.stat().st_size == item.size and hash_file(place) == (item.size, item.sha256)
    except FileNotFoundError:
        return False


def _same_disk(one: Path, two: Path) -> bool:
    try:
        return one.stat().st_dev == two.stat().st_dev
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot flush a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
