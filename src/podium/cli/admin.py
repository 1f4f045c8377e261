"""The commands about the installation: plugins and the database schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from podium.cli.given import confirm, yes_option
from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import Column, print_table, say, styled, time_text
from podium.cli.streams import muted
from podium.errors import PodiumError

if TYPE_CHECKING:
    from rich.text import Text

    from podium.plugins.host import PluginHost, PluginInfo
    from podium.sql.database import Database
    from podium.usecases.records import RecordedFault


@click.command("plugins", cls=Verb)
@pass_state
def plugins_command(state: State) -> None:
    """List plugins and what went wrong in them."""
    from podium.plugins.host import PluginHost

    host = PluginHost()
    with muted("podium.plugins"):
        found = host.plugins()
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


def _faults(state: State, host: PluginHost) -> tuple[Sequence[RecordedFault], PodiumError | None]:
    """Return the recorded faults, or why they cannot be had: the list of plugins is needed most when all else fails."""
    try:
        with state.registry(host) as registry:
            return registry.plugin_faults(), None
    except PodiumError as error:
        return (), error


def _print_plugins(found: Sequence[PluginInfo]) -> None:
    rows: list[Sequence[str | Text]] = []
    for item in found:
        hooks = ", ".join(hook.removeprefix("podium_") for hook in item.hooks)
        state = styled(item.error, "red") if item.error else styled(hooks)
        rows.append((styled(item.name, "bold"), item.version, state, item.source))
    columns = [Column("Name"), Column("Version"), Column("Hooks, or why not in use", fold=True)]
    print_table([*columns, Column("Source", fold=True)], rows)


def _print_faults(faults: Sequence[RecordedFault]) -> None:
    columns = [Column("Fault in"), Column("Hook"), Column("Times", right=True), Column("Last"), Column("It said", True)]
    rows = [
        (item.plugin, item.hook.removeprefix("podium_"), str(item.count), time_text(item.last_at), item.error)
        for item in faults
    ]
    print_table(columns, rows)


@click.group("db", cls=Topic)
def db_command() -> None:
    """Look at the database schema and bring it forward or back."""


@db_command.command("current")
@pass_state
def show_current(state: State) -> None:
    """Say which database it is and whether its schema fits this Podium."""
    from podium.sql.schema import HEAD

    database = _database(state)
    found = database.current()
    database.dispose()
    if state.json:
        state.print_json({"url": database.where, "current": found, "needed": HEAD})
        return
    say(f"{database.where}: schema {found or 'missing'}, this Podium needs {HEAD}")
    if found is None or found < HEAD:
        say("Next: podium db upgrade")
    elif found > HEAD:
        say("Next: upgrade Podium, pip install --upgrade podium")


@db_command.command("upgrade")
@pass_state
def upgrade_schema(state: State) -> None:
    """Bring the schema of the database to what this Podium needs."""
    with state.registry() as registry:
        url = registry.url
        before, after = registry.upgrade()
    if state.json:
        state.print_json({"url": url, "before": before, "after": after})
    elif before == after:
        say(f"{url}: schema {after} is up to date; nothing changed")
    else:
        say(f"{url}: schema upgraded from {before or 'none'} to {after}")


@db_command.command("downgrade", examples=[("podium db downgrade 0001", "back to the schema of Podium 0.1")])
@click.argument("revision")
@yes_option
@pass_state
def downgrade_schema(state: State, revision: str, yes: bool) -> None:
    """Take the schema back to an older revision; 'base' takes all tables away.

    It says what is lost, always, and asks; where nobody can answer it wants --yes. Make a backup first.
    """
    with state.registry() as registry:
        lost = registry.downgrade_losses(revision)
        for number, what in lost.items():
            say(f"Undoing {number}: {what}", to_stderr=True)
        if lost and not yes:
            confirm(state, f"Take {registry.url} back to {revision}?", yes=False)
        before, after = registry.downgrade(revision)
        url = registry.url
    if state.json:
        state.print_json({"url": url, "before": before, "after": after, "lost": lost})
    elif before == after:
        say(f"{url}: schema {after or 'none'} is that already; nothing changed")
    else:
        say(f"{url}: schema taken back from {before} to {after or 'none'}; this Podium needs podium db upgrade again")


def _database(state: State) -> Database:
    # Not through the registry, which refuses to work on a schema that does not fit.
    from podium.settings import read_settings
    from podium.sql.database import Database

    return Database(read_settings(state.url, state.content, state.actor).url)
