"""What a verification says: which files are as they were logged, and which are not."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from podium.content.disk import storage_errors
from podium.content.store import Progress, hash_file
from podium.domain.manifest import Entry, Manifest
from podium.domain.plain import Value
from podium.errors import IntegrityError, NotFoundError

FileState = Literal["ok", "missing", "changed", "extra", "unchecked", "unreadable"]


@dataclass(frozen=True, slots=True)
class FileProblem(Value):
    """One file that is not as it was logged, or of which nothing is known.

    Attributes:
        ref: A version that holds it.
        path: Its path there.
        state: ``missing``, ``changed`` or ``extra``; ``unreadable`` if it could not be looked at; ``unchecked`` for a
            reference without declared integrity.
        sha256: What it should be; empty if it is not known.
        error: Why it could not be looked at.
        uri: Where it lies if it is a reference, None for stored content.
    """

    ref: str
    path: str
    state: FileState
    sha256: str
    error: str = ""
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport(Value):
    """What a verification found.

    Attributes:
        versions: How many versions were looked at.
        files: How many different contents and references were looked at.
        size: Bytes hashed.
        problems: What is not right.
        unchecked: References without declared integrity: nobody can say whether they are right, which is no fault.
    """

    versions: int
    files: int
    size: int
    problems: tuple[FileProblem, ...]
    unchecked: tuple[FileProblem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that can be checked is as it was logged."""
        return not self.problems

    @property
    def counts(self) -> dict[FileState, int]:
        """How many files are in each state."""
        found = Counter(problem.state for problem in self.problems)
        kept = self.files - found["missing"] - found["changed"] - found["unreadable"] - len(self.unchecked)
        return {
            "ok": kept,
            "missing": found["missing"],
            "changed": found["changed"],
            "extra": found["extra"],
            "unchecked": len(self.unchecked),
            "unreadable": found["unreadable"],
        }


def check_folder(
    manifest: Manifest, folder: Path, progress: Progress | None = None, ref: str = ""
) -> list[FileProblem]:
    """Compare a folder with a manifest: what is missing, changed, extra, or cannot be checked.

    Args:
        manifest: What should be there.
        folder: Where.
        progress: Told the bytes hashed.
        ref: The version, for the answer.

    Raises:
        NotFoundError: There is no such folder.
        StorageError: It cannot be read.
    """
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}.", hint="Download the version first.", path=str(folder))
    wanted = {entry.path: entry for entry in manifest.entries}
    with storage_errors(folder):
        states = {path: _state_of(os.path.join(folder, path), entry, progress) for path, entry in wanted.items()}
        there = sorted(_paths_below(os.fspath(folder)))
    problems = [FileProblem(ref, path, state, wanted[path].sha256) for path, state in states.items() if state != "ok"]
    return problems + [FileProblem(ref, path, "extra", "") for path in there if path not in wanted]


def _state_of(place: str, entry: Entry, progress: Progress | None) -> FileState:
    try:
        found = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    if not stat.S_ISREG(found.st_mode):
        return "changed"
    if not entry.sha256:  # the bytes of such a reference were never hashed
        return "changed" if entry.size and found.st_size != entry.size else "unchecked"
    return "ok" if hash_file(place, progress) == (entry.size, entry.sha256) else "changed"


def _paths_below(folder: str, prefix: str = "") -> list[str]:
    found: list[str] = []
    for child in os.scandir(folder):
        if child.is_dir(follow_symlinks=False):
            found.extend(_paths_below(child.path, f"{prefix}{child.name}/"))
        else:
            found.append(prefix + child.name)
    return found


def is_right(target: str, entry: Entry) -> bool:
    """Whether a regular file stands at a place and has the bytes of an entry; never for bytes that were not hashed."""
    try:
        found = os.lstat(target)
        return (
            stat.S_ISREG(found.st_mode)
            and bool(entry.sha256)
            and found.st_size == entry.size
            and hash_file(target)[1] == entry.sha256
        )
    except OSError:
        return False


def damaged(what: str, expected: str, found: str) -> IntegrityError:
    """Return the error about stored bytes that are not what their name says."""
    return IntegrityError(
        f"The stored content of {what} is damaged: it is sha256:{found} and should be sha256:{expected}.",
        hint="Run 'podium verify' to see what else is damaged, and restore it from a backup.",
        sha256=expected,
    )
