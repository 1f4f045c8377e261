"""The README tells the truth; its code is run by the conftest of the repository."""

from __future__ import annotations

from pathlib import Path

from podium_webhook import WebhookChannel

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_names_each_setting() -> None:
    """The table has every setting."""
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    assert all(f"`{name}`" in table for name in ("url", "secret_url", "secret", *WebhookChannel.optional))
