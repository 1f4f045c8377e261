"""podium automation: add, look, try, switch and remove what starts by itself."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "automations.md"
BLOCKS = re.findall(r"^```console\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
LINES = [
    shlex.split(line.removeprefix("$ podium ").partition("  #")[0])
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("$ podium automation add")
]
ADD = ("automation", "add", "note", "--action", "podium.set_alias", "--event", "model_version.linked")


@pytest.fixture
def fails(run):
    """Run a command line that must end with a code, and return what it said."""

    def fails(code: int, *args: str) -> str:
        result = run(*args)
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    return fails


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[2])
def test_each_line_of_the_guide_works(ok, answer, monkeypatch, line) -> None:
    """What the guide says to type is taken as it stands, and listed after."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "airflow, prefect")
    ok(*line)
    (made,) = answer("automation", "ls")
    assert made["name"] == line[2]


def test_each_command_answers_json(ok, answer, files) -> None:
    """What was made, changed, tried or removed."""
    made = answer(*ADD, "--setting", "alias=auto")
    assert (made["name"], made["settings"], made["enabled"]) == ("note", {"alias": "auto"}, True)
    assert answer("automation", "disable", "note")["enabled"] is False
    assert answer("automation", "enable", "note") == made == answer("automation", "ls")[0]
    ok("log", "p/a", files)
    ok("link", "p/a", "model-registry/M")
    assert answer("automation", "test", "note")["settings"] == {"alias": "auto"}
    assert [event["type"] for event in answer("automation", "show", "note")["lately"]] == ["automation.fired"]
    assert answer("automation", "remove", "note") == made


def test_settings_have_entries_and_json(ok, answer) -> None:
    """KEY.SUB makes a mapping, := takes JSON, and a text stays a text."""
    settings = ["url=https://example.com/{{ name }}", "payload.ref={{ ref }}", "payload.more.n:=7", "headers:={}"]
    given = [part for text in settings for part in ("--setting", text)]
    ok("automation", "add", "call", "--action", "webhook", "--event", "tag.*", *given)
    shown = answer("automation", "show", "call")
    assert shown["settings"] == {
        "url": "https://example.com/{{ name }}",
        "payload": {"ref": "{{ ref }}", "more": {"n": 7}},
        "headers": {},
    }
    assert shown["lately"] == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--setting", "alias"), "is not KEY=TEXT"),
        (("--setting", "alias:={"), "no JSON"),
        (("--setting", "alias=a", "--setting", "alias.b=c"), "is a value already"),
        (("--setting", "alias=a", "--filter", "after.stage ="), "ends too early"),
        (("--setting", "alias={{ x"), "cannot be read"),
        (("--setting", "alias={{ stge }}"), "Did you mean 'stage'?"),
        (("--setting", "alias=a", "--setting", "name=a"), "no setting 'name'"),
        (("--setting", "alias=a", "--model", "a/b/c"), "names no model"),
        ((), "needs the setting alias"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_says_what_to_do(fails, answer, more, words) -> None:
    """Nothing is stored of what cannot work."""
    assert words in fails(2, *ADD, *more)
    assert answer("automation", "ls") == []


def test_an_unknown_action_or_event(fails) -> None:
    """The error names what there is."""
    assert "podium.promote" in fails(2, "automation", "add", "a", "--action", "podium.prmote", "--event", "*")
    assert "model_version.promoted" in fails(2, *ADD[:-1], "model.promoted", "--setting", "alias=a")


def test_try_switch_and_remove(ok, fails, files) -> None:
    """Trying does nothing without --run; a disabled one rests; what it did is shown."""
    ok(*ADD, "--setting", "alias=auto")
    assert "Nothing has happened lately" in fails(3, "automation", "test", "note")
    ok("log", "p/a", files)
    ok("link", "p/a", "model-registry/M")
    assert "did it: auto of model-registry/M is v0" in ok("automation", "show", "note")
    assert "Nothing was done" in ok("automation", "test", "note")
    assert "Done: auto of model-registry/M is v0" in ok("automation", "test", "note", "--run")
    ok("automation", "disable", "note")
    assert "no, disabled" in ok("automation", "ls")
    assert "It is disabled" in ok("automation", "test", "note")
    ok("automation", "enable", "note")
    ok("automation", "remove", "note")
    assert "no automation 'note'" in fails(3, "automation", "show", "note")


def test_a_try_that_fails_is_exit_1(ok, fails, files) -> None:
    """A template that the event cannot fill is found before anything happens."""
    ok("log", "p/a", files)
    ok("link", "p/a", "model-registry/M")
    ok(*ADD, "--setting", "alias={{ stage }}")
    assert "'stage' is undefined" in fails(1, "automation", "test", "note")
