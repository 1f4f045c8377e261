"""Whether plain values fit an expression: true, false, or None where a value that it needs is missing.

The same rules as in SQL, held equal by a truth table. A missing value makes a comparison unknown, and what is unknown
fits neither a condition nor its opposite. A set (tags, aliases) is never missing: it is empty. Metadata that is a list
counts as its elements, of which those of the other side's type are looked at.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from podium.domain.expressions import tree
from podium.domain.expressions.arithmetic import SIGNS, compute, usable
from podium.domain.expressions.tree import Constant, Node, Scalar, Use
from podium.domain.expressions.vocabulary import Found, Type

Lookup = Callable[[Found], Any]


def evaluate(condition: Node | None, lookup: Lookup) -> bool | None:
    """Return whether values fit a bound condition.

    Args:
        condition: Of an `Expression`; None, which asks for nothing, is always true.
        lookup: Gives the value of a field: None if it is missing, a collection for a field with several values.
    """
    match condition:
        case None:
            return True
        case tree.And(_, items):
            return _all(evaluate(item, lookup) for item in items)
        case tree.Or(_, items):
            return _opposite(_all(_opposite(evaluate(item, lookup)) for item in items))
        case tree.Not(_, item):
            return _opposite(evaluate(item, lookup))
        case tree.IsNull(_, Use(_, found), negated):
            return bool(_elements(found, lookup)) is negated
        case tree.In(_, Use(_, found), options, negated):
            wanted = [option.value for option in options if isinstance(option, Constant)]
            return _negate(_any(found, lookup, operator.eq, wanted), negated)
        case tree.Like(_, Use(_, found), pattern, negated):
            return _negate(_any(found, lookup, like, [pattern]), negated)
        case tree.Comparison(_, "!=", Use(_, found), Constant(_, value)):
            return _opposite(_any(found, lookup, operator.eq, [value]))
        case tree.Comparison(_, sign, Use(_, found), Constant(_, value)):
            return _any(found, lookup, SIGNS[sign], [value])
        case tree.Comparison(_, sign, left, right):
            return _compare(SIGNS[sign], _value(left, lookup), _value(right, lookup))
    raise AssertionError(condition)


def matches(condition: Node | None, lookup: Lookup) -> bool:
    """Return whether values fit a bound condition; what is unknown does not."""
    return evaluate(condition, lookup) is True


def _all(results: Any) -> bool | None:
    found = list(results)
    return False if False in found else None if None in found else True


def _opposite(result: bool | None) -> bool | None:
    return None if result is None else not result


def _negate(result: bool | None, negated: bool) -> bool | None:
    return _opposite(result) if negated else result


def _any(found: Found, lookup: Lookup, test: Callable[[Any, Any], bool], values: list[Scalar]) -> bool | None:
    """Whether one of the elements passes the test with one of the values, which are all of one type."""
    elements = [item for item in _elements(found, lookup) if _comparable(item, values[0])]
    if not elements and not found.field.many:
        return None
    return any(test(item, value) for item in elements for value in values)


def _elements(found: Found, lookup: Lookup) -> Collection[Any]:
    value = lookup(found)
    if value is None:
        return ()
    several = isinstance(value, Collection) and not isinstance(value, str)
    return [item for item in value if item is not None] if several else (value,)


def _comparable(item: Any, value: Any) -> bool:
    return _kind(item) is _kind(value)


def _kind(value: Any) -> Type:
    if isinstance(value, bool):
        return Type.TRUTH
    if isinstance(value, int | float):
        return Type.NUMBER
    return Type.TIME if isinstance(value, datetime) else Type.TEXT


def _compare(test: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    if left is None or right is None or not _comparable(left, right):
        return None
    return test(left, right)


def _value(node: Node, lookup: Lookup) -> Any:
    if isinstance(node, tree.Arithmetic):
        return compute(node.operator, _operand(node.left, lookup), _operand(node.right, lookup))
    if isinstance(node, Constant):
        return node.value
    assert isinstance(node, Use)
    elements = list(_elements(node.found, lookup))
    return elements[0] if len(elements) == 1 else None  # a list has no single value to compute or compare with


def _operand(node: Node, lookup: Lookup) -> float | None:
    value: float | None = _value(node, lookup)
    if isinstance(node, tree.Arithmetic) or value is None:
        return value
    return usable(value) if _kind(value) is Type.NUMBER else None


def like(text: str, pattern: str) -> bool:
    """Return whether a text fits a pattern of ``like``; the case of letters counts."""
    return re.fullmatch("".join(_regex(sign, char) for sign, char in like_parts(pattern)), text, re.DOTALL) is not None


def _regex(sign: str, char: str) -> str:
    return ".*" if sign == "%" else "." if sign == "_" else re.escape(char)


def like_parts(pattern: str) -> list[tuple[str, str]]:
    """Return the parts of a pattern: ``("%", "")``, ``("_", "")`` and ``("", character)``."""
    parts: list[tuple[str, str]] = []
    chars = iter(pattern)
    for char in chars:
        if char == "\\":
            parts.append(("", next(chars)))
        elif char not in "%_":
            parts.append(("", char))
        elif (char, "") != ("%", "") or parts[-1:] != [("%", "")]:
            parts.append((char, ""))
    return parts
