"""Processes that are killed while they log: what is visible is complete, what was acknowledged stays."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from podium.registry import Registry

pytestmark = pytest.mark.slow
ACTORS = Path(__file__).with_name("actors.py")
KILLS = 50


def test_sigkill_while_logging(registry: Registry, database_url: str, tmp_path: Path) -> None:
    """50 kills at random moments: every acknowledged version is there, every visible one verifies."""
    seed = int(os.environ.get("PODIUM_TEST_SEED", "20261123"))
    dice = random.Random(seed)
    acknowledged: list[tuple[str, str]] = []
    for kill in range(KILLS):
        acknowledged += _log_and_kill(database_url, tmp_path, kill, dice.uniform(0.0, 0.12))
    assert len(acknowledged) >= KILLS, "the processes must have logged something before they were killed"
    for ref, digest in acknowledged:
        assert registry.resolve(ref).digest == digest
    report = registry.verify()
    assert report.problems == ()
    assert report.versions == registry.collection("race/model").versions >= len(acknowledged)
    assert [version.files for version in registry.versions("race/model")] == [3] * report.versions


def _log_and_kill(url: str, folder: Path, turn: int, seconds: float) -> list[tuple[str, str]]:
    """Let a process log, kill it some time after its first answer, and return what it had acknowledged."""
    (folder / "home").mkdir(exist_ok=True)
    command = [sys.executable, str(ACTORS), "log_for_ever", url, str(folder / "content"), "0", f"turn{turn}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines()]
    return [tuple(json.loads(line)) for line in lines if line.strip().endswith("]")]
