"""Webhooks keep the contract of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from podium_webhook import WebhookChannel

from podium import Registry
from podium.testing import Arrived, ChannelContract, LoopbackReceiver

SECRET = "whsec_YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcyAuLi4="
OTHER = "whsec_YW5vdGhlciBvbmUgb2YgdGhpcnR5LXR3byBieXRlcy4="


class TestWebhook(ChannelContract):
    """Standard Webhooks tries again after every answer but 410."""

    most_seconds = 8.0
    permanent = (410,)

    @pytest.fixture(autouse=True)
    def _allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")

    @pytest.fixture
    def podium_registry(self, podium_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
        """The registry of the contract, whose process has no setting of Podium's, and then this one."""
        monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")
        return podium_registry

    def make_channel(self) -> WebhookChannel:
        return WebhookChannel(seconds=2)

    def make_settings(self, receiver: LoopbackReceiver) -> Mapping[str, str]:
        address = f"{receiver.url}/a-secret-path"
        return {"secret_url": address, "secret": SECRET, "previous_secret": OTHER, "source": "/test"}

    def read(self, receiver: LoopbackReceiver) -> Sequence[Arrived]:
        return [
            Arrived(request.headers["webhook-id"], request.body.decode("ascii"), request.headers, request.json())
            for request in receiver.requests
        ]

    def active(self, arrived: Arrived) -> Sequence[str]:
        """In JSON words are words; what they could do is make a field."""
        return [*arrived.payload, *arrived.payload["data"]]
