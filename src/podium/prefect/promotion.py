"""The tasks that move stages: promote, roll back, demote, and wait until people decided about a promotion."""

from __future__ import annotations

import time

from prefect import task

from podium.domain.transitions import Transition
from podium.errors import InvalidValueError
from podium.prefect.connection import shared_registry
from podium.prefect.results import ModelResult, NotPromotedError
from podium.prefect.tasks import OPTIONS, Ref
from podium.usecases.aliases import UNSET, Expected

__all__ = ["demote_model", "promote_model", "rollback_model", "wait_for_promotion"]


@task(name="Promote model", task_run_name="promote {ref} to {to}", **OPTIONS)
def promote_model(
    ref: Ref, to: str, reason: str | None = None, expected: Expected = UNSET, *, force: bool = False
) -> ModelResult:
    """Give a stage to a version, if every gate lets it through.

    Where only approvals are missing, ``status`` is ``pending`` and nothing has moved: go on with `ask_for_approval` or
    `wait_for_promotion`. A retry finds the same request, and never asks people again who said no.

    Args:
        ref: The model version, or what `link_model` or `test_model` returned.
        to: The stage.
        reason: Why; needed with ``force``.
        expected: Compare-and-set: the version that must hold the stage now.
        force: Overrule gates that fail and do not wait for approvals.

    Returns:
        The transition; ``changed`` is False if the version held the stage already.

    Raises:
        NotPromotedError: An earlier attempt of this call asked for it, and people rejected or withdrew it meanwhile.
        PromotionRefusedError: A gate failed; ``reasons`` says which. The task is not retried.
        PodiumError: As `Registry.promote`.
    """
    with shared_registry() as registry:
        made = registry.promote(str(ref), to, reason=reason, expected=expected, force=force)
    return ended(made)


@task(name="Roll back model", task_run_name="roll back {stage} of {model}", **OPTIONS)
def rollback_model(
    model: str, stage: str = "production", *, to: str | int | None = None, reason: str | None = None
) -> ModelResult:
    """Give a stage back to its previous holder, the newest one whose content still verifies. No gate is asked.

    Args:
        model: ``REGISTRY/MODEL``.
        stage: The stage.
        to: An earlier holder, such as ``v3``, in place of the previous one.
        reason: Why; needed while the stage is frozen.

    Returns:
        The transition; ``version`` holds the stage now, ``before`` is the number of the one that lost it.

    Raises:
        PodiumError: As `Registry.rollback`.
    """
    with shared_registry() as registry:
        return ModelResult.of(registry.rollback(model, stage, to=to, reason=reason))


@task(name="Demote model", task_run_name="demote {stage} of {model}", **OPTIONS)
def demote_model(model: str, stage: str, reason: str, expected: Expected = UNSET) -> ModelResult:
    """Take a stage away from its holder, so that nobody holds it; a rollback brings it back.

    Args:
        model: ``REGISTRY/MODEL``.
        stage: The stage.
        reason: Why.
        expected: Compare-and-set: the version that must hold the stage now.

    Returns:
        The transition; ``version`` is the one that held the stage.

    Raises:
        PodiumError: As `Registry.demote`.
    """
    with shared_registry() as registry:
        return ModelResult.of(registry.demote(model, stage, reason=reason, expected=expected))


@task(name="Wait for promotion", task_run_name="wait for {request}", **OPTIONS)
def wait_for_promotion(request: Ref, *, timeout: float = 3600.0, poll_interval: float = 10.0) -> ModelResult:
    """Wait until a request for a promotion is committed, wherever people approve it: the flow run goes on running.

    To free the process in between, use `ask_for_approval` with ``suspend=True``, or end the flow and start the next one
    from the promotion.

    Args:
        request: What `promote_model` or `ask_for_approval` returned, or the id of a request.
        timeout: Seconds.
        poll_interval: Seconds between two looks at the registry.

    Returns:
        The transition, committed.

    Raises:
        NotPromotedError: It was rejected, refused, withdrawn, or expired.
        TimeoutError: It still waits; the request stays.
        PodiumError: As `Registry.transition`.
    """
    until, wanted = time.monotonic() + timeout, request_id(request)
    if done := committed(request):
        return done
    while True:
        with shared_registry() as registry:
            made = registry.transition(wanted)
        if made.status != "pending":
            return ended(made)
        if time.monotonic() >= until:
            raise TimeoutError(f"{made.ref} still waits for {made.stage!r}: {' '.join(made.waiting_for)}")
        time.sleep(min(poll_interval, max(0.0, until - time.monotonic())))


def request_id(request: Ref) -> str:
    """Return the id of a request.

    Raises:
        InvalidValueError: It is no result of a promotion.
    """
    if isinstance(request, str):
        return request
    found = request.to_json().get("id")
    if found is None:
        raise InvalidValueError(
            f"{request!r} is no promotion.", hint="Pass what promote_model returned, or the id of a request."
        )
    return str(found)


def committed(request: Ref) -> ModelResult | None:
    """Return a result that says that the stage moved, or was held already: of the latter there is no request to ask."""
    if isinstance(request, ModelResult) and request.to_json().get("status") == "committed":
        return request
    return None


def ended(made: Transition) -> ModelResult:
    """Return a request that waits or was committed.

    Raises:
        NotPromotedError: It ended otherwise.
    """
    if made.status in ("pending", "committed"):
        return ModelResult.of(made)
    raise NotPromotedError(
        f"{made.ref} does not get {made.stage!r}, the request is {made.status}: {made.outcome or '-'}",
        hint="Mend what is wrong and promote again in a new flow run.",
        ref=made.ref,
        stage=made.stage,
        status=made.status,
        request=made.id,
    )
