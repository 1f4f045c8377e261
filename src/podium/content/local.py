"""The content store in a folder.

Layout: ``blobs/sha256/ab/<digest>`` for content, ``incoming/`` for what is being written, ``damaged/`` for what a
verification set aside. A blob is written beside its place, flushed to the disk, renamed, and its folder is flushed,
before anybody is told of it. A process that is killed leaves at worst a folder in ``incoming/``, which `sweep` removes,
or a blob that no version names, which ``gc`` removes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from podium.content import incoming
from podium.content.disk import (
    MANY,
    copy_hashed,
    create,
    save,
    storage_errors,
    sync_file,
    sync_files,
    sync_folder,
    sync_folders,
)
from podium.content.owner import MARK, lost, read_mark, require_owner, sign, strangers
from podium.content.store import CHUNK, Blob, BlobState, Leftovers, Progress, Staged, hash_file
from podium.errors import IntegrityError, NotFoundError


class LocalStore:
    """Blobs in a folder of this machine or of a mounted file system.

    Args:
        root: The folder; it is made at first use.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self.location = str(root)
        self._blobs = os.path.join(self.location, "blobs", "sha256")
        self._incoming = os.path.join(self.location, "incoming")
        self._claimed = False

    def prepare(self) -> None:
        """Make the folder, so that a place that cannot be used is known before anybody relies on it."""
        with storage_errors(self.root):
            os.makedirs(self._incoming, exist_ok=True)
            with incoming.workplace(self._incoming):
                pass

    def claim(self, owner: str, *, fresh: bool) -> None:
        """Make sure that the folder is there and this registry's; see `ContentStore.claim`."""
        with storage_errors(self.root):
            if fresh:
                self.prepare()
            found = read_mark(self.location)
            if found is None and fresh and os.path.isdir(self._blobs):
                raise strangers(self.location)
            used = os.path.isdir(self._blobs) or os.path.isdir(self._incoming)
            if found is None and not fresh and not used:
                raise lost(self.location)
            require_owner(self.location, found or sign(self.location, owner), owner)
        self._claimed = read_mark(self.location) is not None

    def _require_place(self) -> None:
        if self._claimed and not os.path.isfile(os.path.join(self.location, MARK)):
            raise lost(self.location)

    @contextmanager
    def workplace(self) -> Iterator[str | None]:
        """Give a writer a folder on the disk of the store; see `ContentStore.workplace`."""
        with ExitStack() as stack:
            with storage_errors(self.root):
                self._require_place()
                os.makedirs(self._incoming, exist_ok=True)
                folder = stack.enter_context(incoming.workplace(self._incoming))
            yield folder

    def put(self, staged: list[Staged], progress: Progress | None = None) -> int:
        """Store the bytes of all files durably; see `ContentStore.put`."""
        with storage_errors(self.root):
            self._require_place()
            os.makedirs(self._incoming, exist_ok=True)
            wanted = list({item.sha256: item for item in staged}.values())
            new = [item for item in wanted if not self._touch(item)]
            made = self._make_folders(new)
            if new:
                with incoming.workplace(self._incoming) as folder:
                    self._fill(new, folder, progress)
                    for item in new:
                        os.replace(os.path.join(folder, item.sha256), self.place(item.sha256))
            if progress is not None:
                progress(sum(item.size for item in staged) - sum(item.size for item in new))
            # Also for blobs that were there: whoever made them may not have come to flushing their names yet.
            folders = {os.path.join(self._blobs, item.sha256[:2]) for item in wanted}
            sync_folders(folders | {self._blobs} | made, self.location)
            return sum(item.size for item in new)

    def missing(self, contents: Iterable[tuple[str, int]]) -> list[str]:
        """Return what is not there with its size; see `ContentStore.missing`."""
        with storage_errors(self.root):
            return [sha256 for sha256, size in contents if self._size(sha256) != size]

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading.

        Raises:
            IntegrityError: The blob is missing.
            StorageError: It cannot be read.
        """
        return os.fdopen(self.descriptor(sha256), "rb")

    def descriptor(self, sha256: str) -> int:
        """Open a blob for reading, without a file object; see `open`."""
        with storage_errors(self.root):
            try:
                return os.open(self.place(sha256), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError as error:
                raise missing_content(sha256, self.location) from error

    def read(self, sha256: str, offset: int = 0) -> Iterator[bytes]:
        """Stream a blob; see `ContentStore.read`."""
        with storage_errors(self.root), self.open(sha256) as file:
            file.seek(offset)
            while chunk := file.read(CHUNK):
                yield chunk

    def state(self, sha256: str, size: int, progress: Progress | None = None) -> BlobState:
        """Hash a blob; see `ContentStore.state`."""
        with storage_errors(self.root):
            try:
                return "ok" if hash_file(self.place(sha256), progress) == (size, sha256) else "changed"
            except FileNotFoundError:
                return "missing"

    def blobs(self) -> Iterator[Blob]:
        """List all blobs; see `ContentStore.blobs`."""
        with storage_errors(self.root):
            self._require_place()
            for folder in _scan(self._blobs):
                for entry in _scan(folder.path) if folder.is_dir(follow_symlinks=False) else ():
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        found = entry.stat(follow_symlinks=False)
                        yield Blob(entry.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, sha256s: Iterable[str], unless_after: datetime | None = None) -> None:
        """Remove blobs; see `ContentStore.delete`."""
        limit = unless_after.timestamp() if unless_after is not None else None
        with storage_errors(self.root):
            for sha256 in sha256s:
                with suppress(FileNotFoundError):
                    place = self.place(sha256)
                    if limit is None or os.stat(place).st_mtime <= limit:
                        os.unlink(place)

    def sweep(self, older_than: timedelta, *, dry_run: bool = False) -> Leftovers:
        """Remove what killed writers left in `incoming/`; see `ContentStore.sweep`."""
        with storage_errors(self.root):
            return incoming.sweep(self._incoming, older_than.total_seconds(), dry_run=dry_run)

    def set_aside(self, sha256: str) -> None:
        """Move a damaged blob to `damaged/`; see `ContentStore.set_aside`."""
        folder = os.path.join(self.location, "damaged")
        with storage_errors(self.root), suppress(FileNotFoundError):
            place = self.place(sha256)
            os.makedirs(folder, exist_ok=True)
            os.replace(place, os.path.join(folder, sha256))
            sync_folder(folder)
            sync_folder(os.path.dirname(place))

    def place(self, sha256: str) -> str:
        """Return where a blob lies."""
        return f"{self._blobs}{os.sep}{sha256[:2]}{os.sep}{sha256}"

    def _size(self, sha256: str) -> int:
        try:
            return os.stat(self.place(sha256)).st_size
        except FileNotFoundError:
            return -1

    def _touch(self, item: Staged) -> bool:
        """Whether a blob is there with its size; it then counts as new, so that `gc` leaves it alone."""
        place = self.place(item.sha256)
        try:
            if os.stat(place).st_size != item.size:
                return False
            os.utime(place)
        except FileNotFoundError:
            return False
        return True

    def _make_folders(self, new: list[Staged]) -> set[str]:
        """Make the folders that new blobs need, and return those above them, whose names must be flushed too."""
        first = not os.path.isdir(self._blobs)
        os.makedirs(self._blobs, exist_ok=True)
        there = set(os.listdir(self._blobs)) if new else set()
        for name in {item.sha256[:2] for item in new} - there:
            with suppress(FileExistsError):
                os.mkdir(os.path.join(self._blobs, name))
        return {os.path.dirname(self._blobs), self.location} if first else set()

    def _fill(self, new: list[Staged], folder: str, progress: Progress | None) -> None:
        """Bring the bytes of new blobs into a folder, flushed, each under its digest."""
        targets = [os.path.join(folder, item.sha256) for item in new]
        one_by_one = len(new) <= MANY
        for item, target in zip(new, targets, strict=True):
            _bring(item, target, progress, flush=one_by_one)
        if not one_by_one:
            sync_files(targets, folder)


def missing_content(sha256: str, where: str) -> IntegrityError:
    """Return the error about a blob that is not in its store."""
    return IntegrityError(
        f"The content sha256:{sha256} is not in the store {where}.",
        hint="Run 'podium verify' to see every version that needs it, and restore it from a backup.",
        sha256=sha256,
    )


def changed_source(item: Staged) -> IntegrityError:
    """Return the error about a file whose bytes are not those that were hashed when it was added."""
    return IntegrityError(
        f"The file {item.local} changed while it was being logged.",
        hint="Log it again when nothing writes to it any more.",
        path=item.path,
    )


def open_source(item: Staged) -> int:
    """Open a file that is on its way into a store; a link that took its place meanwhile is not followed.

    Raises:
        NotFoundError: It vanished.
        OSError: It cannot be read.
    """
    try:
        return os.open(item.local, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"The file {item.local} vanished before it was logged.", hint="Add it again.", path=item.path
        ) from error


def _bring(item: Staged, target: str, progress: Progress | None, *, flush: bool) -> None:
    """Bring one file to its target; one that is ours and on this disk gets a second name instead of a copy."""
    if item.owned and _name_again(item.local, target):
        if flush:
            sync_file(target)
        if progress is not None:
            progress(item.size)
        return
    if item.data is not None:  # the very bytes that were hashed
        save(target, item.data, flush=flush)
        if progress is not None:
            progress(item.size)
        return
    source = open_source(item)
    try:
        descriptor = create(target)
        try:
            written = copy_hashed(source, descriptor, item.size, progress, flush=flush)
        finally:
            os.close(descriptor)
    finally:
        os.close(source)
    if written != (item.size, item.sha256):
        raise changed_source(item)


def _name_again(local: Path, target: str) -> bool:
    """Give a file a second name. The first one stays: what is refused after it can be logged again."""
    try:
        os.link(local, target)
    except OSError:  # another disk, or one that has no second names
        return False
    return True


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except FileNotFoundError:
        return []
