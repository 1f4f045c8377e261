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
    make_console,
    number,
    plain_text,
    print_pairs,
    print_rich,
    print_table,
    safe,
    say,
    shell_word,
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
    from podium.registry import Registry

_FILES_SHOWN = 30


@click.command("show", cls=Verb)
@click.argument("ref", shell_complete=complete_ref)
@pass_state
def show_command(state: State, ref: str) -> None:
    """Show everything about a version.

    A name without ':' shows the model or artifact as a whole, then its latest version.
    """
    with state.registry() as registry:
        if ":" not in ref and (whole := registry.collection(ref)).versions == 0:
            _show_empty(state, whole)
            return
        found = registry.files(ref)
        version = found.version
        collection = registry.collection(version.collection)
        checks = _newest(registry.checks(version.ref))
        lineage = "" if state.json else _lineage(registry, version)
    if state.json:
        state.print_json({"collection": collection, **found.to_json(), "checks": checks})
        return
    if ":" not in ref:
        _print_collection(collection)
    _print_version(version, lineage)
    _print_files(found.manifest)
    _print_checks(checks)


def _show_empty(state: State, whole: Collection) -> None:
    """Show a model or artifact whose versions are all unlinked or deleted."""
    if state.json:
        state.print_json({"collection": whole, "version": None, "manifest": None, "checks": []})
        return
    _print_collection(whole)
    say(f"It has no version now; podium ls --deleted {shell_word(whole.ref)}")


def _newest(checks: Sequence[RecordedCheck]) -> list[RecordedCheck]:
    return list({check.result.name: check for check in checks}.values())


def _print_collection(item: Collection) -> None:
    kind = "registered model" if item.kind == "model" else "artifact"
    rows: list[tuple[str, str | Text]] = [
        (item.ref, ""),
        ("Kind", f"{kind} of type {item.type}"),
        ("Versions", str(item.versions)),
        ("Aliases", aliases_text(item.aliases)),
        ("Since", f"{time_text(item.created_at, full=True)} by {item.created_by}"),
    ]
    rows += [
        (name, value)
        for name, value in (("Owner", item.owner), ("Task", item.task), ("Tags", ", ".join(item.tags)))
        if value
    ]
    _print_block(rows)
    _print_description(item.description)
    say()


def _lineage(registry: Registry, version: Version) -> str:
    """Return how much it was made from and who used it, and the command that tells more; nothing if there is none."""
    up = registry.lineage(version.ref, "up", depth=2)
    down = registry.lineage(version.ref, "down", depth=1)
    made = sum(node.up == 2 for node in up.nodes)
    used = sum(node.down == 1 for node in down.nodes)
    if not made and not used:
        return ""
    verb = "impact" if version.type == "dataset" else "lineage"
    origin = f"made from {count(made, 'version')}, " if made else ""
    return f"{origin}used by {count(used, 'run')}; podium {verb} {shell_word(version.ref)}"


def _print_version(version: Version, lineage: str) -> None:
    rows: list[tuple[str, str | Text]] = [
        (version.ref, aliases_text(version.aliases)),
        ("Type", version.type),
        ("Size", files_text(version.files, version.size)),
        ("Created", f"{time_text(version.created_at, full=True)} by {version.created_by} from {version.origin.label}"),
        ("Digest", version.digest.removeprefix("sha256:")),
    ]
    if version.kind == "model":
        rows.insert(1, ("Source", version.source))
    for name, value in (
        ("Link", version.origin.url),
        ("Run", version.run),
        ("Lineage", lineage),
        ("Tags", ", ".join(version.tags)),
    ):
        if value:
            rows.append((name, value))
    if version.expires_at is not None:
        rows.append(("Expires", time_text(version.expires_at, full=True)))
    if version.supersedes is not None:
        rows.append(("In place of", f"v{version.supersedes}, from an earlier attempt of the same task"))
    _print_block(rows)
    _print_description(version.description)
    _print_section("Metrics", [(name, number(value)) for name, value in sorted(version.metrics.items())])
    _print_section("Metadata", [(name, plain_text(value)) for name, value in sorted(version.metadata.items())])


def _print_description(text: str | None) -> None:
    """Print a description: Markdown on a terminal, the text as it is into a pipe."""
    if not text:
        return
    say()
    print_rich(styled("Description", "bold"))
    from rich.padding import Padding

    if make_console().is_terminal:
        from rich.markdown import Markdown

        # Links are written out: one that shows another address than it leads to misleads.
        print_rich(Padding(Markdown(safe(text, lines=True), hyperlinks=False), (0, 0, 0, 2)))
    else:
        print_rich(Padding(styled(text, lines=True), (0, 0, 0, 2)))


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
    elsewhere = any(entry.is_reference for entry in manifest.entries)
    rows = []
    for entry in manifest.entries[:_FILES_SHOWN]:
        size = size_text(entry.size) if entry.size or not entry.is_reference else "-"
        row = [entry.path, size, digest_text(entry.sha256) or "-"]
        rows.append([*row, f"{entry.uri} ({entry.integrity})" if entry.is_reference else ""] if elsewhere else row)
    columns = [Column("Files", fold=True), Column("Size", right=True), Column("SHA-256")]
    say()
    print_table([*columns, Column("Where (integrity)", fold=True)] if elsewhere else columns, rows)
    if len(manifest.entries) > _FILES_SHOWN:
        say(f"... and {count(len(manifest.entries) - _FILES_SHOWN, 'more file')}; --json lists all")


def _print_checks(checks: Sequence[RecordedCheck]) -> None:
    if not checks:
        return
    say()
    rows = [
        (check.result.name, status_text(check.result.status), check.result.message, time_text(check.at))
        for check in checks
    ]
    print_table([Column("Checks", fold=True), Column("Result"), Column("Message", fold=True), Column("When")], rows)
