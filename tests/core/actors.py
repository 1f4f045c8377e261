"""Processes of the concurrency and kill tests: `python actors.py VERB URL CONTENT ...`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from podium.errors import ConflictError
from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry


def log(registry: Registry, who: str, count: str) -> list[int]:
    """Log so many different versions of one artifact and return their numbers."""
    numbers = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(int(count)):
            path = Path(folder) / "model.bin"
            path.write_text(f"{who} {turn}")
            numbers.append(registry.log("race/model", path).number)
    return numbers


def set_alias(registry: Registry, number: str, expected: str) -> str:
    """Try one compare-and-set and say how it ended."""
    try:
        registry.set_alias(f"race/model:v{number}", "best", expected=expected)
    except ConflictError as error:
        return f"conflict {error.holder}"
    return "won"


def promote(registry: Registry, number: str, expected: str) -> str:
    """Try one promotion with an expectation and say how it ended."""
    try:
        registry.promote(f"model-registry/Race:v{number}", "production", expected=expected)
    except ConflictError as error:
        return f"conflict {error.holder}"
    return "won"


def log_for_ever(registry: Registry, seed: str) -> None:
    """Log versions of several files each and print each acknowledged one, until somebody kills this process."""
    with tempfile.TemporaryDirectory(dir=os.environ["PODIUM_HOME"]) as folder:
        turn = 0
        while True:
            for part in range(3):
                (Path(folder) / f"part{part}.bin").write_bytes(f"{seed} {turn} {part} ".encode() * 20_000)
            version = registry.log("race/model", folder, on_duplicate="new")
            print(json.dumps([version.ref, version.digest]), flush=True)
            turn += 1


def main() -> None:
    """Wait for the common start, act, and print the answer as JSON."""
    verb, url, content, start, *arguments = sys.argv[1:]
    registry = open_registry(url, content=content, actor=f"process {os.getpid()}", host=PluginHost(discover=False))
    while time.time() < float(start):
        time.sleep(0.001)
    print(json.dumps(globals()[verb](registry, *arguments)))


if __name__ == "__main__":
    main()
