"""A worker that stays, and a database under it that goes away, takes no writes, or has no room."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.plugins.host import PluginHost
from podium.registry import open_registry
from podium.testing import LoopbackReceiver
from tests.core.test_database_errors import read_only
from tests.core.test_disk_full import SmallDisk, small_disk  # noqa: F401 - the fixture
from tests.core.test_outage import OwnServer, own_server  # noqa: F401 - the fixture of a server that may be stopped
from tests.delivery.stage import REF, arrived, processes, subscribed, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.postgres
def test_a_worker_outlives_its_database(own_server: OwnServer, tmp_path) -> None:  # noqa: F811 - that is how pytest gives it
    """Stopped for five seconds in the middle of 20 deliveries: all arrive, each once, without a restart."""
    made = open_registry(own_server.url, content=tmp_path / "content", host=PluginHost(discover=False))
    made.upgrade()
    made.close()
    with LoopbackReceiver() as receiver, processes(own_server.url, tmp_path, "1,1,2,3,5,8") as started:
        registry = subscribed(own_server.url, tmp_path, {"hook": receiver.url})
        for number in range(20):
            registry.tag(REF, f"tag{number}")
        receiver.reply(delay=0.5)
        worker = started.deliver("--watch", "--interval", "1s")
        receiver.wait_for(3, 60)
        own_server.stop()
        time.sleep(5)
        own_server.start()
        receiver.answer_as_usual()
        wait_until(lambda: len(registry.deliveries("sent")) == 20, 60)
        assert worker.poll() is None
        worker.terminate()
        words, _ = worker.communicate(timeout=30)
        assert worker.returncode == 0
        ids = arrived(receiver)
        assert (len(ids), sum(map(len, ids.values()))) == (20, 20)
        assert "Traceback" not in words
        registry.close()


def next_line(worker: subprocess.Popen[str]) -> str:
    """Return the next line that a worker says."""
    assert worker.stdout is not None
    return worker.stdout.readline()


def ended(worker: subprocess.Popen[str]) -> str:
    """End a worker as its supervisor does, and return what it said since."""
    worker.terminate()
    words, _ = worker.communicate(timeout=30)
    assert worker.returncode == 0, words
    return words


@pytest.mark.postgres
def test_a_worker_outlives_a_server_that_takes_no_writes(new_pg_url: Callable[[], str], tmp_path: Path) -> None:
    """In its first round and in a later one: said once each time, and no restart."""
    url = new_pg_url()
    with LoopbackReceiver() as receiver, processes(url, tmp_path, "1,1,1,1,1") as started:
        registry = subscribed(url, tmp_path, {"hook": receiver.url})
        registry.tag(REF, "a")
        registry.close()
        with read_only(url):
            worker = started.deliver("--watch", "--interval", "1s")
            said = next_line(worker)
            assert "takes no writes now: it is read-only" in said
            assert "Trying again every 1 s." in said
            assert "permissions" not in said
            time.sleep(1.5)
        assert [next_line(worker), next_line(worker)] == ["podium: The database answers again.\n", "1 sent\n"]
        registry.tag(REF, "b")
        assert next_line(worker) == "1 sent\n"
        receiver.reply(status=503)
        registry.tag(REF, "c")
        assert next_line(worker) == "0 sent, 1 failed and will be tried again\n"
        registry.close()
        with read_only(url):
            receiver.answer_as_usual()
            said = next_line(worker)
            time.sleep(1.5)
        assert "Trying again" in said
        wait_until(lambda: len(registry.deliveries("sent")) == 3, 30)
        assert ended(worker).splitlines() == ["podium: The database answers again.", "1 sent"]
        registry.close()


@pytest.mark.parametrize("trouble", ["full", "I/O error"])
def test_a_worker_outlives_a_disk_without_room(
    small_disk: Callable[[int], SmallDisk],  # noqa: F811 - that is how pytest gives it
    tmp_path: Path,
    trouble: str,
) -> None:
    """What is due is delivered when there is room again; a change is refused meanwhile."""
    disk = small_disk(8)
    url = f"sqlite:///{disk.folder / 'podium.db'}"
    with LoopbackReceiver() as receiver, processes(url, tmp_path, "3,3,3,3,3") as started:
        registry = subscribed(url, tmp_path, {"hook": receiver.url})
        registry.tag(REF, "a")
        receiver.reply(status=503)
        worker = started.deliver("--watch", "--interval", "1s")
        assert next_line(worker) == "0 sent, 1 failed and will be tried again\n"
        receiver.answer_as_usual()
        mend = fill(disk) if trouble == "full" else forbid_writes(worker)
        said = next_line(worker)
        assert trouble in said
        assert "Trying again every 1 s." in said
        time.sleep(1.5)
        assert [item.status for item in registry.deliveries()] == ["pending"]
        mend()
        wait_until(lambda: len(registry.deliveries("sent")) == 1, 30)
        assert ended(worker).splitlines() == ["podium: The database answers again.", "1 sent"]
        registry.close()


def fill(disk: SmallDisk) -> Callable[[], None]:
    """Leave no room on a disk, and return what makes room again."""
    filler = disk.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return lambda: os.unlink(filler)


def forbid_writes(worker: subprocess.Popen[str]) -> Callable[[], None]:
    """Let every write of a process to a file fail, and return what lets it write again."""
    before = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    return lambda: resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, before) and None
