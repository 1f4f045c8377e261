"""The command as the shell runs it: start-up, streams, pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "alembic", "rich", "airflow", "prefect", "slack_sdk", "pluggy", "obstore")
PROBE = (
    "import sys\nfrom podium.cli.main import cli\n"
    "try:\n    cli.main({args!r})\nexcept SystemExit as end:\n    code = end.code\n"
    "print('LOADED', code, sorted(set({heavy!r}) & set(sys.modules)))"
)


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "--version",
        "log --help",
        "notify add --help",
        "doctor --help",
        "edit --help",
        "runs ls --help",
        "nonsense",
    ],
)
def test_help_loads_nothing_heavy(line):
    """Help, version and usage errors import neither a database, an orchestrator, a table library nor a plugin."""
    code = PROBE.format(args=line.split(), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == f"LOADED {2 if line == 'nonsense' else 0} []"


def test_help_imports_no_command():
    """The root help page knows its texts without importing a command module."""
    code = "import sys\nfrom podium.cli.main import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
    code += "print([name for name in sys.modules if name.startswith('podium.cli.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == str(
        ["podium.cli.output", "podium.cli.errors", "podium.cli.streams", "podium.cli.options", "podium.cli.main"]
    )


def test_short_help_is_that_of_the_commands():
    """The texts known without an import are the first sentences of the commands."""
    import click

    from podium.cli.main import COMMANDS, cli

    context = click.Context(cli)
    for section in COMMANDS.values():
        for name, (_, text) in section.items():
            command = cli.get_command(context, name)
            assert command is not None
            assert (command.name, command.help.splitlines()[0]) == (name, text)


def test_version(process):
    """``--version`` says the version."""
    from podium import __version__

    assert process("--version").stdout == f"podium {__version__}\n"


def test_the_console_script_is_this_command():
    """``podium`` on the path is ``podium.cli.main:main``."""
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="podium")
    assert script.value == "podium.cli.main:main"


def test_exit_code_and_streams_of_a_process(process):
    """An error goes to standard error, with its exit code."""
    done = process("show", "no/such")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("podium: There is no project or registry 'no'.")


def test_a_closed_pipe_is_silent(model):
    """``podium ls | true`` complains about nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "podium.cli.main", "ls"]
    done = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_pipe_is_silent_with_json(model):
    """The same holds for JSON."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "podium.cli.main", "ls", "--json"]
    done = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_no_escape_codes_in_a_pipe(process, model):
    """A pipe gets plain text, in whole lines however narrow the terminal was meant to be."""
    done = process("ls", env={"COLUMNS": ""})
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("model-registry/Digits classifier  registered model")
    assert not any(line.endswith(" ") for line in lines)


def test_verify_shows_no_progress_in_a_pipe(process, model):
    """Where nobody watches, standard error stays empty."""
    assert process("verify").stderr == ""


def test_a_terminal_without_the_letter_gets_its_number(process, ok, files):
    """A terminal that cannot show a letter of a name does not break the command, nor the JSON."""
    ok("log", "p/a", files, "--description", "数字 \U0001f600")
    old = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    assert "\\u6570" in process("show", "p/a", env=old).stdout
    found = json.loads(process("show", "p/a", "--json", env=old).stdout)
    assert found["version"]["description"] == "数字 \U0001f600"


def test_arguments_that_are_no_utf8(process):
    """Bytes that are no text become one line."""
    done = process("show", os.fsdecode(b"a/\xff"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
