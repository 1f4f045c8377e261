"""The commands that move stages: promote, rollback, demote."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_model, complete_ref, complete_stage
from podium.cli.errors import PENDING, REFUSED
from podium.cli.given import duration, reason_option
from podium.cli.moves import refusal_in_full, say_moved, say_planned
from podium.cli.options import State, Verb, expectation, expected_option, pass_state
from podium.cli.output import say
from podium.cli.reports import on_screen, promotion_reports, report_option, require_room
from podium.cli.requests import say_pending
from podium.cli.streams import busy
from podium.cli.waiting import require_committed, wait_for_people

if TYPE_CHECKING:
    from podium.cli.reports import Reports
    from podium.domain.transitions import Transition
    from podium.registry import Registry


@click.command(
    "promote",
    cls=Verb,
    examples=[
        ("podium promote 'model-registry/Digits classifier:v3' --to production --dry-run", "every gate, nothing moves"),
        ("podium promote 'model-registry/Digits classifier:v3' --to production --reason 'Fewer misses'", ""),
        ("podium promote 'model-registry/Digits classifier:v3' --to production --wait --timeout 2h", "in CI"),
    ],
)
@click.argument("ref", metavar="REGISTRY/MODEL[:VERSION]", shell_complete=complete_ref)
@click.option("--to", "stage", required=True, metavar="STAGE", shell_complete=complete_stage, help="The stage.")
@click.option("--dry-run", is_flag=True, help="Only show every gate with its verdict and facts.")
@reason_option("Why; needed with --force.")
@expected_option
@click.option("--force", is_flag=True, help="Overrule gates that fail or wait; this is on record.")
@click.option("--wait", is_flag=True, help="Wait until people have decided, if approvals are missing.")
@click.option("--timeout", type=duration, metavar="TIME", help="Wait so long at most: 90s, 45m, 12h.")
@report_option
@pass_state
def promote_command(
    state: State,
    /,
    ref: str,
    stage: str,
    dry_run: bool,
    wait: bool,
    timeout: timedelta | None,
    reports: Reports,
    **asked: Any,
) -> int:
    """Give a stage to a version, if its gates allow.

    A refusal says every reason, is on record, and has exit code 1. Where only approvals are missing, the request stands
    and the exit code is 6, so that 'podium promote ... && deploy' does not deploy what nobody approved.
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait.", click.get_current_context())
    if dry_run and wait:
        raise click.UsageError("Give --dry-run or --wait, not both.", click.get_current_context())
    require_room(state, reports)
    more = expectation(asked.pop("expected")) | asked
    with state.registry() as registry, refusal_in_full(registry), promotion_reports(registry, reports) as report:
        made = registry.promote(ref, stage, dry_run=dry_run, **more)
        if wait and made.status == "pending":
            made = wait_for_people(registry, made, timeout.total_seconds() if timeout is not None else None)
            require_committed(made)
        code = _answer(state, registry, made, quiet=not on_screen(reports))
        report(made)
        return code


def _answer(state: State, registry: Registry, made: Transition, *, quiet: bool) -> int:
    """Say what became of it, unless a report says it there, and return the exit code."""
    if state.json:
        state.print_json(made)
    elif quiet:
        pass
    elif made.dry_run:
        say_planned(made, holds=made.before == made.number)
    elif made.status == "pending":
        say(f"{made.ref} waits to become {made.stage}; nothing moved yet")
        say_pending(registry, made)
    else:
        say_moved(made)
    return {"pending": PENDING, "refused": REFUSED}.get(made.status, 0)


@click.command(
    "rollback",
    cls=Verb,
    examples=[
        ("podium rollback 'model-registry/Digits classifier' --reason 'Too slow'", "to the holder before"),
        ("podium rollback 'model-registry/Digits classifier' --to v3 --reason 'v4 was wrong, too'", ""),
    ],
)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--stage", default="production", show_default=True, shell_complete=complete_stage, help="The stage.")
@click.option("--to", metavar="vN", help="An earlier holder; the previous one that is intact if left out.")
@reason_option("Why; needed while the stage is frozen.")
@pass_state
def rollback_command(state: State, model: str, stage: str, to: str | None, reason: str | None) -> None:
    """Give a stage back to its previous holder.

    It goes to the newest one whose files are intact, and no gate is asked: it passed them when it held the stage.
    """
    with state.registry() as registry, busy("Verifying the previous holder"):
        made = registry.rollback(model, stage, to=to, reason=reason)
    if state.json:
        state.print_json(made)
    else:
        say_moved(made)


@click.command(
    "demote",
    cls=Verb,
    examples=[("podium demote 'model-registry/Digits classifier' --stage staging --reason 'The trial is over'", "")],
)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--stage", required=True, metavar="STAGE", shell_complete=complete_stage, help="The stage.")
@reason_option("Why; needed.")
@expected_option
@pass_state
def demote_command(state: State, model: str, stage: str, reason: str | None, expected: str | None) -> None:
    """Take a stage away from its holder, so that nobody holds it.

    The history stays, and 'podium rollback' brings the last holder back.
    """
    with state.registry() as registry:
        made = registry.demote(model, stage, reason=reason or "", **expectation(expected))
    if state.json:
        state.print_json(made)
    else:
        say_moved(made)
