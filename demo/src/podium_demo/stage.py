"""What the demo shows on the screen, and how it runs what a user would run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_WIDTH = 100
_TAIL = 40


def chapter(number: int, title: str) -> None:
    """Print the headline of a part."""
    print(f"\n{'=' * _WIDTH}\n{number}. {title}\n{'=' * _WIDTH}", flush=True)


def say(text: str) -> None:
    """Print a sentence."""
    print(text, flush=True)


def command(words: Sequence[str], *, log: Path | None = None, shown: str | None = None) -> None:
    """Run a command as a user would and show it.

    Args:
        words: The command.
        log: Where its output goes; the screen if None. The end of the log is shown when the command fails.
        shown: How it is shown, if not as it is run.

    Raises:
        SystemExit: It failed.
    """
    print(f"\n$ {shown or _shell(words)}", flush=True)
    start = time.monotonic()
    if log is None:
        code = subprocess.run(words, check=False).returncode
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            code = subprocess.run(words, check=False, stdout=file, stderr=subprocess.STDOUT).returncode
        print(f"  {'done' if code == 0 else 'failed'} in {time.monotonic() - start:.0f} s, log: {log}", flush=True)
    if code:
        if log is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            print("\n".join(lines[-_TAIL:]), file=sys.stderr)
        sys.exit(f"The demo stopped: {_shell(words)} ended with exit code {code}.")


def tool(name: str) -> str:
    """Return the path of a command of this environment."""
    return str(Path(sys.executable).with_name(name))


def indented(text: str) -> str:
    """Return a text in a frame on the left, as a message in a chat."""
    return "\n".join(f"  | {line}" for line in text.splitlines())


def _shell(words: Sequence[str]) -> str:
    shown = [os.path.basename(words[0]), *words[1:]]
    return " ".join(f"'{word}'" if " " in word or "{" in word else word for word in shown)
