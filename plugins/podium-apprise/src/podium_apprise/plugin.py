"""The plugin as Podium's entry point names it. Importing it loads no Apprise: every process that lists plugins does."""

from __future__ import annotations

from collections.abc import Sequence

from podium.plugins import Channel, hookimpl
from podium_apprise.channel import AppriseChannel


@hookimpl
def podium_channels() -> Sequence[Channel]:
    """Offer the channel ``apprise``; see `podium.plugins.hookspecs`."""
    return [AppriseChannel()]
