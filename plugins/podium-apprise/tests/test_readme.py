"""The README tells the truth."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from podium_apprise.wording import wording_of

from podium.plugins import Message

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks run as they stand, one after the other."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "apprise")
    for name in ("HOOK_SECRET", "TEAM_URL", "PODIUM_WEBHOOK_ALLOW"):
        monkeypatch.setenv(name, "")  # so that what the code sets is taken back
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    names = {"__name__": "readme"}
    for code in blocks:
        exec(compile(code, "README.md", "exec"), names)


def test_shows_a_real_message(make_message: Callable[..., Message]) -> None:
    """The message in the README is what is sent."""
    told = wording_of(make_message())
    assert f"```text\n{told.title}\n\n{told.body}\n```" in README
