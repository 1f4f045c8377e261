"""The hash of an event."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from podium.domain.events import GENESIS, Event, event_hash
from podium.domain.origin import Origin

EVENT = Event(
    id="01890000-0000-7000-8000-000000000001",
    type="model_version.promoted",
    stream="model-registry/Ziffern é",
    sequence=7,
    at=datetime(2026, 11, 24, 1, 2, 3, 4, tzinfo=UTC),
    actor="ann",
    origin=Origin("airflow", "DAG x", None, "x/y", {"try": 1}),
    subject="model-registry/Ziffern é:v3",
    before={"n": 1e22},
    after={"n": 1e-7, "text": "é"},
    reason="because",
    previous=GENESIS,
)


def test_the_hash_is_known() -> None:
    """The hash of this event never changes: exported heads depend on it."""
    assert event_hash(EVENT) == "ec15e8d34969ccf484744157c656271f7e7d88894ae9723fe1d32af5e662bcf4"


def test_the_hash_is_of_canonical_json() -> None:
    """An independent computation gives the same hash."""
    body = EVENT.to_json()
    del body["hash"]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert event_hash(EVENT) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", [field.name for field in fields(Event) if field.name != "hash"])
def test_every_field_counts(name) -> None:
    """No field can be changed without changing the hash."""
    changed = {"at": EVENT.at + timedelta(microseconds=1), "sequence": 8, "origin": Origin(), "reason": None}
    value = changed.get(name, {"other": 1} if name in ("before", "after") else "other")
    assert event_hash(replace(EVENT, **{name: value})) != event_hash(EVENT)
