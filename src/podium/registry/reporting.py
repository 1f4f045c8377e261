"""The verbs that make reports: of a test run, and of an attempt to move a stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar, get_args

from podium.domain.checks import TestReport
from podium.domain.comparison import Comparison
from podium.domain.lineage import LineageVersion
from podium.domain.policy_targets import PolicyRevision
from podium.domain.transitions import Transition
from podium.domain.versions import Version
from podium.errors import IntegrityError, InvalidNameError, InvalidValueError, NotFoundError, StorageError
from podium.registry.approvals import ApprovalVerbs
from podium.registry.comparing import CompareVerbs
from podium.registry.environment import describe_environment
from podium.registry.policies import PolicyVerbs
from podium.registry.runs import RunVerbs
from podium.registry.testing import CheckVerbs
from podium.reports import (
    PromotionFacts,
    TestFacts,
    VersionFacts,
    checks_html,
    checks_junit,
    checks_markdown,
    promotion_html,
    promotion_junit,
    promotion_markdown,
)
from podium.usecases.lineage import TraceLineage, trace_lineage

ReportForm = Literal["html", "markdown", "junit"]
T = TypeVar("T")


class ReportVerbs(CheckVerbs, ApprovalVerbs, PolicyVerbs, CompareVerbs, RunVerbs):
    """What can be told of tests and promotions."""

    def test_report(
        self, tested: TestReport | str, form: ReportForm = "html", *, champion: str | None = "production"
    ) -> str:
        """Return the report of a test: the checks, the version, and the comparison with the champion.

        Args:
            tested: What `test` returned, right after it; or a version, for the results on record that count for it, by
                whatever they were recorded.
            form: ``html`` for people, one file; ``markdown`` for a pull request; ``junit`` for a CI server.
            champion: For a version: the stage or alias whose holder it is compared with; None for no comparison. What
                `test` returned knows its own.

        Raises:
            InvalidNameError, InvalidValueError: There is no such form, or the text is no reference.
            NotFoundError: The reference names nothing.
        """
        _check_form(form)
        fresh = isinstance(tested, TestReport)
        report = tested if isinstance(tested, TestReport) else self._last_report(tested, champion)
        if form == "junit":
            return checks_junit(report)
        compared = self._compared(report.champion, report.ref, pictures=form == "html")
        if form == "markdown":
            return checks_markdown(report, TestFacts(comparison=compared))
        environment = describe_environment() if fresh else {}
        return checks_html(report, TestFacts(self._version_facts(report.ref), compared, environment))

    def promotion_report(self, made: Transition | str, form: ReportForm = "html") -> str:
        """Return the report of an attempt to move a stage: the decision, gates, approvals, policy, and comparison.

        Args:
            made: What `promote`, `approve` or `rollback` returned; or the id of a transition, which a refusal carries:
                ``error.facts["transition"]``.
            form: ``html`` for people, one file; ``markdown`` for a pull request; ``junit`` for a CI server.

        Raises:
            InvalidValueError: There is no such form.
            NotFoundError: There is no such transition.
        """
        _check_form(form)
        found = made if isinstance(made, Transition) else self.transition(made)
        if form == "junit":
            return promotion_junit(found)
        before = None if found.before in (None, found.number) else f"{found.collection}:v{found.before}"
        compared = self._compared(before, found.ref, pictures=form == "html")
        policy = self._policy_of(found)
        if form == "markdown":
            return promotion_markdown(found, PromotionFacts(comparison=compared, policy=policy))
        return promotion_html(found, PromotionFacts(self._version_facts(found.ref), compared, policy))

    def _last_report(self, ref: str, champion: str | None) -> TestReport:
        """Return the results on record that count for a version, the newest of each check."""
        version = self.resolve(ref)
        newest = {item.result.name: item.result for item in self.checks(version.ref)}
        holder = self._champion(version, champion)
        best = holder.ref if holder is not None else None
        return TestReport(version.ref, version.digest, best, tuple(newest.values()))

    def _compared(self, champion: str | None, ref: str, *, pictures: bool) -> Comparison | None:
        """Compare with the champion; what is gone, or out of reach, is left out: a report is there all the same."""
        if champion is None:
            return None
        refs = [champion, ref]
        try:
            return self.compare(refs, histories=pictures, predictions=pictures)
        except (IntegrityError, StorageError):
            return _or_none(lambda: self.compare(refs, histories=pictures))
        except NotFoundError:
            return None

    def _version_facts(self, ref: str) -> VersionFacts | None:
        version = _or_none(lambda: self.resolve(ref))
        if version is None:
            return None
        name = version.run
        run = _or_none(lambda: self.run(name)) if name is not None else None
        return VersionFacts(version, run, self._inputs(version))

    def _inputs(self, version: Version) -> tuple[LineageVersion, ...]:
        """Return what the run behind a version used: two hops up, over the run."""
        command = TraceLineage(version.source, "up", 2)
        try:
            with self._read() as unit:
                nodes = trace_lineage(unit, command).nodes
        except NotFoundError:
            return ()
        return tuple(node for node in nodes if isinstance(node, LineageVersion) and node.up == 2)

    def _policy_of(self, made: Transition) -> PolicyRevision | None:
        """Return the revision of the policy that was asked; it may be of a model that has another name by now."""
        if made.policy is None or made.policy.get("revision") is None:
            return None
        target, number = str(made.policy["target"]), made.policy["revision"]
        known = _or_none(lambda: self.policy_history(target)) or []
        return next((item for item in known if item.revision == number), None)


def _check_form(form: str) -> None:
    if form not in get_args(ReportForm):
        raise InvalidValueError(
            f"{form!r} is no form of a report.", hint=f"Use one of {', '.join(get_args(ReportForm))}."
        )


def _or_none(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except (NotFoundError, InvalidNameError):
        return None
