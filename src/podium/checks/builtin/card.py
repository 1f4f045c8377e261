"""Checks of what is said about a version: its metadata, and the sections of its model card."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from podium.checks.builtin.making import Common, built, texts_of
from podium.checks.check import Check
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult

_CARDS = ("README.md", "MODEL_CARD.md", "MODELCARD.md")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKS = re.compile(r"[*_`]+")


def required_metadata(keys: str | Sequence[str], **common: Unpack[Common]) -> Check:
    """The metadata of the version says something under each key.

    Args:
        keys: Keys; ``training.seed`` is ``seed`` in ``training``. A value of None or of no length counts as missing.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    wanted = texts_of(keys, "keys")

    def look(model_version: TestSubject) -> CheckResult:
        missing = [key for key in wanted if _empty(_value(model_version.metadata, key))]
        if missing:
            return CheckResult("-", "fail", f"The metadata says nothing about {', '.join(missing)}.")
        return CheckResult("-", "pass", f"The metadata has {', '.join(wanted)}.")

    return built("required_metadata", look, {"keys": _plain(keys)}, common)


def card_sections(sections: str | Sequence[str], *, file: str | None = None, **common: Unpack[Common]) -> Check:
    """The model card has each section, with words in it.

    Args:
        sections: Headings, in any case, at any level.
        file: The file of the version that is its card; if None, the description of the registered model, else
            ``README.md`` or ``MODEL_CARD.md`` of the version; a section may stand in either.
        common: ``name, severity, suite, timeout``.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
    """
    wanted = texts_of(sections, "sections")

    def look(model_version: TestSubject) -> CheckResult:
        found: dict[str, bool] = {}
        for text in _cards(model_version, file):
            for heading, filled in sections_of(text).items():
                found[heading] = found.get(heading, False) or filled
        missing = [name for name in wanted if _key(name) not in found]
        empty = [name for name in wanted if found.get(_key(name)) is False]
        words = [f"has no section {', '.join(missing)}"] if missing else []
        words += [f"says nothing under {', '.join(empty)}"] if empty else []
        if words:
            return CheckResult("-", "fail", f"The model card {' and '.join(words)}.")
        return CheckResult("-", "pass", f"The model card has {', '.join(wanted)}.")

    return built("card_sections", look, {"sections": _plain(sections), "file": file}, common)


def sections_of(text: str) -> dict[str, bool]:
    """Return the headings of a Markdown text, folded, and whether words stand below each before the next of its level.

    Headings by CommonMark, with ``#`` and underlined; what stands in a block of code is no heading.
    """
    found: dict[str, bool] = {}
    open_: list[tuple[int, str]] = []
    fence: str | None = None
    lines = text.splitlines()
    for place, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and (fence is None or (mark[1][0] == fence[0] and len(mark[1]) >= len(fence))):
            fence = mark[1] if fence is None else None
            continue
        heading = None if fence else _heading(line, lines[place + 1] if place + 1 < len(lines) else "")
        if heading is not None:
            open_ = [item for item in open_ if item[0] < heading[0]]
            open_.append((heading[0], _key(heading[1])))
            found.setdefault(_key(heading[1]), False)
        elif line.strip() and not _UNDERLINE.fullmatch(line):
            found.update({name: True for _, name in open_})
    return found


def _heading(line: str, below: str) -> tuple[int, str] | None:
    found = _HEADING.fullmatch(line)
    if found is not None:
        return len(found[1]), found[2] or ""
    under = _UNDERLINE.fullmatch(below)
    if under is not None and line.strip() and not line.startswith("    ") and not _UNDERLINE.fullmatch(line):
        return (1 if under[1][0] == "=" else 2), line.strip()
    return None


def _cards(subject: TestSubject, file: str | None) -> list[str]:
    if file is not None:
        return [subject.file(file).read_text(encoding="utf-8", errors="replace")]
    own = [path for name, path in subject.files.items() if name.upper() in {card.upper() for card in _CARDS}]
    return [subject.card or "", *(path.read_text(encoding="utf-8", errors="replace") for path in own)]


def _key(heading: str) -> str:
    return " ".join(_MARKS.sub("", heading).split()).rstrip(":").casefold()


def _value(metadata: Mapping[str, Any], key: str) -> Any:
    if key in metadata:
        return metadata[key]
    head, dot, rest = key.partition(".")
    inner = metadata.get(head)
    return _value(inner, rest) if dot and isinstance(inner, Mapping) else None


def _empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | tuple | Mapping) and not value)


def _plain(value: str | Sequence[str]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)
