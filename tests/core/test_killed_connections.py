"""The server ends sessions under writers, as an administrator, a failover or a proxy does: nothing is lost or twice."""

from __future__ import annotations

import random
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from podium.errors import DatabaseUnavailableError
from podium.registry import Registry
from tests.core.actors import ARTIFACT, MODEL

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
SECONDS, EVERY, WRITERS = 8.0, 0.15, 4
VICTIMS = "select pid from pg_stat_activity where datname = current_database() and application_name = 'podium'"


class Writer(threading.Thread):
    """Logs, links, sets an alias and promotes, over and over, and keeps what was acknowledged and how calls failed."""

    def __init__(self, registry: Registry, who: int, folder: Path, until: float) -> None:
        super().__init__(daemon=True)
        self.registry, self.who, self.file, self.until = registry, who, folder / f"writer{who}.bin", until
        self.acknowledged: list[tuple[str, str]] = []
        self.errors: Counter[str] = Counter()
        self.unavailable = 0

    def run(self) -> None:
        turn = 0
        while time.monotonic() < self.until:
            turn += 1
            self.file.write_text(f"{self.who} {turn}")
            try:
                self.write()
            except DatabaseUnavailableError:
                self.unavailable += 1
            except BaseException:
                self.errors[traceback.format_exc()] += 1

    def write(self) -> None:
        version = self.registry.log(ARTIFACT, self.file, tags=["t"], aliases=[f"mine{self.who}"])
        self.acknowledged.append((version.ref, version.digest))
        link = self.registry.link(version.ref, MODEL, aliases=["candidate"])
        self.acknowledged.append((link.ref, link.digest))
        self.registry.set_alias(link.ref, f"mine{self.who}")
        self.registry.promote(link.ref, "production")


def end_sessions(url: str, until: float) -> int:
    """End a session of Podium on this database every so often, from a connection that is not its, and count them."""
    dice, ended = random.Random(1), 0
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        while time.monotonic() < until:
            time.sleep(EVERY)
            there = [pid for (pid,) in connection.execute(VICTIMS)]
            if there:
                ended += connection.execute("select pg_terminate_backend(%s)", (dice.choice(there),)).rowcount
    return ended


@pytest.fixture
def writers(new_pg_url: Callable[[], str], open_at: Callable[..., Registry], tmp_path: Path) -> list[Writer]:
    """Writers that have met the killer; all have ended, or the stack of the one that hangs is shown."""
    url, until = new_pg_url(), time.monotonic() + SECONDS
    running = [Writer(open_at(url), who, tmp_path, until) for who in range(WRITERS)]
    for writer in running:
        writer.start()
    assert end_sessions(url, until) > SECONDS / EVERY / 2
    for writer in running:
        writer.join(30)
        if writer.is_alive():
            frame = sys._current_frames()[writer.ident or 0]
            pytest.fail(f"writer {writer.who} hangs:\n{''.join(traceback.format_stack(frame))}")
    return running


def test_sessions_that_are_ended_under_writers(writers: list[Writer]) -> None:
    """Every acknowledged write is there once, errors are DatabaseUnavailableError alone, and nobody hangs."""
    registry = writers[0].registry
    registry.close()  # the session that was ended last may still rest in its pool
    print([(len(writer.acknowledged), writer.unavailable) for writer in writers])
    assert [dict(writer.errors) for writer in writers] == [{}] * WRITERS
    assert min(len(writer.acknowledged) for writer in writers) > 10
    assert sum(writer.unavailable for writer in writers) > 0, "no session was ended while it was used"
    acknowledged = [one for writer in writers for one in writer.acknowledged]
    there = [(version.ref, version.digest) for place in (ARTIFACT, MODEL) for version in registry.versions(place)]
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(there)
    assert len({digest for ref, digest in there if ref.startswith(ARTIFACT)}) == len(registry.versions(ARTIFACT))
    assert registry.verify().problems == ()
