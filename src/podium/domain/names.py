"""Names, paths and references: one validator with the same verdict in front of every backend.

A validator returns its argument unchanged or raises `InvalidNameError`; it never repairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from podium.errors import InvalidNameError

LATEST = "latest"

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NUMBER = re.compile(r"v(\d{1,18})")
_ANY_NUMBER = re.compile(r"v\d+", re.IGNORECASE)
_MODEL_MARKS = frozenset(" ._-()+")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{stem}{digit}" for stem in ("com", "lpt") for digit in "123456789\u00b9\u00b2\u00b3"]
)
# Nearly all paths are of this shape and break no rule, which one match shows; the others take the long way.
_EASY_PATH = re.compile(
    r"(?=.{1,1024}\Z)[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}(?<!\.)(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}(?<!\.))*"
)
_DEVICE_LIKE = re.compile(r"(?:^|/)(?:con|prn|aux|nul|com|lpt)", re.IGNORECASE)
_PATH_BYTES = 4096
_PART_BYTES = 255


def check_project(name: str) -> str:
    """Validate the name of a project or registry: ``[A-Za-z0-9][A-Za-z0-9._-]{0,127}``."""
    return _check_plain(name, "project or registry name", 128)


def check_artifact(name: str) -> str:
    """Validate the name of an artifact: ``[A-Za-z0-9][A-Za-z0-9._-]{0,127}``."""
    return _check_plain(name, "artifact name", 128)


def check_type(name: str) -> str:
    """Validate the type of an artifact (``model``, ``dataset``, any word) by the rule of artifact names."""
    return _check_plain(name, "artifact type", 128)


def check_alias(name: str) -> str:
    """Validate an alias that a person may set; ``v3`` and ``latest`` belong to Podium.

    Raises:
        InvalidNameError: The name breaks the rule, looks like a version number, or is ``latest``.
    """
    check_label(name, "alias")
    if _ANY_NUMBER.fullmatch(name):
        raise InvalidNameError(
            f"The alias {name!r} looks like a version number.",
            hint="Version numbers are given by Podium; choose a word such as 'candidate'.",
            name=name,
        )
    if name.lower() == LATEST:
        raise InvalidNameError(
            "The alias 'latest' is kept by Podium.",
            hint="It always names the newest version; choose another word.",
            name=name,
        )
    return name


def alias_names(aliases: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the aliases that a caller gave, in their order; a text is one alias, never its letters.

    Raises:
        InvalidNameError: It is neither a text nor several.
    """
    if aliases is None:
        return ()
    if not isinstance(aliases, str | Iterable):
        raise _bad(aliases, "list of aliases", "Pass a list such as ['candidate'].")
    return (aliases,) if isinstance(aliases, str) else tuple(aliases)


def check_label(name: str, kind: str = "label") -> str:
    """Validate a stage, tag, check or subscription name: ``[A-Za-z0-9][A-Za-z0-9._-]{0,63}``."""
    return _check_plain(name, kind, 64)


