"""The command ``podium-slack``, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from podium_slack.cli import main

from podium.testing import FakeSlack

BOT, APP = "xoxb-1234-very-secret", "xapp-1234-very-secret"
REFERENCES = ["--app-token", "env:SLACK_APP_TOKEN", "--bot-token", "env:SLACK_TOKEN"]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack."""
    with FakeSlack(token=BOT, app_token=APP) as fake:
        yield fake


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of people; the tokens are in the environment."""
    monkeypatch.setenv("SLACK_TOKEN", BOT)
    monkeypatch.setenv("SLACK_APP_TOKEN", APP)
    path = tmp_path / "people.yaml"
    path.write_text("UBEN0001: ben\n", encoding="utf-8")
    return str(path)


def test_listens_until_told_to_stop(slack: FakeSlack, people: str, tmp_path: Path) -> None:
    """The process connects, says so, and ends with 0 at SIGTERM; no line of it holds a token."""
    where = ["--people", people, "--url", f"sqlite:///{tmp_path / 'podium.db'}", "--base-url", slack.base_url]
    command = [sys.executable, "-m", "podium_slack", "listen", *REFERENCES, *where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        slack.socket.wait_for_connection(seconds=30)
        assert process.stderr is not None
        assert "Connected to Slack." in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        said = "".join(process.communicate(timeout=30))
    finally:
        process.kill()
    assert process.returncode == 0
    assert "very-secret" not in said


@pytest.mark.parametrize("token", [BOT, "env:", "vault:slack", ""])
def test_takes_no_token_in_clear(token: str, people: str) -> None:
    """A command line is seen by others: a token in clear is refused, and not repeated."""
    found = CliRunner().invoke(
        main, ["listen", "--app-token", "env:SLACK_APP_TOKEN", "--bot-token", token, "--people", people]
    )
    assert found.exit_code == 1
    assert "is not taken in clear" in found.output
    assert BOT not in found.output


def test_nothing_behind_a_reference(people: str) -> None:
    """A variable that is not set is named."""
    found = CliRunner().invoke(
        main, ["listen", "--app-token", "env:NOT_SET", "--bot-token", "env:SLACK_TOKEN", "--people", people]
    )
    assert found.exit_code == 1
    assert "nothing behind env:NOT_SET" in found.output


@pytest.mark.parametrize("scheme", ["env", "file"])
@pytest.mark.parametrize("token", ["very_secret_without_a_dash", BOT])
def test_what_a_shell_filled_in_is_not_quoted(
    scheme: str, token: str, people: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``env:$SLACK_TOKEN`` is the token itself, whatever it looks like: it is refused, and not repeated."""
    monkeypatch.setenv("SLACK_TOKEN", token)
    options = ["--app-token", "env:SLACK_APP_TOKEN", "--bot-token", f"{scheme}:{token}", "--people", people]
    found = CliRunner().invoke(main, ["listen", *options])
    assert found.exit_code == 1
    assert "with no $" in found.output.lower()
    assert token not in found.output


def test_app_token_that_slack_does_not_take(slack: FakeSlack, people: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said at once, with where to make one that is valid."""
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-wrong")
    found = CliRunner().invoke(main, ["listen", *REFERENCES, "--people", people, "--base-url", slack.base_url])
    assert found.exit_code == 1
    assert "does not take the app token: invalid_auth" in found.output
    assert "connections:write" in found.output
    assert "xapp-wrong" not in found.output


@pytest.mark.parametrize("token", ["xoxb-two words", "xoxb-é"])
def test_what_no_token_is(token: str, people: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent as a token is named by its reference."""
    monkeypatch.setenv("SLACK_TOKEN", token)
    found = CliRunner().invoke(main, ["listen", *REFERENCES, "--people", people])
    assert found.exit_code == 1
    assert "What is behind env:SLACK_TOKEN holds characters" in found.output
    assert token not in found.output


def test_slack_that_is_busy_at_the_start(slack: FakeSlack, people: str) -> None:
    """What passes is not blamed on the token."""
    slack.fail("internal_error", method="auth.test")
    found = CliRunner().invoke(main, ["listen", *REFERENCES, "--people", people, "--base-url", slack.base_url])
    assert found.exit_code == 1
    assert "cannot serve this just now: internal_error" in found.output


def test_token_in_a_file(slack: FakeSlack, people: str, tmp_path: Path) -> None:
    """A token may stand in a file; a wrong one is refused by Slack, with words about which."""
    (tmp_path / "token").write_text("xoxb-wrong\n", encoding="utf-8")
    options = ["--app-token", "env:SLACK_APP_TOKEN", "--bot-token", f"file:{tmp_path / 'token'}", "--people", people]
    found = CliRunner().invoke(main, ["listen", *options, "--base-url", slack.base_url])
    assert found.exit_code == 1
    assert "does not take the bot token: invalid_auth" in found.output
    assert "xoxb-wrong" not in found.output


def test_nobody_answers(people: str) -> None:
    """Where Slack cannot be reached at the start, the process ends and says so; who runs it starts it again."""
    found = CliRunner().invoke(main, ["listen", *REFERENCES, "--people", people, "--base-url", "http://127.0.0.1:9/"])
    assert found.exit_code == 1
    assert "could not be reached" in found.output
    assert "start it again" in found.output
    assert "tried again" not in found.output
