"""Local files on their way into an artifact: what may be added, and how a copy of it is held."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
import uuid
from collections.abc import Iterator
from pathlib import Path

from podium.content.disk import LARGE, copy_hashed, create
from podium.content.hash_cache import hash_once
from podium.content.store import CHUNK, Progress, Staged, hash_descriptor
from podium.domain.names import check_path
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError, StorageError

_SMALL = CHUNK // 16
_KEPT = 64 * CHUNK
"""Bytes of small files that one call keeps: ten thousand of them are not read twice, and memory stays bounded."""
_READ = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_DARWIN = os.name == "posix" and os.uname().sysname == "Darwin"
_HINT = "Only regular files and folders can be logged; copy what a link points to."


def local_path(given: str | os.PathLike[str]) -> Path:
    """Return a local path that a caller gave.

    Raises:
        InvalidValueError: It is empty. Python would take that for the working folder, and log all that lies in it.
    """
    if not isinstance(given, str | os.PathLike):
        raise InvalidValueError(f"{given!r} is no path.", hint="Pass a str or a Path.")
    if not os.fspath(given):
        raise InvalidValueError("The path is empty.", hint="Name a file or folder; '.' is this folder.")
    return Path(given)


def walk(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Yield path inside the artifact and local path of each file below a folder, sorted.

    Raises:
        NotFoundError: The folder is missing or vanishes.
        InvalidNameError: A path below it breaks the rules of artifact paths.
        InvalidValueError: There is a symlink, fifo, device or socket below it.
        StorageError: It cannot be read.
    """
    kind = _kind(folder)
    if not stat.S_ISDIR(kind):
        raise InvalidValueError(f"{folder} is not a folder.", hint="Use add_file for a single file.")
    for inner, local in _walk(os.fspath(folder), prefix.strip("/")):
        yield inner, Path(local)


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    # Paths as text: ten thousand Path objects would cost a tenth of the whole pass.
    try:
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    except FileNotFoundError as error:
        raise NotFoundError(f"The folder {folder} vanished.", hint="Add it again.", path=str(folder)) from error
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be read: {error.strerror}.", hint="Check its rights."
        ) from error
    for child in children:
        inner = f"{prefix}/{child.name}" if prefix else child.name
        if child.is_file(follow_symlinks=False):  # the listing says so: no look at the file itself
            yield inner, child.path
        elif child.is_dir(follow_symlinks=False):
            yield from _walk(child.path, inner)
        else:
            check_file(Path(child.path))
            yield inner, child.path


def check_file(path: Path) -> Path:
    """Return the path if it is a regular file that is not reached through a link.

    Raises:
        NotFoundError: There is no such file.
        InvalidValueError: It is a folder, symlink, fifo, device or socket.
    """
    kind = _kind(path)
    if stat.S_ISDIR(kind):
        raise InvalidValueError(f"{path} is a folder.", hint="Use add_dir for a folder.", path=str(path))
    if not stat.S_ISREG(kind):
        what = "a symlink" if stat.S_ISLNK(kind) else "neither a file nor a folder"
        raise InvalidValueError(f"{path} is {what}.", hint=_HINT, path=str(path))
    return path


def stage(path: str, local: Path, progress: Progress | None = None) -> Staged:
    """Hash a file where it lies; it is copied when the artifact is logged, and must not change until then.

    Raises:
        NotFoundError, InvalidValueError, InvalidNameError, StorageError: As for `stage_copy`.
    """
    return _stage(check_path(_name(path)), os.fspath(check_file(local)), 0, progress)


