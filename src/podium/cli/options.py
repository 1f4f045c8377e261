"""What every command shares: the global options, the registry they lead to, and the kinds of values."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import click

from podium.cli.output import print_json
from podium.cli.streams import reserved_stdout

if TYPE_CHECKING:
    from podium.plugins.host import PluginHost
    from podium.registry import Registry

_FEW = 12
# What other tools call it.
_REMOVE, _ADD = ("remove", "rm", "delete", "del", "unlink"), ("add", "create", "new", "set", "apply")
_MEANINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("rm", "del", "delete", "unsubscribe", "drop"), _REMOVE),
    **dict.fromkeys(("create", "new", "subscribe", "set"), _ADD),
    **dict.fromkeys(("list", "lst"), ("ls",)),
    **dict.fromkeys(("get", "describe", "view", "cat", "info"), ("show",)),
    **dict.fromkeys(("validate", "lint"), ("check", "verify")),
    **dict.fromkeys(("pause", "off"), ("disable",)),
    **dict.fromkeys(("resume", "on"), ("enable",)),
    **dict.fromkeys(("replay", "resend"), ("retry",)),
}


@dataclass
class State:
    """What the global options said.

    Attributes:
        json: Whether the answer is JSON.
        url: The database, None for ``PODIUM_URL``.
        content: The content folder, None for ``PODIUM_CONTENT``.
        actor: Who acts, None for ``PODIUM_ACTOR``.
    """

    json: bool = False
    url: str | None = None
    content: str | None = None
    actor: str | None = None
    _stream: TextIO | None = field(default=None, repr=False)

    @contextmanager
    def registry(self, host: PluginHost | None = None) -> Iterator[Registry]:
        """Open the registry for one command."""
        from podium.registry import open_registry

        registry = open_registry(self.url, content=self.content, actor=self.actor, host=host)
        try:
            yield registry
        finally:
            with suppress(KeyboardInterrupt):  # it is done, and says so; messages on their way stay in the outbox
                registry.close()

    def reserved(self) -> AbstractContextManager[None]:
        """Keep the standard output for JSON alone while a command runs, if JSON was asked for."""
        return self._reserve() if self.json else nullcontext()

    @contextmanager
    def _reserve(self) -> Iterator[None]:
        with reserved_stdout() as stream:
            self._stream = stream
            yield

    @property
    def output(self) -> TextIO:
        """What the answer is written to."""
        return self._stream if self._stream is not None else sys.stdout

    def print_json(self, value: Any) -> None:
        """Print a value of Podium, or a list or dict of such, as plain JSON."""
        from podium.domain.plain import to_plain

        assert self._stream is not None
        print_json(to_plain(value), self._stream)

    def print_line(self, value: Any) -> None:
        """Print a value as JSON on one line, at once: for a command that goes on."""
        from podium.domain.plain import to_plain

        assert self._stream is not None
        click.echo(json.dumps(to_plain(value), allow_nan=False, separators=(",", ":")), file=self._stream)


def state_of(context: click.Context) -> State:
    """Return the state that all commands of one invocation share."""
    return context.find_root().ensure_object(State)


pass_state = click.make_pass_decorator(State, ensure=True)


class Verb(click.Command):
    """A command with the global options, which its help page shows apart.

    Args:
        examples: Command lines for the help page, each with a word about it.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.shared = shared_options()
        self.params = [*self.params, *self.shared]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, with the standard output reserved if JSON is asked for."""
        with state_of(ctx).reserved():
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those of every command."""
        own = [item for item in self.get_params(ctx) if item not in self.shared]
        records = [found for item in own if isinstance(item, click.Option) and (found := item.get_help_record(ctx))]
        write_options(ctx, formatter, "Options", records)
        write_options(ctx, formatter, "Global options", [item.get_help_record(ctx) for item in self.shared])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on one line so that it can be copied."""
        if self.examples:
            with formatter.section("Examples"):
                for line, what in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}# {what}\n" if what else "")
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Topic(click.Group):
    """A group of commands about one subject."""

    command_class = Verb

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *shared_options(hidden=True)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; without any, there is only help to give."""
        help_instead(ctx, args)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name one that is spelled alike or means the same."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            ctx.fail(unknown_command(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def unknown_command(name: str, known: Sequence[str]) -> str:
    """Return what to say to somebody who called a command that is not there."""
    import difflib

    near = [word for word in _MEANINGS.get(name, ()) if word in known]
    near = near or difflib.get_close_matches(name, known, n=1)
    if near:
        return f"There is no command {name!r}. Did you mean {near[0]!r}?"
    return f"There is no command {name!r}." + ("" if len(known) > _FEW else f" There is {', '.join(known)}.")


def help_instead(ctx: click.Context, args: list[str]) -> None:
    """Print the help page on standard error and exit if nothing was asked for."""
    if not args and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


def write_options(ctx: click.Context, formatter: click.HelpFormatter, title: str, records: list[Any]) -> None:
    """Write one section of a help page, unless it is empty."""
    rows = [record for record in records if record]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def shared_options(*, hidden: bool = False) -> list[click.Option]:
    """Return new global options; given at several places, the one furthest right wins."""

    def option(name: str, help: str, **more: Any) -> click.Option:
        return click.Option([name], expose_value=False, callback=_remember, help=help, hidden=hidden, **more)

    return [
        option("--json", "Plain JSON on standard output and nothing else; errors as JSON on stderr.", is_flag=True),
        option("--url", "Database, instead of PODIUM_URL.", metavar="URL"),
        option(
            "--content", "Folder or URL of stored files, instead of PODIUM_CONTENT.", metavar="PLACE", type=click.Path()
        ),
        option("--actor", "Who acts, instead of PODIUM_ACTOR.", metavar="NAME"),
    ]


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value and parameter.name:
        setattr(state_of(context), parameter.name, value)
    return value


def pair(text: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``; the value may hold further ``=``."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE.")
    return key, value


def each_once(pairs: Sequence[tuple[str, str]], what: str) -> dict[str, str]:
    """Return pairs of a repeatable option as a mapping; a key that is given twice may be a slip."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise click.UsageError(f"The {what} {twice!r} is given twice.", click.get_current_context())
    return found


def metric(text: str) -> tuple[str, float]:
    """Read ``NAME=NUMBER``; the name may hold ``=``."""
    name, sign, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not sign or not name or not math.isfinite(number):
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER.")
    return name, number


def expected_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--expected``, the compare-and-set of everything that moves."""
    return click.option(
        "--expected", metavar="vN|none", help="Only if this version holds it now ('none': only if nothing does)."
    )(function)


def expectation(expected: str | None) -> dict[str, Any]:
    """Return the argument for the registry; an option that is left out expects nothing in particular."""
    if expected is None:
        return {}
    return {"expected": None if expected.lower() == "none" else expected}
