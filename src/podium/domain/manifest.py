"""The manifest of an artifact version and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from podium.domain.names import check_path, check_paths
from podium.domain.plain import Value, canonical
from podium.errors import InvalidValueError


@dataclass(frozen=True, slots=True, order=True)
class Entry(Value):
    """One file of an artifact version.

    Attributes:
        path: Relative POSIX path inside the artifact.
        size: Length in bytes.
        sha256: SHA-256 of the bytes, 64 hexadecimal digits.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest(Value):
    """The files of an artifact version, sorted by path.

    Attributes:
        entries: One entry per file.
    """

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Manifest:
        """Build a manifest after checking every path and all of them together.

        Raises:
            InvalidNameError: A path breaks the rules, or two paths clash.
            InvalidValueError: There is no file.
        """
        ordered = tuple(sorted(entries))
        if not ordered:
            raise InvalidValueError("The artifact has no file.", hint="Add at least one before logging it.")
        for entry in ordered:
            check_path(entry.path)
        check_paths([entry.path for entry in ordered])
        return cls(ordered)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical manifest, as ``sha256:`` and 64 hexadecimal digits.

        Type, metadata and description are not part of it: equal files have equal digests.
        """
        rows = [[entry.path, entry.size, entry.sha256] for entry in self.entries]
        return "sha256:" + hashlib.sha256(canonical(rows).encode("utf-8")).hexdigest()

    @property
    def size(self) -> int:
        """Length of all files together, in bytes."""
        return sum(entry.size for entry in self.entries)


EMPTY = Manifest(())
