"""The bridge from a paused flow run to Podium's approvals: a person answers in Prefect, and it is on record."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, Literal
from uuid import UUID

from prefect import task
from prefect.context import FlowRunContext, TaskRunContext
from prefect.flow_runs import (
    apause_flow_run,
    asuspend_flow_run,
    pause_flow_run,
    resume_flow_run,
    suspend_flow_run,
)
from prefect.input import RunInput
from pydantic import Field

from podium.domain.transitions import Transition
from podium.errors import ConflictError, InvalidValueError
from podium.prefect.connection import shared_registry
from podium.prefect.promotion import committed, ended, request_id
from podium.prefect.results import ModelResult, NotPromotedError
from podium.prefect.tasks import OPTIONS, Ref
from podium.registry import Registry
from podium.reports.promotions import promotion_markdown

__all__ = ["ApprovalInput", "ask_for_approval"]

_log = logging.getLogger("podium.prefect")
_ELSEWHERE = "(decided elsewhere)"
_GO_ON = {"decision": "approve", "person": _ELSEWHERE, "comment": ""}
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

    What is decided elsewhere while the question stands open ends the pause, too, and nobody is asked about a request
    that waits no more. A late approval changes nothing. A flow run that is retried asks again, unless the answer is on
    record.

    Args:
        request: What `promote_model` returned, or the id of a request.
        timeout: Seconds to wait for the answer.
        suspend: Free the process while waiting. Prefect runs the flow from the top once it is resumed, where every
            task of Podium finds what it did; the flow needs a deployment. Nobody looks at the registry meanwhile: after
            a decision elsewhere, resume the run with any answer.
        poll_interval: Seconds between two looks, at the flow run and at the registry, while it is paused.
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
    if done := committed(request):
        return done
    made = _look(wanted)
    if made.status != "pending":
        return ended(made)
    form = ApprovalInput.with_initial_data(description=description or promotion_markdown(made))
    if suspend:
        answer = _stop(suspend_flow_run, asuspend_flow_run, wait_for_input=form, timeout=timeout, key=key)
    else:
        more = {"poll_interval": poll_interval, "timeout": timeout, "key": key}
        with _resumed_by_others(wanted, poll_interval):
            answer = _stop(pause_flow_run, apause_flow_run, wait_for_input=form, **more)
    if answer.person == _ELSEWHERE and (made := _look(wanted)).status != "pending":
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


def _stop(plain: Any, asynchronous: Any, **how: Any) -> Any:
    """Pause or suspend in a flow, or in a thread of an async flow, where Prefect's plain functions lose the form.

    Raises:
        InvalidValueError: It was called in the loop of an async flow.
    """
    context = FlowRunContext.get()
    if context is None or context.flow is None or not context.flow.isasync:
        return plain(**how, _sync=True)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asynchronous(**how))
    raise InvalidValueError(
        "ask_for_approval would block the loop of this async flow.",
        hint="Use 'await asyncio.to_thread(ask_for_approval, ...)'.",
    )


@contextmanager
def _resumed_by_others(request: str, every: float) -> Iterator[None]:
    """Let the flow run go on as soon as its request is decided elsewhere, such as by ``podium approve``."""
    done = threading.Event()
    run = FlowRunContext.get()
    assert run is not None  # _pause_key has looked
    assert run.flow_run is not None

    def watch(flow_run: UUID) -> None:
        while not done.wait(every):
            try:
                if _look(request).status != "pending":
                    resume_flow_run(flow_run, _GO_ON, _sync=True)  # type: ignore[call-arg]  # the dispatcher's
                    return
            except Exception:  # noqa: BLE001 - a look that fails is made again; the flow run waits for a person anyway
                _log.warning("Whether request %s is decided cannot be told now.", request, exc_info=True)

    # In a copy of this context: Prefect keeps its settings, and with them the address of its server, in there.
    watcher = threading.Thread(target=copy_context().run, args=(watch, run.flow_run.id), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _pause_key(request: str) -> str:
    """Return a name for this pause, the same after the flow run was suspended, and another one in a retry.

    Prefect numbers pauses by itself. By that the answer to one request would be taken for an answer to another one, if
    a flow asks about another version when it runs again.

    Raises:
        InvalidValueError: No flow can be paused here.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or TaskRunContext.get() is not None:
        raise InvalidValueError(
            "ask_for_approval was called outside a flow.", hint="Call it in the flow itself, not in a task."
        )
    name, pauses = f"podium-{request}", context.observed_flow_pauses
    pauses[name] = pauses.get(name, 0) + 1
    return f"{name}-{context.flow_run.run_count}-{pauses[name]}"
