"""``python -m podium_slack``: the same as the command ``podium-slack``."""

from __future__ import annotations

from podium_slack.cli import main

main(prog_name="podium-slack")
