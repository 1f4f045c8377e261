"""The plugin as Podium finds it, and from a change in a registry to a service."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from podium_apprise import AppriseChannel

from podium import InvalidValueError, open_registry
from podium.plugins import PluginHost
from podium.testing import LoopbackReceiver


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the installed plugins only this one is wanted."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "apprise")


def test_installing_is_all() -> None:
    """The entry point is found, fits the hooks and offers the channel."""
    host = PluginHost()
    assert isinstance(host.channels()["apprise"], AppriseChannel)
    assert [plugin.error for plugin in host.plugins() if plugin.name == "apprise"] == [None]


def test_importing_is_cheap() -> None:
    """Listing plugins loads neither Apprise nor an orchestrator."""
    (entry_point,) = entry_points(group="podium", name="apprise")
    code = f"""
import sys, {entry_point.module} as plugin
plugin.podium_channels()
print([name for name in ("apprise", "requests", "airflow", "prefect", "sqlalchemy") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_promotion_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever subscribed is told, and the outbox keeps which service it was."""
    with LoopbackReceiver() as receiver:
        monkeypatch.setenv("APPRISE_URL", receiver.url.replace("http", "json"))
        registry = open_registry(f"sqlite:///{tmp_path / 'podium.db'}", actor="anna")
        registry.subscribe("team", "apprise", settings={"url": "env:APPRISE_URL"})
        (tmp_path / "model.bin").write_text("weights", encoding="utf-8")
        version = registry.log("digits/classifier", tmp_path / "model.bin", metrics={"accuracy": 0.97})
        linked = registry.link(version.ref, "model-registry/Digits classifier")
        registry.promote(linked.ref, to="production", reason="Better.")
        registry.close()
        titles = [request.json()["title"] for request in receiver.wait_for(2)]
    assert "Podium: model-registry/Digits classifier v0 is now production" in titles
    assert {delivery.receipt for delivery in registry.deliveries("sent")} == {"JSON"}


def test_url_in_clear_is_refused(tmp_path: Path) -> None:
    """A URL holds tokens and is never stored: a subscription takes a reference to it only."""
    registry = open_registry(f"sqlite:///{tmp_path / 'podium.db'}")
    with pytest.raises(InvalidValueError, match="is a secret"):
        registry.subscribe("team", "apprise", settings={"url": "discord://id/token"})
    registry.close()
