"""The verbs about stages: policies, promote, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from podium.domain.stages import Policy, Transition
from podium.errors import IntegrityError, PromotionRefusedError
from podium.registry.care import CareVerbs
from podium.usecases import policies, promotions
from podium.usecases.aliases import UNSET, Expected


class PromotionVerbs(CareVerbs):
    """What can be done with policies and stages."""

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
