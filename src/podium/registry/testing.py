"""The verbs about tests: record what checks said, run them, look the results up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from podium.checks import Check, TestSubject, load_checks, run_check
from podium.domain.checks import CheckResult, CheckStatus, RecordedCheck, Severity, TestReport
from podium.domain.versions import Version
from podium.errors import NotFoundError
from podium.registry.care import CareVerbs
from podium.usecases import checks as check_cases

Checks = str | Check | Callable[..., Any] | ModuleType


class CheckVerbs(CareVerbs):
    """What can be done with checks."""

    def record_check(
        self,
        ref: str,
        name: str,
        status: CheckStatus | bool,
        message: str = "",
        *,
        metrics: Mapping[str, Any] | None = None,
        severity: Severity = "error",
        suite: str | None = None,
        duration: float = 0.0,
        digest: str | None = None,
    ) -> RecordedCheck:
        """Record the result of a check that ran somewhere else; results are only ever added, and the newest counts.

        Args:
            ref: The version it ran on.
            name: The check.
            status: ``pass, fail, warn, error, skipped``, or True and False for the first two.
            message: One sentence that a person understands.
            metrics: Numbers that it measured.
            severity: ``error`` refuses a promotion that requires the check; ``warn`` only tells.
            suite: A group.
            duration: Seconds.
            digest: The digest that it really ran on, if known: the result is refused if the reference names another.

        Raises:
            ConflictError: The reference names another digest by now.
            InvalidNameError, InvalidValueError: A value cannot be used.
            NotFoundError: The reference names nothing.
        """
        word: CheckStatus = ("pass" if status else "fail") if isinstance(status, bool) else status
        result = CheckResult(name, word, message, metrics or {}, severity, duration, suite)
        return self.record_checks(ref, [result], digest=digest)[0]

    def record_checks(
        self, ref: str, results: Iterable[CheckResult], *, digest: str | None = None
    ) -> list[RecordedCheck]:
        """Record several results at once; see `record_check`."""
        return self._change(
            lambda unit: check_cases.record_checks(unit, check_cases.RecordChecks(ref, tuple(results), digest))
        )

    def checks(self, ref: str) -> list[RecordedCheck]:
        """Return every result that counts for a version, oldest first.

        Raises:
            NotFoundError: The reference names nothing.
        """
        with self._read() as unit:
            return check_cases.list_checks(unit, ref)

    def test(self, ref: str, checks: Checks | Iterable[Checks], *, champion: str | None = "production") -> TestReport:
        """Download a version, run checks on it, and record what came out.

        Args:
            ref: The version.
            checks: Check functions, or where they are: ``module``, ``module:name``, ``path/to/file.py``.
            champion: The stage or alias whose holder the checks may compare with; None for no comparison.

        Returns:
            The results; ``passed`` says whether all is well. A check that raises is one of them, with ``error``.

        Raises:
            IntegrityError: The version or the champion is damaged in the store.
            InvalidValueError, NotFoundError: The checks cannot be loaded, or the reference names nothing.
        """
        several = [checks] if isinstance(checks, str | Check | ModuleType) or callable(checks) else list(checks)
        chosen = load_checks(several)
        version = self.resolve(ref)
        with tempfile.TemporaryDirectory(prefix="podium-test-") as folder:
            subject = TestSubject(version, self.download(version.ref, Path(folder) / "candidate"))
            best = self._champion(version, champion, Path(folder) / "champion")
            results = tuple(run_check(item, subject, best) for item in chosen)
        recorded = self.record_checks(version.ref, results, digest=version.digest)
        return TestReport(
            version.ref, version.digest, best.version.ref if best else None, tuple(item.result for item in recorded)
        )

    def _champion(self, version: Version, alias: str | None, folder: Path) -> TestSubject | None:
        if alias is None:
            return None
        try:
            holder = self.resolve(f"{version.collection}:{alias}")
        except NotFoundError:
            return None
        if holder.ref == version.ref:
            return None  # a check for "better than the champion" must not fail on the champion when a task runs again
        return TestSubject(holder, self.download(holder.ref, folder))
