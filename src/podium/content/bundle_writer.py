"""Writing a bundle front to back; `podium.content.bundle` says what its file looks like."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import BinaryIO

from podium.content.bundle import END, header_of, padding_of
from podium.domain.bundle import MANIFEST, SUMS, BundleManifest, Member, content_member, root_of, sums_of
from podium.errors import IntegrityError


class BundleWriter:
    """Writes a bundle front to back.

    Args:
        file: Where it goes; a pipe will do.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> str:
        """Write a member, and return the SHA-256 of its bytes.

        Raises:
            IntegrityError: It has another size.
            OSError: The file does not take it.
        """
        digest, done = hashlib.sha256(), 0
        self._write(header_of(name, size))
        for chunk in chunks:
            digest.update(chunk)
            done += len(chunk)
            self._write(chunk)
        if done != size:
            raise _wrong_content(name)
        self._write(padding_of(size))
        return digest.hexdigest()

    def add_content(self, sha256: str, size: int, chunks: Iterable[bytes]) -> None:
        """Write a content.

        Raises:
            IntegrityError: It is not what its name says.
            OSError: The file does not take it.
        """
        if self.add(content_member(sha256), size, chunks) != sha256:
            raise _wrong_content(content_member(sha256))

    def end(self) -> None:
        """Write the end of the archive.

        Raises:
            OSError: The file does not take it.
        """
        self._write(END)
        self._file.flush()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)


class LineFile:
    """Lines on their way into a bundle, kept in a file until their hash and size are known.

    Args:
        path: A new file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = open(path, "xb")  # noqa: SIM115 - the block that this is for closes it
        self._digest = hashlib.sha256()
        self._size = self._lines = 0

    def add(self, line: bytes) -> None:
        """Write a line.

        Raises:
            OSError: The disk does not take it.
        """
        self._digest.update(line)
        self._file.write(line)
        self._size += len(line)
        self._lines += 1

    def end(self, name: str) -> Member:
        """Return what the manifest says of the lines, once the file is closed."""
        return Member(name, self._size, self._digest.hexdigest(), self._lines)

    def __enter__(self) -> LineFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def write_head(writer: BundleWriter, manifest: BundleManifest, lines: Callable[[str], Iterable[bytes]]) -> str:
    """Write everything that comes before the contents, and return the root.

    Raises:
        OSError: The file does not take it.
    """
    data = manifest.write()
    root = root_of(data)
    for name, whole in ((SUMS, sums_of(root)), (MANIFEST, data)):
        writer.add(name, len(whole), [whole])
    for member in manifest.members:
        writer.add(member.name, member.size, lines(member.name))
    return root


def _wrong_content(name: str) -> IntegrityError:
    return IntegrityError(
        f"What is stored as {name} is not what was logged; the bundle was not finished.",
        hint="Run 'podium verify' to see what is damaged.",
        member=name,
    )
