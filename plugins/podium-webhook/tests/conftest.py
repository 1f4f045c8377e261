"""Messages as the core makes them, and a home of its own for each test."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import podium.testing
from podium.plugins import Message, MetricChange
from podium.testing import LoopbackReceiver, make_event

MODEL = "model-registry/Digits classifier"
METRICS = (MetricChange("accuracy", 0.97778, 0.01111), MetricChange("log_loss", 0.0853, -0.0312))

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
OTHER = "whsec_" + base64.b64encode(b"another one of thirty-two bytes.").decode()

MakeMessage = Callable[..., Message]


@pytest.fixture(autouse=True)
def _home(podium_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the home of whoever runs it, a registry that the environment names, or a proxy."""
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")


@pytest.fixture
def secret() -> str:
    """What receiver and subscription both know."""
    return SECRET


@pytest.fixture
def other_secret() -> str:
    """What the receiver does not know."""
    return OTHER


@pytest.fixture
def receiver() -> Iterator[LoopbackReceiver]:
    """Listens, and takes everything."""
    with LoopbackReceiver() as listening:
        yield listening


@pytest.fixture
def settings(receiver: LoopbackReceiver, secret: str) -> dict[str, str]:
    """The settings of a subscription for the receiver, secrets resolved."""
    return {"url": f"{receiver.url}/hook?team=ml", "secret": secret}


@pytest.fixture
def make_message() -> MakeMessage:
    """Make a message about an event; what is not said is a plain promotion of v3 after v2."""

    def make(
        event_type: str = "model_version.promoted",
        title: str = f"{MODEL} v3 is now production after v2",
        *,
        after: dict[str, Any] | None = None,
        reason: str | None = None,
        **changes: Any,
    ) -> Message:
        facts = {"stage": "production", "number": 3, "source": "digits/support_vectors:v5"} if after is None else after
        event = make_event(id="0192-event", hash="", before={}, after=facts, reason=reason)
        usual = {"id": "0192f0aa-delivery", "version": "v3", "previous": "v2", "metrics": METRICS}
        usual["lines"] = (f"Reason: {reason}",) if reason else ()
        return podium.testing.make_message(event=replace(event, type=event_type), title=title, **{**usual, **changes})

    return make
