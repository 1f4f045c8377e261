"""The channel: from a message to Slack's answer."""

from __future__ import annotations

from collections.abc import Mapping

from podium.plugins import Channel, Message

# Slack refused how the message looks, not what it says.
_LOOKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format"})


class SlackChannel(Channel):
    """Posts to a channel of Slack, as a bot or through an incoming webhook.

    Settings: ``token`` (of a bot) with ``channel`` (``#name`` or an id), or ``webhook_url``, which knows its channel;
    with both, the token is used. ``base_url`` is where the Web API is, if not at ``https://slack.com/api/``.

    Args:
        seconds: How long Slack may take to answer; less than the five that Podium waits right after a change, so that
            an answer that comes late is not taken for none and sent again.
    """

    name = "slack"
    required = (("token", "webhook_url"),)
    optional = ("channel", "base_url")
    secrets = frozenset({"token", "webhook_url"})

    def __init__(self, seconds: int = 4) -> None:
        self.seconds = seconds

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Post one message; see `Channel.send`.

        Returns:
            ``CHANNEL:TS``, which names the message in Slack's Web API, or ``ok`` from a webhook.

        Raises:
            DeliveryFailedError: Slack did not take it. ``permanent`` if trying again cannot help, ``retry_after`` if
                Slack said when to come back.
        """
        # The SDK is loaded with the first message: Airflow loads plugins in every process that parses a DAG.
        from podium_slack.blocks import render
        from podium_slack.client import open_client
        from podium_slack.faults import failure

        post = open_client(settings, self.seconds)
        text, blocks = render(message)
        # Not shown: whoever reads the channel by Slack's API can tell a message that came twice.
        ids = {"delivery_id": message.id, "event_id": message.event.id, "event_type": message.event.type}
        payload = {"text": text, "metadata": {"event_type": "podium_event", "event_payload": ids}}
        answer = post({**payload, "blocks": [block.to_dict() for block in blocks]})
        if answer.error in _LOOKS_REFUSED:
            answer = post(payload)
        if answer.receipt is None:
            raise failure(answer)
        return answer.receipt
