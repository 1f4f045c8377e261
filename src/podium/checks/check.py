"""The decorator that makes a check of a function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args, overload

from podium.domain.checks import Severity
from podium.domain.names import check_label
from podium.errors import InvalidValueError

KNOWN = ("model_version", "champion")


@dataclass(frozen=True, slots=True)
class Check:
    """A named test of a model version; calling it calls the function.

    Attributes:
        function: Takes ``model_version``, ``champion``, or both, by name.
        name: By the rule of aliases.
        severity: ``error`` refuses a promotion that requires the check; ``warn`` only tells.
        suite: The group it belongs to.
        at_least: The smallest number that passes, for functions that return one.
        at_most: The largest number that passes.
        timeout: Seconds it may take; a check with a limit runs in a process of its own. None for no limit.
        spec: The text that makes it again, of a built-in check; see `podium.checks.parse_spec`.
    """

    function: Callable[..., Any]
    name: str
    severity: Severity = "error"
    suite: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    timeout: float | None = None
    spec: str | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function as it is."""
        return self.function(*args, **kwargs)


@overload
def check(function: Callable[..., Any], /) -> Check: ...


@overload
def check(
    *,
    name: str | None = None,
    severity: Severity = "error",
    suite: str | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    timeout: float | None = None,
) -> Callable[[Callable[..., Any]], Check]: ...


def check(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    severity: Severity = "error",
    suite: str | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    timeout: float | None = None,
) -> Check | Callable[[Callable[..., Any]], Check]:
    """Make a check of a function.

    The function takes ``model_version`` (a `TestSubject`), ``champion`` (the same for the holder of the stage that is
    compared with, or None), or both. It returns True or False, a number to hold against ``at_least`` or ``at_most``,
    or a `CheckResult`. An ``assert`` that fails is a failed check; any other exception is recorded as ``error``.
    Returning nothing is an error too, so that a forgotten ``return`` cannot let a model through.

    Args:
        function: The function, when used without brackets.
        name: Its name; the function's own if None.
        severity: ``error`` or ``warn``.
        suite: A group.
        at_least: The smallest number that passes.
        at_most: The largest number that passes.
        timeout: Seconds it may take; then it is ended and recorded as ``error``.

    Raises:
        InvalidNameError: The name or the suite breaks the rule of aliases.
        InvalidValueError: The function takes other arguments or is asynchronous, or another value cannot be used.
    """

    def make(chosen: Callable[..., Any]) -> Check:
        label = check_label(str(getattr(chosen, "__name__", "check")) if name is None else name, "check name")
        _check_options(label, severity, suite, timeout)
        _check_signature(chosen, label)
        return Check(chosen, label, severity, suite, at_least, at_most, timeout)

    return make(function) if function is not None else make


def check_timeout(timeout: Any) -> float | None:
    """Return a time limit in seconds, None for none.

    Raises:
        InvalidValueError: It is no number above 0.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        raise InvalidValueError(f"{timeout!r} is no time limit.", hint="Give seconds, more than 0.")
    return float(timeout)


def _check_options(label: str, severity: Any, suite: str | None, timeout: Any) -> None:
    if severity not in get_args(Severity):
        raise InvalidValueError(f"The check {label!r} has the severity {severity!r}.", hint="Use 'error' or 'warn'.")
    if suite is not None:
        check_label(suite, "suite name")
    check_timeout(timeout)


def _check_signature(function: Callable[..., Any], label: str) -> None:
    if inspect.iscoroutinefunction(function):
        raise InvalidValueError(f"The check {label!r} is asynchronous.", hint="Call asyncio.run() inside a plain one.")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in KNOWN and parameter.default is parameter.empty:
            raise InvalidValueError(
                f"The check {label!r} takes {parameter.name!r}.", hint=f"A check takes {' and '.join(KNOWN)}."
            )
