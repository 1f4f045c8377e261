"""Loading in threads: no change waits for a plugin that is slow to import, and a gate that is not loaded refuses."""

from __future__ import annotations

import pytest

SLOW = "import time; time.sleep(60)\n"
LATER = "import time; time.sleep({seconds})\n"
GATE = """
from podium.plugins import hookimpl

@hookimpl
def podium_check_promotion(request):
    return None
"""
TIMES = """
import json, sys, time
import podium
registry = podium.open_registry(f"sqlite:///{sys.argv[1]}/x.db")
open(sys.argv[1] + "/model", "w").write("m")
registry.log("p/a", sys.argv[1] + "/model")
start = time.monotonic()
for number in range(20):
    registry.set_alias("p/a", f"a{number}")
took = time.monotonic() - start
print(json.dumps([took, {item.name: item.state for item in registry.host.plugins()}]))
"""


def test_a_change_does_not_wait_for_a_plugin_that_loads(install, run) -> None:
    """Twenty changes beside a plugin that takes a minute to import take no longer than a moment; it is listed."""
    install({"slow": SLOW})
    took, states = run(TIMES)
    assert took < 3
    assert states["slow"] == "loading"


OBSERVED = """
import json, sys, time
import podium
registry = podium.open_registry(f"sqlite:///{sys.argv[1]}/x.db")
open(sys.argv[1] + "/model", "w").write("m")
registry.log("p/a", sys.argv[1] + "/model")
if len(sys.argv) > 2:
    time.sleep(float(sys.argv[2]))
registry.close()
print(json.dumps([[fault.plugin, fault.hook] for fault in registry.plugin_faults()]))
"""


def test_an_observer_is_told_though_another_plugin_loads_for_ever(install, run, hears) -> None:
    """The one that is there hears everything, and the one that is not is a fault on record."""
    site = install({"hears": hears, "slow": SLOW})
    assert run(OBSERVED) == [["slow", "loading"]]
    assert (site / "plugin_hears.py.heard").read_text().split() == ["artifact.created", "artifact_version.logged"]


def test_an_observer_that_loads_late_hears_what_happened_before(install, run, hears) -> None:
    """One that is loaded while the process still runs is told of the changes that did not wait for it."""
    site = install({"late": LATER.format(seconds=0.6) + hears})
    assert run(OBSERVED) == []
    assert (site / "plugin_late.py.heard").read_text().split() == ["artifact.created", "artifact_version.logged"]


CHANNEL = """
import json, sys, time
import podium
from podium.plugins import PluginHost
host = PluginHost(seconds=1)
start = time.monotonic()
found = host.channel(sys.argv[1] if len(sys.argv) < 3 else "note", 30)
print(json.dumps([found is not None and found.name, time.monotonic() - start]))
"""


def test_a_channel_is_waited_for(install, run, note) -> None:
    """Who needs the channel of a plugin that is being loaded gets it when it is there."""
    install({"late": LATER.format(seconds=1.5) + note})
    name, took = run(CHANNEL.replace('sys.argv[1] if len(sys.argv) < 3 else "note"', '"note"'))
    assert name == "note"
    assert took < 20


def test_a_channel_that_is_there_waits_for_nobody(install, run, note) -> None:
    """A channel is had at once, though another plugin still loads."""
    install({"note": note, "slow": SLOW})
    name, took = run(CHANNEL.replace('sys.argv[1] if len(sys.argv) < 3 else "note"', '"note"'))
    assert name == "note"
    assert took < 5


def test_asking_for_one_channel_does_not_wait_for_a_plugin_that_hangs_with_its_own(install, run, note) -> None:
    """A plugin that hangs in podium_channels keeps nobody from the channels of others."""
    hangs = "import time\nfrom podium.plugins import hookimpl\n@hookimpl\ndef podium_channels():\n    time.sleep(60)\n"
    install({"hangs": hangs, "note": note})
    name, took = run(CHANNEL.replace('sys.argv[1] if len(sys.argv) < 3 else "note"', '"note"'))
    assert name == "note"
    assert took < 5


PROMOTE = """
import json, sys
import podium
from podium.plugins import PluginHost
registry = podium.open_registry(f"sqlite:///{sys.argv[1]}/x.db", host=PluginHost(seconds=1))
open(sys.argv[1] + "/model", "w").write("m")
registry.log("p/a", sys.argv[1] + "/model")
registry.link("p/a", "model-registry/A")
try:
    print(json.dumps([registry.promote("model-registry/A", to="production").status]))
except podium.PromotionRefusedError as refused:
    print(json.dumps(refused.reasons))
"""


