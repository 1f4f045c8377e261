"""Messages as the core makes them, and a home of its own for each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import podium.testing
from podium.plugins import Message, MetricChange
from podium.testing import make_event

MODEL = "model-registry/Digits classifier"
METRICS = (MetricChange("accuracy", 0.97778, 0.01111), MetricChange("log_loss", 0.0853, -0.0312))

MakeMessage = Callable[..., Message]


@pytest.fixture(autouse=True)
def _home(podium_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the home of whoever runs it, a registry that the environment names, or a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


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
