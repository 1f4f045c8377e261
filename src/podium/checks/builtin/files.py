"""Checks of the files of a version: their size, which must be there, and which must not."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Unpack

from podium.checks.builtin.contents import KINDS, kind_of
from podium.checks.builtin.making import Common, built, parse_size, plain_texts, some, texts_of
from podium.checks.builtin.unpacking import UnreadableError
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError

FORBIDDEN = (".pkl", ".pickle", ".dill", ".exe", ".dll", ".so", ".dylib", ".sh", ".bat", ".ps1")


def max_size(limit: int | str, **common: Unpack[Common]) -> Check:
    """All files of the version together are not larger than a limit.

    Args:
        limit: Bytes, or a text: ``100 MB`` (millions), ``100 MiB`` (of 1,048,576).
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    most = parse_size(limit)

    def measure(model_version: TestSubject) -> CheckResult:
        size = model_version.version.size
        good = size <= most
        message = f"{size:,} bytes in {model_version.version.files} files, {'within' if good else 'over'} {most:,}."
        return CheckResult("-", "pass" if good else "fail", message, {"bytes": size})

    return built("max_size", measure, {"limit": limit}, common)


def required_files(patterns: str | Sequence[str], **common: Unpack[Common]) -> Check:
    """Each pattern is met by a file of the version.

    Args:
        patterns: As in a shell, ``*.onnx`` or ``config/*.json``; ``*`` stands for any text, with ``/`` in it, too.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    wanted = texts_of(patterns, "patterns")

    def look(model_version: TestSubject) -> CheckResult:
        files = model_version.files
        missing = [pattern for pattern in wanted if not any(fnmatchcase(file, pattern) for file in files)]
        if missing:
            return CheckResult("-", "fail", f"No file is {some(missing)}; there are {some(list(files))}.")
        return CheckResult("-", "pass", f"All of {some(list(wanted))} are there.")

    return built("required_files", look, {"patterns": plain_texts(patterns)}, common)


def forbidden_files(
    suffixes: str | Sequence[str] = FORBIDDEN,
    *,
    kinds: str | Sequence[str] = tuple(KINDS),
    allow: str | Sequence[str] = (),
    **common: Unpack[Common],
) -> Check:
    """No file of the version has a forbidden ending, nor contents of a forbidden kind whatever it is called.

    A pickle runs any code that it names when it is loaded. Contents are looked at, in archives and behind usual
    compression, too: ``model.bin`` that is a pickle, a PyTorch file with one in it, a renamed program.

    Args:
        suffixes: Endings of file names, in any case.
        kinds: Kinds of contents: ``pickle``, ``program`` (ELF, PE, Mach-O, a script that names its interpreter).
        allow: Patterns of files that may be there all the same.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    endings = tuple(text.lower() for text in (texts_of(suffixes, "suffixes") if suffixes else ()))
    looked = texts_of(kinds, "kinds") if kinds else ()
    allowed = texts_of(allow, "allow") if allow else ()
    if unknown := sorted(set(looked) - set(KINDS)):
        raise InvalidValueError(f"There is no kind {unknown[0]!r}.", hint=f"Use {' and '.join(KINDS)}.")

    def look(model_version: TestSubject) -> CheckResult:
        found, unread = [], []
        for file, path in model_version.files.items():
            if any(fnmatchcase(file, pattern) for pattern in allowed):
                continue
            try:
                if why := _why(path, endings, looked):
                    found.append(f"{file} ({why})")
            except UnreadableError as error:
                unread.append(f"{file} ({error})")
        if found:
            return CheckResult("-", "fail", f"Forbidden: {some(found)}.", {"forbidden": len(found)})
        if unread:
            return CheckResult("-", "error", f"Not everything could be looked at: {some(unread)}.")
        return CheckResult("-", "pass", f"None of {len(model_version.files)} files is forbidden.", {"forbidden": 0})

    options = {"suffixes": plain_texts(suffixes), "kinds": plain_texts(kinds), "allow": plain_texts(allow)}
    return built("forbidden_files", look, options, common)


def _why(path: Path, endings: tuple[str, ...], kinds: tuple[str, ...]) -> str | None:
    ending = next((ending for ending in endings if path.name.lower().endswith(ending)), None)
    if ending is not None:
        return ending
    return kind_of(path, kinds) if kinds else None