def check_model(name: str) -> str:
    """Validate the name of a registered model.

    1 to 128 characters; letters, digits and marks of any script, space, ``. _ - ( ) +``; NFC; no space at either end.

    Raises:
        InvalidNameError: The name breaks the rule.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= 128:
        raise _bad(name, "registered model name", "It has 1 to 128 characters.")
    if name != name.strip():
        raise _bad(name, "registered model name", "It starts and ends with something else than a space.")
    if not unicodedata.is_normalized("NFC", name):
        raise _bad(name, "registered model name", "It is written in Unicode form NFC.")
    for char in name:
        if char not in _MODEL_MARKS and unicodedata.category(char)[0] not in "LNM":
            raise _bad(
                name, "registered model name", f"{char!r} is neither a letter, a digit nor one of '. _ - ( ) +'."
            )
    return name


def check_path(path: str) -> str:
    """Validate the path of one file inside an artifact.

    Relative POSIX, UTF-8 in NFC, each part at most 255 bytes, 4,096 in all; no ``..``, backslash, control or
    bidirectional character, no part ending in a dot or a space, no Windows device name.

    Raises:
        InvalidNameError: The path breaks the rule.
    """
    if isinstance(path, str) and _EASY_PATH.fullmatch(path) and not _DEVICE_LIKE.search(path):
        return path
    if not isinstance(path, str) or not path:
        raise _bad(path, "file path", "It is empty.")
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        raise _bad(path, "file path", "It is not valid UTF-8.") from None
    if size > _PATH_BYTES:
        raise _bad(path[:80], "file path", f"It has more than {_PATH_BYTES} bytes.")
    if not unicodedata.is_normalized("NFC", path):
        raise _bad(path, "file path", "It is written in Unicode form NFC.")
    if path.startswith("/") or "\\" in path:
        raise _bad(path, "file path", "It is relative and its parts are joined by '/'.")
    for char in path:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise _bad(path, "file path", f"{char!r} is a control or formatting character.")
    for part in path.split("/"):
        _check_part(path, part)
    return path


def check_paths(paths: list[str]) -> None:
    """Validate that no two paths are the same file on a system that folds case, and no file is also a folder.

    Raises:
        InvalidNameError: Two paths are equal under NFC and casefold, or one is a parent of another.
    """
    seen: dict[str, str] = {}
    for path in paths:
        key = path.lower() if path.isascii() else unicodedata.normalize("NFC", path.casefold())
        if key in seen:
            raise _bad(path, "file path", f"It cannot stand beside {seen[key]!r}: some systems hold them for one file.")
        seen[key] = path
    folders = {key.rpartition("/")[0]: path for key, path in seen.items()}
    for folder, path in folders.items():
        _check_parents(folder, path, seen)


def model_key(name: str) -> str:
    """Return the form under which two registered models of one registry count as the same name."""
    return unicodedata.normalize("NFC", name.casefold())


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference ``NAMESPACE/NAME[:vN|:alias]``.

    Attributes:
        namespace: The project or registry.
        name: The artifact or registered model.
        selector: ``vN`` or an alias; ``latest`` when the text has none.
    """

    namespace: str
    name: str
    selector: str = LATEST

    @property
    def collection(self) -> str:
        """The part before the colon."""
        return f"{self.namespace}/{self.name}"

    @property
    def number(self) -> int | None:
        """The version number if the selector is one."""
        match = _NUMBER.fullmatch(self.selector)
        return int(match[1]) if match else None

    def __str__(self) -> str:
        return f"{self.collection}:{self.selector}"


def parse_reference(text: str) -> Reference:
    """Parse ``PROJECT/ARTIFACT[:vN|:alias]`` or ``REGISTRY/MODEL[:vN|:alias]``.

    Raises:
        InvalidNameError: The text has another shape or one of its names breaks the rules.
    """
    collection, colon, selector = text.partition(":") if isinstance(text, str) else ("", "", "")
    if collection.count("/") != 1 or "/" in selector or ":" in selector:
        raise InvalidNameError(
            f"{text!r} is not a reference.",
            hint="Write PROJECT/ARTIFACT or REGISTRY/MODEL, then :vN or :alias if you want; "
            "for example 'model-registry/Digits classifier:production'.",
            name=text,
        )
    namespace, name = collection.split("/")
    check_project(namespace)
    check_model(name)
    if colon:
        check_label(selector, "version or alias")
    return Reference(namespace, name, selector or LATEST)


def _check_plain(name: str, kind: str, length: int) -> str:
    if not isinstance(name, str) or not _PLAIN.fullmatch(name) or len(name) > length:
        raise _bad(
            name, kind, f"It has 1 to {length} of the characters A-Z a-z 0-9 . _ - and starts with a letter or digit."
        )
    return name


def _check_parents(folder: str, path: str, files: dict[str, str]) -> None:
    while folder:
        if folder in files:
            raise _bad(path, "file path", f"{files[folder]!r} is a file and cannot be a folder too.")
        folder = folder.rpartition("/")[0]


def _check_part(path: str, part: str) -> None:
    if part in ("", ".", ".."):
        raise _bad(path, "file path", "It has no empty part and no '.' or '..'.")
    if part[-1] in ". ":
        raise _bad(path, "file path", f"The part {part!r} ends in a dot or a space.")
    if len(part.encode("utf-8")) > _PART_BYTES:
        raise _bad(path[:80], "file path", f"One of its parts has more than {_PART_BYTES} bytes.")
    if part.partition(".")[0].rstrip(" ").casefold() in _DEVICES or ":" in part:
        raise _bad(path, "file path", f"The part {part!r} is a device or a stream on Windows.")


def _bad(name: object, kind: str, rule: str) -> InvalidNameError:
    return InvalidNameError(f"{name!r} is not a valid {kind}.", hint=rule, name=name)
