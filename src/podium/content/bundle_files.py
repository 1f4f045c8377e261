"""Bundles as files: written whole or not at all, opened from a file or a pipe, and their contents into a store."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from podium.content.bundle import BundleReader
from podium.content.bundle_writer import BundleWriter, write_head
from podium.content.disk import storage_errors, sync_folder
from podium.content.parallel import run_parallel
from podium.content.store import CHUNK, ContentStore, Progress, Staged
from podium.domain.bundle import CONTENTS, BundleInfo, BundleManifest, content_member, damaged
from podium.domain.bundle_records import read_content_line
from podium.errors import AlreadyExistsError, NotFoundError, StorageError

_SMALL = CHUNK  # contents up to this size go through memory
_BATCH = 500
_BATCH_SIZE = 64 * CHUNK
_WORKERS = 8
_ATTEMPTS = 3


def write_bundle(
    file: BinaryIO, manifest: BundleManifest, scratch: str, store: ContentStore | None, progress: Progress | None
) -> BundleInfo:
    """Write a bundle front to back, each content hashed on its way from the store.

    Args:
        file: Where it goes; a pipe will do.
        manifest: What it says of itself.
        scratch: The folder with its lines, each member in a file of the last part of its name.
        store: Where the contents are; None if there are none.
        progress: Told the bytes of contents.

    Raises:
        IntegrityError: A content is damaged or missing.
        StorageError: The file or the store cannot be used.
    """
    writer = BundleWriter(file)
    with storage_errors("the bundle"):
        root = write_head(writer, manifest, lambda name: _chunks_in(lines_path(scratch, name)))
        for some in _batches((sha256, size, 0) for sha256, size in _contents_in(scratch)):
            assert store is not None
            small = [(store, sha256) for sha256, size, _ in some if size <= _SMALL]
            read = {
                sha256: data for (_, sha256), data in zip(small, run_parallel(_whole, small, _WORKERS), strict=True)
            }
            for sha256, size, _ in some:
                chunks = [read.pop(sha256)] if sha256 in read else store.read(sha256)
                writer.add_content(sha256, size, _told(chunks, progress))
        writer.end()
    return BundleInfo(
        None, root, writer.size, manifest.asked, manifest.counts, manifest.contents, manifest.content_size,
        manifest.left_out,
    )  # fmt: skip


def lines_path(scratch: str, member: str) -> str:
    """Return where the lines of a member are kept while a bundle is made."""
    return os.path.join(scratch, member.rpartition("/")[2])


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Give a new file that takes its name when the block ends well, flushed to the disk; else it goes.

    Raises:
        AlreadyExistsError: There is one of this name, and it may not be overwritten.
        StorageError: It cannot be written.
    """
    if not path.parent.is_dir():
        raise StorageError(f"There is no folder {path.parent}.", hint="Make it first.", path=str(path.parent))
    _require_free(path, overwrite=overwrite)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    with storage_errors(path):
        try:
            with open(partial, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _require_free(path, overwrite=overwrite)
            os.replace(partial, path)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                os.unlink(partial)


def _require_free(path: Path, *, overwrite: bool) -> None:
    if path.is_dir() or (not overwrite and path.exists()):
        raise AlreadyExistsError(
            f"There is something at {path} already.",
            hint="Name a new file, or overwrite it (--overwrite).",
            path=str(path),
        )


@contextmanager
def opened(source: str | os.PathLike[str] | BinaryIO, scratch: str) -> Iterator[BundleReader]:
    """Open a bundle; what comes through a pipe is kept in a file first: all is checked before anything is done.

    Raises:
        IntegrityError: It is none, or was altered.
        InvalidValueError: A newer Podium wrote it.
        NotFoundError: There is no such file.
        StorageError: It cannot be read.
    """
    if not isinstance(source, str | os.PathLike):
        with open(_kept(source, scratch), "rb", buffering=0) as file:
            yield BundleReader(file, "the bundle")
        return
    where = os.fspath(source)
    with storage_errors(where):
        try:
            file = open(where, "rb", buffering=0)  # noqa: SIM115 - closed below
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no file {where}.", hint="Check its name.", path=where) from error
    with file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield BundleReader(file, where)
        else:
            with open(_kept(file, scratch), "rb", buffering=0) as kept:
                yield BundleReader(kept, where)


def bring_contents(store: ContentStore, bundle: BundleReader, scratch: str, progress: Progress | None = None) -> None:
    """Store the contents of a bundle durably; those that are there count as stored now.

    Raises:
        IntegrityError: The bundle changed since it was checked.
        StorageError: The store cannot be written, or the disk has no room.
    """
    with store.workplace() as place:
        for some in _batches(bundle.contents()):
            for attempt in range(_ATTEMPTS):
                try:
                    _bring(store, bundle, some, place or scratch, progress)
                    break
                except NotFoundError:  # a collection of garbage took one that was there a moment ago
                    if attempt == _ATTEMPTS - 1:
                        raise


def _bring(
    store: ContentStore,
    bundle: BundleReader,
    some: list[tuple[str, int, int]],
    folder: str,
    progress: Progress | None,
) -> None:
    missing = set(store.missing([(sha256, size) for sha256, size, _ in some]))
    staged = []
    try:
        for sha256, size, start in some:
            local = Path(folder, f"bundled-{sha256}")
            if sha256 in missing:
                staged.append(_taken_out(bundle, sha256, size, start, local))
            else:
                staged.append(Staged(sha256, local, size, sha256))  # to be touched; there is no such file
        store.put(staged, progress)
    finally:
        for item in staged:
            with suppress(OSError):
                item.local.unlink(missing_ok=True)


def _taken_out(bundle: BundleReader, sha256: str, size: int, start: int, local: Path) -> Staged:
    """Return a content as it can be stored: a large one copied out, under a name of ours."""
    digest, parts = hashlib.sha256(), []
    chunks = bundle.read(start, size, content_member(sha256))
    if size <= _SMALL:
        parts = list(chunks)
        digest.update(b"".join(parts))
    else:
        with storage_errors(local), open(local, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
    if digest.hexdigest() != sha256:
        raise damaged(content_member(sha256), "it changed since it was checked")
    return Staged(sha256, local, size, sha256, owned=True, data=b"".join(parts) if size <= _SMALL else None)


def _batches(contents: Iterable[tuple[str, int, int]]) -> Iterator[list[tuple[str, int, int]]]:
    some: list[tuple[str, int, int]] = []
    total = 0
    for item in contents:
        some.append(item)
        total += item[1]
        if len(some) == _BATCH or total >= _BATCH_SIZE:
            yield some
            some, total = [], 0
    if some:
        yield some


def _kept(stream: BinaryIO, scratch: str) -> str:
    path = os.path.join(scratch, "bundle")
    with storage_errors(path), open(path, "wb") as file:
        shutil.copyfileobj(stream, file, CHUNK)
    return path


def _whole(store: ContentStore, sha256: str) -> bytes:
    return b"".join(store.read(sha256))


def _chunks_in(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _contents_in(scratch: str) -> Iterator[tuple[str, int]]:
    with open(lines_path(scratch, CONTENTS), "rb") as file:
        for line in file:
            yield read_content_line(line)


def _told(chunks: Iterable[bytes], progress: Progress | None) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        if progress is not None:
            progress(len(chunk))
