"""The commands about freezes: freeze, unfreeze."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from podium.cli.audit import moment, utc_text
from podium.cli.completion import complete_stage, complete_target
from podium.cli.given import duration, reason_option
from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import Column, print_table, say, shell_word, styled

if TYPE_CHECKING:
    from podium.domain.transitions import FreezeInfo

_LAST = datetime(9999, 12, 30, tzinfo=UTC)  # what is later is for ever


class _FreezeTopic(Topic):
    """``podium freeze TARGET`` is short for ``podium freeze add TARGET``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a word that is none is the target of ``add``."""
        if args[0] not in self.commands:
            args = ["add", *args]
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete commands, and targets after them."""
        target = self.commands["add"].params[0]
        return [*super().shell_complete(ctx, incomplete), *complete_target(ctx, target, incomplete)]


@click.group("freeze", cls=_FreezeTopic, context_settings={"ignore_unknown_options": True})
def freeze_command() -> None:
    """Close a stage for promotions, and see what is closed.

    'podium freeze TARGET ...' is short for 'podium freeze add TARGET ...'.
    """


def end(text: str) -> datetime | None:
    """Read when a freeze ends: a time, a date that belongs to it as a whole, or how long it lasts from now on.

    Returns:
        When, None for never: 9999-12-31 is what people write for ever.
    """
    try:
        return _before_the_last(datetime.now(UTC) + duration(text))
    except click.BadParameter:
        pass
    except OverflowError:
        return None
    try:
        time = moment(text)
    except click.BadParameter:
        raise click.BadParameter(
            f"{text!r} is no time; write 2026-12-31, 2026-12-31T18:00+01:00, or how long it lasts: 12h, 3d."
        ) from None
    try:
        return _before_the_last(time + timedelta(days=1) if _is_date(text) else time)
    except OverflowError:
        return None


def _before_the_last(time: datetime) -> datetime | None:
    return time if time < _LAST else None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


@freeze_command.command(
    "add",
    examples=[
        ("podium freeze 'model-registry/Digits classifier' --stage production --reason Audit --until 3d", ""),
        ("podium freeze model-registry --reason 'Holidays' --until 2027-01-04", "all stages of all its models"),
    ],
)
@click.argument("target", metavar="REGISTRY[/MODEL]", shell_complete=complete_target)
@click.option("--stage", metavar="STAGE", shell_complete=complete_stage, help="The stage; all if left out.")
@reason_option("Why; needed, whoever is refused reads it.")
@click.option(
    "--until",
    type=end,
    metavar="TIME",
    help="When it ends by itself: a date, which belongs to it as a whole, a time (UTC without a zone), or how long it "
    "lasts: 12h, 3d.",
)
@pass_state
def add_freeze(state: State, target: str, stage: str | None, reason: str | None, until: datetime | None) -> None:
    """Close a stage for promotions.

    Rollbacks and demotions stay possible with a reason, and forced promotions too. A freeze of the same target and
    stage that is in force is replaced.
    """
    with state.registry() as registry:
        made = registry.freeze(target, stage, reason=reason or "", until=until)
    if state.json:
        state.print_json(made)
        return
    say(f"{_what(made)} is frozen {_until(made)}: {made.reason}")
    more = f" --stage {shell_word(stage)}" if stage else ""
    say(f"To end it: podium unfreeze {shell_word(target)}{more}")


@freeze_command.command("ls")
@click.argument("target", required=False, metavar="[REGISTRY[/MODEL]]", shell_complete=complete_target)
@click.option("--all", "ended", is_flag=True, help="Those that are over as well.")
@pass_state
def list_freezes(state: State, target: str | None, ended: bool) -> None:
    """List freezes that are in force, oldest first; of a model, those of its registry as well.

    What a policy's own windows close stands in 'podium policy show'.
    """
    with state.registry() as registry:
        found = registry.list_freezes(target, ended=ended)
    if state.json:
        state.print_json(found)
    elif found:
        _print_freezes(found, ended=ended)
    else:
        say("Nothing was ever frozen" if ended else "Nothing is frozen")


@click.command("unfreeze", cls=Verb)
@click.argument("target", metavar="REGISTRY[/MODEL]", shell_complete=complete_target)
@click.option(
    "--stage", metavar="STAGE", shell_complete=complete_stage, help="The stage; the freeze of all if left out."
)
@reason_option()
@pass_state
def unfreeze_command(state: State, target: str, stage: str | None, reason: str | None) -> None:
    """End the freeze of exactly this target and stage."""
    with state.registry() as registry:
        frozen = {freeze.id for freeze in registry.list_freezes(target)}
        ended = registry.unfreeze(target, stage, reason=reason)
    if state.json:
        state.print_json(ended)
    elif ended.id in frozen:
        say(f"{_what(ended)} is open again; it was frozen by {ended.actor}: {ended.reason}")
    else:
        say(f"{_what(ended)} was open already; nothing changed")


def _print_freezes(found: Sequence[FreezeInfo], *, ended: bool) -> None:
    columns = [
        Column("Target", fold=True),
        Column("Stage"),
        Column("Since (UTC)", spare=True),
        Column("Ended (UTC)" if ended else "Until (UTC)"),
        Column("By", fold=True),
        Column("Why", fold=True),
    ]
    now = datetime.now(UTC)
    rows = [
        (
            styled(item.target, "bold"),
            item.stage or "all",
            utc_text(item.at)[:16],
            "in force" if ended and item.holds(now) else _end(item),
            item.actor,
            item.reason,
        )
        for item in found
    ]
    print_table(columns, rows)


def _end(freeze: FreezeInfo) -> str:
    time = freeze.ended_at or freeze.until
    return utc_text(time)[:16] if time else "-"


def _what(freeze: FreezeInfo) -> str:
    return f"{freeze.stage} of {freeze.target}" if freeze.stage else f"Every stage of {freeze.target}"


def _until(freeze: FreezeInfo) -> str:
    return f"until {utc_text(freeze.until)} UTC" if freeze.until else "until somebody ends it"
