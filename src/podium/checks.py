"""Checks as functions: the decorator, what a function is given, and how it is run.

::

    import podium

    @podium.check(at_least=0.9)
    def accuracy(model_version):
        model = load(model_version.path / "model.joblib")
        return model.score(*held_out())
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, overload

from podium.domain.checks import CheckResult, Severity, validate_result
from podium.domain.names import check_label
from podium.domain.versions import Version
from podium.errors import InvalidValueError, NotFoundError, PodiumError

_KNOWN = ("model_version", "champion")


@dataclass(frozen=True, slots=True)
class TestSubject:
    """What a check is given: a version whose files lie in a folder.

    Attributes:
        version: The version as the registry knows it.
        path: The folder with its files.
    """

    __test__ = False

    version: Version
    path: Path

    @property
    def metrics(self) -> Mapping[str, float]:
        """The metrics that the version was logged with."""
        return self.version.metrics

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata that the version was logged with."""
        return self.version.metadata


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
    """

    function: Callable[..., Any]
    name: str
    severity: Severity = "error"
    suite: str | None = None
    at_least: float | None = None
    at_most: float | None = None

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

    Raises:
        InvalidNameError: The name breaks the rule of aliases.
        InvalidValueError: The function takes other arguments.
    """

    def make(chosen: Callable[..., Any]) -> Check:
        label = check_label(str(name or getattr(chosen, "__name__", "check")), "check name")
        for parameter in inspect.signature(chosen).parameters.values():
            if parameter.name not in _KNOWN and parameter.default is parameter.empty:
                raise InvalidValueError(
                    f"The check {label!r} takes {parameter.name!r}.", hint=f"A check takes {' and '.join(_KNOWN)}."
                )
        return Check(chosen, label, severity, suite, at_least, at_most)

    return make(function) if function is not None else make


def run_check(item: Check, model_version: TestSubject, champion: TestSubject | None) -> CheckResult:
    """Run one check; whatever it does becomes a result, and nothing it raises gets out."""
    given = {"model_version": model_version, "champion": champion}
    wanted = {name: given[name] for name in inspect.signature(item.function).parameters if name in given}
    start = time.perf_counter()
    try:
        result = _judge(item, item.function(**wanted))
    except AssertionError as error:
        result = CheckResult(item.name, "fail", _one_line(error) or "An assertion failed.")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a check that exits must leave a result, too
        result = CheckResult(item.name, "error", f"{type(error).__name__}: {_one_line(error)}")
    return CheckResult(
        name=item.name,
        status=result.status,
        message=result.message,
        metrics=result.metrics,
        severity=item.severity,
        duration=time.perf_counter() - start,
        suite=item.suite,
    )


def load_checks(sources: Iterable[str | Check | Callable[..., Any] | ModuleType]) -> list[Check]:
    """Return the checks that sources name.

    Args:
        sources: Each a module (``package.module``), one check in it (``package.module:name``), a Python file
            (``tests/model/checks.py``), or a check itself.

    Raises:
        InvalidValueError: A source has no check, or two checks have one name.
        NotFoundError: A module or file does not exist.
    """
    found: list[Check] = []
    for source in sources:
        found.extend(_from_source(source))
    names = [item.name for item in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValueError(f"The check {twice[0]!r} is given twice.", hint="Give each check a name of its own.")
    if not found:
        raise InvalidValueError("There is no check to run.", hint="Name a module, a file or module:function.")
    return found


def _from_source(source: str | Check | Callable[..., Any] | ModuleType) -> list[Check]:
    if isinstance(source, Check):
        return [source]
    if isinstance(source, ModuleType):
        return _in_module(source, source.__name__)
    if not isinstance(source, str):
        return [check(source)]
    place, _, name = source.partition(":")
    module = _from_file(Path(place)) if place.endswith(".py") or "/" in place else _from_name(place)
    if not name:
        return _in_module(module, place)
    one = getattr(module, name, None)
    if one is None:
        raise NotFoundError(f"{place} has no {name!r}.", hint=f"It has {', '.join(_names(module)) or 'no checks'}.")
    return [one if isinstance(one, Check) else check(one)]


def _in_module(module: ModuleType, place: str) -> list[Check]:
    found = [item for item in vars(module).values() if isinstance(item, Check)]
    if not found:
        raise InvalidValueError(f"{place} has no check.", hint="Mark its functions with @podium.check.")
    return found


def _names(module: ModuleType) -> list[str]:
    return [item.name for item in vars(module).values() if isinstance(item, Check)]


def _from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise _broken(name, error) from error
        raise NotFoundError(
            f"There is no module {name!r} with checks.", hint="Give a module that can be imported, or a .py file."
        ) from error
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NotFoundError(f"There is no file {path} with checks.", hint="Check the path.", path=str(path))
    name = f"podium_checks_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a module up by its name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _broken(str(path), error) from error
    return module


def _broken(place: str, error: BaseException) -> InvalidValueError:
    return InvalidValueError(
        f"The checks in {place} cannot be loaded: {type(error).__name__}: {_one_line(error)}.", hint="Mend the file."
    )


def _judge(item: Check, answer: Any) -> CheckResult:
    if isinstance(answer, CheckResult):
        return validate_result(answer)
    if hasattr(answer, "item") and not isinstance(answer, bool | int | float):
        answer = answer.item()  # a NumPy scalar
    if isinstance(answer, bool):
        return CheckResult(item.name, "pass" if answer else "fail")
    if isinstance(answer, int | float):
        return _against_limits(item, float(answer))
    raise InvalidValueError(
        f"it returned {answer!r}.", hint="Return True or False, a number with at_least or at_most, or a CheckResult."
    )


def _against_limits(item: Check, value: float) -> CheckResult:
    if item.at_least is None and item.at_most is None:
        raise InvalidValueError("it returned a number without a limit.", hint="Set at_least or at_most on the check.")
    good = (item.at_least is None or value >= item.at_least) and (item.at_most is None or value <= item.at_most)
    limits = [f"at least {item.at_least:g}"] if item.at_least is not None else []
    limits += [f"at most {item.at_most:g}"] if item.at_most is not None else []
    message = f"{value:.6g}, {'as asked for' if good else 'but asked for is'} {' and '.join(limits)}"
    return CheckResult(item.name, "pass" if good else "fail", message, {item.name: value})


def _one_line(error: BaseException) -> str:
    text = str(error) if isinstance(error, PodiumError) else str(error).partition("\n")[0]
    return " ".join(text.split())[:500]
