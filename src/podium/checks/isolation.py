"""Running checks in a process of their own: whatever one does to it, each has a result in the end.

The child loads the same sources and runs the checks one after the other. When it ends too early, or is ended because
a check took too long, that check is recorded as ``error`` with the reason, and a new child goes on behind it.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from podium.checks.guard import FileGuard
from podium.checks.process import BoundedProcess, Echo, Lines, how_it_ended, last_words, python_command
from podium.checks.stacks import too_long
from podium.checks.subject import TestSubject
from podium.domain.checks import CheckResult, Severity
from podium.errors import InvalidValueError, NotFoundError

_log = logging.getLogger("podium.checks")
_LOADING = 60.0  # seconds that loading may take at least where there is a limit: some libraries are slow to import
_GRACE = 0.5  # seconds for the child to say where it hangs


@dataclass(frozen=True, slots=True)
class Known:
    """A check as the child names it.

    Attributes:
        name: Its name.
        severity: Its severity.
        suite: Its group.
        timeout: Its own time limit.
    """

    name: str
    severity: Severity
    suite: str | None
    timeout: float | None

    def error(self, message: str, duration: float) -> CheckResult:
        """Return the result of a check that could not finish."""
        return CheckResult(self.name, "error", message, {}, self.severity, max(duration, 0.0), self.suite)


@dataclass(slots=True)
class _Progress:
    """How far the checks are, over all processes."""

    known: list[Known] | None = None
    results: list[CheckResult] = field(default_factory=list)
    running: float | None = None  # when the check that runs began, by the monotonic clock
    broken: str = ""  # what ended the child from inside


class IsolatedRun:
    """Checks that run in a process of their own.

    Args:
        sources: Where the checks are, as text; see `podium.checks.loading.source_of`.
        model_version: What they test.
        champion: What they may compare with.
        guard: Knows what the files are like; it is made here if none is given.
        timeout: Seconds that each check may take which has no limit of its own; None for no limit.
        echo: Is given what they print, as it comes.
        done: Is given each result, as it comes.
    """

    def __init__(
        self,
        sources: Sequence[str],
        model_version: TestSubject,
        champion: TestSubject | None,
        *,
        guard: FileGuard | None = None,
        timeout: float | None = None,
        echo: Echo | None = None,
        done: Callable[[CheckResult], None] | None = None,
    ) -> None:
        self._told = {
            "sources": list(sources),
            "model_version": model_version.to_json(),
            "champion": champion.to_json() if champion is not None else None,
            "guard": (guard or FileGuard.of((model_version, champion))).to_json(),
            "timeout": timeout,
        }
        self._timeout = timeout
        self._echo = echo
        self._done = done
        self._progress = _Progress()

    def run(self) -> list[CheckResult]:
        """Run them all and return one result for each.

        Raises:
            InvalidValueError, NotFoundError: The checks cannot be loaded.
        """
        progress = self._progress
        with tempfile.TemporaryDirectory(prefix="podium-checks-") as folder:
            while progress.known is None or len(progress.results) < len(progress.known):
                self._round(Path(folder))
        return progress.results

    def _round(self, folder: Path) -> None:
        """Run what is left in one process, and account for the check at which it ended."""
        start = len(self._progress.results)
        records, stacks, request = folder / f"records-{start}", folder / f"stacks-{start}", folder / f"request-{start}"
        told = {**self._told, "start": start, "records": str(records), "stacks": str(stacks)}
        request.write_text(json.dumps(told), encoding="utf-8")
        lines = Lines(records)
        began = time.monotonic()
        with BoundedProcess(python_command("podium.checks.child", str(request)), echo=self._echo) as process:
            while True:
                ended = process.has_ended()  # asked before the records are read, so that none is missed
                process.listen()
                self._take(lines.new(), process)
                limit = self._overdue(began)
                if ended or limit is not None:
                    break
            process.drain()
            code = process.end()
            reason = how_it_ended(code) if limit is None else too_long(limit, _read(stacks), " in run_check")
            self._account(reason, last_words(process.tail))

    def _take(self, lines: list[str], process: BoundedProcess) -> None:
        progress = self._progress
        for line in lines:
            record = json.loads(line)
            if record["type"] == "refused":
                kind = NotFoundError if record["code"] == NotFoundError.code else InvalidValueError
                raise kind(record["message"], hint=record["hint"])
            if record["type"] == "loaded":
                self._loaded([Known(**item) for item in record["checks"]])
            if record["type"] == "start":
                progress.running = time.monotonic()
            if record["type"] == "broken":
                progress.broken = f" {record['error']}"
            if record["type"] == "result":
                self._finish(CheckResult(**record["result"]), process.tail)
        if lines and record["type"] == "result":  # else the tail may be of the check that runs by now
            process.forget()

    def _loaded(self, found: list[Known]) -> None:
        before = self._progress.known
        if before is not None and [item.name for item in found] != [item.name for item in before]:
            raise InvalidValueError(
                "The checks are not the same each time they are loaded.", hint="Let their names depend on nothing else."
            )
        self._progress.known = found

    def _finish(self, result: CheckResult, tail: str) -> None:
        self._progress.running = None
        self._progress.results.append(result)
        if tail.strip():
            _log.info("Output of the check %s:\n%s", result.name, tail.rstrip())
        if self._done is not None:
            self._done(result)

    def _overdue(self, began: float) -> float | None:
        """Return the limit that was passed, None while there is time."""
        progress = self._progress
        if progress.running is None:
            limit = max(self._timeout, _LOADING) if self._timeout and progress.known is None else None
            return limit if limit is not None and time.monotonic() - began > limit else None
        assert progress.known is not None
        limit = progress.known[len(progress.results)].timeout or self._timeout
        return limit if limit is not None and time.monotonic() - progress.running > limit + _GRACE else None

    def _account(self, reason: str, words: str) -> None:
        """Give the check at which the process ended its result.

        Raises:
            InvalidValueError: It ended before any check was known.
        """
        progress = self._progress
        if progress.known is None:
            raise InvalidValueError(
                f"The checks cannot be loaded. {reason}.{progress.broken}{words}",
                hint="Look at what the file does when it is loaded.",
            )
        index = len(progress.results)
        if index == len(progress.known):
            return
        since = 0.0 if progress.running is None else time.monotonic() - progress.running
        when = " before the check did" if reason.startswith("The process ended") else ""
        when = when if progress.running is not None else " before the check began"
        self._finish(progress.known[index].error(f"{reason}{when}.{progress.broken}{words}", since), "")
        progress.broken = ""


def _read(stacks: Path) -> str:
    try:
        return stacks.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
