"""The command ``podium notify``: which events go to which channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import (
    complete_channel,
    complete_event,
    complete_place,
    complete_setting,
    complete_subscription,
)
from podium.cli.errors import REFUSED
from podium.cli.notify_files import apply_file, check_files, diff_file, print_document, show_schema
from podium.cli.options import State, Topic, each_once, pair, pass_state
from podium.cli.output import Column, print_pairs, print_table, say, shell_word, styled

if TYPE_CHECKING:
    from podium.domain.delivery import Subscription, Template

_SHOWN = 2  # events of a subscription in a table; 'show' has all


@click.group("notify", cls=Topic)
def notify_command() -> None:
    """Choose which events go to which channel.

    One by one with 'add', or all in a file with 'check' and 'apply'; docs/notifications.md tells what may stand in it.
    """


for made in (check_files, apply_file, diff_file, show_schema):
    notify_command.add_command(made)


@notify_command.command(
    "add",
    examples=[
        ("podium notify add me --channel console --event 'model_version.*'", "print what happens to models"),
        (
            "podium notify add team --channel slack --setting channel=#models --setting token=env:SLACK_TOKEN",
            "tell a Slack channel",
        ),
        (
            "podium notify add daily --channel console --event '*' --filter \"actor != 'ci'\" --digest 1d",
            "one message a day",
        ),
    ],
)
@click.argument("name")
@click.option(
    "--channel", required=True, shell_complete=complete_channel, help="A channel of a plugin: console, slack, ..."
)
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="PATTERN",
    shell_complete=complete_event,
    help="An event type, * allowed; repeatable. Links, promotions, refusals and rollbacks if left out.",
)
@click.option(
    "--setting",
    "settings",
    type=pair,
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_setting,
    help="What the channel needs; secrets as env:NAME or file:/path. Repeatable.",
)
@click.option("--model", metavar="PLACE", shell_complete=complete_place, help="Only events of this; * and ? allowed.")
@click.option("--filter", "where", default="", metavar="EXPRESSION", help="Only events that fit this expression.")
@click.option("--digest", metavar="TIME", help="One message for so much time, such as 1h.")
@click.option("--deduplicate", metavar="TIME", help="Do not tell the same again within this time, such as 10m.")
@click.option("--template-title", "title", metavar="TEMPLATE", help="The title in your words: Jinja, '{{ model }}'.")
@click.option("--template-lines", "lines", metavar="TEMPLATE", help="With --template-title: the lines below it.")
@pass_state
def add_subscription(
    state: State,
    /,
    name: str,
    channel: str,
    events: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    title: str | None,
    lines: str | None,
    where: str,
    **more: Any,
) -> None:
    """Send events to a channel from now on.

    A subscription of the same name is replaced.
    """
    chosen: dict[str, Any] = {"events": events} if events else {}
    words = _template(title, lines)
    with state.registry() as registry:
        made = registry.subscribe(
            name, channel, settings=each_once(settings, "setting"), filter=where, template=words, **more, **chosen
        )
    if state.json:
        state.print_json(made)
    else:
        say(f"{made.name}: {_events(made)} go to {made.channel} from now on")
        say(f"Try it: podium notify test {shell_word(made.name)}")


def _template(title: str | None, lines: str | None) -> Template | None:
    from podium.domain.delivery import Template

    if title is None and lines is not None:
        raise click.UsageError("--template-lines goes with --template-title.", click.get_current_context())
    return Template(title, lines) if title is not None else None


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
    columns = [Column("Name"), Column("Channel"), Column("Settings", fold=True), Column("Events", fold=True)]
    print_table(columns, [_row(item) for item in found])


def _row(item: Subscription) -> list[Any]:
    settings = ", ".join(f"{key}={value}" for key, value in sorted(item.settings.items()))
    about = [
        _events(item),
        *([f"of {item.model}"] if item.model else []),
        *([f"where {item.filter}"] * bool(item.filter)),
    ]
    return [styled(item.name, "bold"), item.channel, settings, " ".join(about)]


def _events(item: Subscription) -> str:
    """Return the events in few words, so that a table has room for where they go."""
    from podium.domain.delivery import DEFAULT_EVENTS

    if set(item.events) == set(DEFAULT_EVENTS):
        return "default events"
    more = len(item.events) - _SHOWN
    return ", ".join(item.events[:_SHOWN]) + (f" +{more}" if more > 0 else "")


@notify_command.command(
    "show",
    examples=[
        ("podium notify show team", "one of them"),
        ("podium notify show --yaml > notifications.yaml", "all, automations included, as a file for 'apply'"),
    ],
)
@click.argument("name", required=False, metavar="[NAME]", shell_complete=complete_subscription)
@click.option("--yaml", "as_yaml", is_flag=True, help="As a file that 'podium notify apply' takes.")
@pass_state
def show_subscription(state: State, name: str | None, as_yaml: bool) -> None:
    """Show a subscription, or all subscriptions and automations as YAML."""
    if as_yaml and state.json:
        raise click.UsageError("Give --yaml or --json, not both.", click.get_current_context())
    with state.registry() as registry:
        item = registry.subscription(name) if name is not None else None
        document = registry.notifications() if item is None else registry.notifications().only([item.name])
    if state.json:
        state.print_json(item if item is not None else document)
    elif as_yaml or item is None:
        print_document(document)
    else:
        print_pairs(_pairs(item))


def _pairs(item: Subscription) -> list[tuple[str, Any]]:
    words = item.template
    pairs = [
        ("Name", styled(item.name, "bold")),
        ("Channel", item.channel),
        *((f"  {key}", str(value)) for key, value in sorted(item.settings.items())),
        ("Events", ", ".join(item.events)),
        ("Of", item.model or "everything"),
        ("Filter", item.filter),
        ("Digest", f"one message for each {item.digest}" if item.digest else ""),
        ("The same", f"not told again within {item.deduplicate}" if item.deduplicate else ""),
        ("Title", words.title if words is not None else ""),
        ("Lines", (words.lines or "") if words is not None else ""),
    ]
    return [(name, value) for name, value in pairs if str(value)]


@notify_command.command("remove")
@click.argument("name", shell_complete=complete_subscription)
@pass_state
def remove_subscription(state: State, name: str) -> None:
    """End a subscription; what is on its way already is still delivered."""
    with state.registry() as registry:
        gone = registry.unsubscribe(name)
    if state.json:
        state.print_json(gone)
    else:
        say(f"{gone.name} removed; {gone.channel} is told no more")


@notify_command.command(
    "test", examples=[("podium notify test team --event model_version.promotion_refused", "what a refusal looks like")]
)
@click.argument("name", shell_complete=complete_subscription)
@click.option(
    "--event",
    metavar="TYPE",
    shell_complete=complete_event,
    help="About such an event; what is most likely if left out.",
)
@pass_state
def test_subscription(state: State, name: str, event: str | None) -> int:
    """Send a message that says it is a test, at once.

    It goes through the real channel, in the words of the template if there is one; nothing is stored. Exit code 1 says
    that it was not accepted.
    """
    with state.registry() as registry:
        found = registry.test_subscription(name, event)
    if state.json:
        state.print_json({**found.to_json(), "sent": found.sent})
    else:
        if found.note:
            say(f"podium: {found.note}", to_stderr=True)
        receipt = f"; receipt: {found.receipt}" if found.receipt else ""
        if found.sent:
            say(f"{found.channel} accepted {found.title!r}{receipt}")
        else:
            say(f"podium: {found.channel} did not accept it: {found.error}", to_stderr=True)
    return 0 if found.sent else REFUSED
