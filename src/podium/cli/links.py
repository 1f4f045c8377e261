"""The commands about model versions: link, copy, unlink."""

from __future__ import annotations

import click

from podium.cli.completion import complete_model, complete_ref
from podium.cli.given import force_options
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import say, shell_word
from podium.errors import InvalidValueError


@click.command("link", cls=Verb, examples=[("podium link digits/mlp:candidate 'model-registry/Digits classifier'", "")])
@click.argument("ref", shell_complete=complete_ref)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--alias", "aliases", multiple=True, help="An alias that it shall hold there; repeatable.")
@pass_state
def link_command(state: State, ref: str, model: str, aliases: tuple[str, ...]) -> None:
    """Link a version into a registered model.

    The model is made by its first link. No byte is copied, and linking again changes nothing.
    """
    with state.registry() as registry:
        version = registry.link(ref, model, aliases)
        stage = registry.policy(version.collection).names[0]
    if state.json:
        state.print_json(version)
    elif version.created:
        say(f"{version.ref} linked from {version.source}")
        say(f"Next: podium promote {shell_word(version.ref)} --to {stage}")
    else:
        say(f"{version.source} is {version.ref} already; nothing new was made")


@click.command(
    "copy",
    cls=Verb,
    examples=[("podium copy 'model-registry/Digits:production' eu-registry/Digits --alias imported", "")],
)
@click.argument("ref", metavar="REGISTRY/MODEL[:VERSION]", shell_complete=complete_ref)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--alias", "aliases", multiple=True, help="An alias that it shall hold there; repeatable.")
@pass_state
def copy_command(state: State, ref: str, model: str, aliases: tuple[str, ...]) -> None:
    """Copy a model version into another registered model.

    Its metadata, description and tags go with it as they are now; from then on the two are edited apart. Stages and
    aliases stay behind. No byte is copied, and copying again changes nothing.
    """
    with state.registry() as registry:
        source = registry.resolve(ref)
        if source.kind != "model":
            raise InvalidValueError(
                f"{source.ref} is no model version.", hint=f"Link it: podium link {source.ref} {shell_word(model)}"
            )
        version = registry.link(source.ref, model, aliases)
    if state.json:
        state.print_json(version)
    elif version.created:
        say(f"{version.ref} copied from {source.ref}")
    else:
        say(f"{source.ref} is {version.ref} already; nothing new was made")


@click.command("unlink", cls=Verb)
@click.argument("ref", metavar="REGISTRY/MODEL:VERSION", shell_complete=complete_ref)
@force_options("Take its aliases and stages away too.")
@pass_state
def unlink_command(state: State, ref: str, force: bool, reason: str | None) -> None:
    """Take a version out of a registered model.

    The artifact that it came from stays. Linking it again brings it back under its number.
    """
    with state.registry() as registry:
        version = registry.unlink(ref, force=force, reason=reason)
    if state.json:
        state.print_json(version)
    else:
        say(f"{version.ref} unlinked; {version.source} stays")
        say(f"Back: podium restore {shell_word(version.ref)}")
