"""What changed in the files of versions, by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from podium.domain.manifest import Entry, Manifest
from podium.domain.plain import Value

FileState = Literal["added", "removed", "changed", "same"]
MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class FileChanges(Value):
    """How the files of a version differ from those of the baseline.

    Attributes:
        added: Paths that the baseline does not have.
        removed: Paths that only the baseline has.
        changed: Paths with other content.
        same: Paths with the same content.
    """

    added: int
    removed: int
    changed: int
    same: int


@dataclass(frozen=True, slots=True)
class FileRow(Value):
    """One path over all versions.

    Attributes:
        path: The path.
        sizes: Bytes per version, None where it has no such file.
        digests: SHA-256 per version; None where it has no such file, or a reference does not know its own.
        states: What happened to it against the baseline: ``added``, ``removed``, ``changed`` or ``same``; None where
            neither has it.
    """

    path: str
    sizes: tuple[int | None, ...]
    digests: tuple[str | None, ...]
    states: tuple[FileState | None, ...]


def compare_files(
    manifests: Sequence[tuple[str, Manifest]], baseline: int
) -> tuple[tuple[FileChanges, ...], tuple[FileRow, ...]]:
    """Return the changes against a baseline, and the paths whose content is not the same everywhere.

    Args:
        manifests: Digest and files of each version.
        baseline: The version that changes are measured against.
    """
    by_digest = {digest: {entry.path: entry for entry in manifest.entries} for digest, manifest in manifests}
    files = [by_digest[digest] for digest, _ in manifests]
    counts = {digest: _count(found, files[baseline]) for digest, found in by_digest.items()}
    paths = sorted({path for found in by_digest.values() for path in found})
    differing = (path for path in paths if len({_content(found.get(path)) for found in by_digest.values()}) > 1)
    rows = [_row(path, files, baseline) for path, _ in zip(differing, range(MOST_FILES), strict=False)]
    return tuple(counts[digest] for digest, _ in manifests), tuple(rows)


def _content(entry: Entry | None) -> tuple[object, ...] | None:
    """Return what tells two contents apart: the SHA-256, or all that a reference knows."""
    if entry is None:
        return None
    return (entry.sha256,) if entry.sha256 else (entry.uri, entry.size, entry.etag)


def _state(entry: Entry | None, base: Entry | None) -> FileState | None:
    if base is None:
        return None if entry is None else "added"
    if entry is None:
        return "removed"
    return "same" if _content(entry) == _content(base) else "changed"


def _count(files: Mapping[str, Entry], base: Mapping[str, Entry]) -> FileChanges:
    states = [_state(files.get(path), base.get(path)) for path in files.keys() | base.keys()]
    return FileChanges(*(states.count(state) for state in ("added", "removed", "changed", "same")))


def _row(path: str, files: Sequence[Mapping[str, Entry]], baseline: int) -> FileRow:
    entries = [found.get(path) for found in files]
    return FileRow(
        path,
        tuple(None if entry is None else entry.size for entry in entries),
        tuple(None if entry is None else entry.sha256 or None for entry in entries),
        tuple(_state(entry, entries[baseline]) for entry in entries),
    )
