"""The manifest of an artifact version and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

from podium.domain.names import check_path, check_paths
from podium.domain.plain import Value, canonical
from podium.errors import InvalidValueError

Integrity = Literal["sha256", "etag", "none"]


@dataclass(frozen=True, slots=True)
class Entry(Value):
    """One file of an artifact version: bytes in the content store, or a reference to bytes elsewhere.

    Attributes:
        path: Relative POSIX path inside the artifact.
        size: Length in bytes; 0 where a reference does not know it.
        sha256: SHA-256 of the bytes, 64 hexadecimal digits; empty where a reference does not know it.
        uri: Where a reference points; None for a file in the content store.
        integrity: What a reference promises about its bytes; None for a file in the content store.
        etag: What the server called the bytes when the reference was made.
    """

    path: str
    size: int
    sha256: str
    uri: str | None = None
    integrity: Integrity | None = None
    etag: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether the bytes lie elsewhere."""
        return self.uri is not None

    @property
    def row(self) -> list[Any]:
        """What the digest of a manifest is taken of; a reference and a copy of the same bytes have different rows."""
        if self.uri is None:
            return [self.path, self.size, self.sha256]
        return [self.path, self.size, self.sha256 or None, self.uri, self.integrity, self.etag]

    def __lt__(self, other: Entry) -> bool:
        # By path; the rest only decides between entries that cannot stand in one manifest anyway.
        return self._key < other._key

    @property
    def _key(self) -> tuple[Any, ...]:
        return (self.path, self.size, self.sha256, self.uri or "", self.integrity or "", self.etag or "")


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
        ordered = tuple(sorted(entries, key=attrgetter("path")))
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
        rows = [entry.row for entry in self.entries]
        return "sha256:" + hashlib.sha256(canonical(rows).encode("utf-8")).hexdigest()

    @property
    def size(self) -> int:
        """Length of all files together, in bytes."""
        return sum(entry.size for entry in self.entries)


EMPTY = Manifest(())
