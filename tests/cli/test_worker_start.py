"""How ``podium deliver --watch`` starts: which databases end it then, and that a signal ends it well."""

from __future__ import annotations

import subprocess
import sys

import pytest

from podium.errors import ConflictError, DatabaseUnavailableError, PodiumError, SchemaOutdatedError, StorageError
from podium.registry import Registry

# A signal in the middle of what takes longest, which a test could not hit from outside.
SIGNALLED = """
import signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy":
            signal.raise_signal({number})
sys.meta_path.insert(0, Finder())
from podium.cli.main import cli
cli.main(["deliver", *{options}])
"""


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> object:
    """Let the first rounds of delivery raise an error."""
    monkeypatch.setattr("podium.cli.deliveries._INTERVAL", 0.05)
    deliver = Registry.deliver

    def fail(error: PodiumError, rounds: int) -> None:
        left = iter(range(rounds))

        def raising(self: Registry, *given: object, **named: object) -> object:
            if next(left, None) is not None:
                raise error
            return deliver(self, *given, **named)

        monkeypatch.setattr(Registry, "deliver", raising)

    return fail


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailableError("It is gone."),
        StorageError("It is gone.", away=True),
        ConflictError("It is gone."),
    ],
    ids=lambda error: error.code,
)
def test_the_first_round_waits_for_the_database(run, model, failing, error) -> None:
    """It may be the whole backlog: a database that goes away in it is said once, and waited for."""
    failing(error, 3)
    result = run("deliver", "--watch", "--seconds", "1")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "podium: It is gone. Trying again every 0.05 s.",
        "podium: The database answers again.",
    ]


@pytest.mark.parametrize("error", [SchemaOutdatedError("It is old."), StorageError("A folder is gone.")])
def test_what_does_not_pass_by_itself_ends_it(run, model, failing, error) -> None:
    """Another schema, or a failure that is not the database's."""
    failing(error, 1)
    result = run("deliver", "--watch", "--seconds", "5")
    assert (result.exit_code, result.stderr) == (5, f"podium: {error}\n")


def test_a_database_that_is_not_there_is_an_error_at_the_start(run) -> None:
    """Whoever gives a wrong URL hears of it at once."""
    result = run("deliver", "--watch", "--url", "postgresql://ann@127.0.0.1:1/podium")
    assert result.exit_code == 5
    assert "cannot be used now" in result.stderr
    assert "Trying again" not in result.stderr


@pytest.mark.parametrize("number", ["signal.SIGTERM", "signal.SIGINT"])
@pytest.mark.parametrize("url", ["", "postgresql://ann@127.0.0.1:1/podium"], ids=["there", "away"])
def test_a_signal_while_it_starts_ends_it_well(model, number, url) -> None:
    """Also before the database library is loaded, and if the database is not there: exit code 0, not a word."""
    code = SIGNALLED.format(number=number, options=["--watch", *(["--url", url] if url else [])])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