def _stage(path: str, local: str, keep: int, progress: Progress | None = None, into: str | None = None) -> Staged:
    """Hash a file; one that is small enough to fit into what may be kept in memory is kept."""
    try:
        descriptor = os.open(local, _READ)
        try:
            if keep:
                data = os.read(descriptor, _SMALL)
                if len(data) < _SMALL:  # a regular file gives less than asked for only at its end
                    if progress is not None:
                        progress(len(data))
                    sha256 = hashlib.sha256(data).hexdigest()
                    return Staged(path, Path(local), len(data), sha256, data=data if len(data) <= keep else None)
                os.lseek(descriptor, 0, os.SEEK_SET)
            copy = os.path.join(into, uuid.uuid4().hex) if into and os.fstat(descriptor).st_size >= LARGE else ""
            size, sha256 = hash_once(descriptor, lambda: _read_once(descriptor, copy, progress))
            if progress is not None and os.lseek(descriptor, 0, os.SEEK_CUR) == 0:
                progress(size)  # its hash was known, so nothing was read that would have told
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(Path(local), error) from error
    if copy and os.path.exists(copy):
        return Staged(path, Path(copy), size, sha256, owned=True)
    return Staged(path, Path(local), size, sha256)


def _read_once(descriptor: int, copy: str, progress: Progress | None) -> tuple[int, str]:
    """Hash an open file, and copy it in the same pass if a place for that is given."""
    if not copy:
        return hash_descriptor(descriptor, progress)
    target = create(copy)
    try:
        return copy_hashed(descriptor, target, LARGE, progress, flush=True)
    finally:
        os.close(target)


def stage_copy(path: str, local: Path, copy: Path, progress: Progress | None = None) -> Staged:
    """Copy a file aside while hashing it, so that the caller may change or delete the original at once.

    Args:
        path: Path inside the artifact.
        local: The file.
        copy: Where the copy goes; its folder exists.
        progress: Told the bytes done.

    Raises:
        NotFoundError: The file is missing or vanishes while it is read.
        InvalidValueError: It is no regular file.
        InvalidNameError: The path breaks the rules.
        StorageError: It cannot be read, or the copy cannot be written.
    """
    path = check_path(_name(path))
    check_file(local)
    try:
        with local.open("rb") as source:
            target = create(os.fspath(copy))
            try:
                length = os.fstat(source.fileno()).st_size
                size, sha256 = copy_hashed(source.fileno(), target, length, progress)
            finally:
                os.close(target)
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise _unreadable(local, error) from error
    return Staged(path, copy, size, sha256, owned=True)


def collect(paths: list[Path], progress: Progress | None = None, into: str | None = None) -> list[Staged]:
    """Hash files and folders where they lie: a file under its own name, a folder's files under theirs.

    Args:
        paths: The files and folders.
        progress: Told the bytes hashed.
        into: The `workplace` of a store. Large files whose hash is not known are copied there in the pass that hashes
            them, since reading and hashing them once more would double the time; the store then only renames them.

    Raises:
        NotFoundError, InvalidValueError, InvalidNameError, StorageError: As for `stage` and `walk`.
    """
    staged: list[Staged] = []
    keep = _KEPT
    for inner, local in _all(paths):
        item = _stage(check_path(_name(inner)), local, keep, progress, into)
        keep -= len(item.data) if item.data is not None else 0
        staged.append(item)
    return staged


def _all(paths: list[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from _walk(os.fspath(path), "")
        else:
            yield path.name, os.fspath(check_file(path))


def _kind(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"There is no file {path}.", hint="Check the path.", path=str(path)) from error
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read: {error}.", hint="Check its path and rights.") from error


def _name(path: str) -> str:
    if not isinstance(path, str):
        raise InvalidNameError(f"{path!r} is not a valid file path.", hint="Pass the path inside the artifact as text.")
    # macOS hands out decomposed names for files that were saved composed; this is the same name, not a repair.
    return unicodedata.normalize("NFC", path) if _DARWIN else path


def _unreadable(local: Path, error: OSError) -> NotFoundError | StorageError:
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"The file {local} vanished while it was added.", hint="Add it again.", path=str(local))
    return StorageError(
        f"{error.filename or local} cannot be used: {error.strerror or error}.", hint="Check its rights and the disk."
    )
