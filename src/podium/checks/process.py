"""A process that may do anything: its output is bounded, and it is ended with all that it started."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from podium.domain.plain import storable
from podium.errors import SettingsError

_TAIL = 16 * 1024
_CHUNK = 64 * 1024
_PAUSE = 0.02
_MOST_CHUNKS = 64
Echo = Callable[[str], None]

# The child begins with the path of its parent, so that it finds the same modules; -c and -P add nothing to it.
_BEGIN = "import json,sys; sys.path[:]=json.loads(sys.argv[1]); import {module} as m; m.main(*sys.argv[2:])"


class BoundedProcess:
    """A process in a group of its own. Use it in a ``with`` block: at its end, the whole group is gone.

    Args:
        command: Program and arguments.
        env: Its environment, that of this process if None.
        echo: Is given what it prints, as it comes.

    Raises:
        SettingsError: This system has no groups of processes.
    """

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, echo: Echo | None = None
    ) -> None:
        if os.name != "posix":
            raise SettingsError(
                "Checks in a process of their own need Linux or macOS.", hint="Leave isolate and time limits away."
            )
        self._echo = echo
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._tail = bytearray()
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own module
            list(command),
            stdin=subprocess.PIPE,  # never written to: it closes when this process ends, however it ends
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def __enter__(self) -> BoundedProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    @property
    def tail(self) -> str:
        """The last that it printed, at most 16 KiB."""
        return storable(self._tail.decode("utf-8", "replace"))

    def forget(self) -> None:
        """Begin a new tail."""
        self._tail.clear()

    def listen(self) -> None:
        """Take what it printed, and wait a moment if it printed nothing."""
        if self._selector.get_map():
            self._selector.select(_PAUSE)
            self.drain()
        else:
            time.sleep(_PAUSE)  # it closed its output and still runs

    def drain(self) -> None:
        """Take what it printed so far, without waiting."""
        stream = self._process.stdout
        assert stream is not None
        for _ in range(_MOST_CHUNKS):  # one that prints without end must not keep us here
            try:
                part = os.read(stream.fileno(), _CHUNK) if stream in _registered(self._selector) else b""
            except BlockingIOError:
                return
            if not part:
                if stream in _registered(self._selector):
                    self._selector.unregister(stream)
                return
            self._tail += part
            del self._tail[:-_TAIL]
            if self._echo is not None:
                self._echo(self._decode(part))

    def has_ended(self) -> bool:
        """Whether it ended; where the system can tell, it is not waited for yet, so that its id is still its own."""
        if hasattr(os, "waitid"):
            try:
                options = os.WEXITED | os.WNOHANG | os.WNOWAIT
                return os.waitid(os.P_PID, self._process.pid, options) is not None
            except ChildProcessError:
                pass  # somebody in this process waits for all children
        return self._process.poll() is not None

    def end(self) -> int:
        """End the process and its group, and return its exit code, negative for a signal."""
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # macOS says the latter where only a zombie is left
                self._process.kill()
        return self._process.wait()


def python_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``main`` of a module of ours in a fresh interpreter with the path of this one.

    Raises:
        SettingsError: Nobody knows where the interpreter is.
    """
    import json

    if not sys.executable:
        raise SettingsError(
            "Nobody knows which Python runs here.", hint="Run the checks without a process of their own."
        )
    return [sys.executable, "-u", "-P", "-c", _BEGIN.format(module=module), json.dumps(sys.path), *arguments]


class Lines:
    """The whole lines that were added to a file since they were last asked for.

    Args:
        path: The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def new(self) -> list[str]:
        """Return them; what is half written waits for the next time."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                whole, end, _ = stream.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._read += len(whole) + len(end)
        return [line for line in whole.decode("ascii", "replace").split("\n") if line]


def how_it_ended(code: int) -> str:
    """Return how a process ended, as a sentence."""
    if code >= 0:
        return f"The process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        return "The process was killed (SIGKILL), by the system for want of memory or by somebody"
    return f"The process was ended by {name}"


def last_words(tail: str) -> str:
    """Return the end of an output in one line, as a part of a sentence; nothing if there is none."""
    words = " ".join(tail[-2000:].split())
    return f" Its last words: {words[-400:]}" if words else ""


def _registered(selector: selectors.BaseSelector) -> list[Any]:
    return [key.fileobj for key in selector.get_map().values()]
