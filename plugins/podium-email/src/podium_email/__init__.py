"""The channel ``email``: what happens in a Podium registry, by SMTP.

Installing the distribution is all: Podium finds `podium_email.plugin` by its entry point.
"""

from __future__ import annotations

from podium_email.channel import EmailChannel

__all__ = ["EmailChannel"]