def test_a_gate_that_is_not_loaded_in_time_refuses(install, run) -> None:
    """Nobody knows yet whether it would have an objection, so it refuses, in its name."""
    install({"slow": SLOW + GATE})
    assert run(PROMOTE) == ["The gate 'slow' could not decide: it was not loaded within 1 s"]


STATES = """
import json, time
from podium.plugins import PluginHost
host = PluginHost(seconds=5)
start = time.monotonic()
found = {item.name: [item.state, item.error] for item in host.plugins() if item.name not in ("console", "actions")}
print(json.dumps([found["ends"], time.monotonic() - start]))
"""
EXITS_WHILE_IT_SAYS = "class Odd(BaseException):\n    def __str__(self):\n        raise SystemExit(3)\nraise Odd\n"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Own(BaseException): ...\nraise Own('no')", "Own: no"),
        (EXITS_WHILE_IT_SAYS, "Odd: it cannot be put in words"),
    ],
)
def test_whatever_an_import_raises_ends_it(install, run, source: str, error: str) -> None:
    """A plugin that raises at import has failed, with what it raised; nobody waits for it any more."""
    install({"ends": source})
    found, took = run(STATES)
    assert found == ["failed", error]
    assert took < 4


def test_a_gate_that_was_interrupted_holds_up_nothing(install, run) -> None:
    """A plugin that raised what Ctrl-C raises is no gate that might still come."""
    install({"ends": "raise KeyboardInterrupt\n" + GATE})
    assert run(PROMOTE) == ["committed"]


def test_a_gate_that_loads_in_time_is_asked(install, run) -> None:
    """A gate that takes a while to import is waited for."""
    install({"late": LATER.format(seconds=0.5) + GATE})
    assert run(PROMOTE) == ["committed"]


BESIDE = """
import json, sys, threading, time
import podium
registry = podium.open_registry(f"sqlite:///{sys.argv[1]}/x.db")
open(sys.argv[1] + "/model", "w").write("m")
registry.log("p/a", sys.argv[1] + "/model")
registry.link("p/a", "model-registry/A")
promoting = threading.Thread(target=registry.promote, args=("model-registry/A", "production"))
promoting.start()
time.sleep(0.5)
start = time.monotonic()
registry.set_alias("p/a", "other")
took, waits = time.monotonic() - start, promoting.is_alive()
promoting.join()
print(json.dumps([took, waits, registry.resolve("model-registry/A:production").version]))
"""


def test_nobody_waits_with_a_promotion_for_a_gate_that_loads(install, run) -> None:
    """The gate is waited for before the transaction, so that the database is free for others meanwhile."""
    install({"late": LATER.format(seconds=3) + GATE})
    took, waits, version = run(BESIDE)
    assert (waits, version) == (True, "v0")
    assert took < 1.5


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("async def podium_on_event(event):\n    pass\n", "asynchronous"),
        ("def podium_on_event(event):\n    yield\n", "wrapper"),
    ],
    ids=["async", "wrapper"],
)
def test_hooks_that_could_not_work_are_listed(install, run, source, words) -> None:
    """A hook that nobody would await, or that wraps others that it never meets, is an answer and not silence."""
    mark = "import pluggy\n@pluggy.HookimplMarker('podium')" + ("(wrapper=True)\n" if words == "wrapper" else "\n")
    install({"odd": mark + source})
    found = run("import json; from podium.plugins import PluginHost; " + LISTED)
    assert words in found["odd"]


LISTED = "print(json.dumps({item.name: item.error for item in PluginHost().plugins()}))"


def test_damaged_files_of_a_distribution_are_one_line(install, run, hears) -> None:
    """Entry points that cannot be read are listed, and Podium's own channel is there all the same."""
    site = install({"hears": hears})
    (site / "dist_hears-1.2.dist-info" / "entry_points.txt").write_bytes(b"[podium]\nhears = \xff\xfe\n")
    found = run("import json; from podium.plugins import PluginHost; " + LISTED)
    assert found["console"] is None
    assert any("UnicodeDecodeError" in (error or "") for error in found.values())
