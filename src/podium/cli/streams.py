"""The standard streams while a command runs: who may write where, progress, and warnings."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

import click

from podium.cli.output import count, make_console, safe, styled

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def reserved_stdout() -> Iterator[TextIO]:
    """Give the standard output to the caller alone; what plugins, checks and libraries print goes to standard error."""
    real = sys.stdout
    real.flush()
    try:
        output, errors = real.fileno(), sys.stderr.fileno()
    except (OSError, ValueError):  # a stream in memory, as in tests
        with redirect_stdout(sys.stderr):
            yield real
        return
    kept, reserved = os.dup(output), os.dup(output)
    os.dup2(errors, output)  # libraries in C print to the descriptor itself
    try:
        with open(reserved, "w", encoding=real.encoding, errors=real.errors) as stream, redirect_stdout(sys.stderr):
            yield stream
    finally:
        real.flush()
        os.dup2(kept, output)
        os.close(kept)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show that something takes time, on standard error and only to somebody who watches."""
    if not sys.stderr.isatty():
        yield
        return
    with make_console(to_stderr=True).status(styled(f"{what} ...")):
        yield


@contextmanager
def measured(what: str, total: int | None, *, show: bool) -> Iterator[Callable[[int], None] | None]:
    """Give a function that is told bytes done, and show bytes, speed and time left; None if nobody watches.

    Args:
        what: What is done.
        total: How many bytes there are, None if nobody knows.
        show: Whether progress may be shown at all; never beside JSON.
    """
    if not show or not sys.stderr.isatty():
        yield None
        return
    with _bar(total) as progress:
        task = progress.add_task(f"{what} ...", total=total)
        yield lambda done: progress.advance(task, done)  # rich takes its own lock: workers may call this


@contextmanager
def counted(what: str, total: int | None, *, show: bool) -> Iterator[Callable[[Any], None] | None]:
    """Give a function that is told entries or blobs done, and show their bytes and number; see `measured`."""
    if not show or not sys.stderr.isatty():
        yield None
        return
    files = 0
    with _bar(total) as progress:
        task = progress.add_task(f"{what} ...", total=total)

        def step(item: Any) -> None:
            nonlocal files
            files += 1
            progress.update(task, advance=item.size, description=f"{what} ... {count(files, 'file')}")

        yield step


def _bar(total: int | None) -> Progress:
    from rich import progress as parts

    known = (parts.BarColumn(), parts.DownloadColumn(), parts.TransferSpeedColumn(), parts.TimeRemainingColumn())
    unknown = (parts.SpinnerColumn("line"), parts.FileSizeColumn(), parts.TimeElapsedColumn())
    columns = (parts.TextColumn("{task.description}"), *(known if total is not None else unknown))
    return parts.Progress(*columns, console=make_console(to_stderr=True), transient=True)


@contextmanager
def warnings_as_lines(*, debug: bool) -> Iterator[None]:
    """Print what Podium logs as a warning as one line on standard error."""
    handler = _Lines(debug)
    logger = logging.getLogger("podium")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def muted(name: str) -> Iterator[None]:
    """Leave out the warnings of one logger, for a command that shows the same facts itself."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


class _Lines(logging.Handler):
    def __init__(self, debug: bool) -> None:
        super().__init__(logging.WARNING)
        self.debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"podium: warning: {safe(record.getMessage())}", err=True)
        if self.debug and record.exc_info:
            click.echo(logging.Formatter().formatException(record.exc_info), err=True)
