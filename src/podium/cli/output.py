"""What the command prints: tables for people, JSON for scripts, and no byte of a user's text that moves the cursor."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_ALIAS_STYLES = {"latest": "dim", "production": "bold green", "staging": "bold yellow"}
_STATUS_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red", "error": "bold red", "skipped": "dim"}
# Wide enough for any row, so that a pipe gets whole lines.
_PIPE_WIDTH = 10_000
_GAP = 2
_RECENT_DAYS = 180


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        fold: Whether long cells may go on in the next line; otherwise the column keeps its width.
        right: Whether it is aligned to the right, as numbers are.
        spare: Whether it is left out where the terminal is too narrow to show every word whole.
    """

    title: str
    fold: bool = False
    right: bool = False
    spare: bool = False


def safe(text: object, *, lines: bool = False) -> str:
    """Return text in which every character that does not print itself is spelled out as its number.

    Args:
        text: What a user gave.
        lines: Whether line ends stay.
    """
    given = str(text)
    if given.isprintable():
        return given
    return "".join(char if char.isprintable() or (lines and char == "\n") else repr(char)[1:-1] for char in given)


def styled(text: object, style: str = "", *, lines: bool = False) -> Text:
    """Return a user's text for a table; it is never read as markup."""
    from rich.text import Text

    return Text(safe(text, lines=lines), style=style)


def joined(*parts: Text) -> Text:
    """Return texts in one, each in its own style; ``+`` would put the style of the first on all."""
    from rich.text import Text

    return Text.assemble(*parts)


def aliases_text(aliases: Sequence[str] | Mapping[str, int]) -> Text:
    """Return aliases in one line; those of a mapping with the version that each names."""
    parts = []
    for alias in aliases:
        number = f"=v{aliases[alias]}" if isinstance(aliases, Mapping) else ""
        parts.append(styled(f"{alias}{number}", _ALIAS_STYLES.get(alias, "cyan")))
    return styled(", ").join(parts)


def status_text(status: str | None) -> Text:
    """Return the status of a check in its colour."""
    return styled(status or "-", _STATUS_STYLES.get(status or "", ""))


def metrics_text(metrics: Mapping[str, float], most: int = 3) -> str:
    """Return the first metrics by name: ``accuracy=0.973, loss=0.11``."""
    shown = [f"{name}={number(metrics[name])}" for name in sorted(metrics)[:most]]
    more = len(metrics) - len(shown)
    return ", ".join(shown) + (f", +{more} more" if more else "")


def number(value: float) -> str:
    """Return a number with at most six digits that count."""
    return f"{value:.6g}"


def size_text(size: int) -> str:
    """Return bytes as people read them: ``1.2 MB``."""
    if size < 1000:
        return f"{size} B"
    power = 0
    value = size / 1000
    while value >= 999.95 and power < len(_UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.1f} {_UNITS[power]}"


def files_text(files: int, size: int) -> str:
    """Return how much it is: ``3 files, 1.2 MB``."""
    return f"{count(files, 'file')}, {size_text(size)}"


def count(amount: int, word: str) -> str:
    """Return a number with its word: ``1 file``, ``2 files``."""
    return f"{amount} {word}" if amount == 1 else f"{amount} {word}s"


def time_text(time: datetime | None, *, full: bool = False) -> str:
    """Return a time in the zone of this machine: in full, or as short as ``ls -l`` has it."""
    if time is None:
        return "-"
    local = time.astimezone()
    if full:
        return local.strftime("%Y-%m-%d %H:%M:%S")
    recent = abs((datetime.now(UTC) - time).days) < _RECENT_DAYS
    return local.strftime("%b %d %H:%M" if recent else "%Y-%m-%d")


def plain_text(value: Any) -> str:
    """Return a value of metadata: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def digest_text(digest: str) -> str:
    """Return the first ten digits of a digest."""
    return digest.removeprefix("sha256:")[:10]


def shell_word(text: str) -> str:
    """Return text so that it can be pasted into a shell."""
    return shlex.quote(text)


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """Print one line for people."""
    click.echo(safe(text), err=to_stderr)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print rows under headings, as wide as the terminal allows; what is spare goes before a word is broken."""
    kept = list(columns)
    cells = [[styled(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    room = make_console().width + _GAP  # nothing follows the last column
    while sum(least := _widths(kept, cells)) > room:
        spare = [place for place, column in enumerate(kept) if column.spare]
        if not spare:
            break
        del kept[spare[-1]]
        for row in cells:
            del row[spare[-1]]
    print_rich(_table(kept, cells, _shared(least, _widths(kept, cells, whole=True), room)))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]], *, whole: bool = False) -> list[int]:
    """Return how wide columns must be, the gap after each included, to show every word whole, or every line."""
    from rich.cells import cell_len

    widths = []
    for place, column in enumerate(columns):
        parts = [column.title]
        for row in rows:
            text = row[place].plain
            parts += text.split() if column.fold and not whole else text.splitlines()
        widths.append(max(map(cell_len, parts)) + _GAP)
    return widths


def _shared(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int] | None:
    """Share the room among columns so that no word breaks, the smallest wish first; None where words must break."""
    spare = room - sum(least)
    if spare < 0:
        return None
    widths = list(least)
    for place in sorted(range(len(widths)), key=lambda index: wanted[index] - least[index]):
        more = min(wanted[place] - least[place], spare)
        widths[place], spare = widths[place] + more, spare - more
    return widths


def _table(columns: Sequence[Column], rows: Iterable[Sequence[Text]], widths: Sequence[int] | None) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(
            styled(column.title),
            no_wrap=not column.fold,
            overflow="fold",
            justify="right" if column.right else "left",
            width=widths[place] - _GAP if widths is not None else None,
        )
    for row in rows:
        table.add_row(*row)
    return table


def print_pairs(rows: Sequence[tuple[str, str | Text]], indent: int = 0) -> None:
    """Print names and values side by side."""
    from rich.padding import Padding
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=indent == 0, overflow="fold")
    grid.add_column(overflow="fold")
    for name, value in rows:
        shown = styled(value, lines=True) if isinstance(value, str) else value
        grid.add_row(styled(name, "bold" if not indent else ""), shown)
    print_rich(Padding(grid, (0, 0, 0, indent)))


def print_rich(what: RenderableType) -> None:
    """Print something of rich: fitted to a terminal, whole and without escape codes into a pipe."""
    console = make_console()
    with console.capture() as captured:
        console.print(what)
    text = captured.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    click.echo(text, nl=False, color=console.is_terminal)


def make_console(*, to_stderr: bool = False) -> Console:
    """Return a console on the present standard output or error output."""
    from rich.console import Console

    plain: dict[str, Any] = {"stderr": to_stderr, "highlight": False, "markup": False, "emoji": False}
    console = Console(**plain)
    if not console.is_terminal:
        return Console(**plain, color_system=None, width=None if os.environ.get("COLUMNS") else _PIPE_WIDTH)
    return Console(**plain, color_system=None) if os.environ.get("NO_COLOR") else console


def print_json(plain: Any, stream: TextIO) -> None:
    """Print plain JSON; characters that do not print themselves are escaped, so that a terminal may show it."""
    unicode = "utf" in (getattr(stream, "encoding", None) or "").lower()
    text = json.dumps(plain, indent=2, ensure_ascii=not unicode, allow_nan=False)
    shown = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    click.echo(shown, file=stream)
