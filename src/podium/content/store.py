"""What a content store is: blobs named by their SHA-256, written once, never changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from podium.domain.plain import Value

BlobState = Literal["ok", "missing", "changed"]
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Staged(Value):
    """A file on its way into the store.

    Attributes:
        path: Its path inside the artifact.
        local: Where its bytes are now.
        size: Bytes.
        sha256: SHA-256 of its bytes when it was added.
        owned: Whether Podium made this copy and may move it.
    """

    path: str
    local: Path
    size: int
    sha256: str
    owned: bool = False


class ContentStore(Protocol):
    """Where blobs live. All methods raise `StorageError` when the place fails."""

    location: str

    def prepare(self) -> None:
        """Make the place ready for its first use."""

    def put(self, staged: list[Staged]) -> None:
        """Store the bytes of all files durably; what is there already is not written again.

        Raises:
            IntegrityError: A file is no longer what it was when it was added.
            NotFoundError: A file vanished.
        """

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading.

        Raises:
            IntegrityError: The blob is missing.
        """

    def state(self, sha256: str, size: int) -> BlobState:
        """Hash a blob and say whether it is what its name says."""


def hash_file(path: Path) -> tuple[int, str]:
    """Return the size and SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest
