"""The doctor and plugins: what they offer, what they did wrong, and the lists that choose what is taken and reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.domain.health import Finding, HealthReport
from podium.plugins import hookimpl
from podium.plugins.host import PluginHost
from podium.registry import Registry
from podium.sql import tables as t


def worst(report: HealthReport, check: str) -> Finding:
    """The worst finding of a check."""
    found = [finding for finding in report.findings if finding.check == check]
    return max(found, key=lambda finding: ("ok", "warn", "error").index(finding.level))


class Offers:
    """A plugin whose channels cannot be had."""

    @hookimpl
    def podium_channels(self) -> None:
        raise ValueError("no SDK here")


def test_a_plugin_that_offers_nothing(database_url: str, open_at) -> None:
    """The doctor asks what plugins offer, and does not wait for the first message that needs it."""
    host = PluginHost(discover=False)
    host.register(Offers(), "offers")
    host.register(object(), "mute")
    registry = open_at(database_url, host=host)
    told = {finding.facts.get("plugin"): finding for finding in registry.doctor().of("warn")}
    assert "channels: ValueError: no SDK here." in told["offers"].message
    assert told["mute"].message == "The plugin 'mute' has no hook: is @hookimpl missing?"
    registry.close()
    assert registry.plugin_faults() == []


def recorded(registry: Registry, plugin: str, hook: str, days: int) -> None:
    """Let a plugin have failed so many days ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    row = {"plugin": plugin, "hook": hook, "error": "ValueError: no", "count": 1, "last_at": at}
    with registry._database.write() as connection:
        connection.execute(sa.insert(t.plugin_faults), [row])


def test_faults_of_what_is_gone_and_old_ones(database_url: str, open_at) -> None:
    """What a plugin did wrong is told as long as it is here, and for thirty days; the record keeps all."""
    host = PluginHost(discover=False)
    host.register(object(), "here")
    registry = open_at(database_url, host=host)
    recorded(registry, "here", "podium_on_event", 29)
    recorded(registry, "here", "podium_origin", 31)
    recorded(registry, "gone", "podium_on_event", 0)
    found = [finding for finding in registry.doctor().findings if finding.check == "plugin faults"]
    assert [("in podium_on_event" in finding.message, finding.facts) for finding in found] == [
        (True, {"plugin": "here"})
    ]
    assert "after 30 days" in found[0].hint
    assert [(fault.plugin, fault.hook) for fault in registry.plugin_faults(here=True)] == [("here", "podium_on_event")]
    assert len(registry.plugin_faults()) == 3


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("podium_check_promotion", "promotions were refused in its name"),
        ("loading", "refuses promotions"),
        ("podium_channels", "messages that need its channels wait"),
        ("podium_on_event", "no change of yours was held up by it"),
    ],
)
def test_what_a_fault_held_up(database_url: str, open_at, hook: str, words: str) -> None:
    """The hint says what the fault did: that of a gate has refused promotions."""
    host = PluginHost(discover=False)
    host.register(object(), "here")
    registry = open_at(database_url, host=host)
    recorded(registry, "here", hook, 0)
    assert words in worst(registry.doctor(), "plugin faults").hint


def test_addresses_that_cannot_be_read(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry of the allow-list that is wrong is told, those behind a good one, too."""
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "hooks.test:8443, https://hooks.test h.test:99999 10.0.0.0/8 h.test:0")
    found = [finding for finding in registry.doctor().findings if finding.check == "allowed addresses"]
    assert [finding.level for finding in found] == ["error"] * 3
    for finding, entry in zip(found, ("https://hooks.test", "h.test:99999", "h.test:0"), strict=True):
        assert repr(entry) in finding.message
        assert "PODIUM_WEBHOOK_ALLOW" in finding.hint
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "hooks.test:8443, [::1]:8080")
    assert worst(registry.doctor(), "allowed addresses").level == "ok"


@pytest.mark.parametrize("variable", ["PODIUM_PLUGINS_ALLOW", "PODIUM_PLUGINS_BLOCK"])
def test_patterns_that_fit_no_plugin(
    database_url: str, open_at, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in a list of plugins is told, with what was meant; one that fits something is not."""
    monkeypatch.setenv(variable, "air*, prefct, airflow prefect")
    report = open_at(database_url, host=PluginHost()).doctor()
    found = [finding for finding in report.of("warn") if variable in finding.message]
    assert [
        repr(pattern) in finding.message for finding, pattern in zip(found, ("prefct", "airflow prefect"), strict=True)
    ]
    assert "Did you mean 'prefect'?" in found[0].hint
    assert "joined by commas" in found[1].hint
