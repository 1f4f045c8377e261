"""Templates of users: Jinja in a sandbox, over plain values, bounded in what they may do and how much they may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from podium.errors import InvalidValueError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_LONGEST = 10_000  # characters of a template
_MOST = 20_000  # characters that one may render


def check_templates(plain: Any, what: str) -> None:
    """Refuse plain JSON that has a text which is no template.

    Raises:
        InvalidValueError: A text cannot be read as a template, or is too long.
    """
    for text in _texts(plain):
        _compiled(text, what)


def undeclared_names(text: str) -> set[str]:
    """Return the names that a template looks up in what it is given.

    Raises:
        InvalidValueError: It cannot be read as a template, or is too long.
    """
    from jinja2 import meta

    _compiled(text, "The template")
    environment = _environment()
    return meta.find_undeclared_variables(environment.parse(text)) - set(environment.globals)


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
                return found
        parts, size = [], 0
        for part in template.generate(**values):
            parts.append(part)
            size += len(part)
            if size > _MOST:
                raise InvalidValueError(f"A template says more than {_MOST} characters.", hint="Say less.")
        return "".join(parts)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise InvalidValueError(
            f"A template cannot be rendered: {error}.", hint="Look at the fields of the event: podium audit ls --json."
        ) from error


def _compiled(text: str, what: str) -> Any:
    from jinja2 import TemplateSyntaxError

    if len(text) > _LONGEST:
        raise InvalidValueError(f"{what} has a text of {len(text)} characters.", hint=f"At most {_LONGEST}.")
    try:
        return _environment().from_string(text)
    except TemplateSyntaxError as error:
        raise InvalidValueError(
            f"{what} cannot be read at line {error.lineno}: {str(error.message).rstrip('.')}.",
            hint="Templates are Jinja: {{ model }} or {{ after.metrics.accuracy }}.",
        ) from error


def _only_expression(text: str) -> str | None:
    inner = text.strip()
    if not (inner.startswith("{{") and inner.endswith("}}")):
        return None
    inner = inner[2:-2]
    return inner.strip("-+ ") if "{{" not in inner and "}}" not in inner else None


def _texts(plain: Any) -> list[str]:
    if isinstance(plain, Mapping):
        return [text for item in plain.values() for text in _texts(item)]
    if isinstance(plain, list | tuple):
        return [text for item in plain for text in _texts(item)]
    return [plain] if isinstance(plain, str) else []


def _environment() -> ImmutableSandboxedEnvironment:
    """Return the sandbox: strict about what is not there, without loaders, without a way to the host."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, cache_size=0)
