"""What pytest reports of a test, as the result of a check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.domain.check_names import name_of_test, suite_of_test
from podium.domain.checks import CheckResult, CheckStatus, validate_result
from podium.domain.plain import storable
from podium.errors import PodiumError

_LONGEST = 2_000
_SUBTESTS = 5


@dataclass(slots=True)
class _Test:
    """What is known of one test so far."""

    status: CheckStatus = "pass"
    message: str = ""
    duration: float = 0.0
    again: bool = False
    subtests: list[str] = field(default_factory=list)
    about: Mapping[str, Any] = field(default_factory=dict)


class Reports:
    """Turns reports into results, one per test, when the test is over.

    Setup, call and teardown of a test are one check. What pytest calls failed is ``fail``, an error of setup or
    teardown ``error``, a skip and an expected failure ``skipped``, a strict unexpected pass ``fail``.

    Args:
        done: Is given the node id and the result of each test.
    """

    def __init__(self, done: Callable[[str, CheckResult], None]) -> None:
        self._done = done
        self._tests: dict[str, _Test] = {}
        self._broken: set[str] = set()

    def add(self, report: Any) -> None:
        """Take one report of pytest's."""
        if report.when == "setup" or report.nodeid not in self._tests:
            self._tests[report.nodeid] = _Test()  # a test that is run again begins anew
        test = self._tests[report.nodeid]
        if hasattr(report, "context"):  # of a subtest; pytest reports the test itself, too
            if report.failed:
                test.subtests.append(f"{report.head_line.partition(' ')[2]} {_words(report)}".strip())
            return
        test.again = test.again or report.outcome == "rerun"  # by pytest-rerunfailures: this attempt does not count
        test.duration += report.duration
        test.about = getattr(report, "podium", None) or test.about
        self._judge(test, report)
        if report.when not in ("setup", "call"):  # after the teardown, or where a worker died
            self._finish(report.nodeid)

    def add_collection(self, report: Any) -> None:
        """Take the report of a file that could not be read; two workers report the same one."""
        if report.failed and report.nodeid not in self._broken:
            self._broken.add(report.nodeid)
            words = f"The tests cannot be loaded: {_last_line(str(report.longrepr))}"
            name = suite_of_test(report.nodeid or "suite")
            self._done(report.nodeid, CheckResult(name, "error", storable(words[:_LONGEST]), suite=name))

    def _judge(self, test: _Test, report: Any) -> None:
        expected = getattr(report, "wasxfail", None)
        if report.when == "call" and test.subtests:
            own = _words(report) if report.failed else ""
            shown = "; ".join(test.subtests[:_SUBTESTS])
            shown += f"; {own}" if own and not own.startswith("contains ") else ""  # so pytest counts them
            test.status, test.message = (
                "fail",
                f"{len(test.subtests)} subtest{'s' * (len(test.subtests) != 1)} failed: {shown}",
            )
        elif report.failed and report.when == "call":
            test.status, test.message = "fail", _words(report)
        elif report.failed:
            self._judge_error(test, report)
        elif expected is not None:
            word = "Passed, which was not expected" if report.passed else "Failed, as expected"
            test.status = "pass" if report.passed else "skipped"
            test.message = word + (f": {expected}" if expected else ".")
        elif report.skipped:
            test.status, test.message = "skipped", _words(report)

    def _judge_error(self, test: _Test, report: Any) -> None:
        word = report.when if report.when in ("setup", "teardown") else "the worker"
        message = f"In {word}: {_words(report)}"
        failed = test.status == "fail"  # that it failed comes first; pytest counts both
        test.message = f"{test.message} {message}" if failed else message
        test.status = "fail" if failed else "error"

    def _finish(self, node: str) -> None:
        test = self._tests.pop(node)
        if test.again:
            return
        about = test.about
        made = CheckResult(
            name=about.get("name") or name_of_test(node),
            status=test.status,
            message=storable((test.message or about.get("message") or "")[:_LONGEST]),
            metrics=about.get("metrics") or {},
            severity=about.get("severity") or "error",
            duration=test.duration,
            suite=about.get("suite") or suite_of_test(node),
        )
        try:
            self._done(node, validate_result(made))
        except PodiumError as error:  # a metric that cannot be kept must not take the result with it
            self._done(node, CheckResult(made.name, "error", str(error), suite=made.suite))


def _words(report: Any) -> str:
    """Return why a test failed or was skipped, in one line."""
    long = report.longrepr
    if isinstance(long, tuple):
        return str(long[2]).removeprefix("Skipped: ")
    crash = getattr(long, "reprcrash", None)
    text = crash.message if crash is not None else str(long or "")
    return " ".join(text.split()) if crash is not None else _last_line(text)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line.removeprefix("E ").strip() for line in lines if line.startswith("E ")]
    return (telling or lines or [""])[-1]
