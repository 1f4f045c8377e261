"""Channels of the tests: each does one thing to whatever it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from podium.plugins import Channel, DeliveryFailedError, Message, PluginHost, hookimpl
from podium.registry import Registry


@dataclass
class Probe(Channel):
    """A channel that keeps what it is given, and then does what the test says."""

    name: str = "probe"
    act: Callable[[Message, Mapping[str, str]], object] = lambda message, settings: "ok"
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("room", "token")
    secrets: frozenset[str] = frozenset({"token"})
    sent: list[Message] = field(default_factory=list)
    settings: list[Mapping[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        with self.lock:
            self.sent.append(message)
            self.settings.append(dict(settings))
        return self.act(message, settings)  # type: ignore[return-value]  # some tests answer nonsense


@dataclass
class Offer:
    """A plugin that offers channels."""

    offered: list[Channel]

    @hookimpl
    def podium_channels(self) -> list[Channel]:
        return self.offered


@pytest.fixture
def with_channels(open_at: Callable[..., Registry], tmp_path) -> Callable[..., Registry]:
    """Open a registry that has these channels."""

    def make(*channels: Channel, url: str = "", **more: object) -> Registry:
        host = PluginHost(discover=False)
        host.register(Offer(list(channels)), "offer")
        return open_at(url or f"sqlite:///{tmp_path / 'podium.db'}", host=host, **more)

    return make


@pytest.fixture
def probe() -> type[Probe]:
    return Probe


def _fail(message: Message, settings: Mapping[str, str]) -> str:
    raise DeliveryFailedError("not accepted")


@pytest.fixture
def ordered(
    with_channels: Callable[..., Registry], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Registry, Probe]:
    """A registry that tells of tags through a channel that wants order, and the channel, which accepts nothing yet."""
    channel = Probe(act=_fail)
    monkeypatch.setattr(Probe, "ordered", True, raising=False)
    registry = with_channels(channel, url=database_url)
    registry.subscribe("s", "probe", events=["tag.added"])
    return registry, channel


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long a change waits for its messages in these tests: short, so that a hanging channel costs little."""
    monkeypatch.setattr("podium.registry.base._DELIVERY_SECONDS", 2.4)
    return 2.4
