"""The channel ``apprise``: what happens in a Podium registry, through any service that Apprise knows.

Installing the distribution is all: Podium finds `podium_apprise.plugin` by its entry point.
"""

from __future__ import annotations

from podium_apprise.channel import AppriseChannel

__all__ = ["AppriseChannel"]
