"""What lies in a file: itself, and what stands behind its compression and in its archives, level by level."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

_CHUNK = 1024 * 1024
_IN_MEMORY = 32 * 1024 * 1024
_LEVELS = 8  # a tar.gz in a zip is three
_MOST_MEMBERS = 100_000
_ROOM = 1024**3
_RATIO = 100  # so many times its size a file may unpack to, and a GiB: what is beyond it is made to fill a disk
_BLOCK = 512  # of tar archives
_MEMORY = 256 * 1024 * 1024  # that LZMA may take: the file itself says how much it wants
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    KeyError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
)
_CLOSED = {
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
}
_OLD_JOBLIB = re.compile(rb"ZF0x[0-9a-f]+ *")


class UnreadableError(Exception):
    """What lies in a file cannot be looked at: it is damaged, locked, too large or too deep."""


@dataclass(frozen=True, slots=True)
class Content:
    """One thing that lies in a file.

    Attributes:
        where: How to get there, empty for the file itself.
        stream: Its bytes, from the beginning; it can be read again after ``seek(0)``.
        head: The first of them, 512 at most.
    """

    where: str
    stream: Any
    head: bytes


def contents_of(path: Path) -> Iterator[Content]:
    """Go through what lies in a file: the file itself, then what is packed in it. Each ends when the next begins.

    Args:
        path: The file.

    Raises:
        UnreadableError: Something in it cannot be looked at; what came before was all right.
    """
    with path.open("rb") as stream:
        yield from _Walk(_ROOM + _RATIO * path.stat().st_size).look(stream, "", 0, whole=True)


class _Walk:
    """One way through a file.

    Args:
        room: How many bytes may be unpacked on it.
    """

    def __init__(self, room: int) -> None:
        self._most = self._room = room
        self._members = 0

    def look(self, stream: Any, where: str, level: int, *, whole: bool) -> Iterator[Content]:
        """Go through a stream; ``whole`` says that it can be read in any order at no cost."""
        head = stream.read(_BLOCK)
        stream.seek(0)
        yield Content(where, stream, head)
        unpack = self._packed(stream, head, where, whole=whole)
        if unpack is None:
            return
        if level == _LEVELS:
            raise UnreadableError(f"{where} is packed more than {_LEVELS} times")
        stream.seek(0)
        if whole or head.startswith(tuple(_COMPRESSED)):
            yield from unpack(stream, head, where, level + 1)
            return
        with self._spooled(stream, where) as copy:
            yield from unpack(copy, head, where, level + 1)

    def spend(self, size: int, where: str) -> None:
        """Take bytes from the room that is left."""
        self._room -= size
        if self._room < 0:
            raise UnreadableError(f"{where or 'It'} unpacks to more than {self._most:,} bytes")

    def _packed(self, stream: Any, head: bytes, where: str, *, whole: bool) -> Callable[..., Iterator[Content]] | None:
        """Return what unpacks a stream; None where nothing is packed in it."""
        for magic, name in _CLOSED.items():
            if head.startswith(magic):
                raise UnreadableError(f"{where or 'it'} is packed by {name}, which is not looked into")
        if _OLD_JOBLIB.match(head):
            raise UnreadableError(f"{where or 'it'} is packed as joblib did before 0.9.3, which is not looked into")
        if head.startswith(tuple(_COMPRESSED)):
            return self._in_compressed
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or (whole and zipfile.is_zipfile(stream)):
            return self._in_zip
        return self._in_tar if _is_tar(head) else None

    def _in_compressed(self, stream: Any, head: bytes, where: str, level: int) -> Iterator[Content]:
        magic = next(magic for magic in _COMPRESSED if head.startswith(magic))
        sure = magic in _SURE
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            try:
                for part in _COMPRESSED[magic](stream):
                    self.spend(len(part), where)
                    spool.write(part)
            except _BROKEN as error:
                if sure:
                    raise UnreadableError(f"{where or 'it'} is cut off or damaged") from error
                # So begin other files, too. What a reader would get before it fails is looked at.
            spool.seek(0)
            yield from self.look(spool, where or "compressed data", level, whole=True)

    def _in_zip(self, stream: Any, head: bytes, where: str, level: int) -> Iterator[Content]:
        try:
            with zipfile.ZipFile(stream) as archive:
                for member in archive.infolist():
                    if member.is_dir() and not member.file_size:
                        continue
                    yield from self._member(partial(archive.open, member), member.filename, where, level)
        except _BROKEN as error:
            if head.startswith(b"PK"):
                raise UnreadableError(f"{where or 'it'} is an archive that is cut off, damaged or locked") from error

    def _in_tar(self, stream: Any, head: bytes, where: str, level: int) -> Iterator[Content]:
        try:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for member in archive:
                    if member.isfile():
                        yield from self._member(partial(archive.extractfile, member), member.name, where, level)
                stream.seek(archive.offset)
                if stream.read(_BLOCK).strip(b"\0"):  # tarfile takes a damaged header for the end, others do not
                    raise tarfile.ReadError("something stands behind the end")
        except _BROKEN as error:
            raise UnreadableError(f"{where or 'it'} is an archive that is cut off or damaged") from error

    def _member(self, opened: Callable[[], Any], name: str, where: str, level: int) -> Iterator[Content]:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise UnreadableError(f"{where or 'it'} holds more than {_MOST_MEMBERS:,} files")
        name = f"{where} > {name}" if where else name
        with opened() as stream:
            yield from self.look(_Bounded(stream, self, name), name, level, whole=False)

    def _spooled(self, stream: Any, where: str) -> Any:
        """Return a copy that can be read in any order, for a ``with`` block."""
        spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it is closed by who asked
        try:
            while part := stream.read(_CHUNK):
                spool.write(part)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return spool


class _Bounded:
    """A member of an archive, whose bytes count and whose damage is told as such.

    Args:
        stream: The member.
        walk: On which way.
        where: Where it lies.
    """

    def __init__(self, stream: Any, walk: _Walk, where: str) -> None:
        self._stream = stream
        self._walk = walk
        self._where = where

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._stream.readline, size)

    def tell(self) -> int:
        return int(self._stream.tell())

    def seek(self, place: int) -> int:
        return int(self._stream.seek(place))

    def _counted(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            found = read(size)
        except _BROKEN as error:
            raise UnreadableError(f"{self._where} is cut off or damaged") from error
        self._walk.spend(len(found), self._where)
        return found


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:  # its checksum is wrong
        return False
    return True


def _parts(stream: IO[bytes]) -> Iterator[bytes]:
    while part := stream.read(_CHUNK):
        yield part


def _gzip(stream: IO[bytes]) -> Iterator[bytes]:
    return _parts(gzip.GzipFile(fileobj=stream, mode="rb"))  # type: ignore[arg-type]  # it reads as a file does


def _bz2(stream: IO[bytes]) -> Iterator[bytes]:
    return _parts(bz2.BZ2File(stream))


def _one_by_one(stream: IO[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    """Unpack streams that stand one behind the other, as joblib and the readers of Python do."""
    unpacker, rest = new(), stream.read(_CHUNK)
    while rest or not unpacker.eof:
        if not rest and not (rest := stream.read(_CHUNK)):
            raise EOFError("cut off")
        if unpacker.eof:
            unpacker = new()
        yield from _unpacked(unpacker, rest)
        rest = unpacker.unused_data or (stream.read(_CHUNK) if unpacker.eof else b"")


def _unpacked(unpacker: Any, packed: bytes) -> Iterator[bytes]:
    """Unpack, a MiB at a time: so much may come out of few bytes that all at once would fill the memory."""
    yield unpacker.decompress(packed, _CHUNK)
    while not unpacker.eof:
        kept = getattr(unpacker, "unconsumed_tail", b"")  # zlib gives back what it did not use, LZMA keeps it
        part = unpacker.decompress(kept, _CHUNK) if kept or not getattr(unpacker, "needs_input", True) else b""
        if not part:
            return
        yield part


def _zlib(stream: IO[bytes]) -> Iterator[bytes]:
    return _one_by_one(stream, zlib.decompressobj)


def _lzma(stream: IO[bytes]) -> Iterator[bytes]:
    return _one_by_one(stream, lambda: lzma.LZMADecompressor(memlimit=_MEMORY))


def _lzma_alone(stream: IO[bytes]) -> Iterator[bytes]:
    return _one_by_one(stream, lambda: lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=_MEMORY))


_SURE = (b"\x1f\x8b\x08", b"\xfd7zXZ\x00")
_COMPRESSED: dict[bytes, Callable[[IO[bytes]], Iterator[bytes]]] = {
    b"\x1f\x8b\x08": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ\x00": _lzma,
    b"\x5d\x00": _lzma_alone,
    **{bytes((0x78, second)): _zlib for second in range(256) if (0x7800 + second) % 31 == 0},
}
