"""Subscriptions and automations in files: checked without a registry, compared with one, put in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from podium.cli.errors import USAGE, show_error
from podium.cli.given import read_text
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import count, say
from podium.cli.policy_text import print_diff
from podium.errors import InvalidNameError, InvalidValueError, PodiumError

if TYPE_CHECKING:
    from podium.domain.notifications import NotificationPlan, Notifications
    from podium.plugins.host import PluginHost

_WORDS = {"added": "+", "changed": "~", "removed": "-"}
_FILE = click.argument("file", metavar="FILE", type=click.Path())
_PRUNE = click.option("--prune", is_flag=True, help="Remove what the file does not name.")


@click.command("check", cls=Verb, examples=[("podium notify check notifications.yaml", "in CI: 2 where it is wrong")])
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@pass_state
def check_files(state: State, files: tuple[str, ...]) -> int:
    """Read files and say what is wrong in them, with line and column.

    No registry is needed. Settings are checked where the plugin of the channel or action is installed here. Exit code
    2 says that a file cannot be used.
    """
    from podium.registry import installed_plugins

    answers: list[dict[str, Any]] = []
    for file in files:
        try:
            found = read_file(file)
            unknown = _check_settings(found, installed_plugins())
        except PodiumError as error:
            answers.append({"file": file, "ok": False, "error": error.to_json()})
            if not state.json:
                show_error(error, as_json=False)
            continue
        answers.append({"file": file, "ok": True, "unchecked": unknown})
        if not state.json:
            some = [count(len(items), kind) for kind, items in found.by_kind().items() if items]
            say(f"{file}: ok, {', '.join(some) or 'nothing in it'}")
            for name in unknown:
                say(f"  {name} is not installed here: its settings were not checked")
    if state.json:
        state.print_json(answers)
    return 0 if all(answer["ok"] for answer in answers) else USAGE


@click.command(
    "apply",
    cls=Verb,
    examples=[
        ("podium notify apply notifications.yaml --dry-run", "what would change"),
        ("podium notify apply notifications.yaml --prune", "the file is all there is"),
    ],
)
@_FILE
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@_PRUNE
@pass_state
def apply_file(state: State, file: str, dry_run: bool, prune: bool) -> None:
    """Put the subscriptions and automations of a file in force; '-' is standard input.

    All of it or nothing; doing it again changes nothing.
    """
    wanted = read_file(file)
    with state.registry() as registry:
        plan = registry.apply_notifications(wanted, prune=prune, dry_run=dry_run)
    if state.json:
        state.print_json({**plan.to_json(), "changed": plan.changed})
    else:
        _say_plan(plan)


@click.command("diff", cls=Verb, examples=[("podium notify diff notifications.yaml --prune", "")])
@_FILE
@_PRUNE
@pass_state
def diff_file(state: State, file: str, prune: bool) -> None:
    """Show what applying a file would change, line by line."""
    from podium.domain.policy_text import diff_text

    wanted = read_file(file)
    with state.registry() as registry:
        there = registry.notifications()
    if not prune:
        there = there.only(wanted.names)
    ordered = _sorted(wanted)
    text = "" if there == ordered else diff_text(there.to_yaml(), ordered.to_yaml(), "the registry", "the file")
    if state.json:
        state.print_json({"changed": bool(text), "diff": text})
    elif text:
        print_diff(text)
    else:
        say("No difference")


@click.command("schema", cls=Verb, examples=[("podium notify schema > notifications.schema.json", "for an editor")])
@pass_state
def show_schema(state: State) -> None:
    """Print the JSON Schema of such files.

    Editors complete and check by it: put '# yaml-language-server: $schema=notifications.schema.json' into the first
    line of a file.
    """
    from podium.domain.notification_schema import SCHEMA, schema_text

    if state.json:
        state.print_json(SCHEMA)
    else:
        click.echo(schema_text(), nl=False)


def read_file(file: str) -> Notifications:
    """Return what a file says, ``-`` for standard input.

    Raises:
        InvalidNameError, InvalidValueError: It cannot be used; ``line`` and ``line_column`` say where.
        NotFoundError: There is no such file.
    """
    from podium.domain.notifications import Notifications

    text = read_text(file, "FILE")
    try:
        return Notifications.from_yaml(text, "standard input" if file == "-" else file)
    except (InvalidNameError, InvalidValueError) as error:
        lines, line = text.splitlines(), error.facts.get("line", 0)
        if 0 < line <= len(lines) and "column" not in error.facts:  # an expression shows itself
            caret = " " * (error.facts["line_column"] - 1) + "^"
            error.facts["excerpt"] = f"{line:>5} | {lines[line - 1].replace(chr(9), ' ')}\n      | {caret}"
        raise


def print_document(document: Notifications) -> None:
    """Print subscriptions and automations as YAML, on a terminal too."""
    text = document.to_yaml() or "subscriptions: []\n"
    if not all(char.isprintable() or char == "\n" for char in text):
        text = document.to_yaml(ascii_only=True)
    click.echo(text, nl=False)


def _sorted(wanted: Notifications) -> Notifications:
    from podium.domain.notifications import Notifications

    by_name = {kind: tuple(sorted(items, key=lambda item: item.name)) for kind, items in wanted.by_kind().items()}
    return Notifications(by_name["subscription"], by_name["automation"])  # type: ignore[arg-type]  # each has its kind


def _check_settings(found: Notifications, host: PluginHost) -> list[str]:
    """Check settings against what channels and actions declare; return the names of those that are not here."""
    from podium.delivery.secrets import check_settings

    unknown = []
    for item in found.subscriptions:
        channel = host.channel(item.channel, host.seconds)
        if channel is None:
            unknown.append(f"the channel {item.channel}")
        else:
            check_settings(channel, item.settings, host)
    for automation in found.automations:
        action = host.action(automation.action, host.seconds)
        if action is None:
            unknown.append(f"the action {automation.action}")
        else:
            check_settings(action, automation.settings, host)
    return list(dict.fromkeys(unknown))


def _say_plan(plan: NotificationPlan) -> None:
    for change in plan.changes:
        if change.what != "same":
            say(f"{_WORDS[change.what]} {change.kind} {change.name}")
    if not plan.changed:
        say("Nothing changes" if plan.dry_run else "Nothing changed")
    elif plan.dry_run:
        say("Nothing was changed yet")
