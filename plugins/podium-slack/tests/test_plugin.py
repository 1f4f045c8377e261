"""The plugin as Podium finds it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from podium_slack import SlackChannel

from podium.plugins import InvalidValueError, PluginHost


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


BOT = {"token": "env:T", "channel": "#ml"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({**BOT, "threads": "False"}, "'threads' is neither yes nor no"),
        ({**BOT, "broadcast": "maybe"}, "'broadcast' is neither yes nor no"),
        ({"token": "env:T"}, "does not say into which channel"),
        ({**BOT, "channel": "#ml models"}, "'channel' holds spaces"),
        ({"webhook_url": "env:U", "buttons": "yes"}, "A webhook cannot have buttons"),
        ({**BOT, "base_url": "slack"}, "'base_url'"),
    ],
)
def test_settings_are_judged_when_they_are_given(settings, words) -> None:
    """What Slack's channel can never use is said then, with what to write."""
    with pytest.raises(InvalidValueError, match=words) as refused:
        SlackChannel().check(settings)
    assert refused.value.hint


@pytest.mark.parametrize(
    "settings",
    [BOT, {**BOT, "threads": "No", "buttons": "yes", "base_url": "http://127.0.0.1:1/"}, {"webhook_url": "env:U"}],
)
def test_settings_that_may_work_pass(settings) -> None:
    """Whether the channel is there, only Slack knows."""
    SlackChannel().check(settings)


def test_secrets_are_declared() -> None:
    """What is secret is declared so, and is one of the settings."""
    assert SlackChannel.secrets == {"token", "webhook_url"} == set(SlackChannel.required[0])
