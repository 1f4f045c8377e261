"""Waiting for people: a promotion is looked at again and again until it was decided, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from podium.cli.output import say
from podium.errors import DatabaseUnavailableError, PromotionRefusedError

if TYPE_CHECKING:
    from podium.domain.transitions import Transition
    from podium.registry import Registry

_FIRST, _LONGEST, _GROWTH = 1.0, 15.0, 1.5  # seconds between two looks
_OUTAGES = 20  # looks in a row that may find no database: some minutes


def wait_for_people(registry: Registry, made: Transition, timeout: float | None) -> Transition:
    """Return a request when it was decided, or as it stands when time is up; Ctrl-C leaves it standing.

    Args:
        registry: The registry.
        made: The request.
        timeout: For so many seconds at most, None for as long as it takes.

    Raises:
        click.Abort: Somebody pressed Ctrl-C.
        DatabaseUnavailableError: The database was away for long.
        NotFoundError: The request is gone.
    """
    say(f"Waiting for approvals of {made.ref}; Ctrl-C leaves the request standing", to_stderr=True)
    ends = time.monotonic() + timeout if timeout is not None else None
    try:
        ended = _look(made, lambda: registry.transition(made.id), ends)
    except KeyboardInterrupt:
        say(f"Not waiting any more. The request {made.id} stands; 'podium withdraw' takes it back.", to_stderr=True)
        raise click.Abort from None
    # What somebody else's call carried out is what this one asked for.
    return replace(ended, changed=ended.status == "committed")


def _look(made: Transition, ask: Callable[[], Transition], ends: float | None) -> Transition:
    pause, outages = _FIRST, 0
    while made.status == "pending":
        left = ends - time.monotonic() if ends is not None else pause
        if left <= 0:
            return made
        time.sleep(min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST)
        try:
            found, outages = ask(), 0
        except DatabaseUnavailableError:
            outages += 1
            if outages >= _OUTAGES:
                raise
            continue
        for word in found.approvals[len(made.approvals) :]:
            say(f"{word.person} {word.decision}{': ' + word.comment if word.comment else ''}", to_stderr=True)
        made = found
    return made


def require_committed(made: Transition) -> None:
    """Raise what a decided request that moved nothing means for whoever waited for it.

    Raises:
        PromotionRefusedError: It was rejected, cancelled, or refused by a gate.
    """
    if made.status in ("committed", "pending"):
        return
    reasons = [*([made.outcome] if made.outcome else []), *(made.reasons if made.status == "refused" else ())]
    raise PromotionRefusedError(
        f"{made.ref} was {made.status} for {made.stage!r}: {' '.join(reasons)}",
        hint="Ask again with 'podium promote' when that is mended.",
        ref=made.ref,
        stage=made.stage,
        reasons=reasons,
        transition=made.id,
        status=made.status,
    )
