"""The channel: from a message to Apprise's yes or no."""

from __future__ import annotations

from collections.abc import Mapping

from podium.plugins import Channel, DeliveryFailedError, Message


class AppriseChannel(Channel):
    """Tells one service by its Apprise URL, which holds tokens and is therefore a secret.

    Setting: ``url``, such as ``discord://WEBHOOK_ID/WEBHOOK_TOKEN``; the list is at https://appriseit.com/services/.
    """

    name = "apprise"
    required = ("url",)
    secrets = frozenset({"url"})

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Send one message; see `Channel.send`.

        Returns:
            The name of the service, such as ``Discord``: Apprise gives nothing that names the message there.

        Raises:
            DeliveryFailedError: The service did not take it. ``permanent`` only if the URL cannot be used: Apprise says
                yes or no, and not whether trying again can help.
        """
        # Apprise is loaded with the first message: Airflow loads plugins in every process that parses a DAG.
        from podium_apprise.sending import notify, service_of
        from podium_apprise.wording import wording_of

        service = service_of(settings.get("url", "").strip())
        name = str(service.service_name)[:80]
        outcome = notify(service, wording_of(message))
        if not outcome.taken:
            said = f" (HTTP {outcome.status})" if outcome.status else ""
            hint = (
                "It is tried again by the schedule; try the URL with 'apprise -vv -b test URL' where this process runs."
            )
            text = f"{name} did not take the message{said}."
            raise DeliveryFailedError(text, hint=hint, permanent=False, status=outcome.status)
        return name
