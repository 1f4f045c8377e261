"""The plugin as Podium finds it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from podium_webhook import WebhookChannel

from podium.plugins import PluginHost


def test_installing_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point is found, fits the hooks and offers the channel."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "webhook")
    host = PluginHost()
    assert isinstance(host.channels()["webhook"], WebhookChannel)
    assert [plugin.error for plugin in host.plugins() if plugin.name == "webhook"] == [None]


def test_importing_is_cheap() -> None:
    """Listing plugins loads neither what sends nor an orchestrator."""
    (entry_point,) = entry_points(group="podium", name="webhook")
    code = f"""
import sys, {entry_point.module} as plugin
plugin.podium_channels()
print([name for name in ("standardwebhooks", "ssl", "airflow", "prefect", "sqlalchemy") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_secrets_are_declared() -> None:
    """What is secret is declared so, and every secret is one of the settings."""
    settings = {"url", "secret_url", "secret", *WebhookChannel.optional}
    assert {"secret_url", "secret", "previous_secret"} == WebhookChannel.secrets
    assert settings >= WebhookChannel.secrets
