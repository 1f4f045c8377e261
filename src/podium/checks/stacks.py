"""Where a process was when its time was up, as Python's faulthandler writes it down."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

_FRAME = re.compile(r'File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<name>.*)')
_HERE = str(Path(__file__).parents[1])  # Podium itself


def too_long(limit: float, stacks: str, mark: str) -> str:
    """Return the reason of a check that was ended because its time was up, without the full stop.

    Args:
        limit: Seconds.
        stacks: What faulthandler wrote of all threads, maybe among other text.
        mark: What stands in the lines of the thread that ran the check.
    """
    where = _innermost(stacks, mark)
    return f"It took longer than {limit:g} s and was ended{f'; it was in {where}' if where else ''}"


def _innermost(stacks: str, mark: str) -> str | None:
    """Return the innermost line that is no library's, ``checks.py:12 (hang)``; any if there is no such line."""
    thread = next((part for part in stacks.split("\n\n") if mark in part), "")
    frames = [found for line in thread.splitlines() if (found := _FRAME.search(line)) is not None]
    paths = sysconfig.get_paths()
    library = (_HERE, "<frozen", *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")))
    own = [frame for frame in frames if not frame["file"].startswith(library)]
    chosen = next(iter(own or frames), None)
    return f"{Path(chosen['file']).name}:{chosen['line']} ({chosen['name'].strip()})" if chosen is not None else None
