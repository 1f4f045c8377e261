"""Checks read the files of a version and never change them: what one changed, no later one may judge.

Results are bound to the digest of the version, so they have to be about these bytes. The files are made read-only, and
looked at before and after each check: size, inode, and the times of the last change, of which no program can set the
second one. Only where these differ a file is hashed again.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from podium.checks.subject import TestSubject

_CACHE = "__pycache__"  # Python writes it where code of the version is imported; it is nothing that is judged
_NAMED = 3


class FileGuard:
    """What the files of versions look like while they are tested.

    Args:
        folders: Folder to what is in it: the name of the version, and path to the look and the SHA-256 of each file.
    """

    def __init__(self, folders: Mapping[str, Mapping[str, Any]]) -> None:
        self._folders = folders

    @classmethod
    def of(cls, subjects: Iterable[TestSubject | None]) -> FileGuard:
        """Make the files of versions read-only, and note what they look like."""
        folders = {}
        for subject in subjects:
            if subject is not None:
                there = _walk(os.fspath(subject.path), "")
                files = {path: [_seal(local), subject.hashes.get(path)] for path, local in there}
                folders[str(subject.path)] = {"ref": subject.ref, "files": files}
        return cls(folders)

    def changed(self) -> str | None:
        """Return what is not as it was, as a sentence; None if all is."""
        for folder, known in self._folders.items():
            found = list(self._changes(Path(folder), known["files"]))
            if found:
                more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
                return f"Files of {known['ref']} were changed while it was tested: {', '.join(found[:_NAMED])}{more}."
        return None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, for another process of this machine."""
        return {folder: dict(known) for folder, known in self._folders.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FileGuard:
        """Build it from what `to_json` gave."""
        return cls(data)

    def _changes(self, folder: Path, files: dict[str, Any]) -> Iterator[str]:
        there = dict(_walk(os.fspath(folder), ""))
        for path, local in there.items():
            if path not in files:
                yield f"{path} is new"
            elif not _is_as_it_was(local, files[path]):
                yield f"{path} has other bytes"
        for path in files:
            if path not in there:
                yield f"{path} is gone"


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the path in the version and the local path of everything that is no folder."""
    # As text, and without a Path for each: of ten thousand files it is done twice for each check.
    try:
        with os.scandir(folder) as children:
            found = list(children)
    except OSError:  # it is gone, or nobody may look into it any more: what was in it is missed
        return
    for child in found:
        if not child.is_dir(follow_symlinks=False):
            yield prefix + child.name, child.path
        elif child.name != _CACHE:
            yield from _walk(child.path, f"{prefix}{child.name}/")


def _seal(local: str) -> list[int]:
    """Take the right to write a file away, and return what it looks like."""
    mode = os.lstat(local).st_mode
    if stat.S_ISREG(mode):
        with suppress(OSError):  # where it is not ours, it is watched all the same
            os.chmod(local, stat.S_IMODE(mode) & ~0o222)
    return _look(local)


def _look(local: str) -> list[int]:
    found = os.lstat(local)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, stat.S_IFMT(found.st_mode)]


def _is_as_it_was(local: str, known: list[Any]) -> bool:
    """Whether a file has the bytes that it had; what only looks otherwise is remembered as it looks now."""
    try:
        look = _look(local)
        if look == known[0]:
            return True
        if known[1] is None or not stat.S_ISREG(look[-1]):
            return False
        with open(local, "rb") as stream:
            same = bool(hashlib.file_digest(stream, "sha256").hexdigest() == known[1])
    except OSError:
        return False
    known[0] = look if same else known[0]
    return same
