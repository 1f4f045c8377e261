"""What is said of a channel or an action that is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from podium.errors import PluginError
from podium.plugins import hookimpl
from podium.plugins.absent import absent, why_absent
from podium.plugins.host import PluginHost
from podium.registry import open_registry
from podium.settings import PluginChoice


@pytest.fixture
def bare() -> PluginHost:
    """A host with Podium's own plugins only."""
    return PluginHost(discover=False)


@pytest.mark.parametrize(
    ("kind", "name", "first"),
    [
        ("channel", "consol", "Did you mean 'console'? There is console; 'podium plugins' lists what is installed."),
        ("action", "podium.promot", "Did you mean 'podium.promote'?"),
        ("channel", "slack", "Install podium-slack."),
        ("channel", "slak", "Did you mean 'slack'? Install podium-slack."),
        ("channel", "webhook", "Install podium-webhook."),
        ("channel", "podium.promote", "It is an action: podium automation add."),
        ("action", "console", "It is a channel: podium notify add."),
    ],
)
def test_what_was_meant(bare, kind, name, first) -> None:
    """A name that is there, a distribution of Podium's own, or the other kind."""
    error = absent(bare, kind, name)
    assert error.message == f"There is no {kind} {name!r} here."
    assert error.facts == {kind: name}
    assert error.hint.startswith(first)


@pytest.mark.parametrize("name", ["teams", "my-own", "slacker-bot-9"])
def test_no_strangers_distribution_is_proposed(bare, name) -> None:
    """What is called podium-NAME may be anybody's: only what Podium publishes is named."""
    assert why_absent(bare, "channel", name) == "There is console; 'podium plugins' lists what is installed."


def test_a_plugin_that_is_left_out() -> None:
    """What the environment blocks is installed, and that is said."""
    host = PluginHost(choice=PluginChoice(block=("slack", "airflow")))
    blocked = "is installed, but not in use: blocked by PODIUM_PLUGINS_BLOCK."
    assert why_absent(host, "channel", "slack").startswith(f"The plugin 'slack' {blocked}")
    assert why_absent(host, "action", "airflow.trigger_dag").startswith(f"The plugin 'airflow' {blocked}")


def test_a_plugin_that_failed(bare) -> None:
    """What went wrong with the plugin of that name is said."""

    def podium_chanels() -> Any:
        return []

    bare.register(SimpleNamespace(podium_chanels=hookimpl(podium_chanels)), "teams")
    assert why_absent(bare, "channel", "teams").startswith("The plugin 'teams' is installed, but not in use: ")


@pytest.mark.parametrize("name", [3, None, [1], "", b"slack"], ids=repr)
def test_what_is_no_name_is_not_there(tmp_path, name) -> None:
    """A slip of a caller is an error of Podium's, as any other name that nobody has."""
    registry = open_registry(f"sqlite:///{tmp_path}/x.db", host=PluginHost(discover=False))
    with pytest.raises(PluginError, match="There is no channel"):
        registry.subscribe("s", name)
    with pytest.raises(PluginError, match="There is no action"):
        registry.automate("a", name, events=["alias.set"])
    registry.close()
