"""The bridge from a paused flow run to Podium's approvals: a person answers in Prefect, and it is on record."""

from __future__ import annotations

from typing import Any, Literal

from prefect import task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from podium.domain.transitions import Transition
from podium.errors import ConflictError, InvalidValueError
from podium.prefect.connection import shared_registry
from podium.prefect.promotion import ended, request_id
from podium.prefect.results import ModelResult, NotPromotedError
from podium.prefect.tasks import OPTIONS, Ref
from podium.registry import Registry
from podium.reports.promotions import promotion_markdown

__all__ = ["ApprovalInput", "ask_for_approval"]

_NO_COMMENT = "Rejected in Prefect, without a comment."


class ApprovalInput(RunInput):
    """What a person fills in to let a flow run go on.

    Attributes:
        decision: ``approve`` or ``reject``.
        person: Who decides. Prefect's own server does not know who resumes a run, so the person says it.
        comment: What else there is to say; to reject, what is wrong.
    """

    decision: Literal["approve", "reject"]
    person: str = Field(min_length=1, max_length=200, description="Who you are, as the registry knows you.")
    comment: str = Field(default="", description="To reject, say what is wrong.")


def ask_for_approval(
    request: Ref, *, timeout: int = 3600, suspend: bool = False, poll_interval: int = 10, description: str | None = None
) -> ModelResult:
    """Pause the flow run until a person decided about a promotion, and record the answer in that person's name.

    To be called in a flow, not in a task. The policy of the registry says whether the person may; where not, the flow
    run fails with the reason, and the request stays for the next one. It asks one person: where a policy wants two, ask
    twice, or let others approve with ``podium approve`` and go on with `wait_for_promotion`.

    What was decided elsewhere by then counts: nobody is asked about a request that waits no more, and a late approval
    changes nothing. A flow run that is retried after the answer is not paused again: the answer is the one it got.

    Args:
        request: What `promote_model` returned, or the id of a request.
        timeout: Seconds to wait for the answer.
        suspend: Free the process while waiting. Prefect runs the flow from the top once it is resumed, where every
            task of Podium finds what it did; the flow needs a deployment.
        poll_interval: Seconds between two looks whether the flow run goes on, where it is paused.
        description: Markdown for the form; the verdict of each gate if left out.

    Returns:
        The transition: ``committed``, or ``pending`` where others are missing.

    Raises:
        FlowPauseTimeout: Nobody answered in time; the request stays.
        InvalidValueError: It was called in a task or outside a flow.
        NotPromotedError: The request was rejected, refused, withdrawn, or expired, here or elsewhere.
        PermissionDeniedError: The person who answered may not decide about it.
        PromotionRefusedError: The last approval is there, and a gate failed.
    """
    wanted = request_id(request)
    key = _pause_key(wanted)
    made = _look(wanted)
    if made.status != "pending":
        return ended(made)
    form = ApprovalInput.with_initial_data(description=description or promotion_markdown(made))
    more: dict[str, Any] = {} if suspend else {"poll_interval": poll_interval}
    pause: Any = suspend_flow_run if suspend else pause_flow_run
    try:
        # With _sync: in an async flow Prefect would return a coroutine, and this is one function for both.
        answer = pause(wait_for_input=form, timeout=timeout, key=key, _sync=True, **more)
    except FlowPauseTimeout:
        made = _look(wanted)
        if made.status == "pending":
            raise
        return ended(made)
    # As a task, so that a database that is away is tried again and nobody is asked twice.
    return _record_decision(wanted, answer.decision, answer.person, answer.comment)


@task(name="Record decision", task_run_name="{decision} by {person}", **OPTIONS)
def _record_decision(request: str, decision: str, person: str, comment: str) -> ModelResult:
    """Record in the registry what a person said about a request."""
    with shared_registry() as registry:
        try:
            return ended(_decide(registry, request, decision, person, comment.strip()))
        except ConflictError as late:
            made = registry.transition(request)
            if made.status == "pending":
                raise  # it is about something else, and may pass
            if made.status == "committed" and decision == "reject":
                raise NotPromotedError(
                    f"{person} rejected {made.ref}, but it holds {made.stage!r} already: {made.outcome}",
                    hint="A rollback takes it back.",
                    ref=made.ref,
                    stage=made.stage,
                    status=made.status,
                    request=made.id,
                ) from late
            return ended(made)


def _decide(registry: Registry, request: str, decision: str, person: str, comment: str) -> Transition:
    if decision == "approve":
        return registry.approve(request, comment=comment or None, on_behalf_of=person)
    return registry.reject(request, comment or _NO_COMMENT, on_behalf_of=person)


def _look(request: str) -> Transition:
    with shared_registry() as registry:
        return registry.transition(request)


def _pause_key(request: str) -> str:
    """Return a name for this pause that the next attempt of the flow run gives to the same one, and only to that.

    Prefect numbers pauses by itself. By that the answer to one request would be taken for an answer to another one, if
    a flow asks about another version after a retry.

    Raises:
        InvalidValueError: No flow can be paused here.
    """
    context = FlowRunContext.get()
    if context is None or TaskRunContext.get() is not None:
        raise InvalidValueError(
            "ask_for_approval was called outside a flow.", hint="Call it in the flow itself, not in a task."
        )
    name, pauses = f"podium-{request}", context.observed_flow_pauses
    pauses[name] = pauses.get(name, 0) + 1
    return f"{name}-{pauses[name]}"
