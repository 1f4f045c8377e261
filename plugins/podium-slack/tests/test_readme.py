"""The README tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_shows_a_real_message() -> None:
    """The message in the README is the golden file."""
    assert (ROOT / "tests" / "golden" / "refused.txt").read_text(encoding="utf-8") in README


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_code_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block runs as it stands."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "slack")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_has_code() -> None:
    """There is a block to run at all."""
    assert "```python" in README
