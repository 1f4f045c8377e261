"""The tree of an expression: frozen nodes that know where in the text they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from podium.domain.expressions.vocabulary import Found

Scalar = str | float | bool | datetime
Comparator = Literal["=", "!=", "<", "<=", ">", ">="]
Operator = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression.

    Attributes:
        column: Where it starts in the text, counted from 1.
    """

    column: int


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A value that stands in the text.

    Attributes:
        value: Text, a number, a truth or, once it was compared with a time, a time.
    """

    value: Scalar


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name as it was written, before a vocabulary said what it means.

    Attributes:
        parts: The parts between the dots, without backticks.
    """

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of constants, such as ``ago('7d')``; none is left in a bound expression.

    Attributes:
        name: As it was written.
        arguments: Constants.
    """

    name: str
    arguments: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Use(Node):
    """A field of the vocabulary.

    Attributes:
        found: The field, and which of the family: ``accuracy`` of ``metric.accuracy``.
    """

    found: Found


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Two numbers joined by ``+ - * /``; the negative of x is ``0 - x``."""

    operator: Operator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """Two values compared. Once bound, the right one of a field with several values, or of any type, is a constant."""

    comparator: Comparator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    """Whether a value is one of several.

    Attributes:
        left: A value.
        options: Constants of one type, at least one.
        negated: Whether ``not in`` was written.
    """

    left: Node
    options: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Node):
    """Whether a text fits a pattern.

    Attributes:
        left: A value.
        pattern: ``%`` is any text, ``_`` any one character, a backslash takes the next one as it is.
        negated: Whether ``not like`` was written.
    """

    left: Node
    pattern: str
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """Whether a value is missing."""

    left: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite of a condition; of what is unknown, unknown."""

    item: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    """Several conditions that all hold."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Several conditions of which one holds."""

    items: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node, from left to right."""
    match node:
        case And(_, items) | Or(_, items):
            return items
        case Not(_, item):
            return (item,)
        case Comparison(_, _, left, right) | Arithmetic(_, _, left, right):
            return (left, right)
        case In(_, left, options):
            return (left, *options)
        case Like(_, left) | IsNull(_, left):
            return (left,)
        case _:
            return ()


def walk(node: Node) -> Iterator[tuple[Node, int]]:
    """Yield a node and all below it, each with its depth; not by recursion, as the depth is not checked yet."""
    waiting: list[tuple[Node, int]] = [(node, 1)]
    while waiting:
        item, depth = waiting.pop()
        yield item, depth
        waiting.extend((child, depth + 1) for child in reversed(children(item)))


def fields_of(node: Node | None) -> list[Found]:
    """Return the fields that an expression names, each once, in the order of the text."""
    found: dict[tuple[str, str | None], Found] = {}
    for item, _ in walk(node) if node is not None else ():
        if isinstance(item, Use):
            found.setdefault((item.found.field.name, item.found.key), item.found)
    return list(found.values())
