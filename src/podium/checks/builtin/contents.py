"""What a file is by its contents, whatever it is called: a pickle, a program, or neither."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from podium.checks.builtin.pickled import looks_like_pickle
from podium.checks.builtin.unpacking import Content, contents_of

KINDS = ("pickle", "program")
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
_ARRAY = b"\x93NUMPY"
_LONGEST_HEADER = 1024 * 1024
_NUMBERS = re.compile(r"[<>|=]?[?bBhHiIlLqQefdgFDGcmMSUaVu]\d*(\[[^\]]*\])?")


def kind_of(path: Path, kinds: tuple[str, ...] = KINDS) -> str | None:
    """Return what a file is: ``pickle``, ``pickle in MEMBER``, ``program``, or None.

    Args:
        path: Where it lies.
        kinds: What to look for.

    Raises:
        UnreadableError: It is none of these as far as it was looked at, and the rest cannot be looked at.
    """
    for content in contents_of(path):
        found = _kind(content)
        if found in kinds:
            return f"{found} in {content.where}" if content.where else found
    return None


def pickle_start(content: Content) -> int | None:
    """Return where a pickle would begin: at the beginning, behind the header of a NumPy array of objects, or nowhere.

    Args:
        content: What lies in a file.

    Raises:
        UnreadableError: It is damaged.
    """
    if not content.head.startswith(_ARRAY):
        return 0
    content.stream.seek(0)
    wide = content.head[6:7] != b"\x01"  # the first version of the format has two bytes for the length
    begin = 12 if wide else 10
    length = int.from_bytes(content.stream.read(begin)[8:], "little")
    header = content.stream.read(min(length, _LONGEST_HEADER))
    return None if _is_of_numbers(header) else begin + length


def _kind(content: Content) -> str | None:
    head = content.head
    if head.startswith(_PROGRAMS) or (head.startswith(b"#!") and b"\n" in head[:256]):
        return "program"
    start = pickle_start(content)
    if start is None:
        return None
    content.stream.seek(start)
    return "pickle" if start or looks_like_pickle(content.stream) else None


def _is_of_numbers(header: bytes) -> bool:
    """Whether the header of an array says that there are no objects in it."""
    try:
        return _only_numbers(ast.literal_eval(header.decode("latin-1").strip())["descr"])
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        return False


def _only_numbers(kind: Any) -> bool:
    if isinstance(kind, str):
        return _NUMBERS.fullmatch(kind) is not None
    if isinstance(kind, list):
        return all(_only_numbers(field[1]) for field in kind)
    return isinstance(kind, tuple) and _only_numbers(kind[0])
