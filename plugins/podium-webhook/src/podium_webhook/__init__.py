"""The channel ``webhook``: what happens in a Podium registry, as signed CloudEvents over HTTPS.

Installing the distribution is all: Podium finds `podium_webhook.plugin` by its entry point.
"""

from __future__ import annotations

from podium_webhook.channel import WebhookChannel

__all__ = ["WebhookChannel"]
