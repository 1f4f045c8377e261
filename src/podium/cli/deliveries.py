"""The commands ``podium deliver`` and ``podium deliveries``: send what is due, look at it, send it again."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from podium.cli.audit import moment
from podium.cli.completion import (
    complete_carrier,
    complete_delivery,
    complete_event,
    complete_place,
    complete_target_name,
)
from podium.cli.given import duration
from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import Column, count, joined, print_pairs, print_table, say, styled, time_text
from podium.errors import PodiumError, is_away

if TYPE_CHECKING:
    from rich.text import Text

    from podium.delivery.worker import DeliveryReport
    from podium.domain.delivery import Attempt, Delivery, DeliveryDetails
    from podium.registry import Registry

_STATUSES = ("pending", "sending", "sent", "dead")
_STYLES = {"sent": "green", "dead": "bold red", "pending": "yellow", "sending": "cyan"}
_LATE = "10m"
_INTERVAL = 2.0
_MOST_NAMED = 3


@click.command(
    "deliver",
    cls=Verb,
    examples=[
        ("podium deliver", "what is due now, from cron or a task"),
        ("podium deliver --watch", "as a service; several may run"),
    ],
)
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Start nothing after so long."
)
@click.option("--watch", is_flag=True, help="Go on, and deliver what gets due, until Ctrl-C or SIGTERM.")
@click.option("--interval", type=duration, metavar="TIME", help="With --watch: how long between two looks; 2s.")
@pass_state
def deliver_command(state: State, seconds: float | None, watch: bool, interval: timedelta | None) -> None:
    """Deliver what is due, once or as a service.

    Messages go out right after the change that caused them; this takes what was left over or failed, and runs
    automations. Many workers may run at a time. SIGTERM and Ctrl-C let the attempt in hand come to its end; the exit
    code is 0 then.
    """
    if interval is not None and not watch:
        raise click.UsageError("--interval goes with --watch.", click.get_current_context())
    if interval is not None and not interval:
        raise click.BadParameter("0s is no pause; write 1s or more.", param_hint="--interval")
    with _stopped() as stop, state.registry() as registry:  # signals first: to open a registry loads a good deal
        if watch:
            pause = interval.total_seconds() if interval is not None else _INTERVAL
            _watch(state, registry, stop, pause, seconds)
            return
        report = registry.deliver(seconds, stop.is_set)
    if state.json:
        state.print_json(report)
    else:
        say(_words(report) or "Nothing is due")


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, in place of what they do otherwise."""
    stop = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(state: State, registry: Registry, stop: threading.Event, pause: float, seconds: float | None) -> None:
    """Deliver round after round; a database that goes away for a while is waited for, and that is said once.

    Raises:
        PodiumError: The database cannot be reached at the start, or later for a reason that does not pass by itself.
    """
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    away = False
    left_over: tuple[dict[str, int], dict[str, int]] = ({}, {})
    _require_database(registry, stop)
    while not stop.is_set() and (left := end - time.monotonic()) > 0:
        try:
            report = registry.deliver(left if seconds is not None else None, stop.is_set)
        except PodiumError as error:
            if not is_away(error):
                raise
            if not away and not stop.is_set():
                say(f"podium: {error} Trying again every {pause:g} s.", to_stderr=True)
            away = True
        else:
            if away:
                say("podium: The database answers again.", to_stderr=True)
            away = False
            still = (dict(report.absent), dict(report.waiting))
            if report.sent or report.failed or report.dead or still != left_over:
                _tell(state, report)
            left_over = still
        stop.wait(min(pause, max(0.0, end - time.monotonic())))


def _require_database(registry: Registry, stop: threading.Event) -> None:
    """Look once whether the database is there: who starts a worker with a wrong URL shall hear of it.

    Raises:
        PodiumError: It is not, and nobody said stop meanwhile.
    """
    if stop.is_set():
        return
    try:
        registry.deliveries(limit=1)
    except PodiumError:
        if not stop.is_set():
            raise


def _tell(state: State, report: DeliveryReport) -> None:
    if state.json:
        state.print_line(report)
    elif words := _words(report):
        say(words)
    state.output.flush()


def _words(report: DeliveryReport) -> str:
    parts = [f"{report.sent} sent"] if report.sent or report.failed or report.dead or report.left else []
    parts += [f"{report.failed} failed and will be tried again"] if report.failed else []
    parts += [f"{report.dead} given up (podium deliveries ls --status dead)"] if report.dead else []
    parts += [f"{report.left} left for the next time"] if report.left else []
    parts += [f"{number} left for a process that has {name!r}" for name, number in report.absent.items()]
    return ", ".join(parts + _waiting(report))


