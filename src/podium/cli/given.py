"""What people give to several commands: times, metadata, descriptions, reasons, and their consent."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal

import click

from podium.cli.options import State, pair
from podium.cli.output import safe, say
from podium.errors import InvalidValueError, NotFoundError

_DURATIONS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """Read a time such as ``90s``, ``45m``, ``12h``, ``30d`` or ``2w``."""
    match = re.fullmatch(r"(\d{1,9})([smhdw])", text.strip().lower())
    try:
        assert match is not None
        return timedelta(**{_DURATIONS[match[2]]: int(match[1])})
    except (AssertionError, OverflowError):
        raise click.BadParameter(f"{text!r} is no time; write 90s, 45m, 12h, 30d or 2w.") from None


def lifetime(text: str) -> timedelta | Literal["never"]:
    """Read a time to live: a `duration`, or ``never`` for what never ends."""
    return "never" if text.strip().lower() == "never" else duration(text)


def typed_pair(text: str) -> tuple[str, Any]:
    """Read ``KEY=TEXT``, or ``KEY:=JSON`` for what is no text."""
    key, value = pair(text)
    if not key.endswith(":"):
        return key, value
    try:
        return pair(f"{key[:-1]}={value}")[0], json.loads(value)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{value!r} is not JSON; write {key[:-1]}={value} for a text.") from error


def metadata_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--metadata`` and ``--metadata-file``; `read_metadata` puts them together."""
    text = "Text to keep with it, or KEY:=JSON; repeatable."
    function = click.option("--metadata-file", type=click.Path(), metavar="F.json", help="A JSON object to keep.")(
        function
    )
    return click.option("--metadata", type=typed_pair, multiple=True, metavar="KEY=VALUE", help=text)(function)


def read_metadata(pairs: Sequence[tuple[str, Any]], file: str | None) -> dict[str, Any]:
    """Return what ``--metadata`` and ``--metadata-file`` say; the command line wins."""
    return {**(_read_object(file) if file else {}), **dict(pairs)}


def _read_object(path: str) -> dict[str, Any]:
    text = read_text(path, "--metadata-file")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"{path} cannot be read as JSON: {error}.", hint="Check --metadata-file.") from error
    if not isinstance(found, dict):
        raise InvalidValueError(f"{path} holds no JSON object.", hint='Write {"key": value, ...} into it.')
    return found


def read_text(path: str, option: str) -> str:
    """Return the text of a file that an option names; ``-`` is the standard input.

    Raises:
        InvalidValueError: It cannot be read as UTF-8.
        NotFoundError: There is no such file.
    """
    try:
        with click.open_file(path, encoding="utf-8") as file:
            return str(file.read())
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path}.", hint=f"Check {option}.", path=path) from error
    except (OSError, ValueError) as error:
        raise InvalidValueError(f"{path} cannot be read as text: {error}.", hint=f"Check {option}.") from error


def description_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--description`` and ``--description-file``; `read_description` chooses."""
    help_text = "The same from a file, '-' for standard input."
    function = click.option("--description-file", type=click.Path(), metavar="FILE", help=help_text)(function)
    return click.option("--description", metavar="TEXT", help="Free text, Markdown.")(function)


def read_description(text: str | None, file: str | None) -> str | None:
    """Return the description that was given, None if none was."""
    if text is not None and file is not None:
        raise click.UsageError("Give --description or --description-file, not both.", click.get_current_context())
    return read_text(file, "--description-file") if file is not None else text


def exit_code_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--exit-code``, by which a pipeline sees that what is in force is not what a file says."""
    return click.option("--exit-code", is_flag=True, help="Exit code 1 where there is a difference.")(function)


def reason_option(help: str = "Why.") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--reason``."""
    return click.option("--reason", metavar="TEXT", help=help)


def force_options(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return ``--force`` with its ``--reason``."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        function = reason_option("Why; needed with --force.")(function)
        return click.option("--force", is_flag=True, help=what)(function)

    return add


def yes_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--yes``; `confirm` asks without it."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask; needed where nobody can answer.")(function)


def confirm(state: State, question: str, *, yes: bool) -> None:
    """Ask a person before something goes; where there is nobody to ask, ``--yes`` must have been given.

    Raises:
        click.Abort: The answer is no.
        click.UsageError: Nobody can answer.
    """
    if yes:
        return
    if state.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("Nobody can be asked here; say --yes to go on.", click.get_current_context())
    if not click.confirm(safe(question), err=True):
        say("Nothing was changed", to_stderr=True)
        raise click.Abort
