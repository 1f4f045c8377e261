"""Running one check: whatever it does becomes a result."""

from __future__ import annotations

import inspect
import time
from dataclasses import replace
from typing import Any

from podium.checks.check import Check
from podium.checks.guard import FileGuard
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult, validate_result
from podium.domain.plain import storable
from podium.errors import InvalidValueError, PodiumError

_LONGEST = 500


def run_check(
    item: Check, model_version: TestSubject, champion: TestSubject | None, *, interrupts: bool = False
) -> CheckResult:
    """Run one check; whatever it does becomes a result, and nothing it raises gets out.

    Args:
        item: The check.
        model_version: What it tests.
        champion: What it may compare with.
        interrupts: Whether a KeyboardInterrupt is a result, too, as in a process that no person can interrupt.
    """
    given = {"model_version": model_version, "champion": champion}
    wanted = {name: given[name] for name in inspect.signature(item.function).parameters if name in given}
    start = time.perf_counter()
    try:
        result = _judge(item, item.function(**wanted))
    except AssertionError as error:
        result = CheckResult(item.name, "fail", one_line(error) or "An assertion failed.")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not interrupts:
            raise
        result = CheckResult(item.name, "error", named(error))
    taken = time.perf_counter() - start
    return replace(result, name=item.name, severity=item.severity, duration=taken, suite=item.suite)


def run_guarded(
    item: Check,
    model_version: TestSubject,
    champion: TestSubject | None,
    guard: FileGuard,
    *,
    interrupts: bool = False,
) -> CheckResult:
    """Run one check on files that are as they were, and have to be so after it; else its result is an error.

    Args:
        item: The check.
        model_version: What it tests.
        champion: What it may compare with.
        guard: Knows what the files were like.
        interrupts: As for `run_check`.
    """
    before = guard.changed()
    if before is not None:
        message = f"It was not run. {before}"
        return CheckResult(item.name, "error", message, {}, item.severity, 0.0, item.suite)
    result = run_check(item, model_version, champion, interrupts=interrupts)
    after = guard.changed()
    if after is None:
        return result
    said = f"{result.status}: {result.message}" if result.message else result.status
    return replace(result, status="error", message=f"{after} Checks only read them. It said {said}"[:_LONGEST])


def named(error: BaseException) -> str:
    """Return an exception in one line: its kind and what it says."""
    words = one_line(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def one_line(error: BaseException) -> str:
    """Return what an exception says, in one line that every database can keep."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an exception of a user whose words cannot be had
        return ""
    text = text if isinstance(error, PodiumError) else text.partition("\n")[0]
    return storable(" ".join(text[: 4 * _LONGEST].split())[:_LONGEST])


def _judge(item: Check, answer: Any) -> CheckResult:
    if isinstance(answer, CheckResult):
        words = answer.message if not isinstance(answer.message, str) else storable(answer.message)
        return validate_result(replace(answer, name=item.name, message=words))
    if hasattr(answer, "item") and not isinstance(answer, bool | int | float):
        answer = answer.item()  # a NumPy scalar
    if isinstance(answer, bool):
        return CheckResult(item.name, "pass" if answer else "fail")
    if isinstance(answer, int | float):
        return _against_limits(item, float(answer))
    raise InvalidValueError(
        f"it returned {answer!r}"[:_LONGEST] + ".",
        hint="Return True or False, a number with at_least or at_most, or a CheckResult.",
    )


def _against_limits(item: Check, value: float) -> CheckResult:
    if item.at_least is None and item.at_most is None:
        raise InvalidValueError("it returned a number without a limit.", hint="Set at_least or at_most on the check.")
    good = (item.at_least is None or value >= item.at_least) and (item.at_most is None or value <= item.at_most)
    limits = [f"at least {item.at_least:g}"] if item.at_least is not None else []
    limits += [f"at most {item.at_most:g}"] if item.at_most is not None else []
    message = f"{value:.6g}, {'as asked for' if good else 'but asked for is'} {' and '.join(limits)}"
    return CheckResult(item.name, "pass" if good else "fail", message, {item.name: value})
