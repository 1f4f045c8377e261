"""A side of the comparison is a process of its own, in an environment of its own: one JSON line asks, one answers.

Only the standard library is used here, because both environments import it. Times are taken inside the side, so that
the conversation costs nobody anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class SideError(Exception):
    """A side failed; the text is its traceback."""


class Side:
    """A running side, seen from the conductor."""

    def __init__(self, python: Path, module: str, log: Path) -> None:
        self.name = module.rpartition(".")[2].removesuffix("_side")
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [str(python), "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=_environment(),
            )

    def ask(self, verb: str, **arguments: Any) -> Any:
        """Let the side do something and return what it says.

        Raises:
            SideError: It failed.
        """
        self.send(verb, **arguments)
        return self.receive()

    def send(self, verb: str, **arguments: Any) -> None:
        """Start something; `receive` brings the answer, so that several sides work at once."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"verb": verb, "arguments": arguments}) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """Return the answer to what was sent.

        Raises:
            SideError: It failed, or the process ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SideError(f"The {self.name} side ended with code {self._process.wait()}; see the logs in .bench/.")
        answer = json.loads(line)
        if "error" in answer:
            raise SideError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def serve(verbs: Mapping[str, Callable[..., Any]]) -> None:
    """Answer what is asked on standard input until it ends; whatever the libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = {"value": verbs[request["verb"]](**request["arguments"])}
            except Exception:  # noqa: BLE001 - the conductor raises it
                answer = {"error": traceback.format_exc()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def time_calls(
    action: Callable[[int], Any], numbers: Sequence[int], seconds: float, before: Callable[[int], None] | None = None
) -> list[float]:
    """Time one call for each number, until the time is up; at least one.

    Args:
        action: What is timed.
        numbers: What it is called with.
        seconds: Stop after so long.
        before: Prepares a call; not timed.
    """
    samples: list[float] = []
    end = time.perf_counter() + seconds
    for number in numbers:
        if before is not None:
            before(number)
        start = time.perf_counter()
        action(number)
        samples.append(time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    return samples


def bytes_below(folder: Path) -> int:
    """Return the length of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _environment() -> dict[str, str]:
    """Return the environment without what would point a side at somebody's registry or server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_", "MLFLOW_", "PYTHON"))}
