"""The verbs about tests: record what checks said, run them, look the results up."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from podium.checks import Source as Checks
from podium.checks import TestSubject
from podium.checks.plan import StrPath, TestPlan, plan_test
from podium.checks.process import Echo
from podium.domain.checks import CheckResult, CheckStatus, RecordedCheck, Severity, TestReport
from podium.domain.names import check_label
from podium.domain.plain import to_plain
from podium.domain.versions import Version
from podium.errors import IntegrityError, InvalidNameError, InvalidValueError, NotFoundError, PodiumError
from podium.registry.runs import RunVerbs
from podium.usecases import checks as check_cases
from podium.usecases import comparing, places
from podium.usecases.champions import require_champion_name

__all__ = ["CheckVerbs", "Checks"]


class CheckVerbs(RunVerbs):
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

    def test(
        self,
        ref: str,
        checks: Checks | Iterable[Checks] = (),
        *,
        suite: StrPath | Sequence[StrPath] = (),
        pytest_options: Sequence[str] = (),
        champion: str | None = "production",
        data: Mapping[str, StrPath] | None = None,
        isolate: bool | None = None,
        timeout: float | None = None,
        echo: Echo | None = None,
    ) -> TestReport:
        """Download a version, run checks on it, and record what came out.

        Args:
            ref: The version.
            checks: Check functions, or where they are: ``module``, ``module:name``, ``path/to/file.py``, a folder, a
                list in YAML, or a built-in check such as ``max_size("100 MB")``.
            suite: Files or folders of pytest; every test of them becomes a check. pytest runs in a process of its own.
            pytest_options: Further options of pytest, such as ``["-k", "fast", "-n", "2"]``.
            champion: The stage or alias whose holder the checks may compare with; None for no comparison.
            data: Name to a file, a folder or a reference, which is downloaded; ``model_version.data`` of the checks.
            isolate: Run the checks in a process of their own, which they may crash or leave hanging; None to do so
                where there is a time limit, or all checks are named by where they are; False to run them here,
                whatever limits they have.
            timeout: Seconds that each check and each test may take; one with a limit of its own keeps that.
            echo: Is given what such a process prints, as it comes.

        Returns:
            The results; ``passed`` says whether all is well. A check that raises is one of them, with ``error``, and so
            is one that changed the files of the version, and whatever would have run after it.

        Raises:
            ConflictError: The reference names another digest by now.
            IntegrityError: The version or the champion is damaged in the store.
            InvalidValueError, NotFoundError: The checks cannot be loaded, the reference names nothing, or the champion
                is no stage of the model, nor an alias that it ever had; ``production`` may be neither.
            SettingsError: This system cannot run checks in a process of their own.
        """
        plan = plan_test(checks, suite, pytest_options, isolate=isolate, timeout=timeout)
        with tempfile.TemporaryDirectory(prefix="podium-test-") as folder:
            return self._run_test(plan, *self.prepare_test(ref, folder, champion=champion, data=data), echo)

    def _run_test(
        self, plan: TestPlan, version: TestSubject, champion: TestSubject | None, echo: Echo | None
    ) -> TestReport:
        done: list[CheckResult] = []
        digest = version.version.digest
        try:
            left_out = plan.run(version, champion, echo, done.append)
        except BaseException:
            if done:  # what stands when somebody interrupts is not lost
                with suppress(PodiumError):  # the first error is the one to see
                    self.record_checks(version.ref, done, digest=digest)
            raise
        recorded = self.record_checks(version.ref, done, digest=digest)
        results = tuple(item.result for item in recorded)
        return TestReport(version.ref, digest, champion.ref if champion else None, results, tuple(left_out))

    def prepare_test(
        self,
        ref: str,
        folder: StrPath,
        *,
        champion: str | None = "production",
        data: Mapping[str, StrPath] | None = None,
    ) -> tuple[TestSubject, TestSubject | None]:
        """Download what a test needs: the version, the champion, and the data.

        Args:
            ref: The version.
            folder: An empty folder; it is the caller's to remove.
            champion: The stage or alias of the other one; None for no comparison.
            data: As for `test`.

        Returns:
            The version, and the champion: None if nobody holds the stage, or the version itself does.

        Raises:
            IntegrityError: Something is damaged in the store.
            InvalidNameError, InvalidValueError: The champion or a name of the data cannot be used.
            NotFoundError: The reference names nothing, or neither does a name of the data, or the champion is no stage
                of the model, nor an alias that it ever had.
        """
        place = Path(folder)
        version = self.resolve(ref)
        holder = self._champion(version, champion)
        given = {name: self._data(name, where, place / "data") for name, where in (data or {}).items()}
        tables = self._tables([version] if holder is None else [version, holder])
        subject = self._subject(version, place / "candidate", given, tables)
        return subject, self._subject(holder, place / "champion", given, tables) if holder is not None else None

    def _champion(self, version: Version, alias: str | None) -> Version | None:
        if alias is None:
            return None
        try:
            holder = self.resolve(f"{version.collection}:{alias}")
        except NotFoundError:
            with self._read() as unit:
                require_champion_name(unit, version.collection, alias)
            return None
        # A check for "better than the champion" must not fail on the champion when a task runs again.
        return None if holder.ref == version.ref else holder

    def _subject(self, version: Version, folder: Path, data: Mapping[str, Path], tables: Sequence[str]) -> TestSubject:
        path = self.download(version.ref, folder)
        entries = self.files(version.ref).manifest.entries
        run = self.run(version.run) if version.run is not None else None
        with self._read() as unit:
            card = places.show_collection(unit, version.collection).description
        found = self._table(version, tables[0], folder.parent) if tables else None
        own = dict.fromkeys((*tables, "predictions"), found) if found is not None else {}
        return TestSubject(
            version,
            path,
            config=run.config if run else {},
            summary=run.summary if run else {},
            goals=run.goals if run else {},
            card=card,
            data={**own, **data},
            hashes={entry.path: entry.sha256 for entry in entries if entry.sha256},
        )

    def _data(self, name: str, where: StrPath, folder: Path) -> Path:
        """Return where data lie: a path as it is, else what a reference names; one file of it, if it has only one."""
        check_label(name, "name of data")
        path = Path(where)
        if path.exists():
            return path.resolve()
        try:
            found = self.download(str(where), folder / name)
        except (NotFoundError, InvalidNameError) as error:
            raise NotFoundError(
                f"The data {name!r} are at {str(where)!r}, and there is neither such a path nor such a version.",
                hint="Give a path, or PROJECT/ARTIFACT[:vN|:alias].",
            ) from error
        files = [file for file in found.rglob("*") if file.is_file()]
        return files[0] if len(files) == 1 else found

    def _tables(self, versions: Sequence[Version]) -> list[str]:
        """Return the name of the table of sample predictions that the runs of these versions logged, if they did."""
        with self._read() as unit:
            name = comparing.find_predictions(unit, versions)
        return [name] if name is not None else []

    def _table(self, version: Version, name: str, folder: Path) -> Path | None:
        """Write a table that the run of a version logged into a file; None if it logged no such table."""
        if version.run is None:
            return None
        try:
            table = self.table(version.run, name)
        except (NotFoundError, InvalidValueError, IntegrityError):  # a check that asks for it says that it is not there
            return None
        path = folder / f"table-{version.digest[-16:]}.json"
        path.write_text(json.dumps({"columns": table.columns, "data": to_plain(table.rows)}), encoding="utf-8")
        return path
