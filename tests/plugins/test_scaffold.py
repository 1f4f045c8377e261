"""`podium plugin new`: what it writes works as it stands, and its tests notice when a line that matters goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, StorageError
from podium.plugins.scaffold import NewPlugin, write_plugin

KINDS = ("channel", "gate", "action")


def run_tests(made: NewPlugin, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a plugin as its author does, in its folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_")}
    return subprocess.run(
        command, cwd=made.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize(
    ("name", "kind"), [*(("my-teams", kind) for kind in KINDS), ("testrail", "channel"), ("tests", "action")]
)
def test_its_tests_pass_without_an_edit(tmp_path, name, kind) -> None:
    """A new plugin of each kind passes its own tests, the contract of channels among them, and skips none."""
    done = run_tests(write_plugin(name, kind, tmp_path))
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


# A line that matters, by what it is for. Each is taken out of a new channel, alone, and the tests must fail.
LINES = {
    "its name": ("channel.py", '    name = "my-teams"\n'),
    "a setting": ("channel.py", '    optional = ("token",)\n'),
    "that the token is secret": ("channel.py", '    secrets = frozenset({"token"})\n'),
    "the token": ("channel.py", '            headers["Authorization"] = f"Bearer {settings[\'token\']}"\n'),
    "the error of an answer": ("channel.py", "            raise failure(answer)\n"),
    "harmless words": ("channel.py", '_PLAIN = str.maketrans({"@": "\\uff20", "<": "\\u2039", ">": "\\u203a"})\n'),
    "the receipt": ("channel.py", '        return f"HTTP {answer.status}"\n'),
    "following nothing": ("client.py", '        """Follow nothing: the redirect is the answer."""\n'),
    "errors of the connection": ("client.py", '        raise DeliveryFailedError(f"The receiver could not be reached'),
    "refusals": ("client.py", "            return Answer(error.code, int(wait)"),
    "rate limits": ("client.py", "    if answer.status == 429:\n"),
    "what lasts": ("client.py", "    lasting = "),
    "the hook": ("plugin.py", "@hookimpl\n"),
    "the entry point": ("pyproject.toml", 'my-teams = "podium_my_teams.plugin"\n'),
}
# A piece of a line, and what stands in its place.
PIECES = {
    "the time limit": ("client.py", ", timeout=seconds)", ")"),
    "the opener that follows nothing": ("client.py", "build_opener(_NoRedirect)", "build_opener()"),
    "what lasts": ("client.py", ", permanent=lasting)", ")"),
    "the wait": ("client.py", ", retry_after=answer.retry_after)", ")"),
    "no cause": ("client.py", "hint=hint) from None", "hint=hint) from ValueError(str(headers))"),
    "hidden characters": ("channel.py", "visible(text, _LONGEST)", "text"),
    "line breaks": ("channel.py", "visible(text, _LONGEST)", "visible(text, _LONGEST, lines=True)"),
    "secrets where nobody listens": ("client.py", "hint=hint) from None", "hint=f'{hint} {headers}') from None"),
    "links": ("channel.py", "unlinked(visible(text, _LONGEST))", "visible(text, _LONGEST)"),
    "mentions": ("channel.py", '"@": "\\uff20", ', ""),
    "the id": ("channel.py", '"id": message.id', '"id": __import__("uuid").uuid4().hex'),
    "digests": ("channel.py", ', *(f"- {part.title}" for part in message.digest)', ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LINES)
def test_a_line_that_goes_is_noticed(tmp_path, what) -> None:
    """Without one line that matters, the tests of a new channel fail."""
    made = write_plugin("my-teams", into=tmp_path)
    name, line = LINES[what]
    (path,) = [found for found in Path(made.folder).rglob(name) if found.is_file()]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [found for found in lines if not found.startswith(line.rstrip("\n"))]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8")
    assert run_tests(made, "-x").returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("what", PIECES)
def test_a_piece_that_goes_is_noticed(tmp_path, what) -> None:
    """With one promise broken, the tests of a new channel fail in a test, not in a mistake of syntax."""
    made = write_plugin("my-teams", into=tmp_path)
    name, piece, instead = PIECES[what]
    path = next(Path(made.folder).rglob(name))
    text = path.read_text(encoding="utf-8")
    assert text.count(piece) == 1
    path.write_text(text.replace(piece, instead), encoding="utf-8")
    done = run_tests(made, "-x")
    assert done.returncode == 1, done.stdout
    assert "SyntaxError" not in done.stdout


@pytest.mark.parametrize(
    "name",
    ["", "Teams", "my teams", "-x", "x-", "x--y", "1x", "x_y", "../x", "x/y", "é", "x" * 41, "x\n", "class", "json"],
    ids=ascii,
)
def test_bad_names_are_refused(tmp_path, name) -> None:
    """A name that could not be a distribution, a package and a plugin writes nothing."""
    with pytest.raises(InvalidNameError):
        write_plugin(name, into=tmp_path)
    assert list(tmp_path.glob("podium*")) == []


@pytest.mark.parametrize("name", ["slack", "podium-slack", "console", "airflow", "podium"])
def test_names_of_others_are_refused(tmp_path, name) -> None:
    """The names of Podium's own plugins are taken."""
    with pytest.raises(InvalidNameError, match="the name of something else"):
        write_plugin(name, into=tmp_path)


def test_a_prefix_is_not_doubled(tmp_path) -> None:
    """Who writes podium- before the name means the same."""
    made = write_plugin("podium-teams", into=tmp_path)
    assert (made.name, made.distribution, made.package) == ("teams", "podium-teams", "podium_teams")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["podium-teams"]


def test_what_is_there_is_kept(tmp_path) -> None:
    """A folder, a file or a link at that place is never written over."""
    for name in ("folder", "file", "link"):
        place = tmp_path / f"podium-{name}"
        if name == "folder":
            place.mkdir()
        elif name == "file":
            place.write_text("mine")
        else:
            place.symlink_to(tmp_path / "nowhere")
        with pytest.raises(AlreadyExistsError):
            write_plugin(name, into=tmp_path)
    assert (tmp_path / "podium-file").read_text() == "mine"


def test_a_kind_that_does_not_exist(tmp_path) -> None:
    """The kinds that there are are named."""
    with pytest.raises(InvalidValueError, match="channel, gate, action"):
        write_plugin("teams", "robot", tmp_path)


def test_a_place_that_cannot_be_written(tmp_path) -> None:
    """A file where the folder should be is an error in words, and leaves nothing."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_plugin("teams", into=tmp_path / "file")


def test_the_command(tmp_path) -> None:
    """`podium plugin new` says where it is, what was written, and what to do next; a second time it refuses."""
    command = [sys.executable, "-m", "podium.cli.main", "plugin", "new", "teams", "--into", str(tmp_path)]
    first = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert first.returncode == 0, first.stderr
    assert "podium-teams: the channel teams" in first.stdout
    assert "  src/podium_teams/channel.py" in first.stdout.splitlines()
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (second.returncode, "is there already" in second.stderr) == (4, True)


def test_the_command_answers_json(tmp_path) -> None:
    """With --json the answer is what was made, as one document."""
    command = [sys.executable, "-m", "podium.cli.main", "plugin", "new", "gatekeeper", "--kind", "gate", "--json"]
    done = subprocess.run([*command, "--into", str(tmp_path)], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert (found["name"], found["kind"], found["folder"]) == (
        "gatekeeper",
        "gate",
        str(tmp_path / "podium-gatekeeper"),
    )
    assert "src/podium_gatekeeper/plugin.py" in found["files"]
