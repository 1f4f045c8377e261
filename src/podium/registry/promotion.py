"""The verbs that move stages: promote, roll back, demote."""

from __future__ import annotations

from functools import partial

from podium.domain.explaining import Explanation
from podium.domain.transitions import Transition
from podium.errors import IntegrityError
from podium.registry.approvals import refused
from podium.registry.care import CareVerbs
from podium.usecases import explaining, promotions, rollbacks
from podium.usecases.aliases import UNSET, Expected


class PromotionVerbs(CareVerbs):
    """What can be done with stages."""

    def promote(
        self,
        ref: str,
        to: str,
        *,
        reason: str | None = None,
        expected: Expected = UNSET,
        force: bool = False,
        dry_run: bool = False,
    ) -> Transition:
        """Give a stage to a version, if every gate lets it through.

        Gates are evaluated in the transaction that moves the stage, on the digest being promoted. Promoting what holds
        the stage already changes nothing and tells nobody (``changed`` is False). Where only approvals are missing, the
        answer is ``pending``, and asking again gives the same request, or commits it if it waits for nobody any more.

        Args:
            ref: The model version.
            to: The stage.
            reason: Why; needed with ``force``.
            expected: Compare-and-set: the version that must hold the stage now.
            force: Overrule gates that fail or wait; this is an event of its own, and needs the role ``admin`` where
                anybody has it.
            dry_run: Only say what would happen, with the verdict of each gate; nothing is written or refused.

        Returns:
            The transition: ``committed`` or ``pending``. For a retry of a task whose request people ended meanwhile it
            is ``rejected`` or ``cancelled``, with ``outcome``; they are not asked again, unless a person or another
            task asks.

        Raises:
            ConflictError: Another version than the expected one holds the stage.
            InvalidValueError: ``force`` without a reason.
            NotFoundError: The reference names nothing, or there is no such stage.
            PermissionDeniedError: ``force``, where the registry has admins and the actor is none of them.
            PromotionRefusedError: A gate failed. ``reasons`` has a sentence for each; the refusal is on record.
        """
        command = promotions.PromoteVersion(ref, to, reason, expected, force)
        self.host.wait_for_gates()  # not in the transaction: others would wait with it
        if dry_run:
            with self._read() as unit:
                unit.origin, unit.vetoes = self._origin(), self.host.vetoes
                return promotions.preview_promotion(unit, command)
        made = self._change(lambda unit: promotions.promote_version(unit, command))
        if made.status == "refused":
            raise refused(made)
        return made

    def rollback(
        self, model: str, stage: str = "production", *, to: str | int | None = None, reason: str | None = None
    ) -> Transition:
        """Give a stage back to its previous holder, the newest one whose content still verifies.

        No gate is asked: it passed them when it held the stage. A frozen stage goes back all the same, with a reason.

        Args:
            model: ``REGISTRY/MODEL``.
            stage: The stage.
            to: An earlier holder, such as ``v3``, in place of the previous one.
            reason: Why; needed while the stage is frozen.

        Raises:
            ConflictError: The stage moved meanwhile.
            IntegrityError: No earlier holder is intact, or the one that is named is not.
            InvalidValueError: ``to`` is no version or holds the stage now, or it is frozen and there is no reason.
            NotFoundError: There is no such model or stage, or nobody held it before.
        """
        with self._read() as unit:
            unit.origin = self._origin()
            plan = rollbacks.plan_rollback(unit, model, stage, to)
        if plan.done is not None:
            return plan.done
        for number in plan.candidates:
            if self.verify(f"{model}:v{number}").ok:
                command = rollbacks.RollBackStage(model, stage, number, plan.holder, reason)
                return self._change(partial(rollbacks.roll_back_stage, command=command))
        raise IntegrityError(
            f"No earlier holder of {stage!r} of {model} is intact in the store."
            if to is None
            else f"{model}:v{plan.candidates[0]} is not intact in the store.",
            hint="Run 'podium verify' and restore the content from a backup.",
            candidates=[f"v{number}" for number in plan.candidates],
        )

    def demote(self, model: str, stage: str, *, reason: str, expected: Expected = UNSET) -> Transition:
        """Take a stage away from its holder, so that nobody holds it; its history stays, and a rollback brings it back.

        Args:
            model: ``REGISTRY/MODEL``.
            stage: The stage.
            reason: Why.
            expected: Compare-and-set: the version that must hold the stage now.

        Raises:
            ConflictError: Another version than the expected one holds the stage.
            InvalidValueError: There is no reason.
            NotFoundError: There is no such model or stage, or nobody holds it.
        """
        command = rollbacks.DemoteStage(model, stage, reason, expected)
        return self._change(lambda unit: rollbacks.demote_stage(unit, command))

    def explain(self, model: str, stage: str | None = None, *, limit: int | None = None) -> list[Explanation]:
        """Return each attempt to move a stage, newest first, as the audit log tells it: refused ones as well.

        Each has who asked, when and why, which revision of which policy was asked, every gate with the facts it was
        decided on, what people said, and how it ended.

        Args:
            model: ``REGISTRY/MODEL``; a deleted one can be explained as well.
            stage: Of this stage only.
            limit: At most so many.

        Raises:
            InvalidNameError, InvalidValueError: The stage is no name, or the limit none.
            NotFoundError: There is no such model.
        """
        with self._read() as unit:
            return explaining.explain_stages(unit, model, stage, limit)
