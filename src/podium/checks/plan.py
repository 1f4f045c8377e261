"""What one test run does: checks here or in a process of their own, then the suites of pytest."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from podium.checks.check import Check, check_timeout
from podium.checks.guard import FileGuard
from podium.checks.isolation import IsolatedRun
from podium.checks.loading import Source, importable, load_checks, require_places, source_of
from podium.checks.process import Echo
from podium.checks.running import run_guarded
from podium.checks.subject import TestSubject
from podium.checks.suite import SuiteRun
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError, NotFoundError

StrPath = str | PathLike[str]
Done = Callable[[CheckResult], None]


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What one test run does.

    Attributes:
        sources: Where the checks are.
        checks: The checks themselves, where they run in this process; None where they run apart.
        suite: Files and folders of pytest.
        options: Further options of pytest.
        timeout: Seconds that each check and test may take.
    """

    __test__ = False

    sources: tuple[Source, ...]
    checks: tuple[Check, ...] | None
    suite: tuple[str, ...]
    options: tuple[str, ...]
    timeout: float | None

    def run(self, model_version: TestSubject, champion: TestSubject | None, echo: Echo | None, done: Done) -> list[str]:
        """Run it all; each result is given to ``done`` as it comes.

        Returns:
            The names of tests that pytest found and did not run.

        Raises:
            InvalidValueError: The checks cannot be loaded or the suite cannot be run, or two results have one name.
            NotFoundError: Something that is named does not exist.
        """
        names: set[str] = set()

        def once(result: CheckResult) -> None:
            if result.name in names:
                raise InvalidValueError(
                    f"Two checks are called {result.name!r}.", hint="Give each check and test a name of its own."
                )
            names.add(result.name)
            done(result)

        subjects, guard = (model_version, champion), FileGuard.of((model_version, champion))
        apart: dict[str, Any] = {"guard": guard, "timeout": self.timeout, "echo": echo, "done": once}
        if self.checks is not None:
            with importable(self.sources):
                for item in self.checks:
                    once(run_guarded(item, *subjects, guard))
        elif self.sources:
            IsolatedRun([source_of(source) for source in self.sources], *subjects, **apart).run()
        return SuiteRun(self.suite, self.options, *subjects, **apart).run().not_run if self.suite else []


def plan_test(
    checks: Source | Iterable[Source],
    suite: StrPath | Sequence[StrPath],
    options: Sequence[str],
    *,
    isolate: bool | None,
    timeout: Any,
) -> TestPlan:
    """Decide what a test run does, before anything is downloaded.

    Raises:
        InvalidValueError: There is nothing to run, a source has no check, or a time limit cannot be held.
        NotFoundError: Something that is named does not exist.
    """
    limit = check_timeout(timeout)
    single = isinstance(checks, str | Path | Check | ModuleType) or callable(checks)
    if not single and not isinstance(checks, Iterable):
        raise InvalidValueError(f"{checks!r} names no checks.", hint="Give a check, a text that names some, or a list.")
    sources: tuple[Any, ...] = (checks,) if single else tuple(checks)  # type: ignore[arg-type]  # the line above looked
    paths = tuple(str(path) for path in ([suite] if isinstance(suite, str | PathLike) else suite))
    if not sources and not paths:
        raise InvalidValueError("There is nothing to run.", hint="Give checks or a suite of pytest.")
    if isolate is False and limit is not None and sources:
        raise InvalidValueError(
            "A time limit needs a process of its own.", hint="Leave isolate=False away, or the time limit."
        )
    _check_paths(paths, options)
    if isolate or (isolate is None and (limit is not None or _apart_by_default(sources))):
        for source in sources:
            source_of(source)
        require_places(sources)
        return TestPlan(sources, None, paths, tuple(options), limit)
    if not sources:
        return TestPlan((), (), paths, tuple(options), limit)
    with importable(sources):
        found = load_checks(sources)
    if isolate is None and any(item.timeout is not None for item in found):
        return plan_test(sources, paths, options, isolate=True, timeout=limit)
    return TestPlan(sources, tuple(found), paths, tuple(options), limit)


def _apart_by_default(sources: Sequence[Source]) -> bool:
    """Whether checks run in a process of their own where nobody says how: where another process can load them.

    One that ends its process would else leave no result, and end whatever asked for it as if all were well.
    """
    able = os.name == "posix" and bool(sys.executable)
    return able and bool(sources) and all(isinstance(source, str | Path) for source in sources)


def _check_paths(paths: Sequence[str], options: Sequence[str]) -> None:
    if options and not paths:
        raise InvalidValueError("There are options of pytest and no suite.", hint="Name its folder: suite=.")
    for path in paths:
        if path.startswith("-") or not Path(path.partition("::")[0]).exists():
            raise NotFoundError(f"There is no suite {path}.", hint="Give a file or folder of tests.", path=path)
