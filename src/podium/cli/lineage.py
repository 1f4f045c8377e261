"""``podium lineage`` and ``podium impact``: where versions come from, and who depends on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_ref
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import (
    Column,
    aliases_text,
    count,
    joined,
    print_pairs,
    print_rich,
    print_table,
    say,
    shell_word,
    styled,
    time_text,
)

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.impact import Dependent, Impact
    from podium.domain.lineage import Direction, Lineage
    from podium.domain.lineage_tree import TreeLine

_SHOWN = 100
_MERMAID_EDGES = 500  # what Mermaid draws unless its page sets maxEdges
_PATH_ENDS = 3


@click.command(
    "lineage",
    cls=Verb,
    examples=[
        ("podium lineage 'model-registry/Digits classifier:production'", "what production was made from"),
        ("podium lineage digits/raw:v3 --down --depth 4", "what was made from a data set, four hops far"),
        ("podium lineage run:k3v9x1ab --format mermaid", "for a page of documentation"),
        ("podium lineage digits/mlp:v3 --up --format dot | dot -Tsvg > lineage.svg", "a picture, by Graphviz"),
    ],
)
@click.argument("ref", metavar="REF", shell_complete=complete_ref)
@click.option("--up", is_flag=True, help="What it was made from.")
@click.option("--down", is_flag=True, help="What was made from it.")
@click.option("--both", is_flag=True, help="Both, as if nothing is said.")
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Follow N hops; from a version to a run, or from a run to a version, is one. All if left out.",
)
@click.option("--format", "form", type=click.Choice(["tree", "mermaid", "dot"]), help="How; a tree if left out.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show the nearest N nodes; {_SHOWN} in a tree if left out, and all else.",
)
@pass_state
def lineage_command(
    state: State,
    ref: str,
    up: bool,
    down: bool,
    both: bool,
    depth: int | None,
    form: str | None,
    limit: int | None,
) -> None:
    """Show what a version or run was made from, and what was made from it.

    REF is a version of an artifact or model, or run:ID. Versions that were deleted since are shown as such; a deleted
    version is named by its number.
    """
    if state.json and form is not None:
        raise click.UsageError("--format and --json are two forms; give one of them.")
    direction: Direction = "both" if both or up == down else "up" if up else "down"
    with state.registry() as registry:
        found = registry.lineage(ref, direction, depth)
    if state.json:
        state.print_json(found.nearest(limit))
    elif form == "mermaid":
        click.echo(found.to_mermaid(limit))
        _say_mermaid(found.nearest(limit))
    elif form == "dot":
        click.echo(found.to_dot(limit))
    else:
        _print_tree(found, limit or _SHOWN)


def _say_mermaid(found: Lineage) -> None:
    if len(found.edges) > _MERMAID_EDGES:
        say(
            f"... {len(found.edges)} edges; Mermaid draws {_MERMAID_EDGES} unless its maxEdges is raised: "
            "--depth N or --limit N gives less",
            to_stderr=True,
        )


def _print_tree(found: Lineage, limit: int) -> None:
    from podium.domain.lineage_tree import draw_trees

    lines = [_line_text(line) for line in draw_trees(found, limit)]
    print_rich(styled("\n", lines=True).join(lines))
    hidden = len(found.nodes) - limit
    if hidden > 0:
        cut = f"... {hidden:,} of {count(len(found.nodes), 'node')} left out"
        say(f"{cut}; --limit N shows more, --depth N looks less far", to_stderr=True)
    if len(found.nodes) == 1:
        say("Runs tell the lineage: run.use_artifact(...) and run.log_artifact(...).", to_stderr=True)


def _line_text(line: TreeLine) -> Text:
    from podium.domain.lineage_tree import used_as, words

    if line.node is None:
        return joined(styled(line.branch, "dim"), styled(line.note, "dim" if line.branch else "bold"))
    gone = line.node.kind == "version" and line.node.deleted_at is not None
    style = "red" if gone else "bold" if line.node.kind == "version" else "cyan"
    parts = [styled(line.branch, "dim"), styled(f"{line.how} " if line.how else "", "dim"), styled(line.node.id, style)]
    parts += [styled(f"  {word}") for word in words(line.node)]
    if line.edge is not None:
        parts += [styled(f"  {word}", "dim") for word in (*used_as(line.edge), time_text(line.edge.at))]
    return joined(*parts, *([styled(f"  {line.note}", "dim")] if line.note else []))


@click.command(
    "impact",
    cls=Verb,
    examples=[
        ("podium impact digits/raw:v3", "whom a data set with a fault concerns"),
        ("podium impact run:k3v9x1ab --json", "for a script"),
    ],
)
@click.argument("ref", metavar="REF", shell_complete=complete_ref)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show the nearest N model versions; {_SHOWN} if left out, and all with --json.",
)
@pass_state
def impact_command(state: State, ref: str, limit: int | None) -> None:
    """Name the registered models and stages that depend on a version.

    A model version depends on everything that its files were made from, through any number of runs. REF is typically a
    version of a data set; it may be any version, or run:ID.
    """
    with state.registry() as registry:
        found = registry.impact(ref)
    if state.json:
        from dataclasses import replace

        state.print_json(replace(found, dependents=found.dependents[:limit]))
        return
    _print_impact(found)
    shown = found.dependents[: limit or _SHOWN]
    if shown:
        say()
        _print_dependents(shown)
    if len(shown) < len(found.dependents):
        say(f"... the nearest {len(shown)} of {len(found.dependents)}; --limit N shows more", to_stderr=True)


def _print_impact(found: Impact) -> None:
    reached = f"{count(found.runs, 'run')} and {count(found.versions, 'version')} downstream"
    asked = f", asked for as {found.ref}" if found.ref != found.root else ""
    print_rich(joined(styled(found.root, "bold"), styled(f"  {reached}{asked}")))
    if not found.dependents:
        say(f"No registered model depends on it; see podium lineage {shell_word(found.root)} --down")
        return
    rows: list[tuple[str, str | Text]] = [("Models", ", ".join(found.models))]
    rows.append(("Stages", styled(", ".join(found.stages), "bold") if found.stages else "none"))
    if found.aliases:
        rows.append(("Aliases", ", ".join(found.aliases)))
    print_pairs(rows, indent=2)


def _print_dependents(dependents: Sequence[Dependent]) -> None:
    columns = [Column("Model version", fold=True), Column("Held by", fold=True), Column("Hops", right=True)]
    rows = [
        (styled(item.ref, "bold"), aliases_text((*item.stages, *item.aliases)), str(item.hops), _path_text(item.path))
        for item in dependents
    ]
    print_table([*columns, Column("One way there", fold=True)], rows)


def _path_text(path: Sequence[str]) -> str:
    """Return a path without the root, which stands above; of a long one its ends."""
    steps = list(path[1:])
    if len(steps) > 2 * _PATH_ENDS + 1:
        steps[_PATH_ENDS:-_PATH_ENDS] = [f"... {len(steps) - 2 * _PATH_ENDS} more ..."]
    return " > ".join(steps) or "itself"
