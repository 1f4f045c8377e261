"""What is wrong with an expression, shown under the expression."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from podium.errors import InvalidValueError

_BEFORE, _AFTER = 50, 30


class ExpressionError(InvalidValueError):
    """An expression cannot be understood.

    Its text shows the expression with a caret under the place. ``column`` is that place, counted from 1;
    ``expression`` the text; ``near`` the known names that are spelled alike, best first.
    """

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}".strip()


def mistake(
    text: str, column: int, what: str, hint: str = "", near: Iterable[str] = (), prefix: str = ""
) -> ExpressionError:
    """Return the error for a mistake at a column.

    Args:
        text: The whole expression.
        column: Where, counted from 1.
        what: What is wrong, as one sentence.
        hint: What to do.
        near: Known names that are spelled alike; the first is proposed.
        prefix: Stands before the proposed name in the hint.
    """
    near = list(near)
    if near:
        hint = f"Did you mean {' or '.join(prefix + name for name in near[:2])}? {hint}".rstrip()
    line, caret = _excerpt(text, column)
    return ExpressionError(f"{what}\n  {line}\n  {caret}", hint=hint, expression=text, column=column, near=near)


def _excerpt(text: str, column: int) -> tuple[str, str]:
    """Return the part of an expression around a column on one line, and the line below it with the caret.

    What would move the cursor, or turn the direction of writing, is shown as one ``?`` each.
    """
    start, end = max(0, column - 1 - _BEFORE), min(len(text), column - 1 + _AFTER)
    shown = "".join(map(_still, text[start:end]))
    left, right = "..." if start else "", "..." if end < len(text) else ""
    before = sum(_width(char) for char in shown[: column - 1 - start])
    return f"{left}{shown}{right}", " " * (len(left) + before) + "^"


_MOVING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _still(char: str) -> str:
    if char.isspace():
        return " "
    return "?" if unicodedata.category(char) in _MOVING else char


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
