"""``podium search``: versions, models and runs that fit an expression."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from podium.cli.options import State, Verb, pass_state
from podium.cli.output import say, time_text
from podium.cli.search_tables import plain_field, print_fields, print_found
from podium.cli.watching import pause_of, watch, watch_options

if TYPE_CHECKING:
    from podium.domain.expressions import Found, Vocabulary
    from podium.registry import Registry

_Answer = tuple[list[Any], str | None]
_SHOWN = 50
_LARGEST_PAGE = 1000
_WORD = re.compile(r"[\w.]*$")


def _subject_of(context: click.Context) -> str:
    """Return what a line that is not complete yet asks for."""
    return next((name for name in ("models", "artifacts", "runs") if context.params.get(name)), "versions")


def complete_expression(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the field at the end of an expression."""
    word = _WORD.search(incomplete)
    start = word.group() if word is not None else ""
    before = incomplete[: len(incomplete) - len(start)]
    return [
        CompletionItem(before + name)
        for field in vocabulary_of(_subject_of(context)).fields
        if (name := f"{field.name}." if field.family else field.name).startswith(start)
    ]


def complete_order(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a field that can be sorted by, with or without the minus before it."""
    sign = "-" if incomplete.startswith("-") else ""
    return [
        CompletionItem(f"{sign}{field.name}{'.' if field.family else ''}")
        for field in vocabulary_of(_subject_of(context)).fields
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
        ("podium search \"stage = 'production'\" --watch --every 30s", "shown anew whenever it changes"),
        ("podium search --fields", "all that an expression can name"),
    ],
)
@click.argument("expression", metavar="[EXPRESSION]", required=False, default="", shell_complete=complete_expression)
@click.option("--models", is_flag=True, help="Registered models instead of versions.")
@click.option("--artifacts", is_flag=True, help="Artifacts instead of versions.")
@click.option("--runs", is_flag=True, help="Runs instead of versions.")
@click.option("--kind", type=click.Choice(["model", "artifact"]), help="Only versions of models, or of artifacts.")
@click.option(
    "--sort",
    metavar="[-]FIELD",
    shell_complete=complete_order,
    help="A field; '-' before it puts the greatest first. Versions and runs: -created, models and artifacts: name.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), metavar="N", help=f"At most so many; {_SHOWN} if left out.")
@click.option("--all", "everything", is_flag=True, help="All that there is.")
@click.option("--after", metavar="PLACE", help="Go on after a page: the 'next' that --json shows.")
@click.option("--fields", is_flag=True, help="Only say which fields an expression can name.")
@watch_options("Ask again and again, and show the answer whenever it is another one, until Ctrl-C.")
@pass_state
def search_command(state: State, /, expression: str, sort: str | None, fields: bool, **asked: Any) -> None:
    """Find versions, models or runs by what is known of them.

    EXPRESSION compares fields: = != < <= > >=, in (...), like 'fraud-%', is null, joined by and, or, not. Texts and
    times stand in quotes. Without one, everything is found.
    """
    subject = _subject(asked)
    _require_sense(subject, fields=fields, **asked)
    pause = pause_of(asked["every"], watch=asked["watch"])
    if fields:
        found = vocabulary_of(subject)
        state.print_json([plain_field(f) for f in found.fields]) if state.json else print_fields(found)
        return
    order = sort or ("name" if subject in ("models", "artifacts") else "-created")
    ask = {"order_by": order, **({"kind": asked["kind"]} if asked["kind"] else {})}
    limit = None if asked["everything"] else asked["limit"] or _SHOWN
    with state.registry() as registry:

        def look() -> _Answer:
            return _ask(registry, subject, expression, ask, limit, asked["after"])

        def show(answer: _Answer) -> None:
            _show(state, registry, subject, expression, order, answer)

        def show_anew(answer: _Answer) -> None:
            if state.json:
                state.print_line({"items": answer[0], "next": answer[1]})
                return
            if sys.stdout.isatty():
                click.clear()
            say(f"At {time_text(datetime.now(UTC), full=True)}")
            show(answer)

        watch(look, show_anew, pause, state.output) if asked["watch"] else show(look())


def _subject(asked: Mapping[str, Any]) -> str:
    """Return what is looked for.

    Raises:
        UsageError: Several things at once.
    """
    named = [name for name in ("models", "artifacts", "runs") if asked.get(name)]
    if len(named) > 1:
        raise click.UsageError(
            f"Give one of {' and '.join(f'--{name}' for name in named)}; ask twice for both.",
            click.get_current_context(),
        )
    return named[0] if named else "versions"


def _require_sense(
    subject: str,
    *,
    fields: bool,
    kind: str | None,
    everything: bool,
    limit: int | None,
    after: str | None,
    watch: bool,
    **_: Any,
) -> None:
    """Refuse options of which one would count for nothing.

    Raises:
        UsageError: There are such.
    """
    context = click.get_current_context()
    if kind is not None and subject != "versions":
        raise click.UsageError("--kind chooses among versions; use --models or --artifacts alone.", context)
    if everything and (after is not None or limit is not None):
        other = "--after" if after is not None else "--limit"
        raise click.UsageError(f"--all and {other} exclude each other.", context)
    if watch and (fields or after is not None):
        raise click.UsageError(f"--watch and {'--fields' if fields else '--after'} exclude each other.", context)


def _show(state: State, registry: Registry, subject: str, expression: str, order: str, answer: _Answer) -> None:
    """Print what was found, and why it may be nothing, or in no order."""
    found, following = answer
    if state.json:
        state.print_json({"items": found, "next": following})
    elif found:
        print_found(subject, found, _named(expression, order, vocabulary_of(subject)))
        for line in _order_hints(registry, subject, order, found):
            say(line, to_stderr=True)
        if following is not None:
            say("... and more: --limit N, --all, or --json for the place to go on after", to_stderr=True)
    else:
        say(f"No {_CALLED[subject]} fits." if expression.strip() else f"There is no {_CALLED[subject]} yet.")
        for line in registry.search_hints(expression, _SUBJECTS[subject]):
            say(f"  {line}")


def _order_hints(registry: Registry, subject: str, order: str, found: Sequence[Any]) -> list[str]:
    """Return why an order by a metric, key or setting that nothing on the page has may be none."""
    from podium.domain.expressions import near_names, read_field, written

    by = read_field(order.strip().lstrip("-+"), vocabulary_of(subject))
    name = by.field.name
    if by.key is None:
        return []
    if (subject, name) != ("runs", "metric"):
        return registry.search_hints(f"{by.path} is not null", _SUBJECTS[subject])
    # The last values of a run stand in one document: those of the page are looked at, not those of all runs.
    known = {key for run in found for key in run.summary}
    if by.key in known:
        return []
    near = near_names(by.key, sorted(known))
    return [f"No run shown has the metric {by.key!r}.{f' Did you mean metric.{written(near[0])}?' if near else ''}"]


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
) -> _Answer:
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
