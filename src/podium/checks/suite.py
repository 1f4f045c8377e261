"""Running a suite of pytest in a process of its own: every test a check, and each has a result in the end.

pytest runs with Podium's plugin, which writes down each result as it comes. When the process ends in the middle of a
test, or is ended because one took too long, that test is recorded as ``error`` with the reason, and a new process runs
those that have no result yet.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from podium.checks.guard import FileGuard
from podium.checks.process import BoundedProcess, Echo, Lines, how_it_ended, last_words
from podium.checks.stacks import too_long
from podium.checks.subject import TestSubject
from podium.domain.check_names import name_of_test, suite_of_test
from podium.domain.checks import CheckResult
from podium.errors import InvalidValueError

_PLUGIN = "podium.testing.pytest_plugin"
_REQUEST = "PODIUM_PYTEST_REQUEST"
_ALONE = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
_XDIST = ("-n", "--numprocesses", "--dist", "--tx", "-d", "--maxprocesses")
_STOPS = ("-x", "--exitfirst", "--maxfail", "--sw", "--stepwise")
_QUIET = 60.0  # seconds that pytest may do something else than run tests, at least, where there is a limit
_LEAVING = 30.0  # seconds that it may take to end when all is said
_GRACE = 1.0  # seconds for pytest to say where a test hangs
_USAGE = 4  # exit code of pytest: wrong usage


@dataclass(slots=True)
class SuiteProgress:
    """How far a suite is, over all processes.

    Attributes:
        tests: Node id to what is known of each test that was found.
        results: Node id to its result.
        running: Node id to when it began, by the monotonic clock.
        finished: Whether pytest came to its end.
        not_run: The names of the tests that pytest was told to leave out, by ``-x``, after it found them.
    """

    tests: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    results: dict[str, CheckResult] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    finished: bool = False
    not_run: list[str] = field(default_factory=list)


class SuiteRun:
    """A suite of pytest that tests a version.

    Args:
        paths: Files and folders of tests, as pytest takes them.
        options: Further options of pytest.
        model_version: The fixture ``model_version``.
        champion: The fixture ``champion``.
        guard: Knows what the files are like; it is made here if none is given.
        timeout: Seconds that each test may take; None for no limit.
        echo: Is given what pytest prints, as it comes.
        done: Is given each result, as it comes.
    """

    def __init__(
        self,
        paths: Sequence[str],
        options: Sequence[str],
        model_version: TestSubject,
        champion: TestSubject | None,
        *,
        guard: FileGuard | None = None,
        timeout: float | None = None,
        echo: Echo | None = None,
        done: Callable[[CheckResult], None] | None = None,
    ) -> None:
        self._arguments = [*paths, *options]
        self._options = list(options)
        self._told = {
            "model_version": model_version.to_json(),
            "champion": champion.to_json() if champion is not None else None,
            "guard": (guard or FileGuard.of((model_version, champion))).to_json(),
        }
        self._timeout = timeout
        self._echo = echo
        self._done = done
        self._progress = SuiteProgress()
        self._heard = time.monotonic()
        self._alone = _ALONE not in os.environ  # who set it, to whatever, has chosen

    def run(self) -> SuiteProgress:
        """Run the suite.

        Raises:
            InvalidValueError: pytest could not begin, or there was no test.
        """
        progress = self._progress
        with tempfile.TemporaryDirectory(prefix="podium-suite-") as folder:
            before = -1
            while not progress.finished and len(progress.results) > before:
                before = len(progress.results)
                self._round(Path(folder))
        return progress

    def _round(self, folder: Path) -> None:
        """Run the tests that have no result yet in one process."""
        progress = self._progress
        number = len(progress.results)
        folder = folder / f"{number}-{self._alone}"
        folder.mkdir()
        places = {"records": str(folder / "records"), "tests": str(folder / "tests")}
        request = folder / "request"
        request.write_text(json.dumps({**self._told, **places, "done": list(progress.results)}), encoding="utf-8")
        lines = Lines(Path(places["records"]))
        self._heard = time.monotonic()
        with BoundedProcess(self._command(), env=self._environment(str(request)), echo=self._echo) as process:
            late: list[str] = []
            while True:
                ended = process.has_ended()
                process.listen()
                for line in lines.new():
                    self._take(json.loads(line), Path(places["tests"]))
                late = self._late()
                if ended or late or self._is_stuck():
                    break
            process.drain()
            code = process.end()
            self._learn(Path(places["tests"]))
            tail = process.tail
        self._account(folder, code, late, tail)

    def _command(self) -> list[str]:
        command = [sys.executable, "-u", "-m", "pytest", "-p", _PLUGIN]
        if self._alone and any(option.startswith(_XDIST) for option in self._options):
            command += ["-p", "xdist"]
        if self._timeout is not None:  # pytest says where a test is when its time is up
            command += ["-o", f"faulthandler_timeout={self._timeout:g}"]
        return [*command, *self._arguments]

    def _environment(self, request: str) -> dict[str, str]:
        """Return the environment: each plugin that is installed costs time, so only those that are named load."""
        return {**({_ALONE: "1"} if self._alone else {}), **os.environ, _REQUEST: request}

    def _take(self, record: Mapping[str, Any], tests: Path) -> None:
        progress = self._progress
        self._heard = time.monotonic()
        kind = record["type"]
        if kind == "start":
            progress.running[record["node"]] = time.monotonic()
        elif kind == "result":
            if record["node"] not in progress.tests:
                self._learn(tests)
            progress.running.pop(record["node"], None)
            self._finish(record["node"], CheckResult(**record["result"]))
        elif kind == "finished":
            progress.finished = True

    def _learn(self, tests: Path) -> None:
        """Read which tests there are; the plugin writes it when it has collected them."""
        if tests.exists():
            for test in json.loads(tests.read_text(encoding="ascii")):
                self._progress.tests.setdefault(test["node"], test)

    def _finish(self, node: str, result: CheckResult) -> None:
        if node in self._progress.results:  # a file that cannot be loaded is reported by each process
            return
        known = self._progress.tests.get(node)
        if known is not None:  # a worker that died could not say how its test is recorded
            result = replace(result, name=known["name"], severity=known["severity"], suite=known["suite"])
        self._progress.results[node] = result
        if self._done is not None:
            self._done(result)

    def _late(self) -> list[str]:
        """Return the tests that take too long."""
        if self._timeout is None:
            return []
        late = time.monotonic() - self._timeout - _GRACE
        return [node for node, began in self._progress.running.items() if began < late]

    def _is_stuck(self) -> bool:
        """Whether pytest does nothing: it hangs in a file that it loads, or a thread keeps it when all is over."""
        progress = self._progress
        quiet = time.monotonic() - self._heard
        if progress.finished:
            return quiet > _LEAVING
        return self._timeout is not None and not progress.running and quiet > max(self._timeout, _QUIET)

    def _account(self, folder: Path, code: int, late: Sequence[str], tail: str) -> None:
        """Give a result to what has none because the process ended.

        Raises:
            InvalidValueError: pytest could not begin.
        """
        progress = self._progress
        if progress.finished and not late:
            self._leave_the_rest()
        elif code == _USAGE and self._alone and not progress.results:
            self._alone = False  # its configuration may need a plugin that is installed: once more with all of them
            self._round(folder)
        else:
            self._account_for_the_end(code, late, tail)
        if not progress.results:
            raise InvalidValueError(
                f"pytest ran no test. {how_it_ended(code)}.{last_words(tail)}",
                hint="Look at the paths, and at the options that choose tests.",
            )

    def _account_for_the_end(self, code: int, late: Sequence[str], tail: str) -> None:
        """Give a result to the tests at which the process ended, and to the rest if there is no going on."""
        progress = self._progress
        progress.finished = False
        if not progress.running and not progress.results:
            return
        if late:
            reason = f"{too_long(self._timeout or 0, tail, '_pytest/runner.py')}."
            guilty = list(late)
        else:
            reason = f"{how_it_ended(code)}{' before the test did' if code >= 0 else ''}."
            guilty = list(progress.running)
        for node in guilty:
            self._end(node, reason, time.monotonic() - progress.running[node])
        progress.running.clear()
        if not guilty:
            self._give_up(f"It was not run. {how_it_ended(code)}.")
        elif self._stops():
            self._leave_the_rest()

    def _leave_the_rest(self) -> None:
        """Name the tests that are not run because one before them failed; what they gave earlier stays."""
        progress = self._progress
        progress.finished = True
        progress.not_run = [str(test["name"]) for node, test in progress.tests.items() if node not in progress.results]

    def _give_up(self, reason: str) -> None:
        progress = self._progress
        progress.finished = True
        for node in [node for node in progress.tests if node not in progress.results]:
            self._end(node, reason, 0.0)

    def _end(self, node: str, reason: str, duration: float) -> None:
        result = CheckResult(name_of_test(node), "error", reason, duration=duration, suite=suite_of_test(node))
        self._finish(node, result)

    def _stops(self) -> bool:
        """Whether pytest was told to stop at the first failure; a test that ended its process is one."""
        return any(option.startswith(_STOPS) for option in self._options)
