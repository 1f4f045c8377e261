"""The heartbeat of a run: it never raises, ends with the run, and lives through a fork."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time

import pytest

import podium
from podium.registry import heartbeat
from podium.registry.heartbeat import Heartbeat

SCRIPT = """
import os, sys, time, podium
from podium.registry import heartbeat
heartbeat.SECONDS = 0.05
run = podium.init("p", id="myrun")
registry = run._registry
"""


def beating() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "podium-heartbeat"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hearts beat 50 times a second."""
    monkeypatch.setattr(heartbeat, "SECONDS", 0.02)


@pytest.fixture
def script(tmp_path):
    """Run a script with a run `myrun` in a process of its own; its heart beats 20 times a second."""

    def run(more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PODIUM_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-W", "error", "-c", SCRIPT + more]
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)

    return run


def until(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def test_a_run_that_logs_nothing_gives_signs(lite, quick) -> None:
    """The time of the last sign moves on by itself."""
    run = podium.init("p", registry=lite)
    first = lite.run(run.id).heartbeat_at
    assert until(lambda: lite.run(run.id).heartbeat_at > first)
    run.finish()


def test_it_ends_with_the_run(lite, quick) -> None:
    """After `finish` there is no thread, and no sign after the end."""
    before = beating()
    run = podium.init("p", registry=lite)
    assert len(beating()) == len(before) + 1
    run.finish()
    assert beating() == before


def test_it_ends_with_a_run_that_is_dropped(lite, quick) -> None:
    """Nobody can finish a run that nobody holds: its heart does not go on for ever."""
    before = beating()
    run = podium.init("p", registry=lite)
    del run
    gc.collect()
    assert until(lambda: beating() == before)


def test_it_outlives_a_database_that_is_away(lite, quick) -> None:
    """A beat that fails is not raised, and the next one is written when the database is back."""
    run = podium.init("p", registry=lite)
    good, lite._database = lite._database, lite._database.__class__("postgresql://u@127.0.0.1:9/x")
    time.sleep(0.1)
    lite._database = good
    first = lite.run(run.id).heartbeat_at
    assert until(lambda: lite.run(run.id).heartbeat_at > first)
    run.finish()


def test_whatever_a_beat_raises_stays_in_it(quick) -> None:
    """Not even an exit reaches the process, and the thread beats on."""
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        raise SystemExit(3)

    with Heartbeat(beat):
        assert until(lambda: len(beats) > 2)


def test_a_beat_that_hangs_does_not_keep_the_process(script) -> None:
    """The process ends at once though its thread waits for a database that does not answer."""
    began = time.monotonic()
    done = script("heartbeat.Heartbeat(lambda: time.sleep(600)); time.sleep(0.3)")
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began < 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_no_thread_beats_while_the_process_forks(script) -> None:
    """A child never finds a lock closed that a beat held; the parent beats on afterwards."""
    done = script(
        "import threading\n"
        "names = lambda: [t.name for t in threading.enumerate()].count('podium-heartbeat')\n"
        "for _ in range(20):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        registry.run('myrun'); os._exit(names())\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
        "first = registry.run('myrun').heartbeat_at; time.sleep(0.5)\n"
        "print(names(), registry.run('myrun').heartbeat_at > first)\n"
    )
    assert (done.stdout, done.stderr) == ("1 True\n", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells which process is which")
def test_a_child_that_goes_on_keeps_the_run_alive(script, open_at, tmp_path) -> None:
    """A script that turns itself into a daemon: the parent is gone, and the run goes on until its child ends."""
    done = script(
        "pid = os.getpid()\n"
        "if os.fork() == 0:\n"
        "    while os.getppid() == pid: time.sleep(0.01)\n"
        "    before = registry.run('myrun').status\n"
        "    run.log({'a': 1}); run._flush()\n"
        "    print(before, registry.run('myrun').status, flush=True)\n"
        "    os._exit(0)\n"
        "os._exit(0)\n"
    )
    assert (done.stdout, done.stderr) == ("crashed running\n", "")
    registry = open_at(f"sqlite:///{tmp_path / 'home' / 'podium.db'}", content=None)
    assert until(lambda: registry.run("myrun").status == "crashed")


def test_tasks_with_large_files_give_signs(lite, quick, model_file, monkeypatch) -> None:
    """While a version is logged in a run of its own, the run is alive."""
    seen: list[int] = []
    log_staged = lite.log_staged
    monkeypatch.setattr(lite, "log_staged", lambda *args: (seen.append(len(beating())), log_staged(*args))[1])
    before = beating()
    lite.log_in_run("p/m", model_file("a"))
    assert (seen, beating()) == ([len(before) + 1], before)


def test_resuming_through_init(lite) -> None:
    """Steps go on where they were; metrics of before are in the summary."""
    with podium.init("p", id="mine", registry=lite) as run:
        run.log({"a": 1})
    with podium.init("p", id="mine", resume="allow", registry=lite) as run:
        assert (run.step, run.summary) == (1, {"a": 1})
        run.log({"a": 2})
    assert [(point.step, point.value) for point in lite.metrics("mine")] == [(0, 1.0), (1, 2.0)]
