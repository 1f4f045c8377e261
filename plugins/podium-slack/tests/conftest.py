"""Messages as the core makes them, and a home of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podium.plugins import Event, Message, MetricChange, Origin

MODEL = "model-registry/Digits classifier"
RUN = "https://airflow.example.com/dags/train_and_promote/runs/manual__2026-11-24"
ORIGIN = Origin("airflow", "DAG train_and_promote · task promote", RUN)

MakeMessage = Callable[..., Message]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the home of whoever runs it, a registry that the environment names, or a proxy."""
    for name in [name for name in os.environ if name.startswith("PODIUM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PODIUM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def make_message() -> MakeMessage:
    """Make a message about an event; what is not said is a plain promotion of v3 after v2."""

    def make(
        event_type: str = "model_version.promoted",
        title: str = f"{MODEL} v3 is now production after v2",
        *,
        after: dict[str, Any] | None = None,
        before: dict[str, Any] | None = None,
        subject: str = f"{MODEL}:v3",
        reason: str | None = None,
        **changes: Any,
    ) -> Message:
        facts = {"stage": "production", "number": 3, "source": "digits/support_vectors:v5"} if after is None else after
        at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
        event = Event(
            "0192-event", event_type, MODEL, 4, at, "anna", ORIGIN, subject, before or {}, facts, reason=reason
        )
        values: dict[str, Any] = {
            "model": MODEL,
            "actor": "anna",
            "lines": (f"Reason: {reason}",) if reason else (),
            "version": "v3",
            "origin": ORIGIN.label,
            "link": RUN,
            "metrics": (MetricChange("accuracy", 0.97778, 0.01111), MetricChange("log_loss", 0.0853, -0.0312)),
            "previous": "v2",
        }
        return Message(id="0192-delivery", event=event, title=title, **{**values, **changes})

    return make
