"""The README tells the truth; its code is run by the conftest of the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from podium_apprise.wording import wording_of

from podium.plugins import Message

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_shows_a_real_message(make_message: Callable[..., Message]) -> None:
    """The message in the README is what is sent."""
    told = wording_of(make_message(id="0192f0aa-4c1e-7cc3-98c4-dc0c0c07398f"))
    assert f"```text\n{told.title}\n\n{told.body}\n```" in README
