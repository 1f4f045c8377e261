"""The commands about telling people: notify, deliver, deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.options import State, Topic, Verb, pair, pass_state
from podium.cli.output import Column, count, joined, print_table, say, styled, time_text

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.delivery import Delivery

_STATUSES = ("pending", "sending", "sent", "dead")
_STYLES = {"sent": "green", "dead": "bold red", "pending": "yellow"}


@click.group("notify", cls=Topic)
def notify_command() -> None:
    """Choose which events go to which channel."""


@notify_command.command(
    "add",
    examples=[
        ("podium notify add me --channel console --event 'model_version.*'", "print what happens to models"),
        (
            "podium notify add team --channel slack --setting channel=#models --setting token=env:SLACK_TOKEN",
            "tell a Slack channel",
        ),
    ],
)
@click.argument("name")
@click.option("--channel", required=True, help="A channel of a plugin: console, slack, ...")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="PATTERN",
    help="An event type, * allowed; repeatable. Links, promotions, refusals and rollbacks if left out.",
)
@click.option(
    "--setting",
    "settings",
    type=pair,
    multiple=True,
    metavar="KEY=VALUE",
    help="What the channel needs; secrets as env:NAME or file:PATH. Repeatable.",
)
@pass_state
def add_subscription(
    state: State, name: str, channel: str, events: tuple[str, ...], settings: tuple[tuple[str, str], ...]
) -> None:
    """Send events to a channel from now on.

    A subscription of the same name is replaced.
    """
    chosen = {"events": events} if events else {}
    with state.registry() as registry:
        made = registry.subscribe(name, channel, settings=dict(settings), **chosen)
    if state.json:
        state.print_json(made)
    else:
        say(f"{made.name}: {', '.join(made.events)} go to {made.channel} from now on")


@notify_command.command("ls")
@pass_state
def list_subscriptions(state: State) -> None:
    """List the subscriptions."""
    with state.registry() as registry:
        found = registry.subscriptions()
    if state.json:
        state.print_json(found)
        return
    if not found:
        say("Nobody is told yet. Start with: podium notify add NAME --channel CHANNEL")
        return
    rows = [
        (
            styled(item.name, "bold"),
            item.channel,
            ", ".join(item.events),
            ", ".join(f"{key}={value}" for key, value in sorted(item.settings.items())),
        )
        for item in found
    ]
    print_table([Column("Name"), Column("Channel"), Column("Events", fold=True), Column("Settings", fold=True)], rows)


@notify_command.command("remove")
@click.argument("name")
@pass_state
def remove_subscription(state: State, name: str) -> None:
    """End a subscription; what is on its way already is still delivered."""
    with state.registry() as registry:
        gone = registry.unsubscribe(name)
    if state.json:
        state.print_json(gone)
    else:
        say(f"{gone.name} removed; {gone.channel} is told no more")


@click.command("deliver", cls=Verb)
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Start nothing after so long."
)
@pass_state
def deliver_command(state: State, seconds: float | None) -> None:
    """Deliver what is due, once.

    Messages go out right after the change that caused them; this takes what was left over or failed.
    """
    with state.registry() as registry:
        report = registry.deliver(seconds)
    if state.json:
        state.print_json(report)
        return
    parts = [f"{report.sent} sent"]
    parts += [f"{report.failed} failed and will be tried again"] if report.failed else []
    parts += [f"{report.dead} given up (podium deliveries ls --status dead)"] if report.dead else []
    parts += [f"{report.left} left for the next time"] if report.left else []
    say(", ".join(parts) if any(report.to_json().values()) else "Nothing is due")


@click.group("deliveries", cls=Topic)
def deliveries_command() -> None:
    """Look at deliveries and try them again."""


@deliveries_command.command("ls")
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="At most so many."
)
@pass_state
def list_deliveries(state: State, status: str | None, limit: int) -> None:
    """List deliveries, newest first."""
    with state.registry() as registry:
        found = registry.deliveries(status, limit)
    if state.json:
        state.print_json(found)
        return
    if not found:
        say("There is no delivery" + (f" that is {status}" if status else ""))
        return
    columns = [Column("Status"), Column("To"), Column("What", fold=True)]
    print_table(columns, [_row(item) for item in found])


def _row(item: Delivery) -> list[str | Text]:
    status = styled(item.status, _STYLES.get(item.status, ""))
    if item.status == "pending" and item.attempts:
        status = joined(status, styled(f"\nnext {time_text(item.next_at)}", lines=True))
    what = styled(f"{item.event_type} of {item.subject}")
    if item.error:
        failed = styled(f"{count(item.attempts, 'attempt')}: {item.error}", "red")
        what = joined(what, styled("\n", lines=True), failed)
    return [status, f"{item.subscription} ({item.channel})", joined(what, styled(f"\n{item.id}", "dim", lines=True))]


@deliveries_command.command("retry")
@click.argument("delivery", metavar="[ID]", required=False)
@pass_state
def retry_deliveries(state: State, delivery: str | None) -> None:
    """Make a delivery due now, or all that were given up."""
    with state.registry() as registry:
        amount = registry.retry(delivery)
    if state.json:
        state.print_json({"retried": amount})
    elif amount:
        say(f"{amount} due now; send with: podium deliver")
    else:
        say("Nothing was given up")
