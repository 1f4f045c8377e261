"""The standard streams while a command runs: who may write where, progress, and warnings."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

import click

from podium.cli.output import count, make_console, safe, size_text, styled


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
def counted(what: str) -> Iterator[Callable[[Any], None] | None]:
    """Give a function that counts manifest entries and shows how far the work is; None if nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    files = size = 0
    with make_console(to_stderr=True).status(styled(f"{what} ...")) as status:

        def step(entry: Any) -> None:
            nonlocal files, size
            files, size = files + 1, size + entry.size
            status.update(styled(f"{what} ... {count(files, 'file')}, {size_text(size)}"))

        yield step


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
