"""What a tree means about a subject: names become fields, and values get the types of what they are compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from podium.domain.expressions import tree
from podium.domain.expressions.arithmetic import MOST_VALUES, compute, usable
from podium.domain.expressions.errors import mistake
from podium.domain.expressions.parsing import parse
from podium.domain.expressions.times import read_ago, read_time
from podium.domain.expressions.tree import Constant, Node, Use
from podium.domain.expressions.vocabulary import Found, Type, Vocabulary, near_names, written
from podium.errors import InvalidValueError

_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TORN = re.compile(r"\w[\w.]*(?:[/-]\w[\w.]*)+")  # plain names that '/' or '-' joins, without a space
_VERSION = re.compile(r"v[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that is understood.

    Attributes:
        text: As it was given.
        condition: Its tree, with fields in place of names; None if it asks for nothing.
        now: What ``ago`` counts from.
    """

    text: str
    condition: Node | None
    now: datetime

    @property
    def fields(self) -> list[Found]:
        """The fields that it names, each once, in the order of the text."""
        return tree.fields_of(self.condition)


def read_expression(text: str, vocabulary: Vocabulary, now: datetime | None = None) -> Expression:
    """Return what an expression means about the subject of a vocabulary.

    Args:
        text: The expression; an empty one asks for nothing, and everything fits.
        vocabulary: The fields that it may name.
        now: What ``ago('7d')`` counts from; the time of the call if left out.

    Raises:
        ExpressionError: It breaks the grammar, names an unknown field, or compares what cannot be compared.
    """
    now = now or datetime.now(UTC)
    raw = parse(text)
    return Expression(text, None if raw is None else _Binder(text, vocabulary, now).condition(raw), now)


def read_field(text: str, vocabulary: Vocabulary) -> Found:
    """Return the field that a text names as an expression would, as ``metric.`val/acc```.

    Raises:
        ExpressionError: It is no name, or there is no such field.
    """
    raw = parse(f"{text} is null") if isinstance(text, str) else None
    if isinstance(raw, tree.IsNull) and isinstance(raw.left, tree.Arithmetic):
        _Binder(text, vocabulary, datetime.now(UTC)).value(raw.left)  # which knows what a torn name has to be
    if not isinstance(raw, tree.IsNull) or not isinstance(raw.left, tree.Name):
        raise mistake(str(text), 1, "This is not the name of a field.", "Such as: created, metric.accuracy.")
    return _Binder(text, vocabulary, datetime.now(UTC)).use(raw.left, alone=True).found


