"""What every built-in check shares: its common options, and the text under which another process makes it again."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from podium.checks.check import Check, check
from podium.domain.check_names import fitting
from podium.domain.checks import Severity
from podium.errors import InvalidValueError

_NAMED = 5
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?I?)B?", re.IGNORECASE)


class Common(TypedDict, total=False):
    """The options that every built-in check takes.

    Attributes:
        name: What the check is called, as a policy names it.
        severity: ``error`` or ``warn``.
        suite: A group.
        timeout: Seconds it may take.
    """

    name: str
    severity: Severity
    suite: str
    timeout: float


def built(
    factory: str, function: Callable[..., Any], options: Mapping[str, Any], common: Common, called: str | None = None
) -> Check:
    """Make a built-in check.

    Args:
        factory: The name of the built-in check.
        function: What it does.
        options: Its own options.
        common: The options that all share.
        called: Its name where nobody gives one; that of the factory if None.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
        TypeError: There is no such option.
    """
    unknown = sorted(set(common) - set(Common.__annotations__))
    if unknown:
        raise TypeError(f"{factory}() got an unexpected keyword argument {unknown[0]!r}")
    own: Common = {"name": fitting(called or factory)}
    own.update(common)
    made = check(**own)(function)
    return replace(made, spec=_text(factory, {**options, **common}))


def _text(factory: str, options: Mapping[str, Any]) -> str | None:
    text = ", ".join(f"{name}={value!r}" for name, value in options.items())
    try:
        for value in options.values():
            ast.literal_eval(repr(value))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None  # infinity, or a function that only this process has
    return f"{factory}({text})"


def parse_size(size: Any) -> int:
    """Return bytes: of a number, or of a text such as ``100 MB`` or ``1.5 GiB``.

    Raises:
        InvalidValueError: It is no size.
    """
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
    found = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if found is None or found["unit"].upper() not in _UNITS:
        raise InvalidValueError(f"{size!r} is no size.", hint="Give bytes, or a text such as '100 MB' or '1.5 GiB'.")
    return int(float(found["amount"]) * _UNITS[found["unit"].upper()])


def number_of(value: Any, what: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number between two limits.

    Raises:
        InvalidValueError: It is none.
    """
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= value <= most:
        limits = f" from {least:g} to {most:g}" if math.isfinite(most) else f" of {least:g} or more"
        raise InvalidValueError(f"{what} is {value!r}.", hint=f"Give a number{limits if math.isfinite(least) else ''}.")
    return float(value)


def texts_of(value: Any, what: str) -> tuple[str, ...]:
    """Return one text or several as a tuple.

    Raises:
        InvalidValueError: It is neither, or empty.
    """
    several = (value,) if isinstance(value, str) else value
    if not isinstance(several, list | tuple | set | frozenset) or not several:
        raise InvalidValueError(f"{what} is {value!r}.", hint="Give a text or a list of texts.")
    if not all(isinstance(text, str) and text for text in several):
        raise InvalidValueError(f"{what} is {value!r}.", hint="Give a text or a list of texts.")
    return tuple(several)


def plain_texts(value: str | Sequence[str]) -> str | list[str]:
    """Return one text or several as they stand in the text of a check."""
    return value if isinstance(value, str) else sorted(value) if isinstance(value, set | frozenset) else list(value)


def some(names: Sequence[str]) -> str:
    """Return the first of some names in one line, and how many more there are."""
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
