"""Two plugins that offer the same name: in every process the same one has it, whoever is quicker."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import pytest

from podium.plugins import Channel, Message, PluginHost, hookimpl


class Named(Channel):
    """A channel that knows whose it is."""

    def __init__(self, name: str, plugin: str) -> None:
        self.name = name
        self.plugin = plugin

    def send(self, message: Message, settings: object) -> str:
        return self.plugin


@dataclass
class Offers:
    """A plugin that offers one channel, after a while."""

    plugin: str
    channel: str
    seconds: float = 0.0

    @hookimpl
    def podium_channels(self) -> list[Channel]:
        time.sleep(self.seconds)
        return [Named(self.channel, self.plugin)]


def host_of(*plugins: Offers) -> PluginHost:
    """Return a host with these plugins, in this order."""
    host = PluginHost(discover=False, seconds=2)
    for plugin in plugins:
        host.register(plugin, plugin.plugin)
    return host


def holder(host: PluginHost, name: str) -> str:
    """Return whose channel is found."""
    found = host.channel(name)
    assert isinstance(found, Named)
    return found.plugin


@pytest.mark.parametrize("quick", ["a", "b", "c"])
def test_the_first_in_the_order_of_plugins_has_it(quick) -> None:
    """The one that answers first does not get it for that; each that does not is a fault of its own."""
    host = host_of(*(Offers(name, "chat", 0.0 if name == quick else 0.4) for name in "abc"))
    assert holder(host, "chat") == "a"
    assert host.channels()["chat"] is host.channel("chat")
    faults = {fault.plugin: fault.error for fault in host.take_faults()}
    assert set(faults) == {"b", "c"}
    assert "the channel 'chat' exists already, in the plugin 'a'" in faults.values()


@pytest.mark.parametrize("order", list(itertools.permutations([("a", 0.0), ("chat", 0.4), ("z", 0.0)])), ids=str)
def test_the_plugin_that_is_called_so_has_it(order) -> None:
    """``slack`` is the channel of the plugin ``slack``: no drop-in with a name before that gets its token."""
    host = host_of(*(Offers(name, "chat", seconds) for name, seconds in order))
    assert holder(host, "chat") == "chat"
    assert {fault.plugin for fault in host.take_faults()} == {"a", "z"}


def test_podiums_own_are_taken_by_nobody() -> None:
    """Not even by a plugin that is called so."""
    host = PluginHost(discover=False)
    host.register(Offers("aaa", "console"), "aaa")
    assert type(host.channels()["console"]).__module__.startswith("podium.")
    assert [fault.plugin for fault in host.take_faults() if "'console' exists already" in fault.error] == ["aaa"]


def test_one_that_hangs_is_waited_for_once() -> None:
    """Who goes before may still bring it: it is waited for while it may answer, and no longer."""
    host = host_of(Offers("hangs", "other", 60), Offers("b", "chat"))
    began = time.monotonic()
    assert holder(host, "chat") == "b"
    assert holder(host, "chat") == "b"
    assert time.monotonic() - began < 3.5


def test_a_name_offered_twice_by_one_plugin() -> None:
    """The first counts, and the plugin hears of it."""

    class Twice:
        @hookimpl
        def podium_channels(self) -> list[Channel]:
            return [Named("chat", "one"), Named("chat", "two")]

    host = PluginHost(discover=False)
    host.register(Twice(), "twice")
    assert holder(host, "chat") == "one"
    assert [fault.error for fault in host.take_faults()] == ["the channel 'chat' is offered twice"]


HANGS = "import time\nfrom podium.plugins import hookimpl\n@hookimpl\ndef podium_channels():\n    time.sleep(60)\n"
BESIDE = """
import json, sys, time
import podium
registry = podium.open_registry(f"sqlite:///{sys.argv[1]}/x.db")
open(sys.argv[1] + "/model", "w").write("m")
for channel in ("console", "note"):
    registry.subscribe(channel, channel, events=["alias.set"])
registry.log("p/a", sys.argv[1] + "/model")
start = time.monotonic()
registry.set_alias("p/a", "one")
took = time.monotonic() - start
registry.close()
print(json.dumps([took, {item.channel: item.status for item in registry.deliveries()}]))
"""


def test_a_plugin_in_front_that_hangs_holds_up_no_change_and_no_message(install, run, note) -> None:
    """A channel whose plugin is called otherwise is waited for after the change, when all others are served."""
    install({"aa": "import time; time.sleep(60)\n", "bb": HANGS, "ccc": note})
    took, statuses = run(BESIDE)
    assert statuses == {"console": "sent", "note": "sent"}
    assert took < 2


def test_a_name_that_cannot_be_read_is_a_fault() -> None:
    """And nobody waits for that plugin."""

    class Nameless(Channel):
        @property
        def name(self) -> str:  # type: ignore[override]  # that is what is tried
            raise RuntimeError("no name today")

        def send(self, message: Message, settings: object) -> str:
            return "never"

    class Offer:
        @hookimpl
        def podium_channels(self) -> list[Channel]:
            return [Nameless()]

    host = PluginHost(discover=False)
    host.register(Offer(), "offer")
    began = time.monotonic()
    assert host.channel("chat", 2) is None
    assert time.monotonic() - began < 1.5
    assert [fault.error for fault in host.take_faults()] == ["RuntimeError: no name today"]
