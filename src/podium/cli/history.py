"""``podium history``: the events of a model or artifact in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_model, complete_stage
from podium.cli.event_words import version_of, what
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import joined, plain_text, print_rich, say, styled, time_text

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.events import Event

_SHORT = 40
_STYLES = {
    "model_version.promoted": "bold green",
    "model_version.rolled_back": "bold yellow",
    "model_version.promotion_refused": "bold red",
    "model_version.promotion_forced": "bold red",
    "model_version.promotion_requested": "bold yellow",
    "model_version.promotion_rejected": "bold red",
    "model_version.demoted": "bold yellow",
    "stage.adopted": "bold red",
    "stage.released": "bold red",
}


@click.command(
    "history",
    cls=Verb,
    examples=[
        ("podium history 'model-registry/Digits classifier'", ""),
        (
            "podium history 'model-registry/Digits classifier' --explain --stage production",
            "every gate of every attempt",
        ),
    ],
)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--alias", "--stage", shell_complete=complete_stage, help="Only what concerns this alias or stage.")
@click.option(
    "--explain",
    is_flag=True,
    help="Each attempt to move a stage, the newest first: gates with values and thresholds, approvals, the policy.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="With --explain: at most so many.")
@pass_state
def history_command(state: State, model: str, alias: str | None, explain: bool, limit: int | None) -> None:
    """Tell what happened to a model or artifact.

    The oldest comes first. Each entry says when, what, from which version to which, by whom, from which execution and
    why; promotions that were refused stand there with every reason. 'podium audit ls' searches what happened to all.
    """
    if limit is not None and not explain:
        raise click.UsageError("--limit goes with --explain.", click.get_current_context())
    if explain:
        _explain(state, model, alias, limit)
        return
    with state.registry() as registry:
        events = registry.events(model)
    chosen = [event for event in events if alias is None or alias in _names(event)]
    if state.json:
        state.print_json(chosen)
    elif chosen:
        _print_events(chosen)
    else:
        known = sorted({name for event in events for name in _names(event)})
        say(f"Nothing happened to {alias!r} of {model}; there is {', '.join(known)}")


def _explain(state: State, model: str, stage: str | None, limit: int | None) -> None:
    from podium.cli.explaining import print_explanations

    with state.registry() as registry:
        found = registry.explain(model, stage, limit=limit)
    if state.json:
        state.print_json(found)
    elif found:
        print_explanations(found)
    else:
        say(f"Nobody tried to move {repr(stage) if stage else 'a stage'} of {model} yet")


def _names(event: Event) -> set[str]:
    """Return the aliases and stages that an event is about."""
    if event.type in ("artifact_version.logged", "model_version.linked"):
        return {"latest"}
    found = {facts.get(key) for facts in (event.before, event.after) for key in ("alias", "stage")}
    return {str(name) for name in found if name}


def _print_events(events: list[Event]) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for event in events:
        grid.add_row(styled(time_text(event.at, full=True), "dim"), _entry(event))
    print_rich(grid)


def _entry(event: Event) -> Text:
    parts = [styled(what(event), _STYLES.get(event.type, "bold"))]
    change = _change(event)
    if change:
        parts.append(styled(f"  {change}", "cyan"))
    # A forced promotion is two events; the gates that it overruled are told with the first.
    for reason in () if event.type == "model_version.promoted" else event.after.get("reasons") or ():
        parts += [styled("\n", lines=True), styled(f"- {reason}")]
    if event.reason:
        parts += [styled("\n", lines=True), styled(f"why: {event.reason}")]
    link = f" {event.origin.url}" if event.origin.url else ""
    parts += [styled("\n", lines=True), styled(f"by {event.actor} from {event.origin.label}{link}", "dim")]
    return joined(*parts)


def _change(event: Event) -> str:
    if event.type == "model_version.linked":
        return f"{event.after.get('source')} -> {version_of(event.after)}"
    if event.type == "artifact_version.logged":
        before = event.after.get("supersedes")
        return f"in place of v{before}" if before is not None else ""
    if event.type == "model_version.promotion_refused":
        return f"{version_of(event.before)} stays"
    if event.type.endswith((".updated", ".renamed", ".numbered")):
        return ", ".join(_edits(event.before, event.after))
    moved = event.type.startswith("alias.") or event.type in ("model_version.promoted", "model_version.rolled_back")
    return f"{version_of(event.before)} -> {version_of(event.after)}" if moved else ""


def _edits(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say what an edit changed: a short value from and to, a long text only by name."""
    said = []
    for key in dict.fromkeys([*before, *after]):
        if key == "details_sha256":
            continue  # for 'podium audit verify'
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) or isinstance(new, Mapping):
            said += _edits(old or {}, new or {})
        elif max(len(plain_text(old)), len(plain_text(new))) <= _SHORT:
            said.append(f"{key}: {_value(old)} -> {_value(new)}")
        else:
            said.append(f"{key} changed")
    return said


def _value(value: Any) -> str:
    return "none" if value is None else plain_text(value)
