"""Garbage collection beside writers: it disturbs none, and never takes what one refers to."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.registry import Registry
from tests.core.actors import Actors
from tests.core.test_kill import VERBS, check_sound

pytestmark = pytest.mark.slow
SECONDS = 20.0


def test_gc_without_any_grace_beside_writers(registry: Registry, actors: Actors, tmp_path: Path) -> None:
    """20 s of logging, linking and deleting beside collections that spare nothing: 0 errors, every byte is there."""
    registry.collections()
    calls = [["for_seconds", verb, f"{verb} {who}", SECONDS] for who, verb in enumerate(["log_for_ever", *VERBS])]
    seen = actors.answers(actors.start_different(calls))
    assert all(set(counts) == {"done"} for counts in seen), seen
    assert min(counts["done"] for counts in seen) > 10
    check_sound(registry, tmp_path)
