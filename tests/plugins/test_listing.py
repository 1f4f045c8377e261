"""`podium plugins`: what is there, in which state, and what went wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from podium.plugins import PluginHost

SOURCES = {
    "good": "from podium.plugins import hookimpl\n@hookimpl\ndef podium_on_event(event):\n    raise KeyError('x')\n",
    "bad": "raise RuntimeError('at import')\n",
    "slow": "import time; time.sleep(60)\n",
    "unwanted": "open(__file__ + '.imported', 'w').close()\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Drop-ins in each state."""
    found = tmp_path / "drops"
    found.mkdir()
    for name, source in SOURCES.items():
        (found / f"{name}.py").write_text(source)
    monkeypatch.setenv("PODIUM_PLUGINS_DIR", str(found))
    monkeypatch.setenv("PODIUM_PLUGINS_BLOCK", "unw*")
    return found


def podium(*words: str) -> str:
    """Run the command and return what it printed."""
    command = [sys.executable, "-m", "podium.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_state_is_told(folder) -> None:
    """One that works, one that does not import, one that still loads, and one that the environment leaves out."""
    listed = json.loads(podium("plugins", "--json"))["plugins"]
    states = {item["name"]: (item["state"], item["error"]) for item in listed if item["name"] in SOURCES}
    assert states == {
        "good": ("active", None),
        "bad": ("failed", "RuntimeError: at import"),
        "slow": ("loading", None),
        "unwanted": ("left out", "blocked by PODIUM_PLUGINS_BLOCK"),
    }
    assert not (folder / "unwanted.py.imported").exists()


def test_people_read_it_too(folder, tmp_path) -> None:
    """The table says so in words, and faults of calls stand below it with how often they came."""
    (tmp_path / "model").write_text("x")
    podium("log", "p/a", str(tmp_path / "model"))
    lines = podium("plugins").splitlines()
    assert any(line.split()[:3] == ["slow", "still", "loading"] for line in lines)
    assert any(line.split()[:3] == ["good", "on_event", "2"] and "KeyError: 'x'" in line for line in lines)


OFFERS = {
    "five": "@hookimpl\ndef podium_channels():\n    return 5\n",
    "raises": "@hookimpl\ndef podium_actions():\n    raise ValueError('no')\n",
    "hangs": "import time\n@hookimpl\ndef podium_channels():\n    time.sleep(60)\n",
    "odd": "@hookimpl\ndef podium_channels():\n    return [Named('bad name!'), Named('fine')]\n",
    "takes": "@hookimpl\ndef podium_channels():\n    return [Named('console')]\n",
    "forgot": "def podium_channels():\n    return [Named('lost')]\n",
}
FIRST = """
from podium.plugins import Channel, hookimpl

class Named(Channel):
    def __init__(self, name):
        self.name = name

    def send(self, message, settings):
        return "sent"

"""


@pytest.fixture
def offering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drop-ins each of which offers something wrong."""
    found = tmp_path / "offers"
    found.mkdir()
    for name, source in OFFERS.items():
        (found / f"{name}.py").write_text(FIRST + source)
    monkeypatch.setenv("PODIUM_PLUGINS_DIR", str(found))
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", ",".join(OFFERS))


def test_plugins_are_asked_what_they_offer(offering) -> None:
    """A hook that raises, hangs or answers nonsense, a bad name, a taken name, a forgotten mark are told, in time."""
    host, start = PluginHost(seconds=0.5), time.monotonic()
    found = {item.name: item for item in host.examine()}
    assert time.monotonic() - start < 5
    assert {name: found[name].faults for name in OFFERS} == {
        "five": ("channels: TypeError: 'int' object is not iterable",),
        "raises": ("actions: ValueError: no",),
        "hangs": ("channels: gave no answer within 0.5 s",),
        "odd": (found["odd"].faults[0],),
        "takes": ("channels: the channel 'console' exists already, in the plugin 'console'",),
        "forgot": ("no hook: is @hookimpl missing?",),
    }
    assert "'bad name!' is not a valid channel name" in found["odd"].faults[0]
    assert (found["odd"].channels, found["takes"].channels, found["console"].channels) == (("fine",), (), ("console",))
    assert "webhook" in (found["actions"].actions or ())
    assert host.examine() == host.examine()


def test_asking_is_no_fault_on_record(offering) -> None:
    """Whoever looks at plugins makes no fault of it: it would be counted at every look."""
    host = PluginHost(seconds=0.5)
    host.examine()
    assert host.faults == []


def test_the_table_shows_what_each_brings(offering, monkeypatch: pytest.MonkeyPatch) -> None:
    """People read the names, and what is wrong, in place of the hook."""
    monkeypatch.setenv("COLUMNS", "300")
    lines = [" ".join(line.split()) for line in podium("plugins").splitlines()]
    assert any(line.startswith("console ") and "channels (console)" in line for line in lines)
    assert any(line.startswith("odd channels (fine); channels: Named: 'bad name!'") for line in lines)
    assert any(line.startswith("raises actions: ValueError: no") for line in lines)
    assert any(line.startswith("forgot no hook: is @hookimpl missing?") for line in lines)
    listed = {item["name"]: item for item in json.loads(podium("plugins", "--json"))["plugins"]}
    assert listed["odd"]["channels"] == ["fine"]
