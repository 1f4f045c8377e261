"""The check of what pickles call when they are loaded, by the judgement of picklescan."""

from __future__ import annotations

import importlib.util
import io
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Unpack

from podium.checks.builtin.contents import pickle_start
from podium.checks.builtin.making import Common, built, plain_texts, some, texts_of
from podium.checks.builtin.pickled import pickles_in
from podium.checks.builtin.standins import JOBLIB_ARRAY
from podium.checks.builtin.unpacking import Content, UnreadableError, contents_of
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError

_NAMED = 25  # as they are there to be put into calls=


def scan_pickles(
    *, calls: str | Sequence[str] = (), allow: str | Sequence[str] = (), **common: Unpack[Common]
) -> Check:
    """No pickle of the version calls anything dangerous or unknown, by picklescan; needs the extra ``scan``.

    Pickles are found by their contents, whatever their files are called, behind compression and in archives, and so
    are those of joblib and NumPy. What picklescan calls suspicious fails, too: that is all that it does not know, so
    the classes of a model are named in ``calls``. A pickle or an archive that cannot be read to its end is an error.

    Args:
        calls: What pickles may call besides, such as ``sklearn.*``. Something that picklescan calls dangerous, and a
            name with a dot in a module, is allowed only by its full name.
        allow: Patterns of files that are not scanned.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    called = texts_of(calls, "calls") if calls else ()
    allowed = texts_of(allow, "allow") if allow else ()

    def scan(model_version: TestSubject) -> CheckResult:
        found = _Found(called)
        for file, path in model_version.files.items():
            if any(fnmatchcase(file, pattern) for pattern in allowed):
                continue
            try:
                for content in contents_of(path):
                    found.look(file, content)
            except UnreadableError as error:
                found.unread.append(f"{file} ({error})")
        return found.result(len(model_version.files))

    return built("scan_pickles", scan, {"calls": plain_texts(calls), "allow": plain_texts(allow)}, common)


@dataclass(slots=True)
class _Found:
    """What was found in the files of a version.

    Attributes:
        calls: What is allowed besides.
        pickles: How many there are.
        dangerous: What they call and picklescan calls dangerous, to the first file that does.
        unknown: What they call and nobody knows, likewise.
        unread: What could not be read, and why.
    """

    calls: tuple[str, ...]
    pickles: int = 0
    dangerous: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def look(self, file: str, content: Content) -> None:
        """Take what lies in a file.

        Raises:
            UnreadableError: It is damaged.
        """
        start = pickle_start(content)
        content.stream.seek(start or 0)
        pickles = None if start is None else pickles_in(content.stream)
        if pickles is None:
            return
        self.pickles += 1
        where = f"{file} > {content.where}" if content.where else file
        if pickles.trouble is not None:
            self.unread.append(f"{where} ({pickles.trouble})")
        judged = _judged(pickles.names | pickles.besides)
        for found in sorted(pickles.names | pickles.besides):
            level = judged.get(found, "suspicious")
            if level == "innocuous" or found == JOBLIB_ARRAY or self._is_allowed(found, level):
                continue
            if found in pickles.names or level == "dangerous" or _may_be_here(found[0]):
                name = ".".join(found)
                (self.dangerous if level == "dangerous" else self.unknown).setdefault(name, where)

    def result(self, files: int) -> CheckResult:
        """Return what the check says."""
        metrics = {"issues": len(self.dangerous) + len(self.unknown), "pickles": self.pickles}
        parts = [f"what is dangerous: {_named(self.dangerous)}"] if self.dangerous else []
        if self.unknown:
            parts.append(f"what is not known: {_named(self.unknown)}; name in calls=[...] what is harmless")
        if parts:
            return CheckResult("-", "fail", f"Pickles call {', and '.join(parts)}.", metrics)
        if self.unread:
            return CheckResult("-", "error", f"Not everything could be scanned: {some(self.unread)}.", metrics)
        said = f"{self.pickles} pickles scanned, nothing suspicious." if self.pickles else "There is no pickle"
        return CheckResult("-", "pass", said if self.pickles else f"{said} in {files} files.", metrics)

    def _is_allowed(self, found: tuple[str, str], level: str) -> bool:
        name = ".".join(found)
        if name in self.calls:
            return True
        # A name with a dot goes through the attributes of a module, and so into whatever it imported.
        return level != "dangerous" and "." not in found[1] and any(fnmatchcase(name, item) for item in self.calls)


def _named(found: Mapping[str, str]) -> str:
    shown = [f"{name} ({where})" for name, where in sorted(found.items())[:_NAMED]]
    return ", ".join(shown) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def _judged(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Ask picklescan about names: it is given a pickle that imports just these.

    Raises:
        InvalidValueError: It is not installed.
    """
    try:
        from picklescan.scanner import scan_pickle_bytes
    except ImportError as error:
        raise InvalidValueError(
            "picklescan is not installed.", hint="Install the extra: pip install 'podium[scan]'."
        ) from error
    asked = [found for found in sorted(names) if all(part.isprintable() for part in found)]  # it logs what it finds
    body = b"".join(_text(part) for found in asked for part in (*found, None))
    made: Any = scan_pickle_bytes(io.BytesIO(pickle.PROTO + b"\x04" + body + pickle.NONE + pickle.STOP), "a pickle")
    return {(item.module, item.name): item.safety.value for item in made.globals}


def _text(part: str | None) -> bytes:
    if part is None:
        return pickle.STACK_GLOBAL + pickle.POP
    text = part.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + len(text).to_bytes(4, "little") + text


def _may_be_here(module: str) -> bool:
    """Whether a module may be imported here; of one that may not, a load ends before it calls anything."""
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return True
