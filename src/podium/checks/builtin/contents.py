"""What a file is by its contents, whatever it is called: a pickle, a program, or neither."""

from __future__ import annotations

import bz2
import lzma
import pickletools
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

KINDS = ("pickle", "program")
_HEAD = 64 * 1024
_MEMBERS = 10_000
# The first bytes of programs: ELF; PE and DOS; Mach-O in both byte orders and widths, and its universal form.
_PROGRAMS = (
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_UNPACK: dict[bytes, Callable[[IO[bytes]], bytes]] = {
    b"\x1f\x8b": lambda stream: zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(stream.read(_HEAD), _HEAD),
    b"BZh": lambda stream: bz2.BZ2Decompressor().decompress(stream.read(16 * _HEAD), _HEAD),  # its blocks are large
    b"\xfd7zXZ\x00": lambda stream: lzma.LZMADecompressor().decompress(stream.read(_HEAD), _HEAD),
    b"\x5d\x00\x00": lambda stream: lzma.LZMADecompressor().decompress(stream.read(_HEAD), _HEAD),
    b"\x78": lambda stream: zlib.decompressobj().decompress(stream.read(_HEAD), _HEAD),
}
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
)
# What tells a pickle without a header from a text whose letters happen to be operations: it imports or remembers.
_TELLING = frozenset(["GLOBAL", "STACK_GLOBAL", "INST", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"])
_MANY = 50
_OBJECTS = (b"'descr': '|O'", b'"descr": "|O"')


def kind_of(path: Path) -> str | None:
    """Return what a file is: ``pickle``, ``pickle in MEMBER``, ``program``, or None.

    Args:
        path: Where it lies.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        found = _kind_of_bytes(head)
        if found is not None:
            return found
        inner = _unpacked(head, stream)
        if inner is not None and looks_like_pickle(inner):
            return "pickle in compressed data"
    if zipfile.is_zipfile(path):
        return _in_zip(path)
    return _in_tar(path) if tarfile.is_tarfile(path) else None


def looks_like_pickle(head: bytes) -> bool:
    """Whether bytes begin a pickle: by its header (protocol 2 and later), else by its operations (0 and 1).

    Args:
        head: The first bytes of a file, all of it or 64 KiB.
    """
    seen: set[str] = set()
    count = 0
    marked = len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5  # PROTO and its versions
    try:
        for operation, _, _ in pickletools.genops(head):
            seen.add(operation.name)
            count += 1
    except Exception:  # noqa: BLE001 - pickletools raises whatever its parts do; cut off or no pickle
        cut_off = len(head) >= _HEAD and count > _MANY and bool(seen & _TELLING)
        return (marked and count > 1) or cut_off
    return marked or bool(seen & _TELLING)


def _kind_of_bytes(head: bytes) -> str | None:
    if head.startswith(_PROGRAMS) or (head.startswith(b"#!") and b"\n" in head[:256]):
        return "program"
    if head.startswith(b"\x93NUMPY"):  # an array of Python objects is a pickle behind its header
        return "pickle in an array" if any(words in head[:1024] for words in _OBJECTS) else None
    return "pickle" if looks_like_pickle(head) else None


def _unpacked(head: bytes, stream: IO[bytes]) -> bytes | None:
    for magic, unpack in _UNPACK.items():
        if head.startswith(magic):
            stream.seek(0)
            try:
                return unpack(stream)
            except _BROKEN:
                return None
    return None


def _in_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist()[:_MEMBERS]:
                with archive.open(member) as stream:
                    if (found := _kind_of_bytes(stream.read(_HEAD))) is not None:
                        return f"{found.partition(' ')[0]} in {member.filename}"
    except _BROKEN:
        return None
    return None


def _in_tar(path: Path) -> str | None:
    try:
        with tarfile.open(path) as archive:
            for count, member in enumerate(archive):
                stream = archive.extractfile(member) if member.isfile() and count < _MEMBERS else None
                if stream is not None and (found := _kind_of_bytes(stream.read(_HEAD))) is not None:
                    return f"{found.partition(' ')[0]} in {member.name}"
    except _BROKEN:
        return None
    return None
