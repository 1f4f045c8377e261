"""docs/cli.md says what the commands say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_commands_say() -> None:
    """The page in the repository is what its generator writes."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "cli_page.py")], capture_output=True, text=True, check=True, timeout=60
    )
    assert made.stdout == (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), "run tools/cli_page.py > docs/cli.md"
