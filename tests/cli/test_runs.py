"""``podium runs``: lists, details, metrics and media, for people and as JSON."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

import podium
from podium.cli.main import COMMANDS
from podium.cli.runs import folder_name
from podium.domain.media import Media
from podium.domain.runs import MetricPoint

TABLE = json.dumps({"columns": ["id", "label"], "data": [[1, "cat"]]}).encode()


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is there, wherever the list of commands puts it."""
    if not any("runs" in section for section in COMMANDS.values()):
        monkeypatch.setitem(COMMANDS, "Runs", {"runs": ("runs", "Look at runs.")})


@pytest.fixture
def trained() -> str:
    """A run that finished, with two metrics, a table at two steps, and a hostile name."""
    with closing(podium.open_registry()) as registry:
        run = registry.start_run("digits", id="trained", name="baseline", config={"lr": 0.1}, job_type="train").id
        points = [MetricPoint(name, step, 1 / (step + 1)) for name in ("loss", "\x1b[31mred") for step in range(60)]
        registry.log_metrics(run, [*points, MetricPoint("note", 0, "fine")])
        for step in (3, 4):
            media = Media("predictions", step, "table", {"columns": ["id", "label"], "rows": 1}, {"table.json": TABLE})
            registry.log_metrics(run, [], media=[media])
        registry.finish_run(run)
    return run


def test_the_list(ok, trained) -> None:
    """One line per run: id, status, and the first values of its summary."""
    text = ok("runs", "ls", "digits")
    head, line, *_ = text.splitlines()
    assert head.split()[0] == "Run"
    assert line.split()[:1] == ["trained"]
    assert "finished" in line
    assert "\\x1b[31mred=0.0166667" in text
    assert "\x1b" not in text


def test_pages_of_the_list(run, answer, trained) -> None:
    """A list that is cut says how it goes on, and that goes on."""
    with closing(podium.open_registry()) as registry:
        registry.start_run("digits", id="newer")
    first = run("runs", "ls", "digits", "--limit", "1")
    assert first.stdout.splitlines()[1].split()[0] == "newer"
    assert "podium runs ls digits --before newer" in first.stderr
    assert [item["id"] for item in answer("runs", "ls", "digits", "--before", "newer")] == ["trained"]
    assert [item["id"] for item in answer("runs", "ls", "digits", "--status", "running")] == ["newer"]


def test_a_project_without_runs(ok) -> None:
    """It says how to start one."""
    assert "podium.init('digits')" in ok("runs", "ls", "digits")


def test_a_run_in_full(ok, answer, trained) -> None:
    """Config, summary, media and environment; the packages only as JSON."""
    text = ok("runs", "show", "trained")
    for word in ("digits/trained", "baseline", "lr", "0.1", "note", "fine", "<table>", "Python", "predictions"):
        assert word in text
    plain = answer("runs", "show", "trained")
    assert (plain["run"]["status"], len(plain["media"])) == ("finished", 2)
    assert "sqlalchemy" in plain["environment"]["packages"]


def test_metrics_in_short(ok, trained) -> None:
    """One line per metric: how many points, the last, the least and the most."""
    lines = [line.split() for line in ok("runs", "metrics", "trained").splitlines()]
    assert ["loss", "60", "59", "0.0166667", "0.0166667", "1"] in lines
    assert ["note", "1", "0", "fine", "-", "-"] in lines


def test_the_history_of_a_metric(run, answer, trained) -> None:
    """The last points, and all of them as JSON."""
    result = run("runs", "metrics", "trained", "loss")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["Step", *map(str, range(10, 60))]
    assert "the last 50 of 60 points" in result.stderr
    assert [point["step"] for point in answer("runs", "metrics", "trained", "loss")] == list(range(60))
    assert len(answer("runs", "metrics", "trained", "loss", "--limit", "2")) == 2


def test_a_metric_that_was_never_logged(ok, trained) -> None:
    """It says so."""
    assert "no metric 'nothing'" in ok("runs", "metrics", "trained", "nothing")


def test_media(ok, answer, trained) -> None:
    """What there is, by name and step."""
    assert ok("runs", "media", "trained").splitlines()[1].split()[:5] == ["predictions", "3", "table,", "1", "row"]
    assert [item["step"] for item in answer("runs", "media", "trained", "--step", "4")] == [4]
    assert "no such table or image" in ok("runs", "media", "trained", "--name", "nothing")


def test_media_are_downloaded(answer, trained, tmp_path) -> None:
    """Each into a folder of its name and step."""
    found = answer("runs", "media", "trained", "--download", tmp_path / "out")
    assert [Path(item["folder"]) for item in found] == [tmp_path / "out" / "predictions" / step for step in ("3", "4")]
    assert (tmp_path / "out" / "predictions" / "4" / "table.json").read_bytes() == TABLE


@pytest.mark.parametrize(
    "name", ["../up", "/root", "..", ".", "a/b", "CON", "nul.txt", "x" * 250, "ü" * 250, "a\\b", "a."]
)
def test_names_of_media_stay_in_their_folder(name) -> None:
    """A metric may be called anything; its folder is one part of a path that every system can make."""
    made = folder_name(name)
    assert made != folder_name(f"{name}x")
    assert (Path("out") / made).parent == Path("out")
    assert not set(made) & set('/\\:*?"<>|')
    assert made.strip(". ") == made
    assert len(made.encode()) < 200


@pytest.mark.parametrize("words", [["show"], ["metrics"], ["media"]])
def test_an_unknown_run(run, words) -> None:
    """Exit code 3, as for everything that is not there."""
    assert run("runs", *words, "nosuchrun").exit_code == 3


def test_a_wrong_status(run) -> None:
    """A word that is no status is wrong usage."""
    assert run("runs", "ls", "digits", "--status", "done").exit_code == 2