def _waiting(report: DeliveryReport) -> list[str]:
    """Say what is due and held up; for the few that hold up most, by which delivery."""
    waiting = list(report.waiting.items())
    parts = [f"{number} waiting for {delivery} (podium deliveries show)" for delivery, number in waiting[:_MOST_NAMED]]
    rest = sum(number for _, number in waiting[_MOST_NAMED:])
    return parts + ([f"{rest} waiting for others (podium deliveries ls --late)"] if rest else [])


@click.group("deliveries", cls=Topic)
def deliveries_command() -> None:
    """Look at deliveries and try them again."""


def _known_event(context: click.Context, parameter: click.Parameter, pattern: str | None) -> str | None:
    """Refuse a pattern that no type of event fits.

    Raises:
        InvalidValueError: There is none.
    """
    from podium.domain.notification_rules import check_event

    if pattern is not None and not context.resilient_parsing:
        check_event(pattern)
    return pattern


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which deliveries are meant."""
    for option in (
        click.option("--since", type=moment, metavar="TIME", help="About events from this time on; UTC."),
        click.option("--model", metavar="PLACE", shell_complete=complete_place, help="About this; * and ? allowed."),
        click.option(
            "--event",
            "event_type",
            metavar="PATTERN",
            callback=_known_event,
            shell_complete=complete_event,
            help="About events of this type; * allowed.",
        ),
        click.option("--channel", metavar="NAME", shell_complete=complete_carrier, help="To this channel or action."),
        click.option(
            "--subscription",
            metavar="NAME",
            shell_complete=complete_target_name,
            help="Of this subscription or automation.",
        ),
    ):
        function = option(function)
    return function


@deliveries_command.command(
    "ls",
    examples=[
        ("podium deliveries ls --status dead", "what was given up, and why"),
        ("podium deliveries ls --late 1h", "what should have gone out an hour ago"),
    ],
)
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@_filters
@click.option(
    "--late",
    type=duration,
    is_flag=False,
    flag_value=_LATE,
    metavar="[TIME]",
    help=f"Due for longer than this ({_LATE} if left out), or left behind by a worker that died.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="At most so many."
)
@click.option("--after", metavar="ID", shell_complete=complete_delivery, help="Go on behind this one.")
@pass_state
def list_deliveries(state: State, /, status: str | None, limit: int, after: str | None, **asked: Any) -> None:
    """List deliveries, newest first."""
    with state.registry() as registry:
        found = registry.deliveries(status, limit, after=after, **asked)
        unknown = "" if found else _unknown_name(registry, asked["subscription"])
    if state.json:
        state.print_json(found)
        return
    if not found:
        wanted = " that is late" if asked["late"] else f" that is {status}" if status else ""
        say(f"There is no delivery{wanted}" + (" that fits" if any(asked.values()) and not wanted else "") + unknown)
        return
    print_table([Column("Status"), Column("To"), Column("What", fold=True)], [_row(item) for item in found])
    if len(found) == limit:
        say(f"There may be more: --after {found[-1].id}")


def _unknown_name(registry: Registry, name: str | None) -> str:
    """Say that a name is none of a subscription or automation, for whoever misspelled it."""
    from podium.domain.expressions import near_names

    known = registry.notifications().names if name is not None else ()
    if name is None or name in known:
        return ""
    near = near_names(name, known)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f": no subscription or automation is called {name!r}.{meant}"


def _row(item: Delivery) -> list[str | Text]:
    when = styled(f"\n{time_text(item.created_at)}", "dim", lines=True)  # below: every row has a second line anyway
    status = joined(styled(item.status, _STYLES.get(item.status, "")), when)
    if item.status == "pending" and item.attempts and item.waits_for is None:
        status = joined(status, styled(f"\nnext {time_text(item.next_at)}", lines=True))
    what = styled(f"{item.event_type} of {item.subject}")
    if item.error:
        failed = styled(f"{count(item.attempts, 'attempt')}: {item.error}", "red")
        what = joined(what, styled("\n", lines=True), failed)
    if item.waits_for is not None:
        what = joined(what, styled(f"\nwaits for {item.waits_for.id}", "yellow", lines=True))
    return [status, f"{item.subscription} ({item.channel})", joined(what, styled(f"\n{item.id}", "dim", lines=True))]


@deliveries_command.command("show")
@click.argument("delivery", metavar="ID", shell_complete=complete_delivery)
@pass_state
def show_delivery(state: State, delivery: str) -> None:
    """Show a delivery with the log of its attempts; the beginning of its id is enough."""
    with state.registry() as registry:
        found = registry.delivery(delivery)
    if state.json:
        state.print_json(found)
        return
    print_pairs(_pairs(found))
    if found.attempts:
        columns = [
            Column("Attempt", right=True),
            Column("Started"),
            Column("Took"),
            Column("What came of it", fold=True),
        ]
        print_table(columns, [_attempt(item) for item in found.attempts])
    else:
        say("No attempt was made yet")


def _pairs(found: DeliveryDetails) -> list[tuple[str, str | Text]]:
    item = found.delivery
    pairs: list[tuple[str, str | Text]] = [
        ("Id", item.id),
        ("Status", styled(item.status, _STYLES.get(item.status, ""))),
        ("To", f"{item.subscription} ({item.kind} by {item.channel})"),
        ("What", f"{item.event_type} of {item.subject}"),
        ("Event", item.event),
        ("By", f"{found.actor}, {time_text(item.created_at, full=True)}"),
    ]
    pairs += [(f"  {key}", str(value)) for key, value in sorted(found.settings.items())]
    pairs += [("Template", found.template.title)] if found.template is not None else []
    pairs += [("Digest of", time_text(found.digest, full=True))] if found.digest is not None else []
    if item.waits_for is not None:
        pairs.append(("Waits for", f"{item.waits_for.id} ({item.waits_for.why})"))
    elif item.status == "pending":
        pairs.append(("Next try", time_text(item.next_at, full=True)))
    pairs += [("Held until", time_text(found.leased_until, full=True))] if item.status == "sending" else []
    if item.status == "dead" and item.error and item.error not in [attempt.error for attempt in found.attempts]:
        pairs.append(("Error", item.error))  # of no attempt: somebody gave it up
    pairs += [("Receipt", item.receipt)] if item.receipt else []
    return pairs


def _attempt(item: Attempt) -> list[str | Text]:
    if item.finished_at is None:
        return [str(item.number), time_text(item.started_at, full=True), "-", "no end: it runs, or its worker died"]
    took = f"{(item.finished_at - item.started_at).total_seconds():.2f} s"
    told = (
        styled(item.error, "yellow" if item.receipt is not None else "red") if item.error else styled("sent", "green")
    )
    if item.receipt:
        told = joined(told, styled(f"\nreceipt: {item.receipt}", lines=True))
    return [str(item.number), time_text(item.started_at, full=True), took, told]


@deliveries_command.command(
    "retry",
    examples=[
        ("podium deliveries retry", "everything that was given up"),
        ("podium deliveries retry --subscription team --since 2026-11-01", "what a subscription was not told"),
        ("podium deliveries retry 0193f2c1-7b0e --sent", "one that was sent, once more"),
    ],
)
@click.argument("delivery", metavar="[ID]", required=False, shell_complete=complete_delivery)
@_filters
@click.option("--sent", is_flag=True, help="Also what was sent: it goes out once more under the same id.")
@pass_state
def retry_deliveries(state: State, /, delivery: str | None, sent: bool, **asked: Any) -> None:
    """Make a delivery due now, or all that were given up and fit; 'podium deliver' sends them.

    Each goes out with the settings that its subscription or automation has now: correct those first. If it was removed,
    the delivery keeps what it has.
    """
    with state.registry() as registry:
        amount = registry.retry(delivery, sent=sent, **asked)
        unknown = "" if amount else _unknown_name(registry, asked["subscription"])
    if state.json:
        state.print_json({"retried": amount})
    elif amount:
        say(f"{amount} due now; send with: podium deliver")
    else:
        say(("Nothing was given up" if not any(asked.values()) and not sent else "Nothing fits") + unknown)


@deliveries_command.command(
    "drop",
    examples=[
        ("podium deliveries drop 0193f2c1-7b0e --reason 'old token'", "what holds up the rest of its line"),
        ("podium deliveries drop --subscription removed", "what is still tried for one that is gone"),
    ],
)
@click.argument("delivery", metavar="[ID]", required=False, shell_complete=complete_delivery)
@_filters
@click.option("--reason", help="Why.")
@pass_state
def drop_deliveries(state: State, /, delivery: str | None, reason: str | None, **asked: Any) -> None:
    """Give up a delivery that waits, or all that wait and fit.

    They are not tried any more and hold nothing up; 'podium deliveries retry' brings them back. What a worker is
    sending at this moment is refused by its id, and left out by a filter.
    """
    with state.registry() as registry:
        amount = registry.drop_deliveries(delivery, reason=reason, **asked)
        unknown = "" if amount else _unknown_name(registry, asked["subscription"])
    if state.json:
        state.print_json({"dropped": amount})
    elif amount:
        say(f"{amount} given up; to bring back: podium deliveries retry")
    else:
        say("Nothing fits" + unknown)
