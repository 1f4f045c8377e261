"""Templates of users: the part of Jinja that always ends soon, in a sandbox, over plain values.

A template is data that anybody who may subscribe can write, and it is rendered in the process of others, where no time
limit stops a computation. So what could run long or fill the memory is not there: no assignments and macros, no loops
in loops in loops, no powers and no repeated texts, no filters and methods but those whose answer is about as large as
what they get.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from podium.errors import InvalidValueError

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_LONGEST = 10_000  # characters of a template
_MOST = 20_000  # characters that one may render
_LOOPS = 2  # in one another
_WIDE = re.compile(r"%[^a-zA-Z%]*(\d{3}|\*)")
_METHOD_NAMES = """
capitalize endswith get items keys lower lstrip rstrip split startswith strip title upper values
"""
_FILTER_NAMES = """
abs capitalize count d default dictsort e escape first float format int items join last length list
lower map max min reject rejectattr replace reverse round select selectattr sort string sum title
tojson trim truncate unique upper wordcount
"""
_METHODS, _FILTERS = frozenset(_METHOD_NAMES.split()), frozenset(_FILTER_NAMES.split())


def check_templates(plain: Any, what: str) -> None:
    """Refuse plain JSON that has a text which is no template.

    Raises:
        InvalidValueError: A text cannot be read as a template, or is too long.
    """
    for text in _texts(plain):
        _compiled(text, what)


def undeclared_names(plain: Any) -> set[str]:
    """Return the names that the templates of plain JSON look up in what they are given.

    Raises:
        InvalidValueError: One cannot be read as a template, or is too long.
    """
    from jinja2 import meta

    names: set[str] = set()
    environment = _environment()
    for text in _texts(plain):
        _compiled(text, "The template")
        names |= meta.find_undeclared_variables(environment.parse(text))
    return names - set(environment.globals)


def is_expression(value: object) -> bool:
    """Whether a value is a text that is one expression and nothing else, which gives its value, whatever that is."""
    return isinstance(value, str) and _only_expression(value) is not None


def render_templates(plain: Any, values: Mapping[str, Any]) -> Any:
    """Return plain JSON with each text in it rendered; keys stay as they are.

    A text that is one expression and nothing else (``{{ after.metrics }}``) gives its value, not its words.

    Raises:
        InvalidValueError: A template names what is not there, fails, or says too much.
    """
    if isinstance(plain, Mapping):
        return {key: render_templates(item, values) for key, item in plain.items()}
    if isinstance(plain, list | tuple):
        return [render_templates(item, values) for item in plain]
    return render_text(plain, values) if isinstance(plain, str) and "{" in plain else plain


def render_text(text: str, values: Mapping[str, Any]) -> Any:
    """Return what a template says, or the value of the one expression that it is.

    Raises:
        InvalidValueError: It names what is not there, fails, or says too much.
    """
    from jinja2 import TemplateError

    template = _compiled(text, "The template")
    try:
        if (expression := _only_expression(text)) is not None:
            found = _environment().compile_expression(expression, undefined_to_none=False)(**values)
            if isinstance(found, str | int | float | bool | list | dict | None):
                if isinstance(found, str) and len(found) > _MOST:
                    raise InvalidValueError(f"A template says more than {_MOST} characters.", hint="Say less.")
                return found
        parts, size = [], 0
        for part in template.generate(**values):
            parts.append(part)
            size += len(part)
            if size > _MOST:
                raise InvalidValueError(f"A template says more than {_MOST} characters.", hint="Say less.")
        return "".join(parts)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise InvalidValueError(
            f"A template cannot be rendered: {str(error).rstrip('.')}.",
            hint="Look at the fields of the event: podium audit ls --json.",
        ) from error


def _compiled(text: str, what: str) -> Any:
    from jinja2 import TemplateSyntaxError

    if len(text) > _LONGEST:
        raise InvalidValueError(f"{what} has a text of {len(text)} characters.", hint=f"At most {_LONGEST}.")
    environment = _environment()
    try:
        _check_bounds(environment.parse(text), what)
        return environment.from_string(text)
    except (TemplateSyntaxError, RecursionError) as error:
        line, why = getattr(error, "lineno", 1), getattr(error, "message", None) or "it is nested too deeply"
        raise InvalidValueError(
            f"{what} cannot be read at line {line}: {str(why).rstrip('.')}.",
            hint="Templates are Jinja: {{ model }} or {{ after.metrics.accuracy }}.",
        ) from error


def _check_bounds(node: nodes.Node, what: str, loops: int = 0) -> None:
    """Refuse what could run long or fill the memory.

    Raises:
        InvalidValueError: The template has it.
    """
    from jinja2 import nodes as n

    known = (n.Template, n.Output, n.If, n.For, n.Expr, n.Helper)
    name = type(node).__name__.lower()
    if isinstance(node, n.Stmt | n.Template) and not isinstance(node, known):
        raise _not_there(what, f"{name!r}", node)
    if isinstance(node, n.Pow):
        raise _not_there(what, "'**'", node)
    if isinstance(node, n.Filter) and node.name not in _FILTERS:
        raise _not_there(what, f"the filter {node.name!r}", node)
    if isinstance(node, n.Call) and not (isinstance(node.node, n.Getattr) and node.node.attr in _METHODS):
        raise _not_there(what, f"a call of {_called(node)}()", node)
    if isinstance(node, n.For):
        loops += 1
        if loops > _LOOPS or node.recursive:
            raise _not_there(what, "a loop in a loop in a loop", node)
    for child in node.iter_child_nodes():
        _check_bounds(child, what, loops)


def _called(call: nodes.Call) -> str:
    return getattr(call.node, "name", None) or getattr(call.node, "attr", None) or "something"


def _not_there(what: str, name: str, node: nodes.Node) -> InvalidValueError:
    return InvalidValueError(
        f"{what} has {name} at line {node.lineno}, which templates here do not know.",
        hint="They know {{ ... }}, if, for, and the filters that make no large texts: default, join, round, upper, ...",
    )


def _only_expression(text: str) -> str | None:
    inner = text.strip()
    if not (inner.startswith("{{") and inner.endswith("}}")):
        return None
    inner = inner[2:-2]
    if "{{" in inner or "}}" in inner:
        return None
    return inner.removeprefix("-").removeprefix("+").removesuffix("-").removesuffix("+").strip()


def _texts(plain: Any) -> list[str]:
    if isinstance(plain, Mapping):
        return [text for item in plain.values() for text in _texts(item)]
    if isinstance(plain, list | tuple):
        return [text for item in plain for text in _texts(item)]
    return [plain] if isinstance(plain, str) else []


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    """Return the sandbox: strict about what is not there, without loaders, without a way to the host."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(("*", "%", "+"))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if operator != "+" and not all(isinstance(side, int | float) for side in (left, right)):
                raise ValueError(f"{operator!r} is for numbers")
            found = super().call_binop(context, operator, left, right)
            if isinstance(found, str | list | tuple) and len(found) > _MOST:
                raise ValueError(f"a value has more than {_MOST} elements")
            return found

    made = Bounded(undefined=StrictUndefined, autoescape=False, cache_size=0)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS} | {
        "format": _formatted,
        "round": _rounded,
        "tojson": lambda value: json.dumps(value, ensure_ascii=False),
        "replace": _replaced,
    }
    return made


def _formatted(text: Any, *values: Any) -> str:
    if _WIDE.search(str(text)):
        raise ValueError("a width of more than two digits")
    return str(text) % values


def _rounded(value: float, digits: int = 0) -> float:
    return round(value, max(-20, min(int(digits), 20)))


def _replaced(value: Any, old: str, new: str) -> str:
    text = str(value)
    if not old or len(text) + text.count(old) * len(new) > _MOST:
        raise ValueError("a text would grow too long")
    return text.replace(old, new)
