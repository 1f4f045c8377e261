"""The plugin as Podium's entry point names it. Importing it is cheap: every process that lists plugins does."""

from __future__ import annotations

from collections.abc import Sequence

from podium.plugins import Channel, hookimpl
from podium_webhook.channel import WebhookChannel


@hookimpl
def podium_channels() -> Sequence[Channel]:
    """Offer the channel ``webhook``; see `podium.plugins.hookspecs`."""
    return [WebhookChannel()]
