"""Forks: a child that a plugin makes never runs Podium's code, and a host works in a child of the process."""

from __future__ import annotations

import os
import threading
import time

import pytest

from podium.plugins import PluginHost, hookimpl
from podium.plugins.guard import call_here, call_within

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


class Forks:
    """Forks in a hook and lets the child come back."""

    def __init__(self) -> None:
        self.child = 0

    @hookimpl
    def podium_on_event(self) -> None:
        self.child = os.fork()

    @hookimpl
    def podium_check_promotion(self) -> None:
        self.child = os.fork()


@pytest.mark.parametrize("call", [call_here, lambda function: call_within(function, 10)], ids=["here", "within"])
@pytest.mark.parametrize(("end", "code"), [("return", 0), ("raise SystemExit(7)", 7), ("raise ValueError", 1)])
def test_the_child_ends(tmp_path, call, end, code) -> None:
    """A child that a call lets out ends there, with the code of its exit; only the parent goes on."""
    children: list[int] = []

    def fork() -> None:
        children.append(os.fork())
        if not children[-1]:
            exec(f"def leave():\n    {end}\nleave()")

    outcome = call(fork)
    (tmp_path / f"went on in {os.getpid()}").touch()
    _, status = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(status) == code
    assert [path.name for path in tmp_path.iterdir()] == [f"went on in {os.getpid()}"]
    assert (outcome.error, outcome.forked) == (None, True)


def test_a_fork_is_a_fault() -> None:
    """A plugin that forks this process is listed; the others are called once."""
    host, forks, heard = PluginHost(discover=False), Forks(), []

    class Listener:
        @hookimpl
        def podium_on_event(self) -> None:
            heard.append(os.getpid())

    host.register(forks, "forks")
    host.register(Listener(), "listens")
    host.call("podium_on_event", event=None)
    os.waitpid(forks.child, 0)
    assert heard == [os.getpid()]
    (fault,) = host.take_faults()
    assert (fault.plugin, fault.hook) == ("forks", "podium_on_event")
    assert fault.error.startswith("it forked this process")


def test_a_plugin_that_starts_programs_is_no_fault() -> None:
    """What a plugin should do instead, subprocess, is not taken for a fork."""
    import subprocess
    import sys

    outcome = call_here(lambda: subprocess.run([sys.executable, "-c", ""], check=True, timeout=30))
    assert (outcome.error, outcome.forked) == (None, False)


CHILD = """
import json, os, sys, time
from podium.plugins import PluginHost
host = PluginHost(seconds=2)
before = {item.name: item.state for item in host.plugins() if item.name in ("hears", "slow")} if %r else host.has("x")
read, write = os.pipe()
child = os.fork()
if not child:
    start = time.monotonic()
    found = {item.name: item.state for item in host.plugins() if item.name in ("hears", "slow")}
    heard = [name for name, _ in host.call("podium_origin")]
    os.write(write, json.dumps([found, time.monotonic() - start, "console" in host.channels()]).encode())
    os._exit(0)
os.close(write)
print(os.fdopen(read).read())
os.waitpid(child, 0)
"""


def test_a_host_works_in_a_child(install, run, hears) -> None:
    """After a fork while a plugin was being loaded the child says so at once, waits for nothing, and has the others."""
    install({"hears": hears, "slow": "import time; time.sleep(60)\n"})
    states, took, console = run(CHILD % True)
    assert (states, console) == ({"hears": "active", "slow": "failed"}, True)
    assert took < 2


def test_a_fork_waits_a_moment_for_what_loads(install, run, hears) -> None:
    """A plugin that is nearly loaded when the process forks is there in the child."""
    install({"hears": "import time; time.sleep(0.5)\n" + hears})
    states, _, _ = run(CHILD % False)
    assert states == {"hears": "active"}


def test_a_lock_that_a_thread_held_is_free_in_the_child() -> None:
    """A thread that holds the lock of the host while another forks does not stop the child."""
    host = PluginHost(discover=False)
    host.plugins()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with host._lock, host._changed:
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if not child:
        host.take_faults()
        os._exit(len(host.plugins()))
    release.set()
    thread.join()
    end = time.monotonic() + 20
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
        time.sleep(0.02)
    assert os.waitstatus_to_exitcode(done[1]) == len(host.plugins())
