"""``podium ls``: what there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_place
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import (
    Column,
    aliases_text,
    digest_text,
    metrics_text,
    print_table,
    say,
    shell_word,
    size_text,
    styled,
    time_text,
)

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.versions import Collection, Version

_SHOWN = 50


@click.command(
    "ls",
    cls=Verb,
    examples=[
        ("podium ls", "everything"),
        ("podium ls model-registry", "the models of a registry"),
        ("podium ls digits/mlp", "the versions of an artifact, newest first"),
        ("podium ls --deleted", "artifacts and models that can be brought back"),
        ("podium ls --deleted digits/mlp", "versions that can be brought back"),
    ],
)
@click.argument("place", metavar="[NAMESPACE | NAMESPACE/NAME]", required=False, shell_complete=complete_place)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show at most so many; {_SHOWN} if left out, and all with --json.",
)
@click.option("--deleted", is_flag=True, help="What was deleted: artifacts and models, or versions of NAMESPACE/NAME.")
@pass_state
def ls_command(state: State, place: str | None, limit: int | None, deleted: bool) -> None:
    """List artifacts and models, or the versions of one."""
    most = limit if limit is not None or state.json else _SHOWN
    if place is not None and "/" in place:
        _list_deleted(state, place, most) if deleted else _list_versions(state, place, most)
        return
    with state.registry() as registry:
        found = registry.collections(place, deleted=deleted)
    if state.json:
        state.print_json(found[:most])
    elif found:
        print_collections(found[:most])
        _say_more(len(found) - len(found[:most]), place)
        if deleted:
            say(f"Back: podium restore {shell_word(found[0].ref)}")
    elif deleted:
        say("No artifact or model is deleted; podium ls --deleted NAMESPACE/NAME lists deleted versions")
    else:
        _say_empty(place)


def _list_versions(state: State, place: str, most: int | None) -> None:
    with state.registry() as registry:
        total = registry.collection(place).versions
        versions = registry.versions(place, most)
    if state.json:
        state.print_json(versions)
        return
    if not versions:
        say(f"{place} has no version now; podium ls --deleted {shell_word(place)}")
        return
    _print_versions(versions)
    _say_more(total - len(versions), place)


def _list_deleted(state: State, place: str, most: int | None) -> None:
    with state.registry() as registry:
        found = registry.versions(place, most, deleted=True)
    if state.json:
        state.print_json(found)
        return
    if not found:
        say(f"No version of {place} is deleted or unlinked")
        return
    columns = [
        Column(" "),
        Column("Deleted"),
        Column("Created"),
        Column("Size", right=True),
        Column("Digest", spare=True),
    ]
    rows = [
        (
            styled(item.version, "bold"),
            time_text(item.deleted_at),
            time_text(item.created_at),
            size_text(item.size),
            digest_text(item.digest),
            item.source if item.kind == "model" else item.created_by,
        )
        for item in found
    ]
    print_table([*columns, Column("Source" if found[0].kind == "model" else "Logged by", fold=True)], rows)
    if len(found) == most:
        say(f"... at most {most}; --limit N shows more", to_stderr=True)
    say(f"Back: podium restore {shell_word(found[0].ref)}")


def print_collections(found: Sequence[Collection]) -> None:
    """Print artifacts and models, one per line."""
    columns = [Column("Name", fold=True), Column("Kind"), Column("Versions", right=True), Column("Aliases", fold=True)]
    tagged = any(item.tags for item in found)
    rows: list[Sequence[str | Text]] = [
        (
            styled(item.ref, "bold"),
            "registered model" if item.kind == "model" else item.type,
            str(item.versions),
            aliases_text(item.aliases),
            *([", ".join(item.tags)] if tagged else []),
        )
        for item in found
    ]
    print_table([*columns, Column("Tags", fold=True)] if tagged else columns, rows)


def _print_versions(versions: Sequence[Version]) -> None:
    linked = versions[0].kind == "model"
    tagged = any(item.tags for item in versions)
    columns = [
        Column(" "),
        Column("Aliases", fold=True),
        *([Column("Tags", fold=True)] if tagged else []),
        Column("Created"),
        Column("Size", right=True, spare=True),
        Column("Digest", spare=True),
        Column("Metrics", fold=True),
        Column("Source" if linked else "Logged by", fold=True),
    ]
    rows: list[Sequence[str | Text]] = [
        (
            styled(item.version, "bold"),
            aliases_text(item.aliases),
            *([", ".join(item.tags)] if tagged else []),
            time_text(item.created_at),
            size_text(item.size),
            digest_text(item.digest),
            metrics_text(item.metrics, most=2),
            item.source if linked else item.created_by,
        )
        for item in versions
    ]
    print_table(columns, rows)


def _say_more(left: int, place: str | None) -> None:
    if left > 0:
        where = f" {shell_word(place)}" if place else ""
        say(f"... and {left} more: podium ls{where} --limit N", to_stderr=True)


def _say_empty(place: str | None) -> None:
    if place is None:
        say("Nothing is logged yet. Start with: podium log PROJECT/ARTIFACT PATH")
    else:
        say(f"{place} is empty. Fill it with: podium link REF {shell_word(f'{place}/NAME')}")
