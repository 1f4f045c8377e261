"""``podium test``: run checks on a version and record the results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_ref, complete_stage
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import Column, count, joined, print_table, say, status_text, styled

if TYPE_CHECKING:
    from podium.domain.checks import TestReport


@click.command(
    "test", cls=Verb, examples=[("podium test 'model-registry/Digits classifier' --checks tests/model/checks.py", "")]
)
@click.argument("ref", shell_complete=complete_ref)
@click.option(
    "--checks", metavar="SOURCE...", multiple=True, required=True, help="module, module:name, or file.py; repeatable."
)
@click.argument("more_checks", metavar="", nargs=-1)
@click.option(
    "--champion",
    metavar="STAGE",
    default="production",
    show_default=True,
    shell_complete=complete_stage,
    help="Stage or alias whose holder the checks may compare with.",
)
@click.option("--no-champion", is_flag=True, help="Compare with nothing.")
@pass_state
def test_command(
    state: State, ref: str, checks: tuple[str, ...], more_checks: tuple[str, ...], champion: str, no_champion: bool
) -> int:
    """Run checks on a version and record the results.

    Exit code 1 says that a check of severity 'error' failed or could not run.
    """
    with state.registry() as registry, _importable_here():
        report = registry.test(ref, [*checks, *more_checks], champion=None if no_champion else champion)
    if state.json:
        state.print_json({**report.to_json(), "passed": report.passed})
    else:
        _print_report(report, None if no_champion else champion)
    return 0 if report.passed else 1


@contextmanager
def _importable_here() -> Iterator[None]:
    """Let modules of the working directory be named, as ``python -m`` does and a console script does not."""
    here = os.getcwd()
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _print_report(report: TestReport, champion: str | None) -> None:
    columns = [Column("Check", fold=True), Column("Result"), Column("Message", fold=True), Column("Time", right=True)]
    rows = [
        (
            styled(result.name, "bold"),
            joined(status_text(result.status), styled(" (warns only)" if result.severity == "warn" else "", "dim")),
            result.message,
            f"{result.duration:.2f} s",
        )
        for result in report.results
    ]
    print_table(columns, rows)
    failed = sum(not result.passed and result.status != "skipped" for result in report.results)
    beside = f", compared with {report.champion}" if report.champion else ""
    nobody = f"; nothing holds {champion!r} to compare with" if champion and not report.champion else ""
    verdict = f"failed {failed} of {count(len(report.results), 'check')}" if failed else "passed"
    say(f"{report.ref} {verdict}{beside}{nobody}")
