"""`podium plugins`: what is there, in which state, and what went wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
