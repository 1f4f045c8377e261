"""``podium compare``: versions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_ref
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import (
    Column,
    digest_text,
    joined,
    number,
    plain_text,
    print_table,
    size_text,
    status_text,
    styled,
)

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.comparison import Comparison, MetricRow


@click.command(
    "compare",
    cls=Verb,
    examples=[
        ("podium compare digits/mlp:v1 digits/mlp:v2", ""),
        (
            "podium compare digits/mlp --baseline 'model-registry/Digits classifier:production'",
            "against what is in production",
        ),
    ],
)
@click.argument("refs", metavar="REF REF...", nargs=-1, required=True, shell_complete=complete_ref)
@click.option(
    "--baseline", metavar="REF", shell_complete=complete_ref, help="What changes are measured against; else the first."
)
@pass_state
def compare_command(state: State, refs: tuple[str, ...], baseline: str | None) -> None:
    """Put versions side by side."""
    with state.registry() as registry:
        found = registry.compare(refs, baseline)
    if state.json:
        state.print_json(found)
    else:
        _print_comparison(found)


def _print_comparison(found: Comparison) -> None:
    columns = [Column(" ", fold=True)]
    columns += [Column(version.ref, fold=True, right=True) for version in found.versions]
    empty = [""] * len(found.versions)
    rows: list[Sequence[str | Text]] = []
    rows.append(["", *("baseline" if place == found.baseline else "" for place in range(len(found.versions)))])
    if found.metrics:
        rows.append([styled("Metrics", "bold"), *empty])
    rows += [[f"  {row.name}", *_metric_cells(row, found.baseline)] for row in found.metrics]
    if found.metadata:
        rows.append([styled("Metadata that differs", "bold"), *empty])
    rows += [[f"  {key}", *(_cell(value) for value in values)] for key, values in sorted(found.metadata.items())]
    if found.checks:
        rows.append([styled("Checks", "bold"), *empty])
    rows += [[f"  {name}", *(status_text(status) for status in row)] for name, row in sorted(found.checks.items())]
    rows.append([styled("Files", "bold"), *empty])
    rows.append(["  size", *(size_text(version.size) for version in found.versions)])
    rows.append(["  digest", *(digest_text(version.digest) for version in found.versions)])
    print_table(columns, rows)


def _metric_cells(row: MetricRow, baseline: int) -> list[Text]:
    cells = []
    for place, (value, change) in enumerate(zip(row.values, row.changes, strict=True)):
        if value is None:
            cells.append(styled("-", "dim"))
        elif place == baseline or change is None:
            cells.append(styled(number(value)))
        else:
            said = f"{change:+.4g}" if change else "="
            cells.append(joined(styled(number(value)), styled(f" ({said})", "cyan" if change else "dim")))
    return cells


def _cell(value: Any) -> str:
    return "-" if value is None else plain_text(value)
