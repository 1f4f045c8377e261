"""Text to tree. The grammar is small, and LALR: an expression is read in one pass, whatever it holds."""

from __future__ import annotations

import functools
import math
import re
from typing import Any

from podium.domain.expressions import tree
from podium.domain.expressions.errors import mistake
from podium.errors import InvalidValueError

LONGEST, DEEPEST, MOST_PARTS = 10_000, 60, 1_000

# Conditions and values share their levels, or "(" could begin either; `_Builder` holds them apart.
GRAMMAR = r"""
?start: either
?either: both (_OR both)*
?both: inverse (_AND inverse)*
?inverse: NOT inverse                          -> negation
    | test
?test: sum
    | sum COMPARATOR sum                       -> comparison
    | sum _IN "(" sum ("," sum)* ")"           -> contained
    | sum NOT _IN "(" sum ("," sum)* ")"       -> contained
    | sum _LIKE sum                            -> alike
    | sum NOT _LIKE sum                        -> alike
    | sum _IS _NULL                            -> missing
    | sum _IS NOT _NULL                        -> missing
?sum: product
    | sum (PLUS | MINUS) product               -> arithmetic
?product: value
    | product (TIMES | OVER) value             -> arithmetic
?value: MINUS value                            -> minus
    | TEXT                                     -> text
    | NUMBER                                   -> number
    | TRUTH                                    -> truth
    | NAME                                     -> name
    | NAME "(" [sum ("," sum)*] ")"            -> call
    | "(" either ")"

COMPARATOR: "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
PLUS: "+"
MINUS: "-"
TIMES: "*"
OVER: "/"
_OR.2: /or(?![\w.`])/i
_AND.2: /and(?![\w.`])/i
NOT.2: /not(?![\w.`])/i
_IN.2: /in(?![\w.`])/i
_LIKE.2: /like(?![\w.`])/i
_IS.2: /is(?![\w.`])/i
_NULL.2: /null(?![\w.`])/i
TRUTH.2: /(true|false)(?![\w.`])/i
TEXT: /'(?:[^']|'')*'|"(?:[^"]|"")*"/
NUMBER: /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.])/
NAME: /(?:[^\W\d]\w*|`(?:[^`]|``)+`)(?:\.(?:\w+|`(?:[^`]|``)+`))*/
%ignore /\s+/
"""
_PART = re.compile(r"\w+|`(?:[^`]|``)+`")
_CONDITIONS = (tree.Comparison, tree.In, tree.Like, tree.IsNull, tree.Not, tree.And, tree.Or)


def parse(text: str) -> tree.Node | None:
    """Return the tree of an expression as it is written, None of an empty one, which everything fits.

    Raises:
        ExpressionError: It breaks the grammar, is too long, or nested too deep.
        InvalidValueError: It is no text.
    """
    if not isinstance(text, str):
        raise InvalidValueError(f"An expression is text, not {type(text).__name__}.", hint="Pass a str.")
    if len(text) > LONGEST:
        raise mistake(text, LONGEST + 1, f"An expression has at most {LONGEST:,} characters.", "Ask in parts.")
    _require_storable(text)
    if not text.strip():
        return None
    node = _read(text)
    _require_small(text, node)
    if not isinstance(node, _CONDITIONS):
        raise _no_condition(text, node)
    return node


@functools.lru_cache(maxsize=256)  # pages of one search, and gates, read the same texts again and again
def _read(text: str) -> tree.Node:
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput

    try:
        node: tree.Node = _parser().parse(text)
    except UnexpectedCharacters as error:
        raise _unreadable(text, error.pos_in_stream or 0) from error
    except UnexpectedInput as error:
        raise _misplaced(text, error) from error
    except _MistakeError as error:
        raise mistake(text, error.column, error.what, error.hint) from None
    return node


@functools.cache
def _parser() -> Any:
    """Make the parser once, when the first expression is read: importing lark and making tables takes its time."""
    from lark import Lark

    builder: Any = _Builder()  # lark asks only for its methods
    return Lark(GRAMMAR, parser="lalr", transformer=builder, maybe_placeholders=False)


