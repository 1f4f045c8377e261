"""The commands about stages: promote, rollback, policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_model, complete_ref, complete_stage
from podium.cli.options import State, Topic, Verb, expectation, expected_option, pass_state
from podium.cli.output import Column, print_table, say, shell_word, styled
from podium.cli.streams import busy

if TYPE_CHECKING:
    from podium.domain.transitions import Transition


@click.command("promote", cls=Verb)
@click.argument("ref", metavar="REGISTRY/MODEL[:VERSION]", shell_complete=complete_ref)
@click.option("--to", "stage", required=True, metavar="STAGE", shell_complete=complete_stage, help="The stage.")
@click.option("--reason", help="Why; needed with --force.")
@expected_option
@click.option("--force", is_flag=True, help="Overrule gates that fail; this is on record.")
@pass_state
def promote_command(state: State, ref: str, stage: str, reason: str | None, expected: str | None, force: bool) -> None:
    """Give a stage to a version, if its gates allow.

    A refusal says every reason, is on record, and has exit code 1.
    """
    with state.registry() as registry:
        made = registry.promote(ref, stage, reason=reason, force=force, **expectation(expected))
    if state.json:
        state.print_json(made)
    else:
        _say_moved(made)


@click.command("rollback", cls=Verb)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--stage", default="production", show_default=True, shell_complete=complete_stage, help="The stage.")
@click.option("--reason", help="Why.")
@pass_state
def rollback_command(state: State, model: str, stage: str, reason: str | None) -> None:
    """Give a stage back to its previous holder.

    It goes to the newest one whose files are intact.
    """
    with state.registry() as registry, busy("Verifying the previous holder"):
        made = registry.rollback(model, stage, reason=reason)
    if state.json:
        state.print_json(made)
    else:
        _say_moved(made)


def _say_moved(made: Transition) -> None:
    ref = f"{made.collection}:v{made.number}"
    if made.status == "pending":
        say(f"{ref} waits to become {made.stage}: {' '.join(made.waiting_for)}")
        return
    if not made.changed:
        say(f"{ref} is {made.stage} already; nothing changed")
        return
    before = f", v{made.before} was before" if made.before is not None else ""
    say(f"{ref} is {made.stage} now{before}")
    if made.forced:
        say("These gates were overruled:")
        for reason in made.reasons:
            say(f"  - {reason}")
    if made.kind == "promoted" and made.before is not None:
        stage = "" if made.stage == "production" else f" --stage {made.stage}"
        say(f"To take it back: podium rollback {shell_word(made.collection)}{stage}")


@click.group("policy", cls=Topic)
def policy_command() -> None:
    """Show which stages there are and what they require."""


@policy_command.command("show")
@click.argument("target", metavar="REGISTRY[/MODEL]", shell_complete=complete_model)
@pass_state
def show_policy(state: State, target: str) -> None:
    """Show the policy in force for a model, or the default of a registry."""
    with state.registry() as registry:
        policy = registry.policy(target)
    if state.json:
        state.print_json(policy)
        return
    rows = [
        (
            styled(stage.name, "bold"),
            stage.from_stage or "any",
            ", ".join(check.name for check in stage.required) or "none",
        )
        for stage in policy.stages
    ]
    print_table([Column("Stage"), Column("Comes from"), Column("Required checks", fold=True)], rows)
