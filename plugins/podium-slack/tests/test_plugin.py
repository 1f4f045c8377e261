"""The plugin as Podium finds it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from podium_slack import SlackChannel

from podium.plugins import PluginHost


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> PluginHost:
    """The installed plugins, of which only this one is wanted."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "slack")
    return PluginHost()


def test_installing_is_all(host: PluginHost) -> None:
    """The entry point is found, fits the hooks and offers the channel."""
    assert isinstance(host.channels()["slack"], SlackChannel)
    assert [plugin.error for plugin in host.plugins() if plugin.name == "slack"] == [None]


def test_importing_is_cheap() -> None:
    """Listing plugins loads neither the SDK nor an orchestrator."""
    (entry_point,) = entry_points(group="podium", name="slack")
    code = f"""
import sys, {entry_point.module} as plugin
plugin.podium_channels()
print([name for name in ("slack_sdk", "airflow", "prefect", "sqlalchemy") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_secrets_are_declared() -> None:
    """What is secret is declared so, and is one of the settings."""
    assert SlackChannel.secrets == {"token", "webhook_url"} == set(SlackChannel.required[0])
