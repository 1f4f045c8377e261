"""The plugin as Podium's entry point names it. Importing it loads no SDK: every process that lists plugins does."""

from __future__ import annotations

from collections.abc import Sequence

from podium.plugins import Channel, hookimpl
from podium_slack.channel import SlackChannel


@hookimpl
def podium_channels() -> Sequence[Channel]:
    """Offer the channel ``slack``; see `podium.plugins.hookspecs`."""
    return [SlackChannel()]
