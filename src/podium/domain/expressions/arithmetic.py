"""What ``+ - * /`` give, in the evaluator and, rule for rule, in SQL.

PostgreSQL refuses a statement whose arithmetic leaves the range of a double, and SQLite answers with an infinity. So
that one odd row never breaks a search, numbers outside of a wide range count as missing as soon as something is
computed with them, and an expression computes with a few values only: then no result can leave the range.
"""

from __future__ import annotations

import operator as signs
from collections.abc import Callable, Mapping
from typing import Any

from podium.domain.expressions.tree import Operator

# What the comparisons mean, of values and of columns alike.
SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": signs.eq,
    "!=": signs.ne,
    "<": signs.lt,
    "<=": signs.le,
    ">": signs.gt,
    ">=": signs.ge,
}

# A difference of two doubles can be 16 digits smaller than they are, so n values reach 10 ** (20 * n + 16 * (n - 1)).
SMALLEST, LARGEST, MOST_VALUES = 1e-20, 1e20, 8


def usable(value: float | None) -> float | None:
    """Return a number that can be computed with, None for one that cannot."""
    if value is None or not (value == 0 or SMALLEST <= abs(value) <= LARGEST):
        return None
    return float(value)


def compute(operator: Operator, left: float | None, right: float | None) -> float | None:
    """Return the result; None if a side is missing, or for a division by zero."""
    if left is None or right is None:
        return None
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    return left / right if right != 0 else None
