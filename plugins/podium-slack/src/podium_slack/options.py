"""The settings of a subscription that say how to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podium.plugins import DeliveryFailedError

SWITCHES = ("threads", "broadcast", "buttons")
_WORDS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Options:
    """How to tell.

    Attributes:
        channel: ``#name`` or an id; empty for a webhook.
        threads: Whether what is told of one version goes into one thread.
        broadcast: Whether replies that matter are shown in the channel too.
        buttons: Whether requests for approval get buttons.
    """

    channel: str
    threads: bool
    broadcast: bool
    buttons: bool


def read_options(settings: Mapping[str, str]) -> Options:
    """Return how to tell.

    Raises:
        DeliveryFailedError: A switch is neither yes nor no, or asks for what a webhook cannot do; permanent.
    """
    switches = {name: _switch(settings, name) for name in SWITCHES}
    by_token = bool(settings.get("token", "").strip())
    if switches["buttons"] and not by_token:
        raise DeliveryFailedError(
            "A webhook cannot have buttons.", hint="Set 'token' and 'channel', or take 'buttons' out.", permanent=True
        )
    return Options(
        channel=settings.get("channel", "").strip() if by_token else "",
        threads=by_token and switches["threads"] is not False,
        broadcast=switches["broadcast"] is not False,
        buttons=switches["buttons"] is True,
    )


def check_channel(settings: Mapping[str, str]) -> str:
    """Return into which channel a bot posts; empty for a webhook.

    Raises:
        DeliveryFailedError: There is a token and no channel, or what cannot be one; permanent.
    """
    channel = settings.get("channel", "").strip()
    if settings.get("token", "").strip() and not channel:
        raise DeliveryFailedError(
            "A bot token does not say into which channel to post.",
            hint="Set 'channel' on the subscription, to '#name' or to an id.",
            permanent=True,
        )
    if len(channel.split()) > 1:
        raise DeliveryFailedError(
            "The setting 'channel' holds spaces, which no channel has.", hint="Write '#name' or an id.", permanent=True
        )
    return channel


def _switch(settings: Mapping[str, str], name: str) -> bool | None:
    text = settings.get(name, "").strip().casefold()
    if text and text not in _WORDS:
        raise DeliveryFailedError(f"The setting {name!r} is neither yes nor no.", hint="Set it to one.", permanent=True)
    return _WORDS.get(text)
