"""The plugin as Podium finds it, and from a change in a registry to a mail."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from podium_email import EmailChannel

from podium import InvalidValueError, open_registry
from podium.plugins import PluginHost
from podium.testing import LoopbackMailServer


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the installed plugins only this one is wanted."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "email")


def test_installing_is_all() -> None:
    """The entry point is found, fits the hooks and offers the channel."""
    host = PluginHost()
    assert isinstance(host.channels()["email"], EmailChannel)
    assert [plugin.error for plugin in host.plugins() if plugin.name == "email"] == [None]


def test_importing_is_cheap() -> None:
    """Listing plugins loads neither the mail packages nor an orchestrator."""
    (entry_point,) = entry_points(group="podium", name="email")
    code = f"""
import sys, {entry_point.module} as plugin
plugin.podium_channels()
print([name for name in ("smtplib", "aiosmtpd", "airflow", "prefect", "sqlalchemy") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]"


MAIL = {"host": "mail.example.com", "from": "podium@example.com", "to": "ml@example.com"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": "smtp"}, "'port'"),
        ({"security": "ssl"}, "'security'"),
        ({"to": "ml"}, "'to'"),
        ({"from": "Podium"}, "'from'"),
        ({"reply_to": "x"}, "'reply_to'"),
        ({"user": "tom"}, "Only one of 'user' and 'password'"),
        ({"user": "tom", "password": "env:P", "security": "none"}, "not to be encrypted"),
    ],
)
def test_settings_are_judged_when_they_are_given(settings, words) -> None:
    """All but the password can be judged without it."""
    EmailChannel().check({**MAIL, "user": "tom", "password": "file:/geheim/für-tom", "port": "25"})
    with pytest.raises(InvalidValueError, match=words) as refused:
        EmailChannel().check({**MAIL, **settings})
    assert refused.value.hint


def test_promotion_arrives(tmp_path: Path) -> None:
    """Whoever subscribed gets a mail, and the outbox keeps its Message-ID."""
    with LoopbackMailServer() as server:
        registry = open_registry(f"sqlite:///{tmp_path / 'podium.db'}", actor="anna")
        settings = {"host": server.host, "port": str(server.port), "from": "podium@example.com"}
        registry.subscribe("team", "email", settings={**settings, "to": "ml@example.com", "security": "none"})
        (tmp_path / "model.bin").write_text("weights", encoding="utf-8")
        version = registry.log("digits/classifier", tmp_path / "model.bin", metrics={"accuracy": 0.97})
        linked = registry.link(version.ref, "model-registry/Digits classifier")
        registry.promote(linked.ref, to="production", reason="Better on <every> digit.")
        registry.close()
        mails = [mail for mail in server.wait_for(2) if "production" in mail.message()["Subject"]]
    assert "| Better on <every> digit." in mails[0].part("plain")
    receipts = {delivery.receipt for delivery in registry.deliveries("sent")}
    assert mails[0].message()["Message-ID"] in receipts


def test_password_in_clear_is_refused(tmp_path: Path) -> None:
    """A password is never stored: a subscription takes a reference to it only."""
    settings = {"host": "mail.example.com", "from": "a@example.com", "to": "b@example.com", "user": "a"}
    registry = open_registry(f"sqlite:///{tmp_path / 'podium.db'}")
    with pytest.raises(InvalidValueError, match="is a secret"):
        registry.subscribe("team", "email", settings={**settings, "password": "in clear"})
    registry.close()
