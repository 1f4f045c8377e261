"""``podium show``: one version in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_ref
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import (
    Column,
    aliases_text,
    count,
    digest_text,
    files_text,
    joined,
    number,
    plain_text,
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
        ("Since", f"{time_text(item.created_at, full=True)} by {item.created_by}"),
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
        ("Created", f"{time_text(version.created_at, full=True)} by {version.created_by} from {version.origin.label}"),
        ("Digest", version.digest.removeprefix("sha256:")),
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
    _print_section("Metadata", [(name, plain_text(value)) for name, value in sorted(version.metadata.items())])


def _print_block(rows: Sequence[tuple[str, str | Text]]) -> None:
    """Print a title line with its rest, then names and values below it."""
    (title, rest), *others = rows
    print_rich(joined(styled(title, "bold"), styled("  "), styled(rest) if isinstance(rest, str) else rest))
    print_pairs(others, indent=2)


def _print_section(title: str, rows: Sequence[tuple[str, str | Text]]) -> None:
    if rows:
        say()
        print_rich(styled(title, "bold"))
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
