"""``podium show`` and ``podium compare``: versions in full, and side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_ref
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import (
    Column,
    aliases_text,
    count,
    digest_text,
    files_text,
    number,
    print_pairs,
    print_rich,
    print_table,
    say,
    size_text,
    status_text,
    styled,
    time_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from podium.domain.checks import RecordedCheck
    from podium.domain.comparison import Comparison, MetricRow
    from podium.domain.manifest import Manifest
    from podium.domain.versions import Collection, Version

_FILES_SHOWN = 30


@click.command("show", cls=Verb)
@click.argument("ref", shell_complete=complete_ref)
@pass_state
def show_command(state: State, ref: str) -> None:
    """Show everything about a version.

    A name without ':' shows the model or artifact as a whole, then its latest version.
    """
    with state.registry() as registry:
        found = registry.files(ref)
        version = found.version
        collection = registry.collection(version.collection)
        checks = _newest(registry.checks(version.ref))
    if state.json:
        state.print_json({"collection": collection, **found.to_json(), "checks": checks})
        return
    if ":" not in ref:
        _print_collection(collection)
    _print_version(version)
    _print_files(found.manifest)
    _print_checks(checks)


def _newest(checks: Sequence[RecordedCheck]) -> list[RecordedCheck]:
    from podium.domain.stages import newest_by_name

    return list(newest_by_name(checks).values())


def _print_collection(item: Collection) -> None:
    kind = "registered model" if item.kind == "model" else "artifact"
    rows: list[tuple[str, str | Text]] = [
        (item.ref, ""),
        ("Kind", f"{kind} of type {item.type}"),
        ("Versions", str(item.versions)),
        ("Aliases", aliases_text(item.aliases)),
        ("Since", f"{time_text(item.created_at)} by {item.created_by}"),
    ]
    if item.description:
        rows.append(("Description", item.description))
    _print_block(rows)
    say()


def _print_version(version: Version) -> None:
    rows: list[tuple[str, str | Text]] = [
        (version.ref, aliases_text(version.aliases)),
        ("Type", version.type),
        ("Size", files_text(version.files, version.size)),
        ("Created", f"{time_text(version.created_at)} by {version.created_by} from {version.origin.label}"),
        ("Digest", version.digest),
    ]
    if version.kind == "model":
        rows.insert(1, ("Source", version.source))
    for name, value in (("Link", version.origin.url), ("Run", version.run), ("Description", version.description)):
        if value:
            rows.append((name, value))
    if version.supersedes is not None:
        rows.append(("In place of", f"v{version.supersedes}, from an earlier attempt of the same task"))
    _print_block(rows)
    _print_section("Metrics", [(name, number(value)) for name, value in sorted(version.metrics.items())])
    _print_section("Metadata", [(name, _plain(value)) for name, value in sorted(version.metadata.items())])


def _print_block(rows: Sequence[tuple[str, str | Text]]) -> None:
    """Print a title line with its rest, then names and values below it."""
    (title, rest), *others = rows
    line = styled(title, "bold")
    if rest:
        line = line + styled("  ") + rest
    print_rich(line)
    print_pairs(others, indent=2)


def _print_section(title: str, rows: Sequence[tuple[str, str | Text]]) -> None:
    if rows:
        say()
        say(title)
        print_pairs(rows, indent=2)


def _print_files(manifest: Manifest) -> None:
    rows = [(entry.path, size_text(entry.size), digest_text(entry.sha256)) for entry in manifest.entries]
    say()
    print_table(
        [Column("Files", fold=True), Column("Size", right=True), Column("SHA-256")],
        rows[:_FILES_SHOWN],
    )
    if len(rows) > _FILES_SHOWN:
        say(f"... and {count(len(rows) - _FILES_SHOWN, 'more file')}; --json lists all")


def _print_checks(checks: Sequence[RecordedCheck]) -> None:
    if not checks:
        return
    say()
    rows = [
        (check.result.name, status_text(check.result.status), check.result.message, time_text(check.at))
        for check in checks
    ]
    print_table([Column("Checks", fold=True), Column("Result"), Column("Message", fold=True), Column("When")], rows)


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
    rows: list[Sequence[str | Text]] = []
    rows.append(["", *("baseline" if place == found.baseline else "" for place in range(len(found.versions)))])
    rows += [[styled(row.name, "bold"), *_metric_cells(row, found.baseline)] for row in found.metrics]
    rows += [[key, *(_cell(value) for value in values)] for key, values in sorted(found.metadata.items())]
    rows += [[name, *(status_text(status) for status in row)] for name, row in sorted(found.checks.items())]
    rows.append(["size", *(size_text(version.size) for version in found.versions)])
    rows.append(["digest", *(digest_text(version.digest) for version in found.versions)])
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
            cells.append(styled(number(value)) + styled(f" ({said})", "cyan" if change else "dim"))
    return cells


def _cell(value: Any) -> str:
    return "-" if value is None else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
