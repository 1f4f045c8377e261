"""``podium runs``: what was executed, how it went, and what it showed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from podium.cli.options import State, Topic, pass_state
from podium.cli.output import (
    Column,
    count,
    files_text,
    joined,
    number,
    plain_text,
    print_pairs,
    print_rich,
    print_table,
    say,
    shell_word,
    size_text,
    styled,
    time_text,
)

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.media import MediaInfo
    from podium.domain.runs import MetricPoint, RunInfo

_STATUSES = ("running", "finished", "failed", "crashed")
_STYLES = {"running": "cyan", "finished": "green", "failed": "bold red", "crashed": "bold red"}
_SHOWN = 50
_FOLDER_LETTERS = 120


@click.group("runs", cls=Topic)
def runs_command() -> None:
    """Look at runs: their metrics, tables, images, and where they ran."""


@runs_command.command(
    "ls",
    examples=[
        ("podium runs ls digits", "the newest runs of a project"),
        ("podium runs ls digits --status crashed", "those whose process is gone"),
        ("podium runs ls digits --before k3v9x1ab", "the page that ends with this run goes on"),
    ],
)
@click.argument("project")
@click.option("--status", type=click.Choice(_STATUSES), help="Only runs that are so now.")
@click.option("--before", metavar="RUN", help="Only runs that were started before this one.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=_SHOWN, show_default=True, metavar="N", help="At most so many."
)
@pass_state
def ls_command(state: State, project: str, status: Any, before: str | None, limit: int) -> None:
    """List the runs of a project, newest first."""
    with state.registry() as registry:
        found = registry.runs(project, limit + 1, status=status, before=before)
    shown = found[:limit]
    if state.json:
        state.print_json(shown)
    elif shown:
        _print_runs(shown)
        if len(found) > limit:
            again = f"podium runs ls {shell_word(project)}" + (f" --status {status}" if status else "")
            say(f"... and more: {again} --before {shown[-1].id}", to_stderr=True)
    else:
        say(f"{project} has no such run. podium.init({project!r}) starts one.")


@runs_command.command("show")
@click.argument("run")
@pass_state
def show_command(state: State, run: str) -> None:
    """Show everything about a run: config, summary, media, and where it ran."""
    with state.registry() as registry:
        info, environment, media = registry.run(run), registry.environment(run), registry.media(run)
    if state.json:
        state.print_json({"run": info, "environment": environment, "media": media})
        return
    _print_run(info)
    _print_section("Summary", [(name, _value(value)) for name, value in sorted(info.summary.items())])
    _print_section("Config", [(name, plain_text(value)) for name, value in sorted(info.config.items())])
    _print_section("Environment", _environment_rows(environment))
    if media:
        say()
        _print_media(media)


@runs_command.command("metrics")
@click.argument("run")
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"Show the last N points; {_SHOWN} if left out.")
@pass_state
def metrics_command(state: State, run: str, name: str | None, limit: int | None) -> None:
    """Show the metrics of a run, or the history of one of them.

    With --json, every point is there.
    """
    with state.registry() as registry:
        points = registry.metrics(run, name)
    if state.json:
        state.print_json(points if limit is None else points[-limit:])
    elif not points:
        say(f"The run {run} logged no " + ("metric." if name is None else f"metric {name!r}."))
    elif name is None:
        _print_metrics(points)
    else:
        shown = points[-(limit or _SHOWN) :]
        columns = [Column("Step", right=True), Column("Value", right=True)]
        print_table(columns, [(str(point.step), _value(point.value)) for point in shown])
        if len(shown) < len(points):
            say(f"... the last {len(shown)} of {count(len(points), 'point')}; --limit N shows more", to_stderr=True)


@runs_command.command(
    "media",
    examples=[
        ("podium runs media k3v9x1ab", "what there is"),
        ("podium runs media k3v9x1ab --name predictions --download out", "one table with its images, of every step"),
    ],
)
@click.argument("run")
@click.option("--name", help="Only media of this name.")
@click.option("--step", type=click.IntRange(min=0), metavar="N", help="Only media of this step.")
@click.option("--download", "folder", type=click.Path(), metavar="FOLDER", help="Write them to FOLDER/NAME/STEP.")
@pass_state
def media_command(state: State, run: str, name: str | None, step: int | None, folder: str | None) -> None:
    """List the tables and images that a run logged, or write them to a folder."""
    with state.registry() as registry:
        media = [
            item for item in registry.media(run) if name in (None, item.name) and (step is None or item.step == step)
        ]
        if folder is not None:
            places = [Path(folder) / folder_name(item.name) / str(item.step) for item in media]
            for item, place in zip(media, places, strict=True):
                registry.download_media(run, item.name, place, item.step)
    if state.json:
        plain = [item.to_json() for item in media]
        state.print_json(
            plain
            if folder is None
            else [{**one, "folder": str(place)} for one, place in zip(plain, places, strict=True)]
        )
    elif not media:
        say(f"The run {run} logged no such table or image.")
    elif folder is None:
        _print_media(media)
    else:
        what = files_text(sum(item.files for item in media), sum(item.size for item in media))
        say(f"{what} in {folder}")


def folder_name(name: str) -> str:
    """Return the name of media as the name of one folder: a metric may be called ``../a`` or ``CON``."""
    plain = quote(name, safe=" ()+=,@")
    if plain == name and len(name) <= _FOLDER_LETTERS and name.strip(". ") == name and not _is_device(name):
        return name
    kept = plain.replace(".", "%2E")[:_FOLDER_LETTERS].strip()
    return f"{kept}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _is_device(name: str) -> bool:
    from podium.domain.names import check_path
    from podium.errors import InvalidNameError

    try:
        check_path(name)
    except InvalidNameError:
        return True
    return False


def _print_runs(found: Sequence[RunInfo]) -> None:
    columns = [
        Column("Run"),
        Column("Name", fold=True, spare=True),
        Column("Status"),
        Column("Started"),
        Column("Job", spare=True),
        Column("Steps", right=True, spare=True),
        Column("Summary", fold=True),
    ]
    rows = [
        (
            styled(run.id, "bold"),
            run.name,
            styled(run.status, _STYLES.get(run.status, "")),
            time_text(run.started_at),
            run.job_type or "-",
            str(run.steps),
            _summary_text(run.summary),
        )
        for run in found
    ]
    print_table(columns, rows)


def _summary_text(summary: Any, most: int = 3) -> str:
    words = [f"{name}={_value(summary[name])}" for name in sorted(summary)]
    more = len(words) - most
    return ", ".join(words[:most]) + (f", +{more} more" if more > 0 else "")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"<{value.get('_type', 'media')}>"
    return number(value) if isinstance(value, float) else plain_text(value)


def _print_run(run: RunInfo) -> None:
    print_rich(joined(styled(f"{run.project}/{run.id}  ", "bold"), styled(run.status, _STYLES.get(run.status, ""))))
    rows: list[tuple[str, str | Text]] = [
        ("Name", run.name),
        ("Job", run.job_type or "-"),
        ("Steps", str(run.steps)),
        ("Started", f"{time_text(run.started_at, full=True)} from {run.origin.label}"),
        ("Finished", time_text(run.finished_at, full=True)),
    ]
    if run.status in ("running", "crashed"):
        rows.append(("Last sign", time_text(run.heartbeat_at, full=True)))
    if run.origin.url:
        rows.append(("Link", run.origin.url))
    print_pairs(rows, indent=2)


def _print_section(title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        say()
        print_rich(styled(title, "bold"))
        print_pairs(rows, indent=2)


def _environment_rows(environment: dict[str, Any]) -> list[tuple[str, str]]:
    git = environment.get("git", {})
    source = " ".join(
        [git.get("commit", "")[:12], git.get("branch", ""), "(changed)" if git.get("dirty") else ""]
    ).strip()
    words = [
        ("Command", " ".join(map(shell_word, environment.get("command", ())))),
        ("Machine", f"{environment.get('hostname', '-')}, process {environment.get('pid', '-')}"),
        ("Python", f"{environment.get('implementation', '')} {environment.get('python', '-')}".strip()),
        ("Platform", environment.get("platform", "")),
        ("Source", source),
        ("Remote", git.get("remote", "")),
        ("Packages", f"{len(environment['packages'])}; --json lists them" if "packages" in environment else ""),
        ("Resumed", count(len(environment.get("resumed", ())), "time") if environment.get("resumed") else ""),
    ]
    return [(name, value) for name, value in words if value] if environment else []


def _print_metrics(points: Sequence[MetricPoint]) -> None:
    by_name: dict[str, list[MetricPoint]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    columns = [
        Column("Metric", fold=True),
        *(Column(title, right=True) for title in ("Points", "Last step", "Last", "Least", "Most")),
    ]
    rows = []
    for name, some in by_name.items():
        numbers = [float(point.value) for point in some if isinstance(point.value, int | float)]
        ends = (number(min(numbers)), number(max(numbers))) if numbers else ("-", "-")
        rows.append((name, str(len(some)), str(some[-1].step), _value(some[-1].value), *ends))
    print_table(columns, rows)


def _print_media(media: Sequence[MediaInfo]) -> None:
    columns = [Column("Media", fold=True), Column("Step", right=True), Column("What"), Column("Size", right=True)]
    print_table(columns, [(item.name, str(item.step), _what(item), size_text(item.size)) for item in media])


def _what(item: MediaInfo) -> str:
    details = item.details
    if item.kind == "table":
        return f"table, {count(details.get('rows', 0), 'row')} x {count(len(details.get('columns', ())), 'column')}"
    if item.kind == "images":
        return count(details.get("count", 0), "image")
    return f"{details.get('format')}, {details.get('width') or '?'} x {details.get('height') or '?'}"
