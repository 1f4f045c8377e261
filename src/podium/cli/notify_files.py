"""Subscriptions and automations in files: checked without a registry, compared with one, put in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from podium.cli.errors import REFUSED, USAGE, show_error
from podium.cli.given import exit_code_option, read_text
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import count, say
from podium.cli.policy_text import pointing_into, print_diff
from podium.errors import PodiumError

if TYPE_CHECKING:
    from collections.abc import Callable

    from podium.domain.notifications import NotificationPlan, Notifications, Target
    from podium.plugins.actions import Action
    from podium.plugins.channels import Channel
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
            unknown: dict[str, str] = {}
            found = read_file(file, _settings_check(installed_plugins(), unknown))
        except PodiumError as error:
            answers.append({"file": file, "ok": False, "error": error.to_json()})
            if not state.json:
                show_error(error, as_json=False)
            continue
        answers.append({"file": file, "ok": True, "unchecked": list(unknown)})
        if not state.json:
            some = [count(len(items), kind) for kind, items in found.by_kind().items() if items]
            say(f"{file}: ok, {', '.join(some) or 'nothing in it'}")
            for name, why in unknown.items():
                say(f"  {name} is not here: its settings were not checked. {why}")
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
    from podium.registry import installed_plugins

    wanted = read_file(file, _settings_check(installed_plugins(), {}))
    with state.registry() as registry:
        plan = registry.apply_notifications(wanted, prune=prune, dry_run=dry_run)
    if state.json:
        state.print_json({**plan.to_json(), "changed": plan.changed})
    else:
        _say_plan(plan)


@click.command("diff", cls=Verb, examples=[("podium notify diff notifications.yaml --prune", "")])
@_FILE
@_PRUNE
@exit_code_option
@pass_state
def diff_file(state: State, file: str, prune: bool, exit_code: bool) -> int:
    """Show what applying a file would change, line by line."""
    from podium.domain.policy_text import diff_text

    wanted = read_file(file)
    with state.registry() as registry:
        there = registry.notifications()
    if not prune:
        there = there.only(wanted.names)
    ordered = wanted.as_stored()
    text = "" if there == ordered else diff_text(there.to_yaml(), ordered.to_yaml(), "the registry", "the file")
    if state.json:
        state.print_json({"changed": bool(text), "diff": text})
    elif text:
        print_diff(text)
    else:
        say("No difference")
    return REFUSED if text and exit_code else 0


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


def read_file(file: str, check: Callable[[Target], None] | None = None) -> Notifications:
    """Return what a file says, ``-`` for standard input.

    Args:
        file: Its name.
        check: Raises if the settings of one cannot be used.

    Raises:
        InvalidNameError, InvalidValueError: It cannot be used; ``line`` and ``line_column`` say where.
        NotFoundError: There is no such file.
    """
    from podium.domain.notifications import Notifications

    text = read_text(file, "FILE")
    from podium.domain.notification_schema import SCHEMA

    lists = SCHEMA["properties"]
    shown = {*lists, "title", "lines"}.union(*(found["items"]["properties"] for found in lists.values())) - {"settings"}
    with pointing_into(text, shown):
        return Notifications.from_yaml(text, "standard input" if file == "-" else file, check)


def print_document(document: Notifications) -> None:
    """Print subscriptions and automations as YAML, on a terminal too."""
    text = document.to_yaml() or "subscriptions: []\n"
    if not all(char.isprintable() or char == "\n" for char in text):
        text = document.to_yaml(ascii_only=True)
    click.echo(text, nl=False)


def _settings_check(host: PluginHost, unknown: dict[str, str]) -> Callable[[Target], None]:
    """Return what checks settings by what a channel or action declares; what is not here is noted, with the reason."""
    from podium.delivery.secrets import check_settings
    from podium.domain.delivery import Subscription
    from podium.plugins.absent import Kind, why_absent

    def check(item: Target) -> None:
        plugin: Channel | Action | None
        kind: Kind
        if isinstance(item, Subscription):
            kind, name, plugin = "channel", item.channel, host.channel(item.channel, host.seconds)
        else:
            kind, name, plugin = "action", item.action, host.action(item.action, host.seconds)
        if plugin is None:
            unknown[f"the {kind} {name}"] = why_absent(host, kind, name)
        else:
            check_settings(plugin, item.settings, host)

    return check


def _say_plan(plan: NotificationPlan) -> None:
    for change in plan.changes:
        if change.what != "same":
            say(f"{_WORDS[change.what]} {change.kind} {change.name}")
    if not plan.changed:
        say("Nothing changes" if plan.dry_run else "Nothing changed")
    elif plan.dry_run:
        say("Nothing was changed yet")
