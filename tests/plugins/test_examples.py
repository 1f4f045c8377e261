"""The one-file plugins of plugins/examples do what they say, as drop-ins."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from podium import PromotionRefusedError, Registry
from podium.plugins import PluginHost
from podium.plugins.dropins import module_name
from podium.settings import PluginChoice

FOLDER = Path(__file__).parents[2] / "plugins" / "examples"
NAMES = ("event_log", "file_channel", "working_hours", "write_trigger")


@pytest.fixture
def registry(open_at: Callable[..., Registry], tmp_path: Path) -> Registry:
    """A registry whose plugins are the examples."""
    host = PluginHost(choice=PluginChoice(allow=NAMES, folders=(FOLDER,)))
    return open_at(f"sqlite:///{tmp_path / 'podium.db'}", host=host)


def at(monkeypatch: pytest.MonkeyPatch, time: str) -> None:
    """Let it be this time for the gate."""
    module = sys.modules[module_name(FOLDER / "working_hours.py")]
    monkeypatch.setattr(module, "now", lambda: datetime.fromisoformat(time))


def test_all_are_in_use(registry) -> None:
    """Every file of the folder is one of them, and loads."""
    assert {path.stem for path in FOLDER.glob("*.py")} == set(NAMES)
    found = {item.name: item.error for item in registry.plugins() if item.name in NAMES}
    assert found == dict.fromkeys(NAMES)


def test_the_log_of_events(registry, model_file, tmp_path, monkeypatch) -> None:
    """Each event is a line of JSON."""
    monkeypatch.setenv("PODIUM_EVENT_LOG", str(tmp_path / "events.jsonl"))
    registry.log("p/a", model_file("a"))
    registry.close()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == ["artifact.created", "artifact_version.logged"]


def test_the_channel(registry, model_file, tmp_path) -> None:
    """A message stands in the file, by its id, and a line break of a user makes no line that passes for one."""
    registry.subscribe("log", "file", events=["alias.set"], settings={"path": str(tmp_path / "messages.txt")})
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "best", reason="x\n[0] p/b v9 was logged")
    registry.close()
    (delivery,) = registry.deliveries()
    lines = (tmp_path / "messages.txt").read_text().splitlines()
    assert lines[0] == f"[{delivery.id}] best of p/a is now v0"
    assert [line for line in lines[1:] if not line.startswith("    ")] == []


@pytest.mark.parametrize(
    ("time", "passes"),
    [("2026-11-24T10:00", True), ("2026-11-24T08:59", False), ("2026-11-24T16:00", False), ("2026-11-27T12:30", False)],
)
def test_the_gate(registry, model_file, monkeypatch, time, passes) -> None:
    """A promotion passes on a Tuesday morning, and neither early, late, nor on a Friday afternoon."""
    registry.log("p/a", model_file("a"))
    registry.link("p/a", "model-registry/A")
    at(monkeypatch, time)
    if passes:
        assert registry.promote("model-registry/A", "production").status == "committed"
    else:
        with pytest.raises(PromotionRefusedError, match="working_hours: It is"):
            registry.promote("model-registry/A", "production")


def test_the_action(registry, model_file, tmp_path) -> None:
    """A promotion writes a file that says why."""
    (tmp_path / "watched").mkdir()
    settings = {"folder": str(tmp_path / "watched")}
    registry.automate("tell", "file.trigger", events=["alias.set"], settings=settings)
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "best")
    registry.close()
    (path,) = (tmp_path / "watched").iterdir()
    told = json.loads(path.read_text())
    assert (told["event"]["subject"], told["podium"]["automation"]) == ("p/a:best", "tell")
