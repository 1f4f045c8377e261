"""``podium registry``: the places that models are linked into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_registry
from podium.cli.given import description_options, read_description, reason_option
from podium.cli.listing import print_collections
from podium.cli.options import State, Topic, pass_state
from podium.cli.output import Column, print_pairs, print_rich, print_table, say, shell_word, styled, time_text

if TYPE_CHECKING:
    from podium.domain.versions import RegistryInfo


@click.group("registry", cls=Topic)
def registry_command() -> None:
    """Make and look at registries."""


@registry_command.command("ls")
@pass_state
def list_registries(state: State) -> None:
    """List the registries."""
    with state.registry() as registry:
        found = registry.registries()
    if state.json:
        state.print_json(found)
        return
    columns = [Column("Name"), Column("Models", right=True), Column("Accepts", fold=True)]
    rows = [
        (styled(item.name, "bold"), str(item.models), _types(item), (item.description or "").partition("\n")[0])
        for item in found
    ]
    print_table([*columns, Column("Description", fold=True)], rows)


@registry_command.command(
    "create", examples=[("podium registry create datasets --type dataset --description 'Curated training data'", "")]
)
@click.argument("name")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="A type that it accepts; repeatable; all if none.")
@description_options
@pass_state
def create_registry(
    state: State, name: str, types: tuple[str, ...], description: str | None, description_file: str | None
) -> None:
    """Make a registry."""
    text = read_description(description, description_file)
    with state.registry() as registry:
        made = registry.create_registry(name, types=types or None, description=text)
    if state.json:
        state.print_json(made)
    else:
        say(f"{made.name} created; it accepts {_types(made)}")
        say(f"Next: podium link REF {shell_word(f'{made.name}/NAME')}")


@registry_command.command("edit")
@click.argument("name", shell_complete=complete_registry)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="A type that it accepts from now on; repeatable.")
@click.option("--any-type", is_flag=True, help="It accepts every type from now on.")
@description_options
@reason_option()
@pass_state
def edit_registry(
    state: State,
    name: str,
    types: tuple[str, ...],
    any_type: bool,
    description: str | None,
    description_file: str | None,
    reason: str | None,
) -> None:
    """Change what a registry accepts, or its description.

    What is linked already stays, whatever its type. '' takes the description away.
    """
    if types and any_type:
        raise click.UsageError("Give --type or --any-type, not both.", click.get_current_context())
    text = read_description(description, description_file)
    if not types and not any_type and text is None:
        raise click.UsageError("Say what to change.", click.get_current_context())
    wanted: dict[str, Any] = {"types": types or None} if types or any_type else {}
    if text is not None:
        wanted["description"] = text or None
    with state.registry() as registry:
        edited = registry.edit_registry(name, reason=reason, **wanted)
    if state.json:
        state.print_json(edited)
    else:
        say(f"{edited.name} accepts {_types(edited)}" + (f": {edited.description}" if edited.description else ""))


@registry_command.command("show")
@click.argument("name", shell_complete=complete_registry)
@pass_state
def show_registry(state: State, name: str) -> None:
    """Show a registry with its models."""
    with state.registry() as registry:
        found = registry.registry(name)
        models = registry.models(name)
    if state.json:
        state.print_json({"registry": found, "models": models})
        return
    print_rich(styled(found.name, "bold"))
    rows = [
        ("Accepts", _types(found)),
        ("Models", str(found.models)),
        ("Since", f"{time_text(found.created_at, full=True)} by {found.created_by}"),
    ]
    print_pairs([*rows, ("Description", found.description)] if found.description else rows, indent=2)
    if models:
        say()
        print_collections(models)


def _types(item: RegistryInfo) -> str:
    return ", ".join(item.types) if item.types is not None else "every type"
