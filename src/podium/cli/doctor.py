"""``podium init`` and ``podium doctor``: setting up, and looking whether all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.options import State, Verb, pass_state
from podium.cli.output import count, joined, print_rich, say, shell_word, styled
from podium.cli.streams import counted, muted

if TYPE_CHECKING:
    from podium.domain.health import Finding, HealthReport

_STYLES = {"ok": "green", "warn": "bold yellow", "error": "bold red"}
_WHAT = {"home": "folder", "schema": "database schema", "content": "content store"}


@click.command(
    "init",
    cls=Verb,
    examples=[
        ("podium init", "everything in ~/.podium"),
        ("podium init --url postgresql+psycopg://podium@db.example/podium --content s3://models/podium", "for a team"),
    ],
)
@pass_state
def init_command(state: State) -> None:
    """Set up a registry.

    It makes Podium's folder and the database schema, and records where content is kept (--url, --content, or the
    environment). Doing it again changes nothing. A database that has tables already is left alone: 'podium db upgrade'
    brings an older schema forward.
    """
    with state.registry() as registry:
        made = registry.set_up()
    if state.json:
        state.print_json(made)
        return
    for part, place in (
        ("home", made.home),
        ("schema", f"{made.url} (schema {made.schema})"),
        ("content", made.content),
    ):
        say(f"{'made ' if part in made.made else 'there'}  {_WHAT[part]}: {place}")
    if state.url is not None:
        say(f"Next: export PODIUM_URL={shell_word(made.url)}" + (" (with its password)" if "***" in made.url else ""))
    say("Next: podium log PROJECT/ARTIFACT PATH" if made.made else "Nothing was missing; podium doctor looks deeper")


@click.command("doctor", cls=Verb)
@click.option("--deep", is_flag=True, help="Hash all stored content and read all references, too.")
@pass_state
def doctor_command(state: State, deep: bool) -> int:
    """Look whether the installation is sound, and explain what is not.

    Folders and their rights, room, file systems, plugins, database, schema, clocks, content, references, garbage and
    overdue messages. It changes nothing. Exit code 1 says that something fails or is lost; warnings alone end with 0.
    """
    with (
        state.registry() as registry,
        muted("podium.plugins"),
        counted("Reading", None, show=deep and not state.json) as step,
    ):
        report = registry.doctor(deep=deep, progress=step)
    if state.json:
        state.print_json({**report.to_json(), "ok": report.ok})
    else:
        _print_report(report)
    return 0 if report.ok else 1


def _print_report(report: HealthReport) -> None:
    for finding in report.findings:
        _print_finding(finding)
    if report.left_out:
        say(f"Not looked at, because of the above: {', '.join(report.left_out)}")
    errors, warnings = len(report.of("error")), len(report.of("warn"))
    if errors or warnings:
        say(f"{count(errors, 'error')}, {count(warnings, 'warning')}")
    else:
        say("All is well")


def _print_finding(finding: Finding) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, width=5)
    grid.add_column(overflow="fold")
    text = styled(finding.message)
    if finding.hint:
        text = joined(text, styled("\n", lines=True), styled(finding.hint, "cyan"))
    grid.add_row(styled(finding.level, _STYLES[finding.level]), text)
    print_rich(grid)
