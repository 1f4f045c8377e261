"""Whole versions between a store and a folder."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from podium.content.cache import Cache
from podium.content.disk import copy_hashed, create, save, storage_errors, write_all
from podium.content.local import LocalStore
from podium.content.parallel import run_parallel
from podium.content.references import check_sha256, read_reference
from podium.content.report import FileProblem, FileState, VerifyReport, check_folder, damaged, is_right
from podium.content.store import CHUNK, ContentStore, Progress
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import check_path
from podium.errors import StorageError

__all__ = ["FileProblem", "FileState", "VerifyReport", "check_folder", "download"]

_LARGE = 8 * CHUNK
_WORKERS = 16  # a request to object storage waits far more than it works
_LOCAL_WORKERS = 2


def download(
    store: ContentStore,
    manifest: Manifest,
    folder: Path,
    cache: Cache | None = None,
    progress: Progress | None = None,
) -> None:
    """Write all files of a manifest into a folder; files that are right already are left as they are.

    Args:
        store: Where the bytes are; references say themselves where theirs are.
        manifest: What to write.
        folder: Where to; it is made if need be.
        cache: Keeps what comes from object storage; not used for a store in a folder.
        progress: Told the bytes done.

    Raises:
        IntegrityError: A stored file is damaged or missing, or a reference drifted; nothing that this call wrote is
            left behind.
        StorageError: The folder cannot be written, or a place cannot be read.
    """
    job = _Download(store, folder, None if isinstance(store, LocalStore) else cache, progress)
    try:
        job.run(manifest.entries)
    except BaseException:
        job.undo()
        raise


class _Download:
    """One download: what it made so far, so that it can be taken back."""

    def __init__(self, store: ContentStore, folder: Path, cache: Cache | None, progress: Progress | None) -> None:
        self._store = store
        self._root = os.fspath(folder)
        self._cache = cache
        self._progress = progress
        self._made: list[str] = []
        self._folders: set[str] = set()
        self._new: set[str] = set()
        self._lock = threading.Lock()
        self._parts = (f".{uuid.uuid4().hex}.{number}.part" for number in count())

    def run(self, entries: Iterable[Entry]) -> None:
        self._make_root()
        wanted = [(entry, os.path.join(self._root, *check_path(entry.path).split("/"))) for entry in entries]
        for _, target in wanted:
            self._make_folder(os.path.dirname(target))
        local = isinstance(self._store, LocalStore)
        # Small local files gain nothing from threads: the interpreter is what they wait for.
        alone: list[tuple[Entry, str]] = []
        together: list[tuple[Entry, str]] = []
        for entry, target in wanted:
            waits = not local or entry.is_reference or entry.size >= _LARGE
            (together if waits else alone).append((entry, target))
        for entry, target in alone:
            self._bring(entry, target)
        run_parallel(self._bring, together, _LOCAL_WORKERS if local else _WORKERS)
        if self._cache is not None:
            self._cache.prune()

    def undo(self) -> None:
        for path in reversed(self._made):
            _remove(path)

    def _bring(self, entry: Entry, target: str) -> None:
        if os.path.dirname(target) not in self._new and is_right(target, entry):
            if self._progress is not None:
                self._progress(entry.size)
            return
        with self._lock:
            part = os.path.join(os.path.dirname(target), next(self._parts))
        with storage_errors(target):
            try:
                self._fetch(entry, part)
                os.replace(part, target)
            except BaseException:
                _remove(part)
                raise
        self._made.append(target)

    def _fetch(self, entry: Entry, part: str) -> None:
        if entry.is_reference:
            _write(read_reference(entry), part, entry, self._progress)
        elif isinstance(self._store, LocalStore):
            _copy_local(self._store, part, entry, self._progress)
        elif self._cache is not None and self._cache.takes(entry.size):
            self._cache.fetch(self._store, entry.sha256, entry.size, part, self._progress)
        else:
            _write(self._store.read(entry.sha256), part, entry, self._progress)

    def _make_root(self) -> None:
        missing, step = [], self._root
        while not os.path.isdir(step) and step != os.path.dirname(step):
            missing.append(step)
            step = os.path.dirname(step) or os.curdir
        for path in reversed(missing):
            self._make(path)
        self._folders.add(self._root)

    def _make_folder(self, folder: str) -> None:
        """Make a folder below the root; a link there is refused, since it would lead out."""
        if folder in self._folders:
            return
        self._make_folder(os.path.dirname(folder))
        if os.path.islink(folder):
            raise _no_folder(folder, "a link stands there")
        if not os.path.isdir(folder):
            self._make(folder)
        self._folders.add(folder)

    def _make(self, path: str) -> None:
        try:
            os.mkdir(path)
            self._made.append(path)
            self._new.add(path)  # nothing stands in it that could be right already
        except FileExistsError:
            if not os.path.isdir(path):
                raise _no_folder(path, "a file stands there") from None
        except OSError as error:
            raise _no_folder(path, error.strerror) from error


def _copy_local(store: LocalStore, part: str, entry: Entry, progress: Progress | None) -> None:
    source = store.descriptor(entry.sha256)
    try:
        if entry.size < CHUNK:
            data = os.read(source, entry.size + 1)
            digest = hashlib.sha256(data).hexdigest()
            if digest != entry.sha256:
                raise damaged(entry.path, entry.sha256, digest)
            save(part, data)
            if progress is not None:
                progress(len(data))
            return
        target = create(part)
        try:
            _, digest = copy_hashed(source, target, entry.size, progress)
        finally:
            os.close(target)
    finally:
        os.close(source)
    if digest != entry.sha256:
        raise damaged(entry.path, entry.sha256, digest)


def _write(chunks: Iterator[bytes], part: str, entry: Entry, progress: Progress | None) -> None:
    """Write a stream to a new file and check what can be checked of it."""
    digest = hashlib.sha256()
    target = create(part)
    try:
        for chunk in chunks:
            digest.update(chunk)
            write_all(target, chunk)
            if progress is not None:
                progress(len(chunk))
    finally:
        os.close(target)
    if entry.is_reference:
        check_sha256(entry, digest.hexdigest())
    elif digest.hexdigest() != entry.sha256:
        raise damaged(entry.path, entry.sha256, digest.hexdigest())


def _no_folder(path: str, why: str | None) -> StorageError:
    return StorageError(f"The folder {path} cannot be made: {why}.", hint="Choose another folder.", path=path)


def _remove(path: str) -> None:
    try:
        os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
    except OSError:
        return  # somebody else's file stands in it by now, or it never came to be
