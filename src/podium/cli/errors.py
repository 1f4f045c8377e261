"""How the command ends: exit codes, and every error as one line that says what to do next."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import click

from podium.cli.output import safe
from podium.errors import PodiumError, PromotionRefusedError

# Exit code to what it means and the error codes that lead to it. The help page and `exit_code` read this one table.
EXITS: dict[int, tuple[str, tuple[str, ...]]] = {
    0: ("done", ()),
    1: (
        "a promotion was refused or rejected, a test failed, you may not do that, verify or doctor found damage, an "
        "import left something out, or diff --exit-code found a difference",
        ("promotion_refused", "permission_denied"),
    ),
    2: (
        "wrong usage, an invalid name or value, or wrong settings",
        ("invalid_name", "invalid_value", "settings", "plugin"),
    ),
    3: ("a reference, file or name does not exist", ("not_found",)),
    4: ("a conflict: it exists already, or somebody else was faster", ("already_exists", "conflict")),
    5: (
        "the database or the content store failed",
        ("database_unavailable", "storage", "schema_outdated", "integrity"),
    ),
    6: ("a promotion waits for approvals; nothing moved yet", ()),
    70: ("a bug in Podium", ()),
    130: ("stopped with Ctrl-C, or by answering no", ()),
}
REFUSED, USAGE, BACKEND, PENDING, BUG, STOPPED = 1, 2, 5, 6, 70, 130
_MOST_SHOWN = 30
CLOSED_PIPE = 141  # what the shell reports for a program that SIGPIPE ended, as in `podium ls | head`


def exit_code(error: PodiumError) -> int:
    """Return the exit code for an error; a subclass that the table does not name counts as its base."""
    codes = {code: number for number, (_, names) in EXITS.items() for code in names}
    for kind in type(error).__mro__:
        if getattr(kind, "code", None) in codes:
            return codes[kind.code]  # type: ignore[attr-defined]  # the line above looked
    return BACKEND


def show_error(error: PodiumError, *, as_json: bool) -> int:
    """Print an error of Podium on standard error and return the exit code."""
    if as_json:
        return _end(error.to_json(), exit_code(error))
    if isinstance(error, PromotionRefusedError) and error.facts.get("reasons"):
        facts = error.facts
        _line(f"{facts['ref']} was {facts.get('status', 'refused')} for {facts['stage']!r}. {error.hint}")
        for reason in facts["reasons"]:
            click.echo(f"  - {safe(reason)}", err=True)
        _show_other_gates(facts.get("gates", ()))
    elif "column" in error.facts:  # an expression with a caret below it: lines of Podium's own
        click.echo(f"podium: {safe(error, lines=True)}", err=True)
    else:
        _line(str(error))
        if "excerpt" in error.facts:  # the line of a file that is meant, with a caret below
            click.echo(safe(error.facts["excerpt"], lines=True), err=True)
    _show_others(error.facts.get("others", ()))
    return exit_code(error)


def _show_others(others: Sequence[Any]) -> None:
    """Show what else is wrong, so that it can be mended in one go."""
    for other in others[:_MOST_SHOWN]:
        if isinstance(other, PodiumError):
            show_error(other, as_json=False)
    if len(others) > _MOST_SHOWN:
        _line(f"and {len(others) - _MOST_SHOWN} more")


def _show_other_gates(gates: Sequence[Mapping[str, Any]]) -> None:
    """Name the gates that did not refuse, so that whoever reads the reasons knows what is left to mend."""
    for verdict, words in (("passed", "Passed"), ("pending", "Waits for people")):
        named = [f"{gate['kind']} {gate['name']}" for gate in gates if gate["verdict"] == verdict]
        if named:
            click.echo(safe(f"  {words}: {'; '.join(named)}"), err=True)


def show_usage(error: click.ClickException, *, as_json: bool) -> int:
    """Print what was wrong with the command line and return the exit code."""
    context = getattr(error, "ctx", None)
    hint = f"'{context.command_path} --help' shows how." if context is not None else ""
    message = error.format_message().strip()
    if not message.endswith((".", "?", ")", "!")):
        message += "."
    if as_json:
        return _end({"code": "usage", "message": message, "hint": hint, "facts": {}}, USAGE)
    _line(f"{message} {hint}".strip())
    return USAGE


def show_bug(error: BaseException, *, as_json: bool) -> int:
    """Print an exception that nobody expected and return the exit code."""
    text = " ".join(str(error).split())[:500]
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    hint = "this is a bug in Podium, set PODIUM_DEBUG=1 for details"
    if as_json:
        return _end({"code": "bug", "message": message, "hint": hint, "facts": {}}, BUG)
    _line(f"{message}: {hint}")
    return BUG


def debugging() -> bool:
    """Return whether PODIUM_DEBUG asks for tracebacks."""
    return os.environ.get("PODIUM_DEBUG", "").lower() not in ("", "0", "false", "no")


def show_traceback() -> None:
    """Print where the current exception comes from, if somebody wants to know."""
    if debugging():
        click.echo(traceback.format_exc(), err=True, nl=False)


def _line(text: str) -> None:
    click.echo(f"podium: {safe(text)}", err=True)


def _end(error: dict[str, Any], code: int) -> int:
    # One line, so that it can be told from what plugins and libraries print before it.
    click.echo(json.dumps({"error": error}), err=True)
    return code
