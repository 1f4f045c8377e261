"""Runs that nobody ended: a killed process is known at once on its own machine, and by its silence everywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.domain.runs import SILENCE, MetricPoint, read_status
from podium.processes import has_ended, this_process
from podium.sql import tables as t

SCRIPT = """
import sys, time, podium
run = podium.init("p", id="myrun", registry=podium.open_registry(sys.argv[1], content=sys.argv[2]))
print("up", flush=True)
time.sleep(120)
"""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def edit(registry) -> Callable[..., None]:
    """Write columns of a run past the verbs, as another machine or an earlier hour would have left them."""

    def edit(run: str, **values: object) -> None:
        with registry._database.write() as connection:
            connection.execute(sa.update(t.runs).where(t.runs.c.id == run).values(values))

    return edit


@contextmanager
def training(url: str, content: object):
    """A real process with a run `myrun`."""
    command = [sys.executable, "-c", SCRIPT, url, str(content)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells which process is which")
def test_a_killed_process_is_seen_at_once(registry, database_url, tmp_path) -> None:
    """SIGKILL: `running` before, `crashed` right after, in the run and in the list, and nothing was written for it."""
    with training(database_url, tmp_path / "content") as process:
        assert registry.run("myrun").status == "running"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert (registry.run("myrun").status, registry.run("myrun").finished_at) == ("crashed", None)
        assert [run.status for run in registry.runs("p", status="crashed")] == ["crashed"]
    with registry._database.read() as connection:
        assert connection.execute(sa.select(t.runs.c.status)).scalar_one() == "running"


def test_an_orphan_of_a_killed_process_may_be_ended(registry, edit) -> None:
    """Somebody who knows better says how a crashed run ended."""
    run = registry.start_run("p").id
    edit(run, heartbeat_at=datetime.now(UTC) - SILENCE - timedelta(seconds=9))
    assert registry.run(run).status == "crashed"
    assert registry.finish_run(run, "failed").status == "failed"


def test_silence_is_a_crash(registry, edit) -> None:
    """After five minutes without a sign a run of another machine counts as crashed; a sign brings it back."""
    run = registry.start_run("p").id
    there = {**this_process(), "boot": "another", "pid": 1}
    edit(run, environment={"processes": [there]}, heartbeat_at=datetime.now(UTC) - SILENCE + timedelta(seconds=30))
    assert registry.run(run).status == "running"
    edit(run, heartbeat_at=datetime.now(UTC) - SILENCE - timedelta(seconds=1))
    assert registry.run(run).status == "crashed"
    registry.beat_run(run)
    assert registry.run(run).status == "running"


def test_metrics_are_a_sign(registry, edit) -> None:
    """A run that was silent and logs again is running."""
    run = registry.start_run("p").id
    edit(run, heartbeat_at=datetime.now(UTC) - timedelta(hours=1))
    assert registry.log_metrics(run, [MetricPoint("a", 0, 1.0)]).status == "running"


def test_a_run_lives_as_long_as_one_of_its_processes(registry, edit) -> None:
    """A fork that joined keeps the run alive after its parent; when all are gone it has crashed."""
    run = registry.start_run("p").id
    gone = {**this_process(), "started": 1}
    edit(run, environment={"processes": [gone]})
    assert registry.run(run).status == "crashed"
    registry.beat_run(run, join=True)
    assert registry.run(run).status == "running"
    assert registry.environment(run)["processes"] == [this_process()]


def test_a_beat_after_the_end_changes_nothing(registry, rows) -> None:
    """A heartbeat that comes late does not wake an ended run, nor does one for a run that never was."""
    run = registry.start_run("p").id
    registry.finish_run(run)
    before = rows(registry)
    registry.beat_run(run)
    registry.beat_run(run, join=True)
    registry.beat_run("nosuchrun", join=True)
    assert rows(registry) == before


def test_runs_of_before_the_heartbeat(registry, edit) -> None:
    """A run that an older Podium left running is known by its age."""
    run = registry.start_run("p").id
    edit(run, heartbeat_at=None, environment={})
    assert registry.run(run).status == "running"
    edit(run, created_at=datetime.now(UTC) - timedelta(days=1))
    assert registry.run(run).status == "crashed"


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_what_was_written_at_the_end_counts(status) -> None:
    """An ended run never turns into a crashed one."""
    assert read_status(status, NOW - timedelta(days=9), NOW, ended=True) == status


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells which process is which")
def test_who_has_certainly_ended() -> None:
    """This process lives; the same number with another start is somebody else; a zombie is dead."""
    me = this_process()
    assert not has_ended(me)
    assert has_ended({**me, "started": me["started"] + 1})
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as child:
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended({**me, "pid": child.pid})
    assert has_ended({**me, "pid": child.pid})


@pytest.mark.parametrize(
    "other", [None, "x", {}, {"boot": "another"}, {"space": "pid:[1]"}, {"pid": "1"}, {"boot": None}]
)
def test_nothing_is_claimed_of_other_machines(other) -> None:
    """Another boot, another container, or a description that is none: no verdict."""
    gone = {**this_process(), "started": 1}
    assert not has_ended({**gone, **other} if other and isinstance(other, dict) else other)
