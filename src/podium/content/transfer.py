"""Whole versions between a store and a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from podium.content.local import read_into
from podium.content.store import ContentStore, hash_file
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import check_path
from podium.domain.plain import Value
from podium.errors import StorageError

FileState = Literal["ok", "missing", "changed"]


@dataclass(frozen=True, slots=True)
class FileProblem(Value):
    """One stored file that is not as it was logged.

    Attributes:
        ref: A version that holds it.
        path: Its path there.
        state: ``missing`` or ``changed``.
        sha256: What it should be.
    """

    ref: str
    path: str
    state: FileState
    sha256: str


@dataclass(frozen=True, slots=True)
class VerifyReport(Value):
    """What a verification found.

    Attributes:
        versions: How many versions were looked at.
        files: How many different contents were hashed.
        size: Bytes hashed.
        problems: What is not right.
    """

    versions: int
    files: int
    size: int
    problems: tuple[FileProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it was logged."""
        return not self.problems


def download(store: ContentStore, manifest: Manifest, folder: Path) -> None:
    """Write all files of a manifest into a folder; files that are right already are left as they are.

    Raises:
        IntegrityError: A stored file is damaged or missing; nothing that this call wrote is left behind.
        StorageError: The folder cannot be written.
    """
    made: list[Path] = []
    try:
        _make_folders(folder, made)
        for entry in manifest.entries:
            target = folder / check_path(entry.path)
            if not _is_right(target, entry):
                _make_folders(target.parent, made)
                read_into(store.open(entry.sha256), target, entry.sha256)
                made.append(target)
    except BaseException:
        for path in reversed(made):
            _remove(path)
        raise


def _is_right(target: Path, entry: Entry) -> bool:
    try:
        return target.is_file() and target.stat().st_size == entry.size and hash_file(target)[1] == entry.sha256
    except OSError:
        return False


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.is_dir() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {path} cannot be made: {error.strerror}.", hint="Choose another folder.", path=str(path)
            ) from error
        made.append(path)


def _remove(path: Path) -> None:
    try:
        path.rmdir() if path.is_dir() else path.unlink()
    except OSError:
        return  # somebody else's file stands in it by now
