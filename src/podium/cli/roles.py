"""The command ``podium role``: who may do what in a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.audit import utc_text
from podium.cli.completion import complete_person, complete_registry, complete_role
from podium.cli.given import reason_option
from podium.cli.options import State, Topic, pass_state
from podium.cli.output import Column, print_table, say, styled

if TYPE_CHECKING:
    from podium.registry import Registry


@click.group("role", cls=Topic)
def role_command() -> None:
    """Say who may do what in a registry.

    A role is a word that policies use, such as 'lead'. One is Podium's own: 'admin'. A new registry is open to
    everybody; its first admin closes it, and policies, freezes, roles and forced promotions need that role then.
    """


@role_command.command(
    "grant",
    examples=[
        ("podium role grant model-registry bob lead", "bob may approve where a policy asks for a lead"),
        ("podium role grant model-registry ann admin", "the first admin closes the registry"),
    ],
)
@click.argument("registry", shell_complete=complete_registry)
@click.argument("person")
@click.argument("role", shell_complete=complete_role)
@reason_option()
@pass_state
def grant_role(state: State, registry: str, person: str, role: str, reason: str | None) -> None:
    """Give a person a role in a registry."""
    with state.registry() as opened:
        before = {(grant.person, grant.role) for grant in opened.list_roles(registry)}
        made = opened.grant_role(registry, person, role, reason=reason)
    if state.json:
        state.print_json(made)
        return
    if (made.person, made.role) in before:
        say(f"{made.person} is {made.role} of {made.registry} already; nothing changed")
        return
    say(f"{made.person} is {made.role} of {made.registry} now")
    if role == "admin" and not any(name == "admin" for _, name in before):
        say(f"{made.registry} is closed from now on: policies, freezes, roles and --force need an admin")


@role_command.command("revoke")
@click.argument("registry", shell_complete=complete_registry)
@click.argument("person", shell_complete=complete_person)
@click.argument("role", shell_complete=complete_role)
@reason_option()
@pass_state
def revoke_role(state: State, registry: str, person: str, role: str, reason: str | None) -> None:
    """Take a role away from a person."""
    with state.registry() as opened:
        had = opened.revoke_role(registry, person, role, reason=reason)
    if state.json:
        state.print_json({"registry": registry, "person": person, "role": role, "changed": had})
    elif had:
        say(f"{person} is not {role} of {registry} any more")
    else:
        say(f"{person} is not {role} of {registry}; nothing changed")


@role_command.command("ls")
@click.argument("registry", required=False, shell_complete=complete_registry)
@pass_state
def list_roles(state: State, registry: str | None) -> None:
    """List who has which role, in one registry or in all."""
    with state.registry() as opened:
        grants = [grant for name in _names(opened, registry) for grant in opened.list_roles(name)]
    if state.json:
        state.print_json(grants)
        return
    columns = [
        Column("Registry", spare=registry is not None),
        Column("Person", fold=True),
        Column("Role"),
        Column("Since (UTC)"),
        Column("Given by", fold=True),
    ]
    rows = [(item.registry, styled(item.person, "bold"), item.role, utc_text(item.at), item.actor) for item in grants]
    if rows:
        print_table(columns, rows)
    else:
        say("Nobody has a role" + (f" in {registry}" if registry else "") + ": everybody may do everything")


def _names(opened: Registry, registry: str | None) -> list[str]:
    return [registry] if registry is not None else [item.name for item in opened.registries()]
