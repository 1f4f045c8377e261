"""The verbs about requests that wait for people: list, approve, reject, withdraw."""

from __future__ import annotations

from podium.domain.transitions import Transition
from podium.errors import ConflictError, NotFoundError, PromotionRefusedError
from podium.registry.base import Joint
from podium.usecases import approvals, requests
from podium.usecases.transitions import find_transition


class ApprovalVerbs(Joint):
    """What can be done with promotions that wait for approvals."""

    def approve(
        self,
        request: str,
        *,
        stage: str | None = None,
        comment: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Transition:
        """Approve a promotion that waits. The last approval evaluates every gate again and moves the stage.

        An approval is for one digest and one holder of the stage: if the stage moved since it was asked, the request is
        cancelled and nothing is moved. Approving twice counts once and changes nothing.

        Args:
            request: The id of the request, or the version it is about.
            stage: The stage, if a version is named.
            comment: What else there is to say.
            on_behalf_of: The person who decided, where this process only tells it; the actor if left out.

        Returns:
            The request: ``pending`` while others are missing, ``committed`` once the stage moved.

        Raises:
            ConflictError: The request was decided already, expired, or the stage moved; ``status`` says which.
            InvalidValueError: The person has no proper name.
            NotFoundError: There is no such request.
            PermissionDeniedError: The person asked for it or logged the version, or lacks the role.
            PluginError: The last approval comes from where a gate plugin is missing that the policy asks for; the
                request waits still.
            PromotionRefusedError: The last approval is there, and a gate failed.
        """
        return self._decide("approve", request, stage, comment, on_behalf_of)

    def reject(
        self,
        request: str,
        comment: str,
        *,
        stage: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Transition:
        """Reject a promotion that waits: it ends at once, whoever approved it.

        Args:
            request: The id of the request, or the version it is about.
            comment: What is wrong.
            stage: The stage, if a version is named.
            on_behalf_of: The person who decided, where this process only tells it; the actor if left out.

        Raises:
            ConflictError, NotFoundError: As `approve`.
            InvalidValueError: There is no comment.
            PermissionDeniedError: The person lacks the role.
        """
        return self._decide("reject", request, stage, comment, on_behalf_of)

    def withdraw(
        self,
        request: str,
        *,
        stage: str | None = None,
        comment: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Transition:
        """Take back what one said: whoever asked ends the request, anybody else takes their approval back.

        Args:
            request: The id of the request, or the version it is about.
            stage: The stage, if a version is named.
            comment: Why.
            on_behalf_of: The person who decided, where this process only tells it; the actor if left out.

        Raises:
            ConflictError, NotFoundError: As `approve`.
            InvalidValueError: The person neither asked nor approved.
        """
        return self._decide("withdraw", request, stage, comment, on_behalf_of)

    def list_requests(
        self, model: str | None = None, *, status: str | None = "pending", stage: str | None = None
    ) -> list[Transition]:
        """Return attempts to move stages, oldest first; those that wait if nothing else is said.

        What waited too long is cancelled first, so that it does not look as if it still waited.

        Args:
            model: Of this model only.
            status: ``pending, committed, refused, rejected, cancelled``; None for all.
            stage: Of this stage only.

        Raises:
            InvalidValueError: There is no such status.
            NotFoundError: There is no such model.
        """
        with self._read() as unit:
            found = requests.list_requests(unit, model, status, stage)
            late = requests.expired(unit, found)
        if not late:
            return found
        self._close_expired(late)
        with self._read() as unit:
            return requests.list_requests(unit, model, status, stage)

    def transition(self, request: str) -> Transition:
        """Return one attempt to move a stage by its id, as it stands now.

        Raises:
            NotFoundError: There is none.
        """
        with self._read() as unit:
            found = find_transition(unit, request)
            late = requests.expired(unit, [found])
        if not late:
            return found
        self._close_expired(late)
        with self._read() as unit:
            return find_transition(unit, request)

    def _close_expired(self, models: list[str]) -> None:
        for model in models:
            try:
                self._change(lambda unit, model=model: requests.close_expired(unit, model))  # type: ignore[misc]  # the loop's
            except NotFoundError:
                continue  # it was deleted or renamed meanwhile

    def _decide(
        self, verb: approvals.Verb, request: str, stage: str | None, comment: str | None, on_behalf_of: str | None
    ) -> Transition:
        command = approvals.DecideRequest(verb, request, stage, comment, on_behalf_of)
        if verb == "approve":
            self.host.wait_for_gates()  # not in the transaction: others would wait with it
        made = self._change(lambda unit: approvals.decide_request(unit, command))
        if verb == "approve" and made.status == "refused":
            raise refused(made)
        if made.changed and made.status == "cancelled" and not (verb == "withdraw" and _withdrawn(made)):
            raise ConflictError(
                f"The request for {made.ref} as {made.stage!r} was cancelled: {made.outcome}",
                hint="Ask again with a new promotion, if it is still wanted.",
                holder=None,
                request=made.id,
                status=made.status,
            )
        return made


def _withdrawn(made: Transition) -> bool:
    return (made.outcome or "").startswith("Withdrawn by ")


def refused(made: Transition) -> PromotionRefusedError:
    """Return the error for a promotion that gates refused."""
    return PromotionRefusedError(
        f"{made.ref} was refused for {made.stage!r}: {' '.join(made.reasons)}",
        hint="Mend what the reasons name and promote again.",
        ref=made.ref,
        stage=made.stage,
        reasons=list(made.reasons),
        transition=made.id,
    )
