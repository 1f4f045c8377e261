"""``podium compare``: versions side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from podium.cli.completion import complete_ref
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import Column, joined, make_console, print_rich, print_table, say, styled
from podium.errors import IntegrityError, InvalidValueError, StorageError

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.comparison import Comparison
    from podium.domain.predictions import PredictionRow, Predictions
    from podium.registry import Registry
    from podium.reports.sections import Cell, Row, Section

Form = Literal["table", "markdown", "html"]
_STYLES = {
    "quiet": "dim",
    "better": "green",
    "worse": "red",
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
}
_FOLDED = 32  # characters of a cell that stay in one line
_FEW_SAMPLES = 10
_SUFFIXES: dict[str, Form] = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown"}


@click.command(
    "compare",
    cls=Verb,
    examples=[
        ("podium compare digits/mlp:v1 digits/mlp:v2", ""),
        (
            "podium compare digits/mlp --baseline 'model-registry/Digits classifier:production'",
            "against what is in production",
        ),
        ("podium compare digits/mlp:v0 digits/mlp:v1 digits/mlp:v2 --output report.html", "one file, with charts"),
    ],
)
@click.argument("refs", metavar="REF REF...", nargs=-1, required=True, shell_complete=complete_ref)
@click.option(
    "--baseline", metavar="REF", shell_complete=complete_ref, help="What changes are measured against; else the first."
)
@click.option("--all", "every", is_flag=True, help="Show what is the same in all versions, too, and every file.")
@click.option("--predictions", metavar="NAME", help="The table of sample predictions; else one with a usual name.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "html"]),
    help="What to write; else what the name of the output says.",
)
@click.option("--output", type=click.Path(), metavar="FILE", help="Write it there: FILE.html, FILE.md.")
@pass_state
def compare_command(
    state: State,
    refs: tuple[str, ...],
    baseline: str | None,
    every: bool,
    predictions: str | None,
    form: Form | None,
    output: str | None,
) -> None:
    """Put versions side by side.

    Metrics with their changes against the baseline, configuration and metadata that differ, checks, files and sample
    predictions. Better and worse are said where the run declared the goal of a metric or its name tells it.
    """
    if state.json and (output == "-" or (form is not None and output is None)):
        raise click.UsageError(
            "Standard output takes one form: give --json, or --format and --output -.", click.get_current_context()
        )
    chosen = _form(form, output)
    with state.registry() as registry:
        found = _compare(registry, refs, baseline, state.json or chosen == "html", predictions)
    if output is not None:
        _write(output, _document(found, chosen, every=every))
    if state.json:
        state.print_json(found)
    elif output == "-":
        return
    elif output is not None:
        say(f"{output} has the comparison of {len(found.versions)} versions")
    elif chosen == "table":
        _print_comparison(found, every=every)
    else:
        click.echo(_document(found, chosen, every=every), nl=False)


def _compare(
    registry: Registry, refs: Sequence[str], baseline: str | None, charts: bool, predictions: str | None
) -> Comparison:
    """Compare with the sample predictions; those that nobody asked for by name may be out of reach."""
    try:
        return registry.compare(refs, baseline, histories=charts, predictions=predictions or True)
    except (IntegrityError, StorageError) as error:
        if predictions:
            raise
        say(f"podium: warning: Sample predictions are left out. {error}", to_stderr=True)
        return registry.compare(refs, baseline, histories=charts)


def _form(form: Form | None, output: str | None) -> Form:
    """Return what to write.

    Raises:
        InvalidValueError: A table for the terminal shall go into a file, or the name does not say what it shall hold.
    """
    if output is None:
        return form or "table"
    found = form or _SUFFIXES.get(Path(output).suffix.lower())
    if found in (None, "table"):
        raise InvalidValueError(
            f"What to write into {output} is not clear.", hint="Name it FILE.html or FILE.md, or add --format html."
        )
    return found


def _document(found: Comparison, form: Form, *, every: bool) -> str:
    from podium.reports import comparison_html, comparison_markdown

    return comparison_html(found) if form == "html" else comparison_markdown(found, every=every)


def _write(output: str, text: str) -> None:
    """Write a document whole or not at all.

    Raises:
        StorageError: It cannot be written.
    """
    try:
        with click.open_file(output, "w", encoding="utf-8", atomic=output != "-") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"{output} cannot be written: {error.strerror}.", hint="Check --output.") from error


def _print_comparison(found: Comparison, *, every: bool) -> None:
    """Print sections one below the other: versions as columns where they fit, else one line per version."""
    from podium.reports.sections import make_sections, short_names

    sections = make_sections(found, every=every)
    refs, names = [version.ref for version in found.versions], short_names(found.versions)
    room = make_console().width
    label = max(len(_label(row)) for section in sections for row in section.rows)
    widest = [
        max(len(word) for section in sections for row in section.rows for word in row.cells[at].words.split())
        for at in range(len(refs))
    ]
    if min(label, room // 3) + sum(max(12, wide) + 2 for wide in widest) <= room:
        _print_upright(sections, refs)
    else:
        marked = [f"{name} (baseline)" if at == found.baseline else name for at, name in enumerate(names)]
        for section in sections:
            _print_turned(section, marked, room)
    if found.predictions is not None:
        _print_predictions(found.predictions, names, room)


def _print_upright(sections: Sequence[Section], refs: Sequence[str]) -> None:
    """One table with a column per version, so that all sections stand below the same names."""
    columns = [Column(" ", fold=True), *(Column(ref, fold=True, right=True) for ref in refs)]
    rows: list[Sequence[str | Text]] = []
    for section in sections:
        if section.key != "versions":
            rows.append([styled(section.title, "bold"), *([""] * len(refs))])
        indent = "" if section.key == "versions" else "  "
        for row in section.rows:
            label = "" if row.label == "baseline" else f"{indent}{_label(row)}"
            rows.append([label, *(_cell(cell) for cell in row.cells)])
        if section.note:
            rows.append([styled(f"  {section.note}", "dim"), *([""] * len(refs))])
    print_table(columns, rows)


def _print_turned(section: Section, names: Sequence[str], room: int) -> None:
    """A line per version, and as many columns of the section as fit; the others follow below."""
    _heading(section.title)
    rows = [row for row in section.rows if row.label != "baseline"]
    for group in _groups([(_label(row), *(cell.words for cell in row.cells)) for row in rows], room - _wide(names)):
        columns = [Column(" "), *(Column(_label(rows[place]), fold=True) for place in group)]
        lines: list[Sequence[str | Text]] = []
        lines += [[name, *(_cell(rows[place].cells[at]) for place in group)] for at, name in enumerate(names)]
        print_table(columns, lines)
    if section.note:
        say(section.note)


def _groups(columns: Sequence[Sequence[str]], room: int) -> Iterator[list[int]]:
    """Part columns, each given by its texts, in groups that fit beside each other; a wide text may fold."""
    group: list[int] = []
    used = 0
    for place, texts in enumerate(columns):
        words = max((len(word) for text in texts for word in text.split()), default=0)
        width = max(words, min(_wide(texts), _FOLDED)) + 2
        if group and used + width > room:
            yield group
            group, used = [], 0
        group.append(place)
        used += width
    if group:
        yield group


def _wide(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)


def _heading(title: str) -> None:
    say()
    print_rich(styled(title, "bold"))


def _label(row: Row) -> str:
    hint = row.hint.replace(" is better", "")
    return f"{row.label} ({hint})" if hint else row.label


def _cell(cell: Cell) -> Text:
    """Return a cell in which only what is said of the value is coloured, and the whole where nothing is said."""
    style = _STYLES.get(cell.tone, "bold" if cell.tone == "other" else "")
    best = styled(", best", "bold") if cell.best else styled("")
    if not cell.note:
        return joined(styled(cell.text, style if cell.tone not in ("better", "worse") else ""), best)
    return joined(styled(cell.text), styled(f" {cell.note}", style or "dim"), best)


def _cell_of(row: PredictionRow, at: int, place: int) -> object:
    cells = row.cells[at]
    return None if cells is None else cells[place]


def _print_predictions(found: Predictions, names: Sequence[str], room: int) -> None:
    """Print the first sample predictions: a column per version for each column of the table that differs."""
    from podium.reports.text import plain_text

    def texts(values: Sequence[object]) -> list[str]:
        return ["-" if value is None else plain_text(value) for value in values]

    _heading(f"Sample predictions, the first of {plain_text(found.name)}")
    rows = found.rows[:_FEW_SAMPLES]
    known = texts([found.key or "row", *found.shared])
    left = [texts([row.key, *row.shared]) for row in rows]
    space = room - sum(_wide([known[at], *(line[at] for line in left)]) + 2 for at in range(len(known)))
    for place, column in enumerate(found.columns):
        said = [
            texts([f"{column} {name}", *(_cell_of(row, at, place) for row in rows)]) for at, name in enumerate(names)
        ]
        for group in _groups(said, space):
            titles = [*known, *(said[at][0] for at in group)]
            lines = [[*line, *(said[at][1 + number] for at in group)] for number, line in enumerate(left)]
            print_table([Column(title, fold=True) for title in titles], lines)
    if not found.columns:
        print_table([Column(title, fold=True) for title in known], left)
