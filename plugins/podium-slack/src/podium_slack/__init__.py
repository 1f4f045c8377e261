"""The channel ``slack``: what happens in a Podium registry, told in Slack.

Installing the distribution is all: Podium finds `podium_slack.plugin` by its entry point.
"""

from __future__ import annotations

from podium_slack.channel import SlackChannel

__all__ = ["SlackChannel"]
