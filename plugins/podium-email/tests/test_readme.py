"""The README tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from podium_email import EmailChannel

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks run as they stand, one after the other."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "email")
    for name in ("HOOK_SECRET", "TEAM_URL", "PODIUM_WEBHOOK_ALLOW"):
        monkeypatch.setenv(name, "")  # so that what the code sets is taken back
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    names = {"__name__": "readme"}
    for code in blocks:
        exec(compile(code, "README.md", "exec"), names)


def test_shows_a_real_mail() -> None:
    """The mail in the README is the golden file."""
    assert (ROOT / "tests" / "golden" / "refused.txt").read_text(encoding="utf-8") in README


def test_names_each_setting() -> None:
    """The table has every setting."""
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    assert all(f"`{name}`" in table for name in (*EmailChannel.required, *EmailChannel.optional))
