"""Built-in checks as text: ``max_size("100 MB")``, and lists of checks in YAML."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.checks.check import Check
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError

_CALL = re.compile(r"\s*[a-z][a-z0-9_]*\s*\(.*\)\s*", re.DOTALL)
_LONGEST = 10_000


def is_spec(text: str) -> bool:
    """Whether a text is a call of a built-in check and not the name of a module or file."""
    return _CALL.fullmatch(text) is not None


def parse_spec(text: str) -> Check:
    """Make a built-in check from its text; nothing in it is run, its values are plain literals.

    Args:
        text: ``NAME(OPTION=VALUE, ...)`` as in Python, such as ``metric_at_least("accuracy", 0.9, severity="warn")``.

    Raises:
        InvalidNameError, InvalidValueError: The text is no such call, or an option cannot be used.
        NotFoundError: There is no such check.
    """
    try:
        tree = ast.parse(text.strip()[:_LONGEST], mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise ValueError("it is no call")
        given = [ast.literal_eval(argument) for argument in tree.args]
        options = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in tree.keywords if keyword.arg}
        if len(options) != len(tree.keywords):
            raise ValueError("** cannot be used")
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error).partition(":")[0]
        raise InvalidValueError(
            f"{text[:200]!r} is no built-in check: {why}.",
            hint="Write it as a call with plain values, such as max_size(\"100 MB\") or required_files(['*.onnx']).",
        ) from error
    return make_builtin(tree.func.id, given, options)


def make_builtin(name: str, given: list[Any], options: Mapping[str, Any]) -> Check:
    """Make a built-in check by its name.

    Raises:
        InvalidNameError, InvalidValueError: An option cannot be used.
        NotFoundError: There is no such check.
    """
    from podium.checks.builtin import BUILTINS

    factory = BUILTINS.get(name)
    if factory is None:
        raise NotFoundError(f"There is no built-in check {name!r}.", hint=f"There are {', '.join(sorted(BUILTINS))}.")
    try:
        return factory(*given, **options)
    except (InvalidValueError, InvalidNameError):
        raise
    except (TypeError, ValueError) as error:
        why = re.sub(r"^[\w.]+\(\) ", "", str(error))
        raise InvalidValueError(
            f"The check {name} cannot be made: {why}.", hint=f"Write {name}{_signature(factory)}."
        ) from error


def read_list(path: Path) -> list[str | Check]:
    """Return what a list of checks in YAML names; a file or folder beside the list is found from any place.

    ::

        checks:
          - max_size: {limit: 100 MB}
          - metric_at_least: {metric: accuracy, limit: 0.9, severity: warn}
          - tests/model/checks.py

    Raises:
        InvalidNameError, InvalidValueError: It is no such list, or an option cannot be used.
        NotFoundError: There is no such file or built-in check.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        body = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path} with checks.", hint="Check the path.", path=str(path)) from error
    except RecursionError as error:
        raise InvalidValueError(
            f"{path} is nested too deeply.", hint="Look for brackets and dashes that never end."
        ) from error
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:300]
        raise InvalidValueError(f"{path} cannot be read: {why}.", hint="Write it as UTF-8 and valid YAML.") from error
    entries = body.get("checks") if isinstance(body, dict) and set(body) == {"checks"} else None
    if not isinstance(entries, list) or not entries:
        raise InvalidValueError(
            f"{path} is no list of checks.", hint="Write 'checks:' and below it '- max_size: {limit: 100 MB}'."
        )
    return [_entry(path, entry) for entry in entries]


def _entry(path: Path, entry: Any) -> str | Check:
    if isinstance(entry, str) and not entry.endswith((".yaml", ".yml")):  # a list in a list may contain itself
        beside = path.parent / entry.partition(":")[0]
        return str(path.parent / entry) if not is_spec(entry) and beside.exists() else entry
    if isinstance(entry, dict) and len(entry) == 1:
        ((name, options),) = entry.items()
        if isinstance(options, dict | None) and all(isinstance(key, str) for key in options or {}):
            return make_builtin(str(name), [], options or {})
    raise InvalidValueError(
        f"{path} has the entry {str(entry)[:200]!r}.",
        hint="Write '- max_size: {limit: 100 MB}', or the name of a module or file.",
    )


def _signature(factory: Any) -> str:
    names = [
        name if parameter.default is parameter.empty else f"{name}=..."
        for name, parameter in inspect.signature(factory).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    ]
    return f"({', '.join([*names, 'name=..., severity=..., suite=..., timeout=...'])})"
