"""A channel or observer that raises, hangs or exits: the change stands, others are served, nobody waits for ever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from podium.plugins import PluginHost, hookimpl


def hang(message: object, settings: object) -> str:
    threading.Event().wait(60)
    return "late"


def leave(message: object, settings: object) -> str:
    raise SystemExit(3)


@pytest.mark.parametrize("act", [leave, lambda message, settings: 1 / 0], ids=["exits", "raises"])
def test_a_channel_that_fails_harms_nobody(with_channels, probe, model_file, act) -> None:
    """The change succeeds, the other channel is served at once, and the failure is listed."""
    bad, good = probe("bad", act=act), probe("good")
    registry = with_channels(bad, good)
    for name in ("bad", "good"):
        registry.subscribe(name, name, events=["artifact_version.*"])
    start = time.monotonic()
    assert registry.log("p/a", model_file("a")).created
    assert time.monotonic() - start < 3
    registry.close()
    assert len(good.sent) == 1
    assert {item.subscription: item.status for item in registry.deliveries()} == {"bad": "pending", "good": "sent"}


def test_a_channel_that_hangs_starves_no_other(with_channels, probe, model_file, patience) -> None:
    """Beside one that hangs, the message of the other channel still goes out in this process."""
    bad, good = probe("bad", act=hang), probe("good")
    registry = with_channels(bad, good)
    for name in ("bad", "good"):
        registry.subscribe(name, name, events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    registry.close()
    registry.close()
    assert len(good.sent) == 1
    assert {item.subscription: item.status for item in registry.deliveries()} == {"bad": "pending", "good": "sent"}


def test_a_channel_that_hangs_slows_one_change_at_most(with_channels, probe, model_file, patience) -> None:
    """The first change waits half a second; the next ones do not wait at all."""
    registry = with_channels(probe("bad", act=hang))
    registry.subscribe("s", "bad", events=["alias.set"])
    registry.log("p/a", model_file("a"))
    start = time.monotonic()
    registry.set_alias("p/a", "first")
    assert time.monotonic() - start < patience
    start = time.monotonic()
    for number in range(5):
        registry.set_alias("p/a", f"next{number}")
    assert time.monotonic() - start < patience / 2


def test_a_channel_that_is_slow_slows_one_change_at_most(with_channels, probe, model_file) -> None:
    """One that answers, but takes its time, holds up the first change for half a second and no other."""
    registry = with_channels(probe("slow", act=lambda message, settings: time.sleep(1) or "ok"))
    registry.subscribe("s", "slow", events=["alias.set"])
    registry.log("p/a", model_file("a"))
    start = time.monotonic()
    for number in range(4):
        registry.set_alias("p/a", f"next{number}")
    assert time.monotonic() - start < 2
    registry.close()
    assert [item.status for item in registry.deliveries()] == ["sent"] * 4


def test_messages_flow_again_when_the_channel_answers_again(with_channels, probe, model_file, patience) -> None:
    """After a channel hung and came back, changes are told again without anybody's help."""
    channel = probe("bad", act=hang)
    registry = with_channels(channel)
    registry.subscribe("s", "bad", events=["alias.set"])
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "first")
    channel.act = lambda message, settings: "ok"
    for alias in ("second", "third"):
        registry.set_alias("p/a", alias)
        registry.close()
    assert {item.status for item in registry.deliveries()[:2]} == {"sent"}


class Observer:
    """An observer that does what the test says."""

    def __init__(self, act) -> None:
        self.act = act

    @hookimpl
    def podium_on_event(self, event: object) -> None:
        self.act(event)


@pytest.mark.parametrize("kind", ["raises", "exits", "hangs"])
def test_an_observer_that_fails_harms_nobody(open_at, database_url, model_file, patience, kind) -> None:
    """The change stands, the message is sent, the next observer hears, and the fault is on record."""

    def act(event: object) -> None:
        hang(None, None) if kind == "hangs" else leave(None, None) if kind == "exits" else 1 / 0

    heard: list[object] = []
    host = PluginHost(seconds=0.2, discover=False)
    host.register(Observer(act), "bad")
    host.register(Observer(heard.append), "good")
    registry = open_at(database_url, host=host)
    registry.subscribe("s", "console", events=["artifact_version.*"])
    registry.log("p/a", model_file("a"))
    for _ in range(5):
        registry.close()
    assert [delivery.status for delivery in registry.deliveries()] == ["sent"]
    assert [event.type for event in heard] == ["subscription.added", "artifact.created", "artifact_version.logged"]
    (fault,) = registry.plugin_faults()
    assert (fault.plugin, fault.hook, fault.count) == ("bad", "podium_on_event", 3)


def test_a_database_that_went_away_lets_a_registry_close(tmp_path, open_at, model_file) -> None:
    """What a plugin did wrong cannot be written down any more; the end of a script is none of its business."""

    class Failing:
        @hookimpl
        def podium_on_event(self, event: object) -> None:
            raise ValueError("broken")

    (tmp_path / "gone").mkdir()
    host = PluginHost(discover=False)
    host.register(Failing(), "failing")
    registry = open_at(f"sqlite:///{tmp_path / 'gone' / 'podium.db'}", host=host)
    registry.log("p/a", model_file("a"))
    registry._database.dispose()
    shutil.rmtree(tmp_path / "gone")
    (tmp_path / "gone").write_text("no folder")
    registry.close()


def test_an_observer_may_call_the_registry(open_at, database_url, model_file) -> None:
    """An observer that makes changes itself neither blocks nor recurses without end."""

    def act(event) -> None:
        if event.type == "artifact_version.logged":
            registry.set_alias(event.subject, "seen")

    host = PluginHost(discover=False)
    host.register(Observer(act), "automation")
    registry = open_at(database_url, host=host)
    registry.log("p/a", model_file("a"))
    registry.close()
    assert registry.resolve("p/a:seen").number == 0
    assert registry.plugin_faults() == []


SCRIPT = """
import sys, time, threading
from podium.plugins import Channel, PluginHost, hookimpl
from podium.registry import open_registry

class Slow(Channel):
    name = "slow"
    def send(self, message, settings):
        time.sleep(float(sys.argv[2]))
        print("sent", flush=True)
        return "ok"

class Offer:
    @hookimpl
    def podium_channels(self):
        return [Slow()]

host = PluginHost(discover=False)
host.register(Offer(), "offer")
registry = open_registry(f"sqlite:///{sys.argv[1]}/x.db", host=host)
registry.subscribe("s", "slow", events=["artifact_version.*"])
registry.log("p/a", sys.argv[1] + "/file")
"""


@pytest.mark.parametrize(("seconds", "out"), [("0.5", "sent\n"), ("60", "")])
def test_a_short_script_sends_its_message_and_ends(tmp_path, seconds, out) -> None:
    """A script that ends at once still sends; one whose channel hangs ends all the same, and the row is kept."""
    (tmp_path / "file").write_text("x")
    start = time.monotonic()
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), seconds]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, out), done.stderr
    assert time.monotonic() - start < 25
