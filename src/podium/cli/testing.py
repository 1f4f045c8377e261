"""``podium test``: run checks and suites of pytest on a version, record the results, and write reports of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_ref, complete_stage
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import Column, joined, print_table, safe, say, status_text, styled
from podium.cli.reports import on_screen, report_option, require_room, write_reports

if TYPE_CHECKING:
    from podium.cli.reports import Reports
    from podium.domain.checks import TestReport


def read_data(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Take ``NAME=PLACE`` apart."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, place = text.partition("=")
        if not (name and equals and place):
            raise click.BadParameter(f"{text!r} is not NAME=PLACE.")
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice.")
        found[name] = place
    return found


@click.command(
    "test",
    cls=Verb,
    examples=[
        ("podium test 'model-registry/Digits classifier' --checks tests/model/checks.py", ""),
        ("podium test digits/mlp:v3 --checks 'max_size(\"100 MB\")' --checks checks.yaml", "built-in checks"),
        ("podium test digits/mlp --checks risky_checks.py --timeout 60", "a check may hang"),
        ("podium test digits/mlp --suite tests/model -- -k fast -n 2", "a suite of pytest, with its own options"),
        ("podium test digits/mlp --suite tests/model --report junit=out.xml --report html=report.html", "for CI"),
    ],
)
@click.argument("ref", shell_complete=complete_ref)
@click.option(
    "--checks",
    metavar="SOURCE...",
    multiple=True,
    help="module, module:name, file.py, a folder, list.yaml, or a built-in check such as 'max_size(\"1 GB\")'.",
)
@click.option(
    "--suite",
    metavar="PATH",
    multiple=True,
    help="File or folder of pytest; its options follow after '--'. Repeatable.",
)
@click.argument("more", metavar="", nargs=-1)
@click.option(
    "--champion",
    metavar="STAGE",
    default="production",
    show_default=True,
    shell_complete=complete_stage,
    help="Stage or alias whose holder the checks may compare with.",
)
@click.option("--no-champion", is_flag=True, help="Compare with nothing.")
@click.option(
    "--data", metavar="NAME=PLACE", multiple=True, callback=read_data, help="Data for the checks: a path or reference."
)
@click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Run checks in a process of their own, which they may crash, or in this one, for a debugger.  [default: "
    "isolate]",
)
@click.option("--timeout", type=float, metavar="SECONDS", help="For each check and each test.")
@report_option
@pass_state
def test_command(
    state: State,
    ref: str,
    checks: tuple[str, ...],
    suite: tuple[str, ...],
    more: tuple[str, ...],
    champion: str,
    no_champion: bool,
    data: dict[str, str],
    isolate: bool | None,
    timeout: float | None,
    reports: Reports,
) -> int:
    """Run checks on a version and record the results.

    What follows after '--' goes to pytest if there is a --suite. Exit code 1 says that a check of severity 'error'
    failed or could not run.
    """
    require_room(state, reports)
    stage = None if no_champion else champion
    with state.registry() as registry, _importable_here():
        report = registry.test(
            ref,
            checks if suite else [*checks, *more],
            suite=suite,
            pytest_options=more if suite else (),
            champion=stage,
            data=data,
            isolate=isolate,
            timeout=timeout,
            echo=_echo(),
        )
        if state.json:
            state.print_json({**report.to_json(), "passed": report.passed})
        elif on_screen(reports):
            _print_report(report, stage)
        write_reports(reports, lambda form: registry.test_report(report, form))
    return 0 if report.passed else 1


def _echo() -> Callable[[str], None]:
    """Return what shows the output of checks and of pytest on standard error, as it comes."""

    def show(text: str) -> None:
        click.echo(safe(text.replace("\r\n", "\n"), lines=True), nl=False, err=True)

    return show


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
    from podium.domain.check_report import verdict

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
    beside = f", compared with {report.champion}" if report.champion else ""
    nobody = f"; nothing holds {champion!r} to compare with" if champion and not report.champion else ""
    say(f"{report.ref} {verdict(report)}{beside}{nobody}")
