"""``podium alias``: names that people move by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_model, complete_ref
from podium.cli.options import State, Topic, expectation, expected_option, pass_state
from podium.cli.output import say

if TYPE_CHECKING:
    from podium.domain.versions import AliasMove


@click.group("alias", cls=Topic)
def alias_command() -> None:
    """Set and remove aliases."""


@alias_command.command("set")
@click.argument("ref", shell_complete=complete_ref)
@click.argument("alias")
@expected_option
@click.option("--reason", help="Why.")
@pass_state
def set_alias(state: State, ref: str, alias: str, expected: str | None, reason: str | None) -> None:
    """Give an alias to a version; it leaves the one that held it."""
    with state.registry() as registry:
        _answer(state, registry.set_alias(ref, alias, reason=reason, **expectation(expected)))


@alias_command.command("remove")
@click.argument("model", metavar="NAMESPACE/NAME", shell_complete=complete_model)
@click.argument("alias")
@expected_option
@click.option("--reason", help="Why.")
@pass_state
def remove_alias(state: State, model: str, alias: str, expected: str | None, reason: str | None) -> None:
    """Take an alias away from whatever holds it."""
    with state.registry() as registry:
        _answer(state, registry.remove_alias(model, alias, reason=reason, **expectation(expected)))


def _answer(state: State, move: AliasMove) -> None:
    if state.json:
        state.print_json(move)
    elif not move.changed:
        say(f"{move.collection}:{move.alias} is v{move.after} already; nothing changed")
    elif move.after is None:
        say(f"{move.collection}:{move.alias} removed from v{move.before}")
    else:
        before = f", v{move.before} was before" if move.before is not None else ""
        say(f"{move.collection}:{move.alias} is v{move.after} now{before}")
