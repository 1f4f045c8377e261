"""The commands about promotions that wait for people: requests, approve, reject, withdraw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from podium.cli.audit import utc_text
from podium.cli.completion import complete_model, complete_request, complete_stage
from podium.cli.moves import refusal_in_full, say_moved
from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import joined, print_rich, say, shell_word, styled
from podium.cli.reports import on_screen, report_option, require_room, write_reports
from podium.cli.requests import find_request, say_pending, say_request, short_ids
from podium.errors import NotFoundError

if TYPE_CHECKING:
    from rich.text import Text

    from podium.cli.reports import Reports
    from podium.domain.transitions import Transition
    from podium.registry import Registry

STATUSES = ("pending", "committed", "refused", "rejected", "cancelled")
_STYLES = {"pending": "bold yellow", "committed": "green", "refused": "bold red", "rejected": "bold red"}


@click.group("requests", cls=Topic)
def requests_command() -> None:
    """Look at promotions that wait for approvals, and at what became of others."""


@requests_command.command(
    "ls",
    examples=[
        ("podium requests ls", "what waits, in all registries"),
        ("podium requests ls 'model-registry/Digits classifier' --all", "every attempt to move one of its stages"),
    ],
)
@click.argument("model", required=False, metavar="[REGISTRY/MODEL]", shell_complete=complete_model)
@click.option("--stage", metavar="STAGE", shell_complete=complete_stage, help="Of this stage only.")
@click.option("--all", "everything", is_flag=True, help="Every attempt to move a stage, decided ones too.")
@click.option("--status", type=click.Choice(STATUSES), help="Attempts with this status only.")
@pass_state
def list_requests(state: State, model: str | None, stage: str | None, everything: bool, status: str | None) -> None:
    """List promotions that wait for approvals, the oldest first."""
    if everything and status is not None:
        raise click.UsageError("Give --all or --status, not both.", click.get_current_context())
    with state.registry() as registry:
        found = registry.list_requests(model, status=None if everything else status or "pending", stage=stage)
    if state.json:
        state.print_json(found)
    elif found:
        _print_requests(found)
    elif everything or status not in (None, "pending"):
        say("There is no such attempt to move a stage")
    else:
        say("Nothing waits for approvals")


@requests_command.command("show")
@click.argument("request", metavar="ID|REF", shell_complete=complete_request)
@click.option("--stage", metavar="STAGE", shell_complete=complete_stage, help="The stage, if a version is named.")
@report_option
@pass_state
def show_request(state: State, request: str, stage: str | None, reports: Reports) -> None:
    """Show a request: what was asked, every gate with its facts, what people said, how it ended."""
    require_room(state, reports)
    with state.registry() as registry:
        made = _shown(registry, request, stage)
        if state.json:
            state.print_json(made)
        elif on_screen(reports):
            say_request(made)
            if made.status == "pending":
                say_pending(registry, made)
        write_reports(reports, lambda form: registry.promotion_report(made, form))


def _shown(registry: Registry, request: str, stage: str | None) -> Transition:
    """Return the attempt that is meant; of a version, the one that waits, else the newest."""
    if "/" not in request:
        return registry.transition(find_request(registry, request, stage)[0])
    version = registry.resolve(request)
    tried = registry.list_requests(version.collection, status=None, stage=stage)
    found = [made for made in tried if made.number == version.number]
    if not found:
        what = repr(stage) if stage is not None else "a stage"
        raise NotFoundError(
            f"Nobody tried to give {what} to {version.ref}.",
            hint=f"All attempts: podium requests ls {shell_word(version.collection)} --all",
            ref=version.ref,
        )
    return next((made for made in reversed(found) if made.status == "pending"), found[-1])


def _decision(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add what approve, reject and withdraw take."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option(
                "--on-behalf-of",
                "person",
                metavar="PERSON",
                help="Who decided, where a process only tells it; the process is on record too.",
            ),
            click.option(
                "--comment",
                metavar="TEXT",
                help="What is wrong; needed." if verb == "reject" else "What else there is to say.",
            ),
            click.option(
                "--stage",
                metavar="STAGE",
                shell_complete=complete_stage,
                help="The stage, where one version is asked for several.",
            ),
            click.argument("request", metavar="ID|REF", shell_complete=complete_request),
        ):
            function = option(function)
        return function

    return add


@click.command(
    "approve",
    cls=Verb,
    examples=[
        ("podium approve 'model-registry/Digits classifier:v3' --comment 'Looks good'", "by the version"),
        ("podium approve 0199b3c1-52aa", "by its id, of which the beginning is enough"),
    ],
)
@_decision("approve")
@pass_state
def approve_command(state: State, request: str, stage: str | None, comment: str | None, person: str | None) -> None:
    """Approve a promotion that waits.

    The last approval asks every gate again and moves the stage. Exit code 1 says that a gate refused then, or that you
    may not approve: you asked for it, logged the version, or lack the role.
    """
    with state.registry() as registry:
        named, stage = find_request(registry, request, stage)
        with refusal_in_full(registry):
            made = registry.approve(named, stage=stage, comment=comment, on_behalf_of=person)
        if state.json:
            state.print_json(made)
        elif made.status == "pending":
            said = "Approved" if made.changed else "You approved it already"
            say(f"{said}; {made.ref} still waits to become {made.stage}")
            say_pending(registry, made)
        else:
            say_moved(made)


@click.command("reject", cls=Verb, examples=[("podium reject 0199b3c1-52aa --comment 'Bias is not measured'", "")])
@_decision("reject")
@pass_state
def reject_command(state: State, request: str, stage: str | None, comment: str | None, person: str | None) -> None:
    """Reject a promotion that waits: it ends at once, whoever approved it."""
    with state.registry() as registry:
        named, stage = find_request(registry, request, stage)
        made = registry.reject(named, comment or "", stage=stage, on_behalf_of=person)
    _say_ended(state, made)


@click.command("withdraw", cls=Verb)
@_decision("withdraw")
@pass_state
def withdraw_command(state: State, request: str, stage: str | None, comment: str | None, person: str | None) -> None:
    """Take back a request that you made, or an approval that you gave."""
    with state.registry() as registry:
        named, stage = find_request(registry, request, stage)
        made = registry.withdraw(named, stage=stage, comment=comment, on_behalf_of=person)
        if made.status == "pending" and not state.json:
            say(f"Your approval is taken back; {made.ref} still waits to become {made.stage}")
            say_pending(registry, made)
            return
    _say_ended(state, made)


def _say_ended(state: State, made: Transition) -> None:
    if state.json:
        state.print_json(made)
    else:
        already = "" if made.changed else " already; nothing changed"
        say(f"The request to make {made.ref} {made.stage} is {made.status}{already}. {made.outcome or ''}".rstrip())


def _print_requests(found: Sequence[Transition]) -> None:
    from rich.table import Table

    ids = short_ids(found)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for made in found:
        grid.add_row(styled(ids[made.id], "bold"), styled(made.status, _STYLES.get(made.status, "")), _entry(made))
    print_rich(grid)


def _entry(made: Transition) -> Text:
    words = {"promoted": "to", "rolled_back": "back to", "demoted": "no longer"}
    why = f": {made.reason}" if made.reason else ""
    lines = [f"asked {utc_text(made.at)} UTC by {made.actor}{why}"]
    lines += made.waiting_for if made.status == "pending" else [made.outcome] if made.outcome else made.reasons
    parts = [styled(made.ref, "bold"), styled(f" {words[made.kind]} "), styled(made.stage, "bold")]
    for line in lines:
        parts += [styled("\n", lines=True), styled(line, "dim" if line is lines[0] else "")]
    return joined(*parts)
