"""The verbs about tests and stages: check, promote, roll back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from podium.checks import Check, TestSubject, load_checks, run_check
from podium.domain.checks import CheckResult, CheckStatus, RecordedCheck, Severity, TestReport
from podium.domain.stages import Policy, Transition
from podium.domain.versions import Version
from podium.errors import IntegrityError, NotFoundError, PromotionRefusedError
from podium.registry.care import CareVerbs
from podium.usecases import checks as check_cases
from podium.usecases import policies, promotions
from podium.usecases.aliases import UNSET, Expected

Checks = str | Check | Callable[..., Any] | ModuleType


class PromotionVerbs(CareVerbs):
    """What can be done with checks, policies and stages."""

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

    def set_policy(self, target: str, policy: Policy | Mapping[str, Any], *, reason: str | None = None) -> Policy:
        """Say which stages a model has and which checks each requires.

        Args:
            target: ``REGISTRY/MODEL``, or ``REGISTRY`` for the default of all its models.
            policy: A `Policy`, or the same as plain JSON.
            reason: Why.

        Raises:
            InvalidNameError, InvalidValueError: The policy makes no sense.
            NotFoundError: There is no such model or registry.
        """
        made = policy if isinstance(policy, Policy) else Policy.from_json(policy)
        return self._change(lambda unit: policies.set_policy(unit, policies.SetPolicy(target, made, reason)))

    def policy(self, target: str) -> Policy:
        """Return the policy in force for a model, or the default of a registry.

        Raises:
            NotFoundError: There is no such model or registry.
        """
        with self._read() as unit:
            return policies.show_policy(unit, target)

    def promote(
        self, ref: str, to: str, *, reason: str | None = None, expected: Expected = UNSET, force: bool = False
    ) -> Transition:
        """Give a stage to a version, if every gate lets it through.

        Gates are evaluated in the transaction that moves the stage, on the digest being promoted. Promoting what holds
        the stage already changes nothing and tells nobody (``changed`` is False).

        Args:
            ref: The model version.
            to: The stage.
            reason: Why; needed with ``force``.
            expected: Compare-and-set: the version that must hold the stage now.
            force: Overrule gates that fail; this is an event of its own.

        Raises:
            ConflictError: Another version than the expected one holds the stage.
            InvalidValueError: ``force`` without a reason.
            NotFoundError: The reference names nothing, or there is no such stage.
            PromotionRefusedError: A gate failed. ``reasons`` has a sentence for each; the refusal is on record.
        """
        command = promotions.PromoteVersion(ref, to, reason, expected, force)
        made = self._change(lambda unit: promotions.promote_version(unit, command))
        if made.status == "refused":
            raise PromotionRefusedError(
                f"{made.collection}:v{made.number} was refused for {to!r}: {' '.join(made.reasons)}",
                hint="Mend what the reasons name and promote again.",
                ref=f"{made.collection}:v{made.number}",
                stage=to,
                reasons=list(made.reasons),
                transition=made.id,
            )
        return made

    def rollback(self, model: str, stage: str = "production", *, reason: str | None = None) -> Transition:
        """Give a stage back to its previous holder, the newest one whose content still verifies.

        Args:
            model: ``REGISTRY/MODEL``.
            stage: The stage.
            reason: Why.

        Raises:
            ConflictError: The stage moved meanwhile.
            IntegrityError: No earlier holder is intact.
            NotFoundError: There is no such model or stage, or nobody held it before.
        """
        with self._read() as unit:
            unit.origin = self._origin()
            plan = promotions.plan_rollback(unit, model, stage)
        if plan.done is not None:
            return plan.done
        assert plan.holder is not None
        for number in plan.candidates:
            if self.verify(f"{model}:v{number}").ok:
                command = promotions.RollBackStage(model, stage, number, plan.holder, reason)
                return self._change(partial(promotions.roll_back_stage, command=command))
        raise IntegrityError(
            f"No earlier holder of {stage!r} of {model} is intact in the store.",
            hint="Run 'podium verify' and restore the content from a backup.",
            candidates=[f"v{number}" for number in plan.candidates],
        )
