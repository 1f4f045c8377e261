"""Delivery with real processes: killed, against receivers that fail in every way, and several workers at once."""

from __future__ import annotations

import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from podium.testing import LoopbackReceiver
from tests.delivery.stage import REF, acknowledged, arrived, kill, processes, subscribed, wait_until

pytestmark = pytest.mark.slow
QUICK = "0.5,1,1,2,2,3,3,5,5"


def test_killed_after_100_acknowledged_changes_ten_times(database_url, tmp_path, request) -> None:
    """1,000 of 1,000 arrive within 60 s of a restart, and each repeat has the id of the first."""
    with LoopbackReceiver() as receiver, processes(database_url, tmp_path, QUICK) as started:
        registry = subscribed(database_url, tmp_path, {"hook": receiver.url})
        for turn in range(10):
            if turn % 2:  # what the process could not send itself, and what it had in hand when it was killed
                receiver.reply(503, times=95)
                receiver.reply(delay=30, times=1)
            changer = started.change(f"turn{turn}", 100)
            assert acknowledged(changer, 100) == 100
            kill(changer)
            receiver.answer_as_usual()
        before = len(registry.deliveries("sent", limit=2000))
        began = time.monotonic()
        started.deliver("--watch", "--interval", "1s")
        wait_until(lambda: len(registry.deliveries("sent", limit=2000)) == 1000, 60)
        took = time.monotonic() - began
        ids = arrived(receiver)
        assert len(registry.deliveries(limit=2000)) == 1000
        assert {len(set(said)) for said in ids.values()} == {1}
        assert {item.id for item in registry.deliveries(limit=2000)} == {said[0] for said in ids.values()}
        repeats = sum(len(said) - 1 for said in ids.values())
        print(f"{before} before the restart, the rest {took:.1f} s after it; {repeats} attempts more than messages")
        registry.close()


def test_receivers_that_fail_in_every_way(database_url, tmp_path) -> None:
    """50 of 50 each are delivered, or dead-lettered and delivered when they are sent again."""
    names = ("500", "429", "hangs", "resets", "redirects")
    receivers = {name: LoopbackReceiver() for name in names}
    with processes(database_url, tmp_path, QUICK) as started, _all_of(receivers):
        receivers["500"].reply(500)
        receivers["429"].reply(429, headers={"Retry-After": "1"})
        receivers["hangs"].hang()
        receivers["resets"].reply(reset=True)
        receivers["redirects"].redirect("http://127.0.0.1:1/elsewhere")
        port = _closed_port()
        targets = {name: receiver.url for name, receiver in receivers.items()} | {"down": f"http://127.0.0.1:{port}"}
        registry = subscribed(database_url, tmp_path, targets, timeout="2")
        for number in range(50):
            registry.tag(REF, f"tag{number}")
        for _ in range(2):
            started.deliver("--watch", "--interval", "1s")
        time.sleep(8)
        for name in ("500", "429", "hangs", "resets"):
            receivers[name].answer_as_usual()
        wait_until(lambda: not registry.deliveries("pending") and not registry.deliveries("sending"), 150)
        dead = {name: len(registry.deliveries("dead", subscription=name)) for name in targets}
        print(f"given up: {dead}")
        assert (dead["down"], dead["redirects"]) == (50, 50)
        receivers["redirects"].answer_as_usual()
        with _listening(port) as heard:
            registry.retry()
            wait_until(lambda: len(registry.deliveries("sent", limit=1000)) == 300, 60)
            assert len(heard) == 50
        assert {name: len(registry.deliveries("sent", subscription=name)) for name in targets} == dict.fromkeys(
            targets, 50
        )
        registry.close()


def test_two_workers_deliver_each_message_once(database_url, tmp_path) -> None:
    """Two processes on 1,000 due deliveries: every one arrives exactly once."""
    with LoopbackReceiver() as receiver, processes(database_url, tmp_path, QUICK) as started:
        registry = subscribed(database_url, tmp_path, {"hook": receiver.url})
        for number in range(1000):
            registry.tag(REF, f"tag{number}")
        began = time.monotonic()
        workers = [started.deliver() for _ in range(2)]
        said = [worker.communicate(timeout=240)[0] for worker in workers]
        took = time.monotonic() - began
        assert [worker.returncode for worker in workers] == [0, 0], said
        ids = arrived(receiver)
        assert (len(ids), sum(map(len, ids.values()))) == (1000, 1000)
        assert len(registry.deliveries("sent", limit=2000)) == 1000
        shares = [int(words.split(" ")[0]) for words in said]
        print(f"{shares} in {took:.1f} s")
        assert sum(shares) == 1000
        assert min(shares) > 0
        registry.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_lets_the_attempt_in_hand_end(database_url, tmp_path, number) -> None:
    """The message on its way is sent and settled, nothing further is begun, and the exit code is 0."""
    with LoopbackReceiver() as receiver, processes(database_url, tmp_path, QUICK) as started:
        registry = subscribed(database_url, tmp_path, {"hook": receiver.url})
        for tag in "abc":
            registry.tag(REF, tag)
        receiver.reply(delay=2)
        worker = started.deliver("--watch")
        receiver.wait_for(1, 30)
        worker.send_signal(number)
        out, _ = worker.communicate(timeout=20)
        assert (worker.returncode, out) == (0, "1 sent, 2 left for the next time\n")
        assert sorted(item.status for item in registry.deliveries()) == ["pending", "pending", "sent"]
        registry.close()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _all_of:
    """Every receiver of a dict, as one block."""

    def __init__(self, receivers: dict[str, LoopbackReceiver]) -> None:
        self.receivers = receivers

    def __enter__(self) -> None:
        for receiver in self.receivers.values():
            receiver.__enter__()

    def __exit__(self, *error: object) -> None:
        for receiver in self.receivers.values():
            receiver.__exit__(None, None, None)


class _listening:
    """A receiver on a port that was closed until now; gives the ids that arrive."""

    def __init__(self, port: int) -> None:
        heard: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                heard.add(self.headers["webhook-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.heard, self.server = heard, ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def __enter__(self) -> set[str]:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.heard

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
