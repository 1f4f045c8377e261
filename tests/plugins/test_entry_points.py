"""Plugins as they are installed: real distributions in a folder on the path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """
from podium.plugins import hookimpl

@hookimpl
def podium_on_event(event):
    with open(__file__ + ".heard", "a") as file:
        file.write(event.type + "\\n")
"""
RAISES_ON_EVENT = """
from podium.plugins import hookimpl

@hookimpl
def podium_on_event(event):
    raise RuntimeError("on every event")
"""
CHANNEL = """
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
MODULES = {
    "good": GOOD,
    "raises_on_import": "raise RuntimeError('at import')",
    "exits_on_import": "import sys; sys.exit(7)",
    "needs_a_package": "import no_such_package_anywhere",
    "no_python": "def (",
    "misspelt": GOOD.replace("podium_on_event", "podium_on_evnt"),
    "wrong_argument": GOOD.replace("event)", "evnet)").replace("event.type", "evnet.type"),
    "raises_on_event": RAISES_ON_EVENT,
    "note": CHANNEL,
}

LIST = """
import json
from podium.plugins import PluginHost
print(json.dumps([info.to_json() for info in PluginHost().plugins()]))
"""
CHANGE = """
import json, sys
from podium.registry import open_registry

registry = open_registry(f"sqlite:///{sys.argv[1]}/x.db")
registry.subscribe("notes", "note", events=["*"])
registry.log("p/a", sys.argv[1] + "/site/plugin_good.py")
registry.close()
print(json.dumps([fault.to_json() for fault in registry.plugin_faults()]))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed distributions, one per module above."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name, source in MODULES.items():
        (folder / f"plugin_{name}.py").write_text(source)
        info = folder / f"dist_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[podium]\n{name} = plugin_{name}\n")
    return folder


@pytest.fixture
def python(site: Path, tmp_path: Path) -> Callable[..., object]:
    """Run Python with these distributions installed and return what it printed as JSON."""

    def run(code: str, **more: str) -> object:
        environment = {**os.environ, "PYTHONPATH": str(site), **more}
        command = [sys.executable, "-c", code, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_every_plugin_is_listed_with_its_fault(python) -> None:
    """A plugin that does not load or fit is one line with its error; the others are in use."""
    found = {info["name"]: info for info in python(LIST) if info["name"] in MODULES}
    errors = {name: info["error"] for name, info in found.items() if info["error"]}
    assert {
        name: next((part for part in EXPECTED[name] if part in error), error) for name, error in errors.items()
    } == {name: parts[0] for name, parts in EXPECTED.items()}
    assert found["good"]["hooks"] == ["podium_on_event"]
    assert (found["good"]["version"], found["good"]["source"]) == ("1.2", "dist-good (plugin_good)")


EXPECTED = {
    "raises_on_import": "RuntimeError: at import",
    "exits_on_import": "SystemExit: 7",
    "needs_a_package": "ModuleNotFoundError: No module named 'no_such_package_anywhere'",
    "no_python": "SyntaxError",
    "misspelt": "podium_on_evnt",
    "wrong_argument": "evnet",
}


def test_an_allow_list(python) -> None:
    """Only plugins that PODIUM_PLUGINS_ALLOW names are loaded; the others say why not."""
    found = {info["name"]: info for info in python(LIST, PODIUM_PLUGINS_ALLOW="good, note")}
    assert (found["good"]["error"], found["note"]["error"]) == (None, None)
    assert found["raises_on_import"]["error"] == "not named in PODIUM_PLUGINS_ALLOW"


def test_an_empty_allow_list(python) -> None:
    """An empty list allows no plugin but the built-in ones."""
    active = [info["name"] for info in python(LIST, PODIUM_PLUGINS_ALLOW="") if not info["error"]]
    assert active == ["console", "actions"]


def test_a_block_list(python) -> None:
    """A plugin that PODIUM_PLUGINS_BLOCK names is not even imported."""
    found = {info["name"]: info for info in python(LIST, PODIUM_PLUGINS_BLOCK="exits_on_import,good")}
    assert found["exits_on_import"]["error"] == found["good"]["error"] == "blocked by PODIUM_PLUGINS_BLOCK"
    assert found["note"]["error"] is None


def test_a_change_among_broken_plugins(python, site) -> None:
    """The change succeeds, the message is sent, the good observer hears, and the fault is on record."""
    faults = python(CHANGE)
    assert (site / "plugin_good.py.heard").read_text().split() == [
        "subscription.added",
        "artifact.created",
        "artifact_version.logged",
    ]
    assert (site / "plugin_note.py.sent").read_text().splitlines()[-1] == "p/a v0 was logged"
    assert [(fault["plugin"], fault["hook"], fault["error"]) for fault in faults] == [
        ("raises_on_event", "podium_on_event", "RuntimeError: on every event")
    ]


def test_nothing_is_loaded_before_it_is_needed(python) -> None:
    """Importing podium and opening a registry loads no plugin."""
    code = "import sys, json, podium; podium.open_registry(f'sqlite:///{sys.argv[1]}/x.db'); "
    loaded = python(code + "print(json.dumps([name for name in sys.modules if name.startswith('plugin_')]))")
    assert loaded == []


TWICE = """
import json, os
from podium.registry import open_registry

def active():
    return [info.name for info in open_registry().plugins() if info.error is None]

os.environ["PODIUM_PLUGINS_ALLOW"] = "good"
first = active()
os.environ["PODIUM_PLUGINS_ALLOW"] = "note"
print(json.dumps([first, active(), open_registry().host is open_registry().host]))
"""


def test_the_lists_count_when_a_registry_is_opened(python) -> None:
    """A list that changed holds for the next registry; otherwise one host serves the whole process."""
    assert python(TWICE) == [["console", "actions", "good"], ["console", "actions", "note"], True]
