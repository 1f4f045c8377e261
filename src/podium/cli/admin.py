"""The commands about the database schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.given import confirm, yes_option
from podium.cli.options import State, Topic, pass_state
from podium.cli.output import say

if TYPE_CHECKING:
    from podium.sql.database import Database


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