class _Binder:
    def __init__(self, text: str, vocabulary: Vocabulary, now: datetime) -> None:
        self.text, self.vocabulary, self.now = text, vocabulary, now

    def condition(self, node: Node) -> Node:
        match node:
            case tree.And(column, items):
                return tree.And(column, tuple(self.condition(item) for item in items))
            case tree.Or(column, items):
                return tree.Or(column, tuple(self.condition(item) for item in items))
            case tree.Not(column, item):
                return tree.Not(column, self.condition(item))
            case tree.Comparison():
                return self.comparison(node)
            case tree.In(column, left, options, negated):
                use = self._one_field(left)
                return tree.In(column, use, tuple(self._constants(use, options)), negated)
            case tree.Like(column, left, pattern, negated):
                return tree.Like(column, self._text(left), pattern, negated)
            case tree.IsNull(column, left, negated):
                return tree.IsNull(column, self._one_field(left), negated)
        raise AssertionError(node)

    def comparison(self, node: tree.Comparison) -> Node:
        left, sign = self.value(node.left), node.comparator
        self._refuse_unquoted(left, node.right)
        right = self.value(node.right)
        if isinstance(left, Constant) and not isinstance(right, Constant):
            left, right, sign = right, left, _FLIPPED[sign]  # type: ignore[assignment]  # signs to signs
        if isinstance(left, Constant):
            hint = "Names of fields stand without quotes: tag = 'prod'."
            raise self._mistake(left, "Two constants are compared.", hint)
        if isinstance(right, Constant) and isinstance(left, Use):
            return tree.Comparison(node.column, sign, left, self._fitting(left, right, sign))
        self._require_alike(left, right)
        return tree.Comparison(node.column, sign, left, right)

    def value(self, node: Node) -> Node:
        match node:
            case Constant():
                return node
            case tree.Name():
                return self.use(node)
            case tree.Call():
                return self._call(node)
            case tree.Arithmetic():
                return self._arithmetic(node)
        raise AssertionError(node)

    def use(self, node: tree.Name, *, alone: bool = False) -> Use:
        """Return the field that a name means; a name that stands alone is never a text without its quotes."""
        found = self.vocabulary.find(node.parts)
        if found is not None:
            return Use(node.column, found)
        name = ".".join(node.parts)
        if name.lower() == "null":
            raise self._mistake(node, "Nothing equals null.", "Write 'is null' or 'is not null'.")
        near = self.vocabulary.near(name)
        if near:
            raise self._mistake(node, f"There is no field {name!r}.", near=near)
        hint = f"Fields of {self.vocabulary.subject}: {', '.join(f.title for f in self.vocabulary.fields)}."
        if len(node.parts) == 1:
            metric = f"A metric is written metric.{name}. " if self.vocabulary.find(("metric", name)) else ""
            hint = ("" if alone else f"A text needs quotes: '{name}'. ") + metric + hint
        raise self._mistake(node, f"There is no field {name!r}.", hint)

    def _refuse_unquoted(self, left: Node, node: Node) -> None:
        """Say that a text needs quotes where a field is compared with one word that names none."""
        if not isinstance(left, Use) or not isinstance(node, tree.Name):
            return
        name, field = ".".join(node.parts), left.found.field
        near = near_names(name, field.choices)
        if self.vocabulary.find(node.parts) is not None or name.lower() == "null" or (len(node.parts) > 1 and not near):
            return
        if field.type in (Type.TEXT, Type.ANY):
            hint = f"A text needs quotes: '{near[0] if near else name}'."
            raise self._mistake(node, f"There is no field {name!r}.", hint)

    def _call(self, node: tree.Call) -> Constant:
        if node.name.lower() == "now" and not node.arguments:
            return Constant(node.column, self.now)
        if node.name.lower() != "ago":
            near = near_names(node.name, ("ago", "now"))
            raise self._mistake(node, f"There is no function {node.name!r}.", "There are ago('7d') and now().", near)
        text = node.arguments[0].value if len(node.arguments) == 1 else None
        time = read_ago(text, self.now) if isinstance(text, str) else None
        if time is None:
            hint = "Write ago('30m'), ago('12h'), ago('7d') or ago('4w')."
            raise self._mistake(node, "This says no time ago.", hint)
        return Constant(node.column, time)

    def _arithmetic(self, node: tree.Arithmetic) -> Node:
        self._refuse_torn(node)
        left, right = (self._number(self.value(side)) for side in (node.left, node.right))
        if isinstance(left, Constant) and isinstance(right, Constant):
            result = compute(node.operator, usable(left.value), usable(right.value))  # type: ignore[arg-type]  # both are numbers
            if result is None:
                raise self._mistake(node, "This gives no number.", "It divides by zero, or its numbers are extreme.")
            return Constant(node.column, result)
        bound = replace(node, left=left, right=right)
        if sum(isinstance(item, Constant | Use) for item, _ in tree.walk(bound)) > MOST_VALUES:
            raise self._mistake(node, f"Arithmetic joins at most {MOST_VALUES} values.", "Compare a simpler sum.")
        return bound

    def _refuse_torn(self, node: tree.Arithmetic) -> None:
        """Say what ``metric.val/loss`` has to be: a name with a slash, as W&B has them, is no division."""
        name, rest = node.left, node.right
        if not isinstance(name, tree.Name) or not isinstance(rest, tree.Name):
            return
        other = self.vocabulary.find(rest.parts)
        if other is not None and other.field.type in (Type.NUMBER, Type.ANY):
            return
        found = self.vocabulary.find(name.parts)
        whole = _TORN.match(self.text, name.column - 1)
        if found is not None and found.key is not None and whole is not None and whole.end() >= rest.column:
            key = whole.group()[len(".".join(name.parts)) - len(found.key) :]
            near = [f"{found.field.name}.{written(key)}"]
            hint = f"A name with {node.operator!r} needs backticks."
            raise self._mistake(name, f"There is no field {'.'.join(rest.parts)!r}.", hint, near)

    def _number(self, node: Node) -> Node:
        """Return a value that is a number, or may turn out to be one."""
        wrong = isinstance(node, Constant) and not _is_number(node.value)
        if isinstance(node, Use):
            field = node.found.field
            wrong = field.many or field.type not in (Type.NUMBER, Type.ANY)
        if wrong:
            raise self._mistake(node, f"{self._called(node)} is no number.", "Only numbers can be computed with.")
        return node

    def _text(self, node: Node) -> Use:
        use = self._one_field(node)
        if use.found.field.type not in (Type.TEXT, Type.ANY):
            kind = use.found.field.type.value
            raise self._mistake(node, f"{use.found.path} is no text, but a {kind}.", "'like' looks at texts.")
        return use

    def _one_field(self, node: Node) -> Use:
        value = self.value(node)
        if not isinstance(value, Use):
            raise self._mistake(node, "Here the name of a field is needed.", "Names stand without quotes.")
        return value

    def _constants(self, use: Use, options: tuple[Node, ...]) -> list[Constant]:
        found: list[Constant] = []
        for option in options:
            self._refuse_unquoted(use, option)
            value = self.value(option)
            if not isinstance(value, Constant):
                hint = "A text needs quotes." if isinstance(option, tree.Name) else "Compare with = instead."
                raise self._mistake(option, "Only constants can stand in the list of 'in'.", hint)
            found.append(self._fitting(use, value, "="))
            if type(found[-1].value) is not type(found[0].value):
                raise self._mistake(option, "The values of 'in' are of several types.", "Join two 'in' with 'or'.")
        return found

    def _fitting(self, use: Use, constant: Constant, sign: str) -> Constant:
        """Return a constant as a value of the type of a field."""
        field, value = use.found.field, constant.value
        ordered = sign not in ("=", "!=")
        if field.type is Type.TIME:
            return replace(constant, value=self._time(use, constant))
        if (
            field.type is Type.NUMBER
            and isinstance(value, str)
            and field.name == "number"
            and _VERSION.fullmatch(value)
        ):
            return replace(constant, value=float(value[1:]))
        if isinstance(value, datetime):
            raise self._mistake(constant, f"{use.found.path} is no time.", "Times are compared with times.")
        if isinstance(value, bool) and ordered:
            raise self._mistake(constant, "True and false have no order.", "Write = or !=.")
        if not _fits(field.type, value):
            raise self._mistake(constant, f"{use.found.path} is {_A[field.type]}.", _HINTS[field.type])
        if field.choices and not ordered and value not in field.choices:
            what = f"{use.found.path} is never {str(value)!r}."
            hint = f"It is one of: {', '.join(field.choices)}."
            raise self._mistake(constant, what, hint, near_names(str(value), field.choices))
        return constant

    def _time(self, use: Use, constant: Constant) -> datetime:
        value = constant.value
        time = read_time(value) if isinstance(value, str) else value
        if not isinstance(time, datetime):
            hint = "Write '2026-11-24', '2026-11-24T18:00' (UTC), or ago('7d')."
            raise self._mistake(constant, f"{use.found.path} is a time; this is none.", hint)
        return time

    def _require_alike(self, left: Node, right: Node) -> None:
        kinds = [self._kind(side) for side in (left, right)]
        if kinds[0] is kinds[1] is Type.ANY:
            raise self._mistake(right, "Two values of unknown type are compared.", "For numbers, write + 0 behind one.")
        if kinds[0] is not kinds[1] and (Type.ANY not in kinds or {Type.TIME, Type.TRUTH} & set(kinds)):
            what = f"{self._called(left)} is {_A[kinds[0]]}, {self._called(right)} is {_A[kinds[1]]}."
            raise self._mistake(right, what, "Compare values of one type.")

    def _kind(self, node: Node) -> Type:
        if isinstance(node, Constant):
            return Type.NUMBER if _is_number(node.value) else self._no_number(node)
        if not isinstance(node, Use):
            return Type.NUMBER
        if node.found.field.many:
            raise self._mistake(node, f"{node.found.path} has several values.", "Compare it with a constant.")
        return node.found.field.type

    def _no_number(self, node: Constant) -> Type:
        raise self._mistake(node, "This is no number.", "What was computed is compared with numbers.")

    def _called(self, node: Node) -> str:
        return node.found.path if isinstance(node, Use) else "this"

    def _mistake(self, node: Node, what: str, hint: str = "", near: Any = ()) -> InvalidValueError:
        return mistake(self.text, node.column, what, hint, near)


_A = {
    Type.TEXT: "a text",
    Type.NUMBER: "a number",
    Type.TIME: "a time",
    Type.TRUTH: "true or false",
    Type.ANY: "any value",
}
_HINTS = {
    Type.TEXT: "Compare it with a text in quotes.",
    Type.NUMBER: "Compare it with a number, without quotes.",
    Type.TRUTH: "Compare it with true or false, without quotes.",
    Type.ANY: "Compare it with a text, a number, true or false.",
}


def _is_number(value: tree.Scalar) -> bool:
    return isinstance(value, float) and not isinstance(value, bool)


def _fits(kind: Type, value: tree.Scalar) -> bool:
    if kind is Type.TEXT:
        return isinstance(value, str)
    if kind is Type.NUMBER:
        return _is_number(value)
    return isinstance(value, bool) if kind is Type.TRUTH else True
