"""The fixture `podium_registry`: an empty registry for a test of a plugin."""

from __future__ import annotations

import os
from pathlib import Path

from podium import Registry
from podium.plugins import Event, hookimpl


class Listener:
    """Keeps the types of events."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def podium_on_event(self, event: Event) -> None:
        self.heard.append(event.type)


def test_a_plugin_is_added_by_hand(podium_registry: Registry, tmp_path: Path) -> None:
    """It works, with the plugins that the test adds and Podium's own only."""
    listener = Listener()
    podium_registry.host.register(listener, "listener")
    (tmp_path / "model.bin").write_text("x")
    podium_registry.log("p/a", tmp_path / "model.bin")
    podium_registry.close()
    assert listener.heard == ["artifact.created", "artifact_version.logged"]
    assert {item.name for item in podium_registry.plugins()} == {"console", "actions", "listener"}


def test_it_is_a_new_one(podium_registry: Registry, tmp_path: Path) -> None:
    """Nothing is in it, it lies in the folder of the test, and the environment names no other."""
    assert podium_registry.models() == []
    assert Path(os.environ["PODIUM_HOME"]).is_relative_to(tmp_path)
    assert str(tmp_path) in podium_registry.url
    assert [name for name in os.environ if name.startswith("PODIUM_")] == ["PODIUM_HOME"]