class _MistakeError(Exception):
    def __init__(self, column: int, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.column, self.what, self.hint = column, what, hint


class _Builder:
    """Makes a node of each rule; its methods have the names of the rules."""

    def either(self, items: list[tree.Node]) -> tree.Node:
        return tree.Or(items[0].column, tuple(_condition(item) for item in items))

    def both(self, items: list[tree.Node]) -> tree.Node:
        return tree.And(items[0].column, tuple(_condition(item) for item in items))

    def negation(self, items: list[Any]) -> tree.Node:
        return tree.Not(_column(items[0]), _condition(items[1]))

    def comparison(self, items: list[Any]) -> tree.Node:
        left, sign, right = items
        comparator: Any = {"==": "=", "<>": "!="}.get(str(sign), str(sign))
        return tree.Comparison(left.column, comparator, _value(left), _value(right))

    def contained(self, items: list[Any]) -> tree.Node:
        left, *options = (item for item in items if isinstance(item, tree.Node))
        return tree.In(left.column, _value(left), tuple(_value(item) for item in options), _negated(items))

    def alike(self, items: list[Any]) -> tree.Node:
        left, pattern = (item for item in items if isinstance(item, tree.Node))
        if not isinstance(pattern, tree.Constant) or not isinstance(pattern.value, str):
            raise _MistakeError(pattern.column, "'like' needs a pattern in quotes.", "Such as: name like 'fraud-%'.")
        return tree.Like(left.column, _value(left), _pattern(pattern.column, pattern.value), _negated(items))

    def missing(self, items: list[Any]) -> tree.Node:
        return tree.IsNull(items[0].column, _value(items[0]), _negated(items))

    def arithmetic(self, items: list[Any]) -> tree.Node:
        left, sign, right = items
        operator: Any = str(sign)
        return tree.Arithmetic(left.column, operator, _value(left), _value(right))

    def minus(self, items: list[Any]) -> tree.Node:
        sign, item = items
        if isinstance(item, tree.Constant) and isinstance(item.value, float):
            return tree.Constant(_column(sign), -item.value)
        return tree.Arithmetic(_column(sign), "-", tree.Constant(_column(sign), 0.0), _value(item))

    def text(self, items: list[Any]) -> tree.Node:
        quote = items[0][0]
        return tree.Constant(_column(items[0]), items[0][1:-1].replace(quote * 2, quote))

    def number(self, items: list[Any]) -> tree.Node:
        value = float(items[0])
        if not math.isfinite(value):
            raise _MistakeError(_column(items[0]), "This number is too large.", "Numbers end at 1.8e308.")
        return tree.Constant(_column(items[0]), value)

    def truth(self, items: list[Any]) -> tree.Node:
        return tree.Constant(_column(items[0]), items[0].lower() == "true")

    def name(self, items: list[Any]) -> tree.Node:
        return tree.Name(_column(items[0]), _parts(items[0]))

    def call(self, items: list[Any]) -> tree.Node:
        name, *arguments = items
        for item in arguments:
            if not isinstance(item, tree.Constant):
                raise _MistakeError(item.column, "A function takes constants only.", "Such as: ago('7d').")
        return tree.Call(_column(name), str(name), tuple(arguments))


def _column(token: Any) -> int:
    return int(token.start_pos) + 1


def _negated(items: list[Any]) -> bool:
    return any(not isinstance(item, tree.Node) for item in items)  # what else stands here is the word "not"


def _parts(name: str) -> tuple[str, ...]:
    return tuple(p[1:-1].replace("``", "`") if p[0] == "`" else p for p in _PART.findall(name))


def _condition(node: tree.Node) -> tree.Node:
    if not isinstance(node, _CONDITIONS):
        raise _MistakeError(node.column, "Here a condition is needed.", _HOW)
    return node


def _value(node: tree.Node) -> tree.Node:
    if isinstance(node, _CONDITIONS):
        raise _MistakeError(node.column, "Here a value is needed, not a condition.", _HOW)
    return node


def _pattern(column: int, pattern: str) -> str:
    if len(pattern) > 1_000:
        raise _MistakeError(column, "A pattern has at most 1,000 characters.")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise _MistakeError(column, "The pattern ends in a backslash that has nothing to escape.", "Write \\\\.")
    return pattern


_HOW = "A condition compares a field, such as: metric.accuracy > 0.9 and tag = 'prod'."


def _no_condition(text: str, node: tree.Node) -> InvalidValueError:
    return mistake(text, node.column, "This is no condition.", _HOW)


def _unreadable(text: str, position: int) -> InvalidValueError:
    char, column = text[position], position + 1
    if char in "'\"":
        return mistake(text, column, "This text has no end.", f"Close it with {char}; inside, write {char} twice.")
    if char == "`":
        return mistake(text, column, "This name has no end, or is empty.", "Close it with a backtick.")
    if text[position : position + 2] in ("&&", "||") or char in "&|":
        return mistake(text, column, "This sign is unknown.", "Write 'and' or 'or'.")
    if char == "!":
        return mistake(text, column, "This sign is unknown.", "Write 'not', or != between two values.")
    if char in "0123456789.":
        return mistake(text, column, "This is neither a number nor a name.", "Texts need quotes; times too.")
    hint = "Names with other signs than letters, digits, _ need backticks: metric.`val/acc`."
    return mistake(text, column, "This sign is unknown.", hint)


def _misplaced(text: str, error: Any) -> InvalidValueError:
    token = getattr(error, "token", None)
    if token is None or token.type == "$END":
        return mistake(text, len(text.rstrip()) + 1, "The expression ends too early.", _missing(error))
    column = _column(token)
    before = text[: column - 1].rstrip()
    if token.type == "NAME" and str(token).lower() in ("between", "contains", "ilike", "matches"):
        return mistake(text, column, f"There is no {str(token)!r}.", "Use >= and <=, 'in', or 'like' with %.")
    if token.type == "RPAR" and text.count(")") > text.count("("):
        return mistake(text, column, "This parenthesis was never opened.", "Take it away.")
    what = f"{str(token)[:40]!r} is not expected here." if before else f"No expression starts with {str(token)[:40]!r}."
    return mistake(text, column, what, _missing(error))


def _missing(error: Any) -> str:
    expected = set(getattr(error, "accepts", None) or getattr(error, "expected", None) or ())
    if "NAME" in expected:
        return "A field, a number or a text in quotes can stand here."
    if "COMPARATOR" in expected:
        return "A comparison can stand here: = != < <= > >=, in (...), like, is null."
    if "RPAR" in expected or "_AND" in expected:
        close = ", or ')'" if "RPAR" in expected else ""
        return f"'and' or 'or' can stand here{close}."
    return _HOW


def _require_storable(text: str) -> None:
    """Refuse what no database takes as text, so that nothing stored can hold it either."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise mistake(text, error.start + 1, "This is not valid text.", "Decode it as UTF-8 first.") from None
    if "\x00" in text:
        raise mistake(text, text.index("\x00") + 1, "This is a NUL character.", "Remove it; no value holds one.")


def _require_small(text: str, node: tree.Node) -> None:
    for count, (item, depth) in enumerate(tree.walk(node), 1):
        if depth > DEEPEST:
            raise mistake(text, item.column, "This is nested too deep.", "Ask in parts.")
        if count > MOST_PARTS:
            raise mistake(text, item.column, f"An expression has at most {MOST_PARTS:,} parts.", "Ask in parts.")
