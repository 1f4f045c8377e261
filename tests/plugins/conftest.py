"""Plugins as files: distributions that are installed in a folder on the path, and drop-ins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

HEARS = """
from podium.plugins import hookimpl

@hookimpl
def podium_on_event(event):
    with open(__file__ + ".heard", "a") as file:
        file.write(event.type + "\\n")
"""
NOTE = """
from podium.plugins import Channel, hookimpl

class Note(Channel):
    name = "note"

    def send(self, message, settings):
        with open(__file__ + ".sent", "a") as file:
            file.write(message.title + "\\n")
        return "noted"

@hookimpl
def podium_channels():
    return [Note()]
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Make a folder of installed distributions, one per module, each with an entry point of its name."""

    def make(modules: Mapping[str, str]) -> Path:
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        for name, source in modules.items():
            (folder / f"plugin_{name}.py").write_text(source)
            info = folder / f"dist_{name}-1.2.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 1.2\n")
            (info / "entry_points.txt").write_text(f"[podium]\n{name} = plugin_{name}\n")
        return folder

    return make


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., object]:
    """Run Python in a process of its own and return what it printed as JSON in its last line."""

    def start(code: str, **environment: str) -> object:
        command = [sys.executable, "-c", code, str(tmp_path)]
        more = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), **environment}
        done = subprocess.run(command, capture_output=True, text=True, env=more, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return start


@pytest.fixture
def hears() -> str:
    """The source of an observer that writes down what it hears."""
    return HEARS


@pytest.fixture
def note() -> str:
    """The source of a channel that writes down what it is told."""
    return NOTE
