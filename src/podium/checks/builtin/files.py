"""Checks of the files of a version: their size, which must be there, and which must not."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Unpack

from podium.checks.builtin.contents import KINDS, kind_of
from podium.checks.builtin.making import Common, built, parse_size, texts_of
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError

FORBIDDEN = (".pkl", ".pickle", ".dill", ".exe", ".dll", ".so", ".dylib", ".sh", ".bat", ".ps1")
_NAMED = 5


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
            return CheckResult("-", "fail", f"No file is {_some(missing)}; there are {_some(list(files))}.")
        return CheckResult("-", "pass", f"All of {_some(list(wanted))} are there.")

    return built("required_files", look, {"patterns": _plain(patterns)}, common)


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
        found = [
            f"{file} ({why})"
            for file, path in model_version.files.items()
            if not any(fnmatchcase(file, pattern) for pattern in allowed) and (why := _why(path, endings, looked))
        ]
        if found:
            return CheckResult("-", "fail", f"Forbidden: {_some(found)}.", {"forbidden": len(found)})
        return CheckResult("-", "pass", f"None of {len(model_version.files)} files is forbidden.", {"forbidden": 0})

    options = {"suffixes": _plain(suffixes), "kinds": _plain(kinds), "allow": _plain(allow)}
    return built("forbidden_files", look, options, common)


def scan_pickles(**common: Unpack[Common]) -> Check:
    """No pickle of the version calls anything dangerous or unknown, by picklescan; needs the extra ``scan``.

    What picklescan calls suspicious fails, too, and so does a file that it cannot read to the end.

    Args:
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """

    def scan(model_version: TestSubject) -> CheckResult:
        try:
            from picklescan.scanner import SafetyLevel, scan_directory_path
        except ImportError as error:
            raise InvalidValueError(
                "picklescan is not installed.", hint="Install the extra: pip install 'podium[scan]'."
            ) from error
        found = scan_directory_path(str(model_version.path))
        bad = [f"{item.module}.{item.name}" for item in found.globals if item.safety != SafetyLevel.Innocuous]
        if found.scan_err:
            return CheckResult("-", "fail", "picklescan could not read every file to its end.")
        if bad:
            return CheckResult("-", "fail", f"Pickles call {_some(sorted(set(bad)))}.", {"issues": len(bad)})
        return CheckResult("-", "pass", f"{found.scanned_files} files scanned, nothing suspicious.", {"issues": 0})

    return built("scan_pickles", scan, {}, common)


def _why(path: Path, endings: tuple[str, ...], kinds: tuple[str, ...]) -> str | None:
    ending = next((ending for ending in endings if path.name.lower().endswith(ending)), None)
    if ending is not None:
        return ending
    found = kind_of(path) if kinds else None
    return found if found is not None and found.split(" ")[0] in kinds else None


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _plain(value: str | Sequence[str]) -> str | list[str]:
    return value if isinstance(value, str) else sorted(value) if isinstance(value, set | frozenset) else list(value)
