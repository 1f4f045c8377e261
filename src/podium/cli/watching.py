"""``--watch``: the same question again and again, until somebody presses Ctrl-C or the reader goes away."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

import click

from podium.cli.given import duration
from podium.cli.output import say
from podium.errors import PodiumError, is_away

if TYPE_CHECKING:
    from podium.domain.events import Event
    from podium.registry import Registry

Answer = TypeVar("Answer")
# An event carries the time at which its change began. One that began so long before others may be seen after them.
_LATE = timedelta(minutes=2)
_TAIL = 10


def _pause(text: str) -> timedelta:
    every = duration(text)
    if not every:
        raise click.BadParameter("0s is no pause; write 1s or more.")
    return every


def watch_options(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--watch`` and ``--every``.

    Args:
        what: What --watch does, for the help page.
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        every = click.option(
            "--every", type=_pause, metavar="TIME", help="With --watch: how long between two looks; 5s if left out."
        )
        return click.option("--watch", is_flag=True, help=what)(every(function))

    return add


def pause_of(every: timedelta | None, *, watch: bool) -> float:
    """Return the seconds between two looks.

    Raises:
        UsageError: Only --every was given.
    """
    if every is not None and not watch:
        raise click.UsageError("--every goes with --watch.", click.get_current_context())
    return every.total_seconds() if every is not None else 5.0


def watch(ask: Callable[[], Answer], show: Callable[[Answer], None], every: float, output: TextIO) -> NoReturn:
    """Show an answer, and show it again each time it is another one.

    Args:
        ask: Asks.
        show: Shows.
        every: Seconds between two looks.
        output: Where the answers go.

    Raises:
        BrokenPipeError: Nobody reads them any more.
        PodiumError: The first look failed, or a later one for another reason than that the database was away.
    """
    answer = ask()
    show(answer)
    while True:
        _pass(every, output)
        found = _retried(ask, every, output)
        if found != answer:
            answer = found
            show(answer)


def _pass(seconds: float, output: TextIO) -> None:
    """Let time pass, as long as somebody reads the output: what changes seldom must not outlive its reader.

    Raises:
        BrokenPipeError: Nobody does.
    """
    output.flush()
    try:
        place = output.fileno()
    except (OSError, ValueError):  # a stream in memory
        time.sleep(seconds)
        return
    poll = select.poll()
    poll.register(place, 0)  # errors and a reader that hung up are told without being asked for
    if poll.poll(seconds * 1000):
        raise BrokenPipeError


def _retried(ask: Callable[[], Answer], every: float, output: TextIO) -> Answer:
    """Ask until the database answers; that it is away is said once."""
    away = False
    while True:
        try:
            answer = ask()
        except PodiumError as error:
            if not is_away(error):
                raise
            if not away:
                say(f"podium: {error} Trying again every {every:g} s.", to_stderr=True)
            away = True
            _pass(every, output)
            continue
        if away:
            say("podium: The database answers again.", to_stderr=True)
        return answer


def follow_events(
    registry: Registry, where: str, since: datetime | None, limit: int | None, every: float, output: TextIO
) -> Iterator[Event]:
    """Yield the last events that match, then each new one, without end.

    What was recorded late, with a time before events that were seen, comes too; nothing comes twice.

    Args:
        registry: The registry.
        where: An expression about events.
        since: Start with all from this time on.
        limit: Start with so many, 10 if None.
        every: Seconds between two looks.
        output: Where the answers go.

    Raises:
        BrokenPipeError: Nobody reads them any more.
        PodiumError: The first look failed, or a later one for another reason than that the database was away.
    """
    horizon = _horizon(registry)
    seen = {event.id for event in registry.audit_events(where, since=horizon)}
    if since is not None:
        begin: Iterable[Event] = registry.audit_events(where, since=since, newest_first=False)
    else:
        begin = reversed(registry.audit(where, limit=limit or _TAIL).items)
    for event in begin:
        seen.add(event.id)
        yield event

    def look() -> tuple[datetime | None, list[Event]]:
        following = _horizon(registry)
        return following, list(registry.audit_events(where, since=horizon, newest_first=False))

    while True:
        _pass(every, output)
        following, found = _retried(look, every, output)
        new = [event for event in found if event.id not in seen]
        seen = {event.id for event in found}
        # Never back, as what is older than the horizon is not among the seen.
        horizon = max(horizon, following) if horizon is not None and following is not None else following
        yield from new


def _horizon(registry: Registry) -> datetime | None:
    """Return from when on to look: neither the clock of this machine nor that of a writer may hide an event."""
    newest = registry.audit(limit=1).items
    return min(newest[0].at, datetime.now(UTC)) - _LATE if newest else None
