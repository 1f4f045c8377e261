"""The plugin as Podium finds it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from podium_webhook import WebhookChannel

from podium.plugins import DeliveryFailedError, InvalidValueError, PluginHost
from podium.testing import make_message


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


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"url": "example.com"}, "'url'"), ({"url": "https://a:b@c"}, "password"), ({"timeout": "soon"}, "'timeout'")],
)
def test_settings_are_judged_when_they_are_given(settings, words) -> None:
    """An address or a time that cannot be one is refused then; a secret address is not looked at."""
    WebhookChannel().check({"secret_url": "env:U", "secret": "env:S", "timeout": "20"})
    with pytest.raises(InvalidValueError, match=words) as refused:
        WebhookChannel().check({"url": "https://example.com", "secret": "env:S", **settings})
    assert refused.value.hint


def test_secrets_are_declared() -> None:
    """What is secret is declared so, and every secret is one of the settings."""
    settings = {"url", "secret_url", "secret", *WebhookChannel.optional}
    assert {"secret_url", "secret", "previous_secret"} == WebhookChannel.secrets
    assert settings >= WebhookChannel.secrets


@pytest.mark.parametrize("source", ["my registry <x>", "a\nb", "registry/é", "100%", "\u200b"])
def test_a_source_that_no_reader_takes(source: str) -> None:
    """CloudEvents asks for a URI reference: anything else is refused when it is given, and never sent."""
    settings = {"secret_url": "env:U", "secret": "env:S", "source": source}
    with pytest.raises(InvalidValueError, match="'source' is no URI"):
        WebhookChannel().check(settings)
    with pytest.raises(DeliveryFailedError, match="'source' is no URI") as caught:
        WebhookChannel().send(
            make_message(), {**settings, "secret_url": "http://127.0.0.1:9/x", "secret": "whsec_MTIz"}
        )
    assert caught.value.permanent is True


@pytest.mark.parametrize("source", ["", "/podium", "https://models.example.com/a%20b?x=1#y", "urn:uuid:1-2", "team-a"])
def test_a_source_that_is_a_uri(source: str) -> None:
    """Addresses, names and paths are taken."""
    WebhookChannel().check({"secret_url": "env:U", "secret": "env:S", "source": source})
