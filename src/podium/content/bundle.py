"""The file of a bundle: a plain tar archive of which every single byte is known beforehand.

Why tar: it can be written to and read from a pipe, it has no second directory that may contradict the first (as zip
has), a member may be of any size, and every system opens it. Nothing is compressed, so the bytes of a member lie in
one piece at a place that can be computed, and there is nothing to blow up.

Why no byte is free: the headers carry no time, owner or mode of their own, the order of members is fixed, and the
padding is zeros. A reader makes the header that must stand there and compares it, and hashes everything in between. So
whatever is cut, altered, added or repeated is found, and no name of a member is ever used as a path.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from podium.content.disk import storage_errors
from podium.content.store import CHUNK, Progress
from podium.domain.bundle import (
    CONTENTS,
    MANIFEST,
    SUMS,
    BundleManifest,
    Member,
    content_member,
    damaged,
    root_of,
    sums_of,
)
from podium.domain.bundle_records import read_content_line

_BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * _BLOCK)
_MOST_MANIFEST = 64 * CHUNK  # it names each kind of record once, so it is small


def header_of(name: str, size: int) -> bytes:
    """Return the one header that a member of this name and size has."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def padding_of(size: int) -> bytes:
    """Return the zeros that follow a member."""
    return bytes(-size % _BLOCK)


class BundleReader:
    """Reads a bundle whose file can be read at any place; `open` it, then `check` it before anything else.

    Args:
        file: The bundle.
        where: What to call it in errors of the file system.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file = file
        self._where = where
        self._starts: dict[str, int] = {}
        self._contents_start = 0
        with storage_errors(where):
            self.size = os.fstat(file.fileno()).st_size
        self.manifest, self.root = self._open()

    def _open(self) -> tuple[BundleManifest, str]:
        """Read the manifest, once its hash is known to be right."""
        sums_size = len(sums_of("0" * 64))
        start = self._require(0, header_of(SUMS, sums_size), SUMS)
        sums, start = self._small(start, sums_size, SUMS)
        header = self._at(start, _BLOCK, MANIFEST)
        size = _size_in(header)
        self._require(start, header_of(MANIFEST, size), MANIFEST)
        data, start = self._small(start + _BLOCK, size, MANIFEST)
        root = root_of(data)
        if sums != sums_of(root):
            raise damaged(MANIFEST, f"it has not the SHA-256 that {SUMS} says")
        manifest = BundleManifest.read(data)
        for member in manifest.members:
            self._starts[member.name] = start + _BLOCK
            start += _BLOCK + member.size + len(padding_of(member.size))
        self._contents_start = start
        return manifest, root

    def check(self, progress: Progress | None = None) -> None:
        """Hash everything, and compare what lies between with what must stand there.

        Raises:
            IntegrityError: A byte is missing, wrong or too much; ``member`` says where.
            StorageError: The file cannot be read.
        """
        for member in self.manifest.members:
            self._check_member(self._starts[member.name], member.name, member.size, member.sha256, progress)
        count = total = 0
        last, place = "", self._contents_start
        for sha256, size, start in self.contents():
            if sha256 <= last:
                raise damaged(CONTENTS, "its lines are not in order")
            self._check_member(start, content_member(sha256), size, sha256, progress)
            last, count, total = sha256, count + 1, total + size
            place = start + size + len(padding_of(size))
        if (count, total) != (self.manifest.contents, self.manifest.content_size):
            raise damaged(CONTENTS, "it does not have as many contents or bytes as the manifest says")
        self._require(place, END, "its end")
        if self.size != place + len(END):
            raise damaged("its end", "something follows it")

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a member; if they are not those that were checked, the last step raises.

        Raises:
            IntegrityError: The file changed since it was checked.
            StorageError: The file cannot be read.
        """
        member = self._member(name)
        digest, count = hashlib.sha256(), 0
        rest: list[bytes] = []  # of a line that goes on in the next chunk
        for chunk in self.read(self._starts[name], member.size, name):
            digest.update(chunk)
            *whole, last = chunk.split(b"\n")
            for line in whole:
                yield b"".join([*rest, line, b"\n"])
                rest.clear()
            count += len(whole)
            rest += [last] if last else []
        if rest or count != member.lines or digest.hexdigest() != member.sha256:
            raise damaged(name, "its lines are not those that the manifest says")

    def contents(self) -> Iterator[tuple[str, int, int]]:
        """Yield the SHA-256 of each content, its size, and where in the file it begins, in order.

        Raises:
            IntegrityError, StorageError: As `lines`.
        """
        start = self._contents_start
        for line in self.lines(CONTENTS):
            try:
                sha256, size = read_content_line(line)
            except ValueError as error:
                raise damaged(CONTENTS, str(error)) from error
            yield sha256, size, start + _BLOCK
            start += _BLOCK + size + len(padding_of(size))

    def read(self, start: int, size: int, name: str) -> Iterator[bytes]:
        """Yield the bytes of a member.

        Raises:
            IntegrityError: The file ends before.
            StorageError: The file cannot be read.
        """
        while size:
            chunk = self._at(start, min(size, CHUNK), name)
            yield chunk
            start, size = start + len(chunk), size - len(chunk)

    def _member(self, name: str) -> Member:
        return next(member for member in self.manifest.members if member.name == name)

    def _check_member(self, start: int, name: str, size: int, sha256: str, progress: Progress | None) -> None:
        self._require(start - _BLOCK, header_of(name, size), name)
        digest = hashlib.sha256()
        for chunk in self.read(start, size, name):
            digest.update(chunk)
            if progress is not None:
                progress(len(chunk))
        if digest.hexdigest() != sha256:
            raise damaged(name, "its bytes do not have their SHA-256")
        self._require(start + size, padding_of(size), name)

    def _small(self, start: int, size: int, name: str) -> tuple[bytes, int]:
        if size > min(_MOST_MANIFEST, self.size):
            raise damaged(name, "it says that it is larger than it can be")
        data = self._at(start, size, name)
        end = self._require(start + size, padding_of(size), name)
        return data, end

    def _require(self, start: int, wanted: bytes, name: str) -> int:
        """Compare what stands somewhere with what must stand there, and return where it ends."""
        if self._at(start, len(wanted), name) != wanted:
            raise damaged(name, "what must stand around it is not there")
        return start + len(wanted)

    def _at(self, start: int, size: int, name: str) -> bytes:
        """Return so many bytes from a place."""
        if start + size > self.size:
            raise damaged(name, "the bundle ends before it does")
        parts = []
        with storage_errors(self._where):
            self._file.seek(start)
            while size:
                part = self._file.read(size)
                if not part:
                    raise damaged(name, "the bundle ends before it does")
                parts.append(part)
                size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _size_in(header: bytes) -> int:
    """Return the size that a header says; whether the header is right is compared afterwards."""
    try:
        return int(header[124:135], 8)
    except ValueError:
        raise damaged(MANIFEST, "its header is none") from None
