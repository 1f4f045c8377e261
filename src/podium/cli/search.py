"""``podium search``: versions, models and runs that fit an expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from podium.cli.options import State, Verb, pass_state
from podium.cli.output import say
from podium.cli.search_tables import plain_field, print_fields, print_found

if TYPE_CHECKING:
    from podium.domain.expressions import Found, Vocabulary
    from podium.registry import Registry

_SHOWN = 50
_LARGEST_PAGE = 1000
_WORD = re.compile(r"[\w.]*$")


def complete_expression(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the field at the end of an expression."""
    word = _WORD.search(incomplete)
    start = word.group() if word is not None else ""
    before = incomplete[: len(incomplete) - len(start)]
    return [
        CompletionItem(before + name)
        for field in vocabulary_of(context.params.get("subject") or "versions").fields
        if (name := f"{field.name}." if field.family else field.name).startswith(start)
    ]


def complete_order(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a field that can be sorted by, with or without the minus before it."""
    sign = "-" if incomplete.startswith("-") else ""
    return [
        CompletionItem(f"{sign}{field.name}{'.' if field.family else ''}")
        for field in vocabulary_of(context.params.get("subject") or "versions").fields
        if not field.many and field.name.startswith(incomplete.removeprefix("-"))
    ]


@click.command(
    "search",
    cls=Verb,
    examples=[
        ("podium search 'metric.accuracy > 0.9 and tag = \"prod\"'", "good versions with a label"),
        ("podium search 'stage is not null' --sort -metric.accuracy", "what holds a stage, the best first"),
        ("podium search \"created >= ago('7d') and not metadata.reviewed = true\"", "new and not reviewed"),
        ("podium search --models \"owner = 'ann'\"", "the registered models of somebody"),
        ("podium search --runs \"status = 'failed' and config.lr > 0.1\"", "runs"),
        ("podium search --fields", "all that an expression can name"),
    ],
)
@click.argument("expression", metavar="[EXPRESSION]", required=False, default="", shell_complete=complete_expression)
@click.option("--models", "subject", flag_value="models", help="Registered models instead of versions.")
@click.option("--artifacts", "subject", flag_value="artifacts", help="Artifacts instead of versions.")
@click.option("--runs", "subject", flag_value="runs", help="Runs instead of versions.")
@click.option("--kind", type=click.Choice(["model", "artifact"]), help="Only versions of models, or of artifacts.")
@click.option(
    "--sort",
    metavar="[-]FIELD",
    shell_complete=complete_order,
    help="A field; '-' before it puts the greatest first. Versions and runs: -created, models and artifacts: name.",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=_SHOWN, show_default=True, metavar="N", help="At most so many."
)
@click.option("--all", "everything", is_flag=True, help="All that there is.")
@click.option("--after", metavar="PLACE", help="Go on after a page: the 'next' that --json shows.")
@click.option("--fields", is_flag=True, help="Only say which fields an expression can name.")
@pass_state
def search_command(
    state: State,
    expression: str,
    subject: str | None,
    kind: str | None,
    sort: str | None,
    limit: int,
    everything: bool,
    after: str | None,
    fields: bool,
) -> None:
    """Find versions, models or runs by what is known of them.

    EXPRESSION compares fields: = != < <= > >=, in (...), like 'fraud-%', is null, joined by and, or, not. Texts and
    times stand in quotes. Without one, everything is found.
    """
    subject = subject or "versions"
    if kind is not None and subject != "versions":
        raise click.UsageError("--kind chooses among versions; use --models or --artifacts alone.")
    if everything and after is not None:
        raise click.UsageError("--all and --after exclude each other.")
    if fields:
        found_fields = vocabulary_of(subject)
        state.print_json([plain_field(f) for f in found_fields.fields]) if state.json else print_fields(found_fields)
        return
    order = sort or ("name" if subject in ("models", "artifacts") else "-created")
    ask: dict[str, Any] = {"order_by": order, **({"kind": kind} if kind else {})}
    with state.registry() as registry:
        found, following = _ask(registry, subject, expression, ask, None if everything else limit, after)
        hints = [] if found or state.json else registry.search_hints(expression, _SUBJECTS[subject])
    if state.json:
        state.print_json({"items": found, "next": following})
    elif found:
        print_found(subject, found, _named(expression, order, vocabulary_of(subject)))
        if following is not None:
            say("... and more: --limit N, --all, or --json for the place to go on after", to_stderr=True)
    else:
        say(f"No {_CALLED[subject]} fits." if expression.strip() else f"There is no {_CALLED[subject]} yet.")
        for line in hints:
            say(f"  {line}")


_CALLED = {"versions": "version", "models": "registered model", "artifacts": "artifact", "runs": "run"}
_SUBJECTS: dict[str, Any] = {
    "versions": "versions",
    "models": "collections",
    "artifacts": "collections",
    "runs": "runs",
}


def vocabulary_of(subject: str) -> Vocabulary:
    """Return the fields that an expression about a subject can name."""
    from podium.domain.search import COLLECTIONS, RUNS, VERSIONS

    return {"versions": VERSIONS, "runs": RUNS}.get(subject, COLLECTIONS)


def _ask(
    registry: Registry, subject: str, expression: str, ask: dict[str, Any], limit: int | None, after: str | None
) -> tuple[list[Any], str | None]:
    """Return what fits and the place after it; page by page, all of it if there is no limit."""
    verbs: dict[str, Any] = {
        "versions": registry.search,
        "models": registry.search_models,
        "artifacts": registry.search_artifacts,
        "runs": registry.search_runs,
    }
    found: list[Any] = []
    while True:
        page = verbs[subject](expression, limit=limit or _LARGEST_PAGE, after=after, **ask)
        found += page.items
        after = page.next
        if limit is not None or after is None:
            return found, after


def _named(expression: str, order: str, vocabulary: Vocabulary) -> list[Found]:
    """Return the fields of families that the question names: these are shown."""
    from podium.domain.expressions import read_expression, read_field

    named = [*read_expression(expression, vocabulary).fields, read_field(order.strip().lstrip("-+"), vocabulary)]
    shown = {(item.field.name, item.key): item for item in named if item.field.name in ("metric", "metadata", "config")}
    return list(shown.values())[:4]
