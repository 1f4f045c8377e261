"""The commands that move models between registries: export, import."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_place
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import Column, count, print_table, say, shell_word, size_text, styled
from podium.cli.streams import measured, reserved_stdout
from podium.errors import InvalidValueError

if TYPE_CHECKING:
    from podium.domain.bundle import BundleInfo, ImportReport, Moved
    from podium.domain.bundle_rules import RegistryRules

_STYLES = {"new": "bold green", "forward": "green", "same": "dim", "ahead": "yellow"}
_WORDS = {"new": "new", "forward": "brought forward", "same": "as it is here", "ahead": "further here, left alone"}


@click.command(
    "export",
    cls=Verb,
    examples=[
        ("podium export 'model-registry/Digits classifier' --to digits.podium", "a model with all that belongs to it"),
        ("podium export --to everything.podium", "the whole registry"),
        ("podium export digits --to - | ssh there podium import -", "without a file in between"),
    ],
)
@click.argument("refs", metavar="[REF]...", nargs=-1, shell_complete=complete_place)
@click.option("--to", "to", required=True, type=click.Path(), metavar="FILE", help="A new file, '-' for stdout.")
@click.option("--overwrite", is_flag=True, help="Put the bundle in place of a file that is there.")
@pass_state
def export_command(state: State, refs: tuple[str, ...], to: str, overwrite: bool) -> None:
    """Write models with all that belongs to them into one file.

    REF is a model, an artifact, a registry or a project; without any, everything is meant. A model brings the artifacts
    that its versions come from and the runs that made or used them. The file is a tar archive; docs/moving.md describes
    it. Keep the root that is printed: by it you know the bundle again.
    """
    if to == "-":
        _export_to_stdout(state, refs)
        return
    with state.registry() as registry, measured("Exporting", None, show=not state.json) as step:
        info = registry.export_bundle(*refs, to=to, overwrite=overwrite, progress=step)
    if state.json:
        state.print_json(info)
    else:
        _say_exported(info)


def _export_to_stdout(state: State, refs: Sequence[str]) -> None:
    if state.json:
        raise click.UsageError("The bundle itself goes to standard output; leave --json out.", _context())
    if sys.stdout.isatty():
        raise click.UsageError("A bundle is no text for a terminal; name a file, or a pipe.", _context())
    with reserved_stdout() as stream, state.registry() as registry:
        info = registry.export_bundle(*refs, to=stream.buffer)
    _say_exported(info, to_stderr=True)


def _say_exported(info: BundleInfo, *, to_stderr: bool = False) -> None:
    counts = info.counts
    what = [
        count(counts["versions"], "version"),
        count(counts["runs"], "run"),
        count(counts["events"], "event"),
        f"{count(info.contents, 'content')} ({size_text(info.content_size)})",
    ]
    where = f" to {info.path}" if info.path else ""
    say(f"{_things(counts['collections'])} exported{where}: {', '.join(what)}", to_stderr=to_stderr)
    if info.left_out:
        left = count(info.left_out, "lineage edge")
        say(
            f"{left} to artifacts that are not in it left out; name those artifacts too to keep them",
            to_stderr=to_stderr,
        )
    say(f"Root: {info.root}", to_stderr=to_stderr)


@click.command(
    "import",
    cls=Verb,
    examples=[
        ("podium import digits.podium --dry-run", "check the bundle, and say what would change"),
        ("podium import digits.podium --root 5f0c...", "only if it is the very bundle that was exported"),
    ],
)
@click.argument("file", type=click.Path(), metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Check the bundle, and only say what would change.")
@click.option("--root", metavar="SHA256", help="Refuse a bundle that has not the root which the export printed.")
@pass_state
def import_command(state: State, file: str, dry_run: bool, root: str | None) -> None:
    """Bring in what a bundle holds, '-' for one on standard input.

    The whole bundle is checked before anything is written, and all of it appears at once. Numbers, times, actors and
    audit heads stay as they were. What is here already is left alone; what is here with an earlier part of the same
    history is brought forward; importing it again changes nothing. Policies, roles and freezes of a whole registry are
    taken over where the one here never had any; else they stay, and what is not brought is said.
    """
    source: Any = _stdin() if file == "-" else file
    with state.registry() as registry, measured("Importing", None, show=not state.json) as step:
        report = registry.import_bundle(source, dry_run=dry_run, root=root, progress=step)
    if state.json:
        state.print_json(report)
    else:
        _say_imported(report, file)


def _stdin() -> Any:
    if sys.stdin.isatty():
        raise click.UsageError("A terminal gives no bundle; name a file, or pipe one in.", _context())
    if not hasattr(sys.stdin, "buffer"):
        raise InvalidValueError("The standard input gives text, not bytes.", hint="Name a file.")
    return sys.stdin.buffer


def _say_imported(report: ImportReport, file: str) -> None:
    if report.collections:
        _print_moved(report.collections)
    for note in report.notes:
        say(note)
    for rules in report.rules:
        _say_rules(rules, dry_run=report.dry_run)
    if not report.changed:
        say("All of it is here already: nothing was changed")
        return
    states = [item.state for item in report.collections]
    parts = [
        (states.count("new"), f"{_things(states.count('new'))} new"),
        (states.count("forward"), f"{_things(states.count('forward'))} brought forward"),
        (len(report.namespaces), f"{', '.join(report.namespaces)} made"),
        (report.runs["new"], f"{count(report.runs['new'], 'run')} new"),
        (report.runs["forward"], f"{count(report.runs['forward'], 'run')} brought forward"),
        *((rules.state == "brought", f"rules of {rules.registry} taken over") for rules in report.rules),
        (report.edges, f"{count(report.edges, 'lineage edge')} new"),
        (report.contents, f"{count(report.contents, 'content')} stored ({size_text(report.content_size)})"),
    ]
    said = ", ".join(text for number, text in parts if number)
    if report.dry_run:
        say(f"Would be imported: {said}; do it: podium import {shell_word(file)}")
    else:
        say(f"Imported: {said}")


def _say_rules(rules: RegistryRules, *, dry_run: bool) -> None:
    """Say what becomes of the rules of a registry, and which gates do not hold here."""
    name, what = rules.registry, _rules_text(rules)
    if rules.state == "same":
        say(f"{name}: {what}: as it is here")
        return
    if rules.state == "brought":
        say(f"{name} had no rules here and {'would take' if dry_run else 'takes'} over: {what}")
        if rules.admins:
            people = ", ".join(rules.admins)
            say(f"{name} {'would be' if dry_run else 'is'} closed from then on; its admins: {people}")
        return
    if what:
        say(f"{name} has rules of its own here, which stay; NOT brought: {what}")
    if rules.ungoverned:
        say(f"No stages here, but ordinary aliases: {', '.join(rules.ungoverned)}")
    if rules.other_gates:
        say(f"Stages with other gates here: {', '.join(rules.other_gates)}")
    say(f"'podium policy show {shell_word(name)}' says what holds here, 'podium policy apply' changes it")


def _rules_text(rules: RegistryRules) -> str:
    parts = [
        (rules.default_policy, "default policy"),
        (rules.patterns, f"policies for {count(rules.patterns, 'pattern')}"),
        (rules.roles, count(rules.roles, "role")),
        (rules.freezes, count(rules.freezes, "freeze")),
    ]
    return ", ".join(text for number, text in parts if number)


def _print_moved(moved: Sequence[Moved]) -> None:
    columns = [
        Column("Artifact or model", fold=True),
        Column("Versions", right=True),
        Column("Events", right=True, spare=True),
        Column("Here"),
        Column("Audit head", spare=True),
    ]
    rows = [
        (
            styled(item.ref, "bold"),
            str(item.versions),
            f"+{item.events}" if item.events else "-",
            styled(_WORDS[item.state], _STYLES[item.state]),
            item.head[:12],
        )
        for item in moved
    ]
    print_table(columns, rows)


def _things(amount: int) -> str:
    return f"{amount} artifact or model" if amount == 1 else f"{amount} artifacts and models"


def _context() -> click.Context:
    return click.get_current_context()
