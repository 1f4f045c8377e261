"""What the tests with real processes share: processes that make changes, workers that deliver, and what arrived."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry
from podium.settings import PluginChoice
from podium.testing import LoopbackReceiver

REF = "p/a:v0"
CHANGER = """
import sys, podium
registry = podium.open_registry()
for number in range(int(sys.argv[2])):
    registry.tag("p/a:v0", f"{sys.argv[1]}-{number}")
    print(number, flush=True)
print("end", flush=True)
sys.stdin.read()
"""


@dataclass
class Processes:
    """Processes on one registry.

    Attributes:
        url: Its database.
        folder: Where its content, its home and its logs are.
        schedule: Seconds between attempts.
    """

    url: str
    folder: Path
    schedule: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What the processes are told."""
        return os.environ | {
            "PODIUM_URL": self.url,
            "PODIUM_CONTENT": str(self.folder / "content"),
            "PODIUM_HOME": str(self.folder / "home"),
            "PODIUM_ACTOR": "ann",
            "PODIUM_PLUGINS_ALLOW": "webhook",
            "PODIUM_DELIVERY_SCHEDULE": self.schedule,
            "PODIUM_WEBHOOK_ALLOW": "127.0.0.1",
            "HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        }

    def change(self, label: str, count: int) -> subprocess.Popen[str]:
        """Start a process that makes so many changes and says so after each; then it waits."""
        return self._start([sys.executable, "-c", CHANGER, label, str(count)])

    def deliver(self, *options: str) -> subprocess.Popen[str]:
        """Start a worker."""
        return self._start([sys.executable, "-m", "podium.cli.main", "deliver", *options])

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, env=self.environment(), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End what still runs."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@contextmanager
def processes(url: str, folder: Path, schedule: str) -> Iterator[Processes]:
    """Give processes on a registry, none of which outlives the block."""
    made = Processes(url, folder, schedule)
    try:
        yield made
    finally:
        made.stop()


def subscribed(url: str, folder: Path, targets: dict[str, str], **settings: str) -> Registry:
    """Return a registry with p/a:v0 that tells these addresses of tags, and that has no channel of its own."""
    content = folder / "content"
    host = PluginHost(choice=PluginChoice(allow=("webhook",)))
    registry = open_registry(url, content=content, actor="ann", host=host)
    (folder / "model.bin").write_text("x")
    registry.log("p/a", folder / "model.bin")
    for name, address in targets.items():
        given = {"url": address, "secret": "env:HOOK", **settings}
        registry.subscribe(name, "webhook", events=["tag.added"], settings=given)
    registry.close()
    return open_registry(url, content=content, actor="ann", host=PluginHost(discover=False))


def acknowledged(process: subprocess.Popen[str], count: int) -> int:
    """Wait until a process said that it made so many changes, and return how many it said."""
    assert process.stdout is not None
    said = 0
    while said < count:
        line = process.stdout.readline()
        assert line, "the process ended early"
        assert line.strip().isdigit(), line
        said += 1
    return said


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def arrived(*receivers: LoopbackReceiver) -> dict[str, list[str]]:
    """Return the ids under which each event arrived and was accepted, by the id of the event."""
    found: dict[str, list[str]] = {}
    for receiver in receivers:
        for request in receiver.requests:
            found.setdefault(request.json()["data"]["event"]["id"], []).append(request.headers["webhook-id"])
    return found


def wait_until(true: Callable[[], bool], seconds: float) -> float:
    """Wait until something is true, and return how long that took.

    Raises:
        TimeoutError: It did not become true in time.
    """
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"It did not come true within {seconds:g} s.")
        time.sleep(0.1)
    return time.monotonic() - began
