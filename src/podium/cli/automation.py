"""The commands about what starts by itself: automation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_action, complete_automation, complete_event, complete_place, complete_setting
from podium.cli.errors import REFUSED
from podium.cli.options import State, Topic, pass_state
from podium.cli.output import Column, plain_text, print_table, say, shell_word, styled, time_text

if TYPE_CHECKING:
    from podium.domain.automations import AutomationTest
    from podium.domain.delivery import Automation
    from podium.domain.events import Event

_SHOWN = 5
_name = click.argument("name", shell_complete=complete_automation)


def setting(text: str) -> tuple[list[str], Any]:
    """Read ``KEY=TEXT``, ``KEY.SUB=TEXT`` for an entry of a mapping, or ``KEY:=JSON``."""
    key, sign, value = text.partition("=")
    as_json = key.endswith(":")
    path = key.removesuffix(":").split(".")
    if not sign or not all(path):
        raise click.BadParameter(f"{text!r} is not KEY=TEXT, KEY.SUB=TEXT or KEY:=JSON.")
    if not as_json:
        return path, value
    try:
        return path, json.loads(value)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"What stands behind := in {text!r} is no JSON: {error}.") from None


@click.group("automation", cls=Topic)
def automation_command() -> None:
    """Let a DAG, a flow or a promotion start by itself when something happened."""


@automation_command.command(
    "add",
    examples=[
        (
            "podium automation add deploy --action airflow.trigger_dag --event model_version.promoted "
            "--filter \"after.stage = 'production'\" --setting dag_id=deploy --setting token=env:AIRFLOW_TOKEN "
            "--setting 'conf.ref={{ ref }}'",
            "start a DAG when a version takes production",
        ),
        (
            "podium automation add stage --action podium.promote --event alias.set "
            "--filter \"after.alias = 'candidate'\" --setting to=staging",
            "what is a candidate goes to staging, if its gates allow",
        ),
    ],
)
@click.argument("name")
@click.option("--action", required=True, shell_complete=complete_action, help="An action of a plugin.")
@click.option(
    "--event",
    "events",
    multiple=True,
    required=True,
    metavar="PATTERN",
    shell_complete=complete_event,
    help="An event type, * allowed; repeatable.",
)
@click.option(
    "--model", metavar="PLACE", shell_complete=complete_place, help="Only of this registry or model; * and ? allowed."
)
@click.option("--filter", "where", default="", metavar="EXPRESSION", help="Only events that fit, as in 'podium audit'.")
@click.option(
    "--setting",
    "settings",
    type=setting,
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_setting,
    help="What the action needs; {{ ref }} and the like are filled in. KEY.SUB=TEXT for an entry, KEY:=JSON for JSON; "
    "secrets as env:NAME, file:/path. Repeatable.",
)
@click.option("--disabled", is_flag=True, help="Let it rest for now.")
@pass_state
def add_automation(
    state: State,
    name: str,
    action: str,
    events: tuple[str, ...],
    model: str | None,
    where: str,
    settings: tuple[tuple[list[str], Any], ...],
    disabled: bool,
) -> None:
    """Let an action follow on events from now on.

    An automation of the same name is replaced. 'podium automation test NAME' shows what it would do.
    """
    with state.registry() as registry:
        made = registry.automate(
            name,
            action,
            events=events,
            settings=_nested(settings),
            model=model,
            filter=where,
            enabled=not disabled,
        )
    if state.json:
        state.print_json(made)
        return
    say(f"{made.name}: {made.action} follows on {_about(made)}" + ("" if made.enabled else ", once it is enabled"))
    say(f"To see what it would do: podium automation test {shell_word(made.name)}")


@automation_command.command("ls")
@pass_state
def list_automations(state: State) -> None:
    """List the automations."""
    with state.registry() as registry:
        found = registry.automations()
    if state.json:
        state.print_json(found)
        return
    if not found:
        say("Nothing starts by itself yet. Start with: podium automation add NAME --action ACTION --event EVENT")
        return
    columns = [Column("Name"), Column("Fires"), Column("Action", fold=True), Column("On", fold=True)]
    print_table(columns, [(styled(item.name, "bold"), _state(item), item.action, _about(item)) for item in found])


@automation_command.command("show")
@_name
@pass_state
def show_automation(state: State, name: str) -> None:
    """Show an automation, and what it did lately."""
    with state.registry() as registry:
        found = registry.automation(name)
        where = f"type in ('automation.fired', 'automation.failed') and after.automation = '{found.name}'"
        lately = registry.audit(where, limit=_SHOWN).items
    if state.json:
        state.print_json({**found.to_json(), "lately": [event.to_json() for event in lately]})
        return
    rows = [("name", found.name), ("fires", _state(found)), ("action", found.action), ("on", _about(found))]
    rows += [(key, plain_text(value)) for key, value in sorted(found.settings.items())]
    print_table([Column("Field"), Column("Value", fold=True)], rows)
    say()
    if not lately:
        say("It never fired")
        return
    columns = [Column("When"), Column("What", fold=True), Column("About", fold=True)]
    print_table(columns, [(time_text(event.at), _what(event), event.subject) for event in lately])


@automation_command.command("remove")
@_name
@pass_state
def remove_automation(state: State, name: str) -> None:
    """Take an automation away; what it started, or has on its way, is not stopped."""
    with state.registry() as registry:
        gone = registry.stop_automation(name)
    if state.json:
        state.print_json(gone)
    else:
        say(f"{gone.name} removed; {gone.action} follows no more")


@automation_command.command("enable")
@_name
@pass_state
def enable_automation(state: State, name: str) -> None:
    """Let an automation fire again, on what happens from now on."""
    _switch(state, name, on=True)


@automation_command.command("disable")
@_name
@pass_state
def disable_automation(state: State, name: str) -> None:
    """Let an automation rest; what it started, or has on its way, is not stopped."""
    _switch(state, name, on=False)


@automation_command.command(
    "test",
    examples=[
        ("podium automation test deploy", "what it would do about the newest event that fires it"),
        ("podium automation test deploy --run", "and do it"),
    ],
)
@_name
@click.option(
    "--event", metavar="ID", help="About this event, by the beginning of its id; else the newest that fires it."
)
@click.option("--run", is_flag=True, help="Do it: what it starts is started.")
@pass_state
def test_automation(state: State, name: str, event: str | None, run: bool) -> None:
    """Show what an automation would do about an event, with its settings filled in, and do nothing.

    Exit code 1 says that a setting cannot be filled in, or that the action failed.
    """
    with state.registry() as registry:
        test = registry.test_automation(name, event, run=run)
    if state.json:
        state.print_json(test)
    else:
        _print_test(test)
    if test.error is not None:
        raise click.exceptions.Exit(REFUSED)


def _switch(state: State, name: str, *, on: bool) -> None:
    with state.registry() as registry:
        made = registry.enable_automation(name) if on else registry.disable_automation(name)
    if state.json:
        state.print_json(made)
    else:
        say(f"{made.name} {'fires on' if on else 'rests; it fired on'} {_about(made)}")


def _nested(settings: tuple[tuple[list[str], Any], ...]) -> dict[str, Any]:
    """Put settings together; those with a path become the entries of mappings."""
    found: dict[str, Any] = {}
    for path, value in settings:
        place = found
        for key in path[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise click.BadParameter(f"The setting {key!r} is a value already, and gets an entry.")
        if path[-1] in place:
            raise click.BadParameter(f"The setting {'.'.join(path)!r} is given twice.")
        place[path[-1]] = value
    return found


def _about(item: Automation) -> str:
    parts = [", ".join(item.events)]
    parts += [f"of {item.model}"] if item.model else []
    parts += [f"where {item.filter}"] if item.filter else []
    return " ".join(parts)


def _state(item: Automation) -> str:
    return "yes" if item.enabled else "no, disabled"


def _what(event: Event) -> str:
    after = event.after
    return f"did it: {after.get('receipt')}" if event.type == "automation.fired" else f"failed: {after.get('error')}"


def _print_test(test: AutomationTest) -> None:
    say(f"{test.event_type} of {test.subject}, event {test.event}")
    say(f"It would not fire on it: {test.why_not}" if not test.fires else f"{test.automation} fires on it")
    if test.settings:
        rows = [(key, plain_text(value)) for key, value in sorted(test.settings.items())]
        print_table([Column(test.action), Column("Filled in", fold=True)], rows)
    if test.error is not None:
        say(f"It fails: {test.error}")
    elif test.ran:
        say(f"Done: {test.receipt}")
    else:
        say("Nothing was done; do it with --run")
