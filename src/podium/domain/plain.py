"""Values as plain JSON: what crosses process borders, and the one canonical text that digests are taken of."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from podium.errors import InvalidValueError


class Value:
    """Base of the frozen values that use cases return."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Return the value as plain JSON: dicts, lists, strings, numbers, booleans and None."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def to_plain(value: Any) -> Any:
    """Turn any value of Podium, and what users put in metadata, into plain JSON.

    NumPy scalars and arrays become numbers and lists; times become ISO 8601 in UTC; NaN and infinities, which JSON
    does not have, become the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.

    Raises:
        InvalidValueError: A value has no plain form.
    """
    if value is None or (isinstance(value, bool | str | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    simple = _from_known(value)
    if simple is not _UNKNOWN:
        return simple
    raise InvalidValueError(
        f"A value of type {type(value).__name__} cannot be kept as JSON.",
        hint="Use strings, numbers, booleans, lists and dicts.",
        type=type(value).__name__,
    )


def canonical(value: Any) -> str:
    """Return plain JSON as one canonical text: keys sorted, no spaces, no escapes for non-ASCII letters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain_dict(value: Any, what: str) -> dict[str, Any]:
    """Return a mapping as a plain dict with string keys.

    Raises:
        InvalidValueError: The value is no mapping, holds something that JSON cannot, or text that is not UTF-8.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidValueError(f"{what} must be a dict, not {type(value).__name__}.", hint="Pass a dict.")
    try:
        plain: dict[str, Any] = to_plain(value)
        text = canonical(plain)
    except (RecursionError, ValueError) as error:  # it contains itself, or a number of thousands of digits
        raise InvalidValueError(f"{what} cannot be kept as JSON: {error}.", hint="Make it simpler.") from error
    if _NUL.search(text):
        raise InvalidValueError(f"{what} holds a NUL character.", hint="Remove it; PostgreSQL cannot store it.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidValueError(f"{what} holds text that is not valid UTF-8.", hint="Decode it first.") from None
    return plain


def check_text(text: str | None, what: str) -> str | None:
    """Return a free text unchanged if every backend can store it.

    Raises:
        InvalidValueError: It is no string, holds a NUL character or is not valid UTF-8.
    """
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidValueError(f"{what} must be text, not {type(text).__name__}.", hint="Pass a str.")
    plain_dict({"text": text}, what)
    return text


def check_limit(limit: int | None) -> int | None:
    """Return how many are asked for at most, None for all.

    Raises:
        InvalidValueError: It is no whole number from 1 on.
    """
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise InvalidValueError(f"{limit!r} is no limit.", hint="Give a limit of 1 or more, or None for all.")
    return limit


def storable(text: str) -> str:
    """Return a text of somebody else, such as the error of a plugin, in a form that every backend can keep."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def iso(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC with microseconds, always of the same length."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_UNKNOWN = object()
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # the escape of NUL, and not the text that spells it


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _from_known(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.metadata.get("hidden")
        }
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((to_plain(item) for item in value), key=repr)
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy scalars and arrays, without importing NumPy
        return to_plain(value.tolist())
    return _UNKNOWN


def _from_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    plain = {str(key): to_plain(item) for key, item in value.items()}
    if len(plain) != len(value):
        raise InvalidValueError("Two keys of a dict have the same text.", hint="Keys become text; name each once.")
    return plain
