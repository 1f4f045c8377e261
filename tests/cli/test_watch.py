"""``--watch``: what is new comes once and at once, an outage is told, and it ends without a word too many."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

import podium
from podium.cli.watching import follow_events, watch
from podium.errors import DatabaseUnavailableError, StorageError


class _EnoughError(Exception):
    """Ends what would go on for ever."""


@contextmanager
def watching(*args: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, with a pipe for what it says."""
    command = [sys.executable, "-m", "podium.cli.main", *args, "--watch", "--every", "1s"]
    # A session of its own: only it gets the signals of these tests.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=os.environ
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("form", [["--json"], ["--format", "jsonl"]], ids=str)
def test_a_new_event_is_a_line_at_once(ok, model, form):
    """First the last events, then each new one on a line of its own; Ctrl-C is exit code 130."""
    with watching("audit", "ls", "--limit", "2", *form) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline())["type"] for _ in range(2)]
        ok("tag", "add", model, "x")
        assert [*first, json.loads(process.stdout.readline())["type"]] == [
            "artifact_version.logged",
            "model_version.linked",
            "tag.added",
        ]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors.strip()) == (130, "", "")


@pytest.mark.parametrize("line", ["audit ls --format csv", "search", "search --json"])
def test_a_reader_that_goes_away_ends_it(model, line):
    """It ends without a traceback, and without waiting for news."""
    with watching(*line.split()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == ""


def test_a_search_is_shown_again_when_its_answer_changes(ok, model):
    """With --json each answer is a line."""
    with watching("search", "--models", "tag = 'x'", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["items"] == []
        ok("tag", "add", model, "x")
        assert [item["ref"] for item in json.loads(process.stdout.readline())["items"]] == [model]


def test_an_event_recorded_late_comes_too_and_none_twice(model, monkeypatch):
    """A change that began before what was seen last, and ended after it, is followed like any other."""
    with closing(podium.open_registry()) as registry:
        events = follow_events(registry, "", None, 1, 0.01, sys.stdout)
        seen = [next(events)]
        with monkeypatch.context() as patch:  # the clock of a writer that began a minute ago
            patch.setattr("podium.registry.base.now", lambda: datetime.now(UTC) - timedelta(seconds=60))
            registry.tag(model, ["late"])
        seen.append(next(events))
        registry.tag(model, ["then"])
        seen.append(next(events))
    assert [event.type for event in seen] == ["model_version.linked", "tag.added", "tag.added"]
    assert seen[1].at < seen[0].at < seen[2].at


def test_an_outage_is_told_once_and_waited_for(capsys):
    """Two looks find no database that answers: one line, then one that it is back, and the answer."""
    full = StorageError("Its disk is full.", away=True)
    answers = iter(["one", DatabaseUnavailableError("The database is away."), full, "two"])
    shown = []

    def ask() -> str:
        answer = next(answers, None)
        if answer is None:
            raise _EnoughError
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(_EnoughError):
        watch(ask, shown.append, 0.001, sys.stdout)
    assert shown == ["one", "two"]
    assert capsys.readouterr().err.splitlines() == [
        "podium: The database is away. Trying again every 0.001 s.",
        "podium: The database answers again.",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("search --every 3s", "--every goes with --watch"),
        ("search --watch --every 0s", "no pause"),
        ("search --watch --fields", "--watch and --fields"),
        ("audit ls --watch --until 2026-01-01", "without --all, --until"),
        ("audit ls --watch --all --format jsonl", "without --all, --until"),
        ("audit ls --watch --since 2026-01-01 --limit 3", "--since or with --limit"),
    ],
)
def test_what_cannot_be_watched(run, line, said):
    """Options that would count for nothing are wrong usage."""
    result = run(*line.split())
    assert (result.exit_code, said in result.stderr) == (2, True)
