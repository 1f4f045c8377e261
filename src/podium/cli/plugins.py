"""The commands about plugins: what is there, what went wrong in it, and a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import Column, print_table, say, styled, time_text
from podium.cli.streams import muted
from podium.errors import PodiumError

if TYPE_CHECKING:
    from rich.text import Text

    from podium.plugins.host import PluginHost, PluginInfo
    from podium.usecases.records import RecordedFault

_STYLES = {"failed": "red", "loading": "yellow", "left out": "dim"}


@click.command("plugins", cls=Verb)
@pass_state
def plugins_command(state: State) -> None:
    """List plugins and what went wrong in them.

    What is installed, and what lies in the folders of PODIUM_PLUGINS_DIR. A plugin that takes long to import is still
    loading when this list is printed; a change does not wait for it. Each is asked which channels and actions it
    brings. Faults are those of the last 30 days, of plugins that are here.
    """
    from podium.plugins.host import PluginHost

    host = PluginHost()
    with muted("podium.plugins"):
        found = host.examine()
        faults, problem = _faults(state, host)
    if state.json:
        error = problem.to_json() if problem is not None else None
        state.print_json({"plugins": found, "faults": faults, "faults_error": error})
        return
    _print_plugins(found)
    if problem is not None:
        say()
        say(f"What went wrong in calls is not known: {problem}")
    elif faults:
        say()
        _print_faults(faults)


@click.group("plugin", cls=Topic)
def plugin_command() -> None:
    """Write a plugin of your own."""


@plugin_command.command(
    "new",
    examples=[
        ("podium plugin new teams", "podium-teams/, a channel that posts JSON, with its tests"),
        ("podium plugin new licence --kind gate --into plugins", "plugins/podium-licence/, a gate"),
    ],
)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(("channel", "gate", "action")),
    default="channel",
    show_default=True,
    help="A way to tell people, a rule for promotions, or what an automation can do.",
)
@click.option(
    "--into", type=click.Path(), default=".", metavar="FOLDER", help="Where to make its folder, instead of here."
)
@pass_state
def new_plugin(state: State, name: str, kind: str, into: str) -> None:
    """Write a working plugin: a distribution with a README, and with tests that pass.

    NAME is small letters, digits and dashes. Nothing is installed, and what is there already is never written over.
    """
    from podium.plugins.scaffold import write_plugin

    made = write_plugin(name, kind, into)
    if state.json:
        state.print_json(made)
        return
    say(f"{made.folder}: the {made.kind} {made.name}")
    for path in made.files:
        say(f"  {path}")
    say("Next: go there, pip install -e . pytest, and run pytest")


def _faults(state: State, host: PluginHost) -> tuple[Sequence[RecordedFault], PodiumError | None]:
    """Return the recorded faults, or why they cannot be had: the list of plugins is needed most when all else fails."""
    try:
        with state.registry(host) as registry:
            return registry.plugin_faults(here=True), None
    except PodiumError as error:
        return (), error


def _print_plugins(found: Sequence[PluginInfo]) -> None:
    rows: list[Sequence[str | Text]] = []
    for item in found:
        words = item.error or ("still loading" if item.state == "loading" else _offers(item))
        style = _STYLES.get("failed" if item.faults else item.state, "")
        rows.append((styled(item.name, "bold"), item.version, styled(words, style), item.source))
    columns = [Column("Name"), Column("Version"), Column("Hooks, or why not in use", fold=True)]
    print_table([*columns, Column("Source", fold=True)], rows)


def _offers(item: PluginInfo) -> str:
    """Return what a plugin implements and brings, and what is wrong with that: ``channels (slack)``."""
    brought = {"podium_channels": item.channels, "podium_actions": item.actions}
    parts = []
    for hook in item.hooks:
        names, word = brought.get(hook), hook.removeprefix("podium_")
        if names or not any(fault.startswith(f"{word}: ") for fault in item.faults):
            parts.append(word + (f" ({', '.join(names)})" if names else ""))
    return "; ".join(filter(None, [", ".join(parts), *item.faults]))


def _print_faults(faults: Sequence[RecordedFault]) -> None:
    columns = [Column("Fault in"), Column("Hook"), Column("Times", right=True), Column("Last"), Column("It said", True)]
    rows = [
        (item.plugin, item.hook.removeprefix("podium_"), str(item.count), time_text(item.last_at), item.error)
        for item in faults
    ]
    print_table(columns, rows)
