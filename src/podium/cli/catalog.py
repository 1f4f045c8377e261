"""The commands that keep the catalogue in order: edit, rename, tag, delete, restore."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import click

from podium.cli.completion import complete_deleted, complete_model, complete_ref, complete_tag
from podium.cli.given import (
    confirm,
    description_options,
    force_options,
    lifetime,
    metadata_options,
    read_description,
    read_metadata,
    reason_option,
    yes_option,
)
from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import count, say, shell_word, time_text

if TYPE_CHECKING:
    from podium.domain.versions import Collection, Version
    from podium.registry import Registry

_OF_VERSIONS = ("metadata", "metadata_file", "remove_metadata", "ttl")
_OF_COLLECTIONS = ("owner", "task")


@click.command(
    "edit",
    cls=Verb,
    examples=[
        ("podium edit 'model-registry/Digits:v3' --metadata 'reviewed:=true' --description 'Checked on scans.'", ""),
        ("podium edit model-registry/Digits --owner 'vision team' --description-file CARD.md", "its model card"),
        ("podium edit digits/trial:v0 --ttl never", "keep it for ever"),
    ],
)
@click.argument("ref", metavar="NAMESPACE/NAME[:VERSION]", shell_complete=complete_ref)
@metadata_options
@click.option("--remove-metadata", multiple=True, metavar="KEY", help="A key to take away; repeatable.")
@click.option("--ttl", type=lifetime, metavar="TIME|never", help="How long it lives, from when it was logged.")
@description_options
@click.option("--owner", metavar="NAME", help="Who answers for it; '' for nobody.")
@click.option("--task", metavar="TEXT", help="What it is for; '' takes it away.")
@reason_option()
@pass_state
def edit_command(state: State, /, ref: str, **given: Any) -> None:
    """Change what describes a version, or a model or artifact.

    With ':' a version: metadata, description, time to live. Without, the model or artifact as a whole: description (its
    model card), owner, task. What is not mentioned stays, '' takes a text away, and every edit is history.
    """
    whole = ":" not in ref
    _require_fitting({name for name, value in given.items() if value not in (None, ())}, whole=whole)
    wanted = _wanted(whole=whole, **given)
    with state.registry() as registry:
        edit = registry.edit_collection if whole else registry.edit
        edited: Collection | Version = edit(ref, **wanted)
    if state.json:
        state.print_json(edited)
    else:
        say(f"{edited.ref} is as you said; podium show {shell_word(edited.ref)}")


def _require_fitting(named: set[str], *, whole: bool) -> None:
    """Refuse options of a version for a whole, the other way round, and none at all."""
    context = click.get_current_context()
    strange = [name for name in (_OF_VERSIONS if whole else _OF_COLLECTIONS) if name in named]
    if strange:
        of = "a version; name one with ':vN'" if whole else "a model or artifact as a whole; leave the ':' part out"
        raise click.UsageError(f"--{strange[0].replace('_', '-')} is for {of}.", context)
    if not named - {"reason"}:
        raise click.UsageError("Say what to change.", context)


def _wanted(
    *,
    whole: bool,
    metadata: tuple[tuple[str, Any], ...],
    metadata_file: str | None,
    remove_metadata: tuple[str, ...],
    ttl: timedelta | Literal["never"] | None,
    description: str | None,
    description_file: str | None,
    reason: str | None,
    **texts: str | None,
) -> dict[str, Any]:
    """Return the arguments for the registry; an option that is left out is left out there, too."""
    text = read_description(description, description_file)
    wanted: dict[str, Any] = {"reason": reason}
    if text is not None:
        wanted["description"] = text or None
    if whole:
        return wanted | {name: value or None for name, value in texts.items() if value is not None}
    if ttl is not None:
        wanted["ttl"] = None if ttl == "never" else ttl
    return wanted | {"metadata": read_metadata(metadata, metadata_file), "remove_metadata": remove_metadata}


@click.command("rename", cls=Verb, examples=[("podium rename 'model-registry/Digits classifier' Digits", "")])
@click.argument("ref", metavar="NAMESPACE/NAME", shell_complete=complete_model)
@click.argument("name")
@reason_option()
@pass_state
def rename_command(state: State, ref: str, name: str, reason: str | None) -> None:
    """Give a model or artifact another name.

    Versions, aliases and history stay. Whoever uses the old name is told the new one.
    """
    with state.registry() as registry:
        renamed = registry.rename(ref, name, reason=reason)
    if state.json:
        state.print_json(renamed)
    elif renamed.ref == ref:
        say(f"{ref} is called so already; nothing changed")
    else:
        say(f"{ref} is {renamed.ref} now")


@click.group("tag", cls=Topic)
def tag_command() -> None:
    """Put tags on versions, models and artifacts."""


@tag_command.command("add", examples=[("podium tag add 'model-registry/Digits:v3' audited eu", "")])
@click.argument("ref", metavar="NAMESPACE/NAME[:VERSION]", shell_complete=complete_ref)
@click.argument("tags", metavar="TAG...", nargs=-1, required=True, shell_complete=complete_tag)
@pass_state
def add_tags(state: State, ref: str, tags: tuple[str, ...]) -> None:
    """Give tags to a version, or without ':' to a model or artifact."""
    with state.registry() as registry:
        _answer(state, ref, registry.tag(ref, tags))


@tag_command.command("rm")
@click.argument("ref", metavar="NAMESPACE/NAME[:VERSION]", shell_complete=complete_ref)
@click.argument("tags", metavar="TAG...", nargs=-1, required=True, shell_complete=complete_tag)
@pass_state
def remove_tags(state: State, ref: str, tags: tuple[str, ...]) -> None:
    """Take tags away; one that is not there is fine."""
    with state.registry() as registry:
        _answer(state, ref, registry.untag(ref, tags))


def _answer(state: State, ref: str, tags: tuple[str, ...]) -> None:
    if state.json:
        state.print_json({"ref": ref, "tags": tags})
    else:
        say(f"{ref} has the tags {', '.join(tags)}" if tags else f"{ref} has no tag")


@click.command("delete", cls=Verb)
@click.argument("ref", metavar="NAMESPACE/NAME[:VERSION]", shell_complete=complete_ref)
@force_options("Take the links, aliases and stages that stand in the way away too.")
@yes_option
@pass_state
def delete_command(state: State, ref: str, force: bool, reason: str | None, yes: bool) -> None:
    """Delete a version, or a model or artifact with all its versions.

    With ':' one version of an artifact; without, all of it. What is linked, staged or aliased is refused. It asks on a
    terminal and wants --yes anywhere else. 'podium restore' brings all back until 'podium gc' gives the content up, a
    month later unless told otherwise.
    """
    with state.registry() as registry:
        confirm(state, _question(registry, ref), yes=yes)
        delete = registry.delete if ":" in ref else registry.delete_collection
        gone: Version | Collection = delete(ref, force=force, reason=reason)
    if state.json:
        state.print_json(gone)
    else:
        say(f"{gone.ref} deleted")
        say(f"Back: podium restore {shell_word(gone.ref)}")


def _question(registry: Registry, ref: str) -> str:
    """Say what would go; a reference that names nothing is told before anybody is asked."""
    if ":" in ref:
        version = registry.resolve(ref)
        return f"Delete {version.ref}, logged {time_text(version.created_at)} by {version.created_by}?"
    found = registry.collection(ref)
    kind = "registered model" if found.kind == "model" else "artifact"
    return f"Delete the {kind} {found.ref} with {count(found.versions, 'version')}?"


@click.command("restore", cls=Verb)
@click.argument("ref", metavar="NAMESPACE/NAME[:vN]", shell_complete=complete_deleted)
@pass_state
def restore_command(state: State, ref: str) -> None:
    """Bring back what was deleted or unlinked.

    With ':vN' one version, under its number; without, a model or artifact with the versions that went with it. Aliases
    and stages stay where they are. 'podium ls --deleted NAMESPACE/NAME' lists what can be brought back.
    """
    with state.registry() as registry:
        if ":" in ref:
            version = registry.restore(ref)
            back: Version | Collection = version
            changed = version.created
        else:
            before = _there(registry, ref)
            back = registry.restore_collection(ref)
            changed = back != before
    if state.json:
        state.print_json(back)
    else:
        say(f"{back.ref} is back" if changed else f"{back.ref} was not deleted; nothing changed")


def _there(registry: Registry, ref: str) -> Collection | None:
    """Return an artifact or model, None while it is deleted."""
    from podium.errors import NotFoundError

    try:
        return registry.collection(ref)
    except NotFoundError:
        return None
