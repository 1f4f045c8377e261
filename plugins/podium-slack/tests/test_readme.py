"""The README tells the truth; its code is run by the conftest of the repository."""

from __future__ import annotations

import re
from pathlib import Path

from click import Group
from podium_slack import SlackChannel
from podium_slack.cli import main
from podium_slack.faults import PERMANENT
from podium_slack.looks import look_of

from podium.testing import EVENT_TYPES, make_digest, make_message

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_shows_a_real_message() -> None:
    """The messages in the README are golden files."""
    for name in ("refused", "request_waits"):
        assert (ROOT / "tests" / "golden" / f"{name}.txt").read_text(encoding="utf-8") in README


def test_names_each_setting() -> None:
    """The table has every setting."""
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    assert all(f"`{name}`" in table for name in (*SlackChannel.required[0], *SlackChannel.optional))


def test_explains_each_sign() -> None:
    """Every sign that a message may begin with is explained."""
    table = README.partition("| sign |")[2].partition("\n\n")[0]
    signs = {look_of(message).sign for message in [*map(make_message, EVENT_TYPES), make_digest()]}
    assert sorted(sign for sign in signs if sign not in table) == []


def test_names_each_option_of_the_worker() -> None:
    """Every option of the command is in the README."""
    assert isinstance(main, Group)
    options = [option for parameter in main.commands["listen"].params for option in parameter.opts]
    assert [option for option in options if f"`{option}`" not in README] == []


def test_names_refusals_that_exist() -> None:
    """Every code of Slack in the table of refusals is one that gets a hint."""
    row = next(line for line in README.splitlines() if "given up at once" in line)
    assert set(re.findall(r"`([a-z_]+)`", row)) <= set(PERMANENT)
