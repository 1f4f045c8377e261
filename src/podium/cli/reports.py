"""The option ``--report FORM=FILE`` of the commands that test and promote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podium.cli.options import State
from podium.errors import PodiumError, PromotionRefusedError, StorageError

if TYPE_CHECKING:
    from podium.domain.transitions import Transition
    from podium.registry import Registry
    from podium.registry.reporting import ReportForm

    Reports = Sequence[tuple[ReportForm, str]]

_FORMS = ("html", "markdown", "junit")
_SUFFIXES = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown", ".xml": "junit"}


def report_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--report``, which may be given several times, as `reports`."""
    return click.option(
        "--report",
        "reports",
        metavar="FORM=FILE",
        multiple=True,
        callback=_read,
        help="Write a report: html=FILE, markdown=FILE, junit=FILE; '-' is standard output. Repeatable.",
    )(function)


def require_room(state: State, reports: Reports) -> None:
    """Refuse reports that cannot be written, before anything happens.

    Raises:
        click.UsageError: Two would share standard output, two a file, or there is no such folder.
    """
    places = [place for _, place in reports]
    if places.count("-") > (0 if state.json else 1):
        raise click.UsageError("Standard output has room for one report or for --json; give the others a file.")
    for place in places:
        if places.count(place) > 1:
            raise click.UsageError(f"Two reports would be written into {place!r}.")
        if place != "-" and not Path(place).absolute().parent.is_dir():
            raise click.UsageError(f"There is no folder for the report {place!r}.")


def on_screen(reports: Reports) -> bool:
    """Whether standard output is free for what a command says."""
    return all(place != "-" for _, place in reports)


def write_reports(reports: Reports, make: Callable[[ReportForm], str]) -> None:
    """Write each report whole or not at all.

    Args:
        reports: Forms and files.
        make: Returns the report in a form.

    Raises:
        StorageError: One cannot be written; what it tells of is on record all the same.
    """
    for form, place in reports:
        text = make(form)
        try:
            with click.open_file(place, "w", encoding="utf-8", atomic=place != "-") as file:
                file.write(text)
        except OSError as error:
            raise StorageError(
                f"The report {place} cannot be written: {error.strerror}.",
                hint="What it tells of is on record; only the report is missing. Check --report.",
            ) from error


@contextmanager
def promotion_reports(registry: Registry, reports: Reports) -> Iterator[Callable[[Transition], None]]:
    """Give a function that writes the reports of a promotion; a refusal has them written on its way out."""

    def write(made: Transition | str) -> None:
        write_reports(reports, lambda form: registry.promotion_report(made, form))

    try:
        yield write
    except PromotionRefusedError as error:
        if reports and "transition" in error.facts:
            try:
                write(error.facts["transition"])
            except PodiumError as missing:  # the refusal is what counts
                click.echo(f"podium: warning: {missing}", err=True)
        raise


def _read(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[tuple[str, str]]:
    """Take ``FORM=FILE`` apart; a file whose name says what it holds is enough."""
    found = []
    for text in given:
        form, equals, place = text.partition("=")
        if not equals and (by_name := _SUFFIXES.get(Path(text).suffix.lower())):
            form, place = by_name, text
        if form not in _FORMS or not place:
            forms = f"{', '.join(_FORMS[:-1])} or {_FORMS[-1]}"
            raise click.BadParameter(f"{text!r} is not FORM=FILE, with {forms} and a file or '-'.")
        found.append((form, place))
    return found
