"""A worker that stays, and a PostgreSQL that goes away under it."""

from __future__ import annotations

import time

import pytest

from podium.plugins.host import PluginHost
from podium.registry import open_registry
from podium.testing import LoopbackReceiver
from tests.core.test_outage import OwnServer, own_server  # noqa: F401 - the fixture of a server that may be stopped
from tests.delivery.stage import REF, arrived, processes, subscribed, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


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
