"""The channel: from a message to the receiver's answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from podium.plugins import Channel, DeliveryFailedError, Message
from podium.plugins.checking import as_mistake, check_web_address

_LEAST, _MOST = 1, 30
# The characters of a URI reference, RFC 3986: readers of CloudEvents refuse an event whose source is none.
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")


class WebhookChannel(Channel):
    """Posts a signed CloudEvent to a web address.

    Settings: ``url``, or ``secret_url`` if the address itself is a secret; ``secret``, one or several ``whsec_...``;
    ``previous_secret``, while receivers still know the one before; ``source``, the CloudEvents source, ``/podium`` if
    not said; ``timeout``, in seconds.

    Args:
        seconds: How long a receiver may take if the subscription does not say; Standard Webhooks asks for 15 to 30.
    """

    name = "webhook"
    required = (("url", "secret_url"), "secret")
    optional = ("previous_secret", "source", "timeout")
    secrets = frozenset({"secret_url", "secret", "previous_secret"})

    def __init__(self, seconds: float = 15) -> None:
        self.seconds = seconds

    def check(self, settings: Mapping[str, str]) -> None:
        """Judge the address, the time and the source; see `Channel.check`."""
        check_web_address(settings, "url")
        with as_mistake():
            self._seconds(settings)
            _source(settings)

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Post one message; see `Channel.send`.

        Returns:
            The status, such as ``HTTP 204``. The body of an answer is not read.

        Raises:
            DeliveryFailedError: The receiver did not take it. ``permanent`` if it is gone for good or moved, or if a
                setting cannot be used; ``retry_after`` if it said when to come back.
        """
        from importlib.metadata import version

        from podium.plugins.deadline import Deadline
        from podium.plugins.web.addresses import AllowList
        from podium.plugins.web.answers import failure
        from podium.plugins.web.client import Request, send, target_of
        from podium_webhook.cloud_event import MEDIA_TYPE, cloud_event
        from podium_webhook.signing import signed_headers

        deadline = Deadline(self._seconds(settings))
        target = target_of(settings.get("secret_url", "").strip() or settings.get("url", "").strip())
        body = cloud_event(message, _source(settings))
        secrets = (settings.get("secret", ""), settings.get("previous_secret", ""))
        agent = {"User-Agent": f"podium-webhook/{version('podium-webhook')}"}
        headers = {"Content-Type": MEDIA_TYPE, **agent, **signed_headers(message.id, body, secrets)}
        answer = send(Request("POST", target, body.encode(), headers), deadline, AllowList.of_environment())
        if not 200 <= answer.status < 300:
            raise failure(answer)
        return f"HTTP {answer.status}"

    def _seconds(self, settings: Mapping[str, str]) -> float:
        told = settings.get("timeout", "").strip()
        if not told:
            return self.seconds
        if not told.isascii() or not told.isdigit() or not _LEAST <= int(told[:9]) <= _MOST:
            text = "The setting 'timeout' is no time that a receiver may take."
            raise DeliveryFailedError(text, hint=f"Give whole seconds, {_LEAST} to {_MOST}.", permanent=True)
        return float(told)


def _source(settings: Mapping[str, str]) -> str:
    told = settings.get("source", "").strip() or "/podium"
    if not _URI.fullmatch(told):
        text = "The setting 'source' is no URI."
        hint = "Give an address or a path, such as https://models.example.com or /podium/team-a; a space is %20."
        raise DeliveryFailedError(text, hint=hint, permanent=True)
    return told
