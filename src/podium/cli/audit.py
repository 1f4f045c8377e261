"""``podium audit``: prove the history, search it, keep its heads, and say who held a stage when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from podium.cli.audit_export import FORMATS, write_events
from podium.cli.completion import complete_model, complete_stage
from podium.cli.given import read_text
from podium.cli.options import State, Topic, pass_state
from podium.cli.output import (
    Column,
    count,
    make_console,
    print_pairs,
    print_table,
    say,
    shell_word,
    styled,
)
from podium.cli.watching import follow_events, pause_of, watch_options

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.audit import AuditHeads, AuditReport, Holding
    from podium.domain.events import Event

_WATCHED = "--watch starts with --since or with --limit, and ends with Ctrl-C: without --all, --until, --after."
_SHOWN = 50
_STYLES = {"event_edited": "bold red", "state_differs": "bold red"}


@click.group("audit", cls=Topic)
def audit_command() -> None:
    """Prove the history, search it, and say who held a stage when.

    'podium history REGISTRY/MODEL' tells the history of one model in words.
    """


def moment(text: str) -> datetime:
    """Read a date, or a date and time, as ISO 8601; without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 2026-11-01, 2026-11-01T12:00Z or ...+02:00.") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def utc_text(time: datetime | None) -> str:
    """Return a time in UTC: what stands in an audit must not depend on the machine that shows it."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if time is not None else "-"


@audit_command.command(
    "ls",
    examples=[
        ("podium audit ls \"type = 'model_version.promoted' and after.stage = 'production'\"", "who promoted what"),
        ("podium audit ls \"origin.dag_id = 'train'\" --since 2026-11-01 --until 2026-12-01", "what a DAG changed"),
        ("podium audit ls --all --oldest-first --format jsonl > events.jsonl", "all of it, a line per event"),
        ("podium audit ls --all --format csv > events.csv", "for a spreadsheet"),
        ("podium audit ls --watch --format jsonl | while read -r event; do ...; done", "each as it comes"),
    ],
)
@click.argument("where", required=False, default="")
@click.option("--since", type=moment, metavar="TIME", help="From this time on; without a zone it is UTC.")
@click.option("--until", type=moment, metavar="TIME", help="Before this time.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many; {_SHOWN} if left out.")
@click.option("--all", "everything", is_flag=True, help="All of them; not as a table.")
@click.option("--after", metavar="NEXT", help="Go on after a page; --json says 'next'.")
@click.option("--oldest-first", is_flag=True, help="In the order in which it happened.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="JSON lines or CSV instead of a table.")
@click.option("--fields", is_flag=True, help="List the names that WHERE may use.")
@watch_options("Show the last events, then each new one as it comes, until Ctrl-C.")
@pass_state
def list_audit(
    state: State,
    /,
    where: str,
    fields: bool,
    form: str | None,
    everything: bool,
    watch: bool,
    every: timedelta | None,
    **asked: Any,
) -> None:
    """List events of all models, artifacts and registries, the newest first.

    WHERE is an expression, such as: actor = 'ann' and type like 'model_version.%' and reason is null.
    """
    if fields:
        _print_fields(state)
        return
    if form is not None and state.json:
        raise click.UsageError("Give --format or --json, not both.", click.get_current_context())
    if everything and (form is None or asked["limit"] or asked["after"]):
        raise click.UsageError(
            "--all goes with --format jsonl or csv, and not with --limit or --after.", click.get_current_context()
        )
    pause = pause_of(every, watch=watch)
    if watch:
        if everything or asked["until"] or asked["after"] or (asked["since"] and asked["limit"]):
            raise click.UsageError(_WATCHED, click.get_current_context())
        with state.registry() as registry:
            _follow(state, form, follow_events(registry, where, asked["since"], asked["limit"], pause, state.output))
        return
    newest_first = not asked.pop("oldest_first")
    limit = asked.pop("limit") or _SHOWN
    with state.registry() as registry:
        if everything:
            times = {"since": asked["since"], "until": asked["until"]}
            write_events(form or "jsonl", registry.audit_events(where, newest_first=newest_first, **times))
            return
        page = registry.audit(where, limit=limit, newest_first=newest_first, **asked)
    if state.json:
        state.print_json(page)
    elif form is not None:
        write_events(form, page.items)
    elif page.items:
        _print_events(page.items)
    else:
        say("No event matches" if where else "Nothing happened")
    if page.next and not state.json:
        say(f"... and more: --limit N, --after {page.next}, or --all --format jsonl", to_stderr=True)


def _follow(state: State, form: str | None, events: Iterator[Event]) -> None:
    """Print each event when it comes, on one line."""
    if form is not None:
        write_events(form, events)
    for event in events:
        if state.json:
            state.print_line(event)
        else:
            why = f"  {event.reason}" if event.reason else ""
            say(f"{utc_text(event.at)}  {event.type}  {event.subject}  {event.actor} from {event.origin.label}{why}")


def _print_fields(state: State) -> None:
    from podium.domain.event_fields import EVENTS

    rows = [(field.title, field.type.value, field.about) for field in EVENTS.fields]
    if state.json:
        state.print_json([dict(zip(("name", "type", "about"), row, strict=True)) for row in rows])
    else:
        print_table([Column("Name"), Column("Type", fold=True), Column("What it is", fold=True)], rows)


def _print_events(events: Sequence[Event]) -> None:
    columns = [
        Column("When (UTC)"),
        Column("Event", fold=True),
        Column("Subject", fold=True),
        Column("By", fold=True),
        Column("From", fold=True, spare=True),
        Column("Why", fold=True, spare=True),
    ]
    rows = [
        (
            styled(utc_text(event.at), "dim"),
            styled(event.type, "bold"),
            event.subject,
            event.actor,
            event.origin.label,
            event.reason or "",
        )
        for event in events
    ]
    print_table(columns, rows)


@audit_command.command(
    "verify",
    examples=[
        ("podium audit verify", "history and registry against each other"),
        ("podium audit verify --heads heads.json", "against what was exported before, too"),
    ],
)
@click.option("--heads", type=click.Path(), metavar="F.json", help="What 'podium audit head --json' wrote once.")
@click.option("--digest", metavar="SHA256", help="The line that was written down; the heads must give it.")
@pass_state
def verify_audit(state: State, heads: str | None, digest: str | None) -> None:
    """Compute every hash anew and compare the registry with its history.

    Exit code 1 if anything was found. Who may write the database can cut a history short or write a new one with right
    hashes; that is found with --heads, kept where that person cannot write.
    """
    if digest is not None and heads is None:
        raise click.UsageError("--digest says which --heads are right; give both.", click.get_current_context())
    exported = _read_heads(heads, digest) if heads is not None else None
    with state.registry() as registry:
        total = registry.count_events()
        with _stepping("Verifying", total, show=not state.json) as progress:
            report = registry.verify_audit(exported, progress)
    if state.json:
        state.print_json(report.to_json() | {"ok": report.ok})
    else:
        _print_report(report)
    if not report.ok:
        click.get_current_context().exit(1)


def _read_heads(path: str, digest: str | None) -> AuditHeads:
    import json

    from podium.domain.audit import AuditHeads
    from podium.errors import InvalidValueError

    text = read_text(path, "--heads")
    try:
        heads = AuditHeads.from_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"{path} is no JSON: {error}.", hint="Check --heads.") from error
    if digest is not None and digest.strip().removeprefix("sha256:") != heads.digest.removeprefix("sha256:"):
        raise InvalidValueError(
            f"{path} gives {heads.digest}, not the digest that was written down.",
            hint="The file was exchanged or altered; find the right copy.",
            expected=digest,
        )
    return heads


@contextmanager
def _stepping(what: str, total: int, *, show: bool) -> Iterator[Callable[[int], None] | None]:
    """Give a function that is told how many events are done, and show it to somebody who watches."""
    if not show or not make_console(to_stderr=True).is_terminal:
        yield None
        return
    from rich import progress as parts

    columns = (parts.TextColumn("{task.description}"), parts.BarColumn(), parts.MofNCompleteColumn())
    with parts.Progress(*columns, console=make_console(to_stderr=True), transient=True) as progress:
        task = progress.add_task(f"{what} events ...", total=total)
        yield lambda done: progress.update(task, completed=done)


def _print_report(report: AuditReport) -> None:
    looked = f"{count(report.events, 'event')} in {count(report.streams, 'stream')}, {count(report.rows, 'row')}"
    looked += f", {count(report.manifests, 'manifest')}"
    if report.ok:
        say(f"History is whole, and the registry is what it says: {looked}")
    else:
        rows = [(styled(item.kind, _STYLES.get(item.kind, "bold")), item.text) for item in report.findings[:_SHOWN]]
        print_table([Column("Finding"), Column("What is wrong", fold=True)], rows)
        say(f"{count(report.found, 'finding')} in {looked}")
        if report.found > _SHOWN:
            say(f"... and {report.found - _SHOWN} more; see --json", to_stderr=True)
    if report.heads is not None:
        say(f"Compared with the heads of {utc_text(report.heads_at)} UTC: {report.heads}")
    else:
        say("Not compared with exported heads; see: podium audit head", to_stderr=True)
    if report.unproven:
        say(f"{count(report.unproven, 'fact')} of changes by an older Podium stand in no event", to_stderr=True)


@audit_command.command("head", examples=[("podium audit head --json > heads.json", "keep it outside, and its digest")])
@pass_state
def show_heads(state: State) -> None:
    """Show the newest event of each stream, to be kept outside of the registry.

    The last line binds all of it: whoever has written it down knows the right file again.
    """
    with state.registry() as registry:
        heads = registry.audit_heads()
    if state.json:
        state.print_json(heads)
        return
    ordered = sorted(heads.streams, key=lambda head: head.name)
    rows = [(styled(head.name, "bold"), str(head.sequence), head.hash[:16]) for head in ordered]
    if rows:
        print_table([Column("Stream", fold=True), Column("Events", right=True), Column("Hash")], rows)
    say(f"{heads.digest}  {count(len(rows), 'stream')} at {utc_text(heads.at)} UTC")


@audit_command.command(
    "holder",
    examples=[
        ("podium audit holder 'model-registry/Digits' production --at 2026-11-01T12:00Z", "who served then"),
        ("podium audit holder 'model-registry/Digits' production --all", "all who ever did"),
    ],
)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.argument("stage", default="production", shell_complete=complete_stage)
@click.option("--at", type=moment, metavar="TIME", help="When; now if left out. Without a zone it is UTC.")
@click.option("--all", "everything", is_flag=True, help="All times in which it was held.")
@pass_state
def show_holder(state: State, model: str, stage: str, at: datetime | None, everything: bool) -> None:
    """Say which version held a stage or alias, since when, until when, by whom and why.

    All times are UTC. A move counts from its own moment on.
    """
    if everything and at is not None:
        raise click.UsageError("Give --at or --all, not both.", click.get_current_context())
    moment_asked = at or datetime.now(UTC)
    with state.registry() as registry:
        if everything:
            found = registry.holders(model, stage)
        else:
            held = registry.holder(model, stage, moment_asked)
            found = [held] if held is not None else []
    if state.json:
        plain = [holding.to_json() | {"ref": holding.ref} for holding in found]
        state.print_json(plain if everything else {"at": moment_asked, "holding": plain[0] if plain else None})
    elif everything:
        _print_holdings(found, f"{model}:{stage}")
    else:
        _print_holder(found[0] if found else None, model, stage, moment_asked)


def _print_holder(held: Holding | None, model: str, stage: str, at: datetime) -> None:
    when = f"At {utc_text(at)} UTC"
    if held is None:
        say(f"{when} nothing had held {stage} of {model} yet")
    elif held.version is None:
        say(f"{when} nothing held {stage} of {model}; it was taken away {utc_text(held.since)} UTC by {held.actor}")
    else:
        say(f"{when} {stage} of {model} was {held.version}")
        rows: list[tuple[str, str | Text]] = [
            ("Since", f"{utc_text(held.since)} UTC"),
            ("Until", f"{utc_text(held.until)} UTC" if held.until else "holds it still"),
            ("How", held.how.replace("_", " ")),
            ("By", f"{held.actor} from {held.origin.label}{' ' + held.origin.url if held.origin.url else ''}"),
            *([("Why", held.reason)] if held.reason else []),
        ]
        print_pairs(rows)
        say(f"All that happened: podium history {shell_word(model)} --alias {shell_word(stage)}", to_stderr=True)


def _print_holdings(found: Sequence[Holding], what: str) -> None:
    if not found:
        say(f"Nothing ever held {what}")
        return
    columns = [
        Column("From (UTC)"),
        Column("Until (UTC)"),
        Column("Version"),
        Column("How"),
        Column("By", fold=True),
        Column("From where", fold=True, spare=True),
        Column("Why", fold=True, spare=True),
    ]
    rows = [
        (
            utc_text(item.since),
            utc_text(item.until) if item.until else "now",
            styled(item.version or "nobody", "bold" if item.version else "dim"),
            item.how.replace("_", " "),
            item.actor,
            item.origin.label,
            item.reason or "",
        )
        for item in found
    ]
    print_table(columns, rows)
