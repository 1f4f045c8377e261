"""Processes killed while they log, link, delete and collect garbage: what was acknowledged stays, nothing is half."""

from __future__ import annotations

import contextlib
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from podium.domain.events import GENESIS, event_hash
from podium.errors import NotFoundError
from podium.registry import Registry
from tests.core.actors import ARTIFACT, GC_ALL, MODEL, Actors

pytestmark = pytest.mark.slow
VERBS = ("log_for_ever", "link_for_ever", "delete_for_ever", "gc_for_ever")
TURNS = 50  # with a kill of each verb


def test_sigkill_at_200_points(registry: Registry, actors: Actors, tmp_path: Path) -> None:
    """200 kills at seeded moments: nothing acknowledged is lost, nothing half done is seen, gc leaves 0 orphans."""
    dice = random.Random(int(os.environ.get("PODIUM_TEST_SEED", "20261124")))
    said: dict[str, list[Any]] = {verb: [] for verb in VERBS}
    registry.collections()  # so that every process finds the schema there
    for turn in range(TURNS):
        for verb, words in zip(VERBS, run_and_kill(actors, dice, turn), strict=True):
            said[verb] += words
    counts = {verb: len(words) for verb, words in said.items()}
    assert min(counts.values()) >= TURNS // 2, f"each verb must have got somewhere: {counts}"
    check_acknowledged(registry, said)
    check_sound(registry, tmp_path)


def run_and_kill(actors: Actors, dice: random.Random, turn: int) -> list[list[Any]]:
    """Let one process of each verb act beside the others, kill each at a moment of its own, and return what it said."""
    running = actors.start_different([[verb, f"turn {turn}"] for verb in VERBS])
    points = sorted((dice.uniform(0.0, 0.5), actor) for actor in running)
    for actor in running:
        actors.begun(actor)
    began = time.monotonic()
    for moment, actor in points:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        actors.kill(actor)
    for actor in running:
        actors.ended(actor)
    return [actors.said(actor) for actor in running]


def check_acknowledged(registry: Registry, said: dict[str, list[Any]]) -> None:
    """What was logged is there unless somebody set out to delete it; what was linked or deleted is that."""
    tried = {ref for word, ref in said["delete_for_ever"] if word == "trying"}
    for ref, digest in said["log_for_ever"]:
        with contextlib.suppress(NotFoundError):
            assert registry.resolve(ref).digest == digest
            continue
        assert ref in tried
    for ref, source in said["link_for_ever"]:
        assert registry.resolve(ref).source == source
    for word, ref in said["delete_for_ever"]:
        if word == "deleted":
            with pytest.raises(NotFoundError):
                registry.resolve(ref)


def check_sound(registry: Registry, folder: Path) -> None:
    """Every version is complete, every chain holds, and after one garbage collection nothing is left over."""
    registry.gc(**GC_ALL)
    versions = registry.versions(ARTIFACT)
    assert {version.files for version in versions} == {3}
    assert registry.verify().problems == ()
    referenced = {entry.sha256 for version in versions for entry in registry.files(version.ref).manifest.entries}
    assert {path.name for path in (folder / "content" / "blobs").glob("*/*/*")} == referenced
    assert list((folder / "content" / "incoming").iterdir()) == []
    staging = folder / "home" / "staging"
    assert not staging.exists() or list(staging.iterdir()) == []
    for place in (ARTIFACT, MODEL):
        events = registry.events(place)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert [event.previous for event in events] == [GENESIS, *(event.hash for event in events[:-1])]
        assert all(event.hash == event_hash(event) for event in events)
    with registry._database.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
