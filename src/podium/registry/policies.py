"""The verbs about policies: set, show, look back, explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podium.domain.policies import Policy
from podium.domain.policy_targets import PolicyExplanation, PolicyRevision
from podium.registry.base import Joint
from podium.usecases import policies, policy_changes


class PolicyVerbs(Joint):
    """What can be done with policies."""

    def set_policy(
        self,
        target: str,
        policy: Policy | Mapping[str, Any],
        *,
        reason: str | None = None,
        adopt: bool = False,
        release: bool = False,
    ) -> Policy:
        """Say which stages models have and what each requires; the same policy again changes nothing.

        Args:
            target: ``REGISTRY/MODEL``, a pattern such as ``REGISTRY/churn-*`` (``*`` is any text, ``?`` one character),
                or ``REGISTRY`` for the default of all its models. The most specific one is in force: the model's own,
                then the pattern with the most plain characters, then the default, then Podium's own.
            policy: A `Policy`, or the same as plain JSON; ``Policy.from_yaml`` reads a file's text.
            reason: Why.
            adopt: Let aliases that have the name of a stage become that stage, although no gate was asked; this is on
                record. Without it such a policy is refused.
            release: Let stages that somebody holds and the policy does not name become plain aliases, which anybody may
                set; this is on record. Without it such a policy is refused.

        Raises:
            InvalidNameError, InvalidValueError: The policy makes no sense, another pattern says as much about a name,
                or an alias would become a stage, or a stage an alias: ``adopts`` and ``releases`` say which.
            NotFoundError: There is no such model or registry.
            PermissionDeniedError: The registry has admins, and the actor is none of them.
        """
        made = policy if isinstance(policy, Policy) else Policy.from_json(policy)
        command = policy_changes.SetPolicy(target, made, reason, adopt, release)
        return self._change(lambda unit: policy_changes.set_policy(unit, command))

    def remove_policy(
        self, target: str, *, reason: str | None = None, adopt: bool = False, release: bool = False
    ) -> None:
        """Take the policy of a target away, so that the next one that fits is in force; its history stays.

        Args:
            target: As for `set_policy`.
            reason: Why.
            adopt: As for `set_policy`: the next policy may have other stages.
            release: Likewise.

        Raises:
            InvalidNameError, InvalidValueError, PermissionDeniedError: As `set_policy`.
            NotFoundError: There is no such model or registry, or it has no policy of its own.
        """
        command = policy_changes.RemovePolicy(target, reason, adopt, release)
        self._change(lambda unit: policy_changes.remove_policy(unit, command))

    def policy(self, target: str) -> Policy:
        """Return the policy in force for a model, the default of a registry, or that of a pattern.

        Raises:
            InvalidNameError: The target is none.
            NotFoundError: There is no such model or registry, or the pattern has no policy.
        """
        with self._read() as unit:
            return policies.show_policy(unit, target)

    def explain_policy(self, model: str) -> PolicyExplanation:
        """Return which policy is in force for a model, and why: all that might be, in the order in which they count.

        Raises:
            NotFoundError: There is no such model.
        """
        with self._read() as unit:
            return policies.explain_policy(unit, model)

    def policy_history(self, target: str) -> list[PolicyRevision]:
        """Return every revision of the policy of exactly this target, oldest first.

        Raises:
            InvalidNameError: The target is none.
            NotFoundError: There is no such model or registry.
        """
        with self._read() as unit:
            return policies.policy_history(unit, target)

    def diff_policies(self, target: str, old: int | None = None, new: int | None = None) -> str:
        """Return what changed between two revisions of a policy, as a unified diff of their YAML; empty if nothing.

        Args:
            target: ``REGISTRY/MODEL``, a pattern, or ``REGISTRY``.
            old: The older revision; the one before the newer if left out.
            new: The newer revision; the newest if left out.

        Raises:
            InvalidNameError, InvalidValueError: The target is none, or there is no such revision.
            NotFoundError: There is no such model or registry, or it never had a policy of its own.
        """
        with self._read() as unit:
            return policies.diff_policies(unit, target, old, new)
