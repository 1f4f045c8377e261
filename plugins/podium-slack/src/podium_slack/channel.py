"""The channel: from a message to Slack's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from podium.plugins import Channel, Message
from podium.plugins.checking import as_mistake, check_web_address

if TYPE_CHECKING:
    from podium_slack.client import Way
    from podium_slack.options import Options

# Slack refused how the message looks, not what it says.
_LOOKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
# The message to answer is gone, or takes no answers.
_THREAD_REFUSED = frozenset(
    {
        "thread_not_found",
        "invalid_thread_ts",
        "message_not_found",
        "cannot_reply_to_message",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
    }
)
_BROADCAST_REFUSED = frozenset({"cant_broadcast_message", "restricted_action_thread_only_channel"})


class SlackChannel(Channel):
    """Posts to a channel of Slack, as a bot or through an incoming webhook.

    Settings: ``token`` (of a bot) with ``channel`` (``#name`` or an id), or ``webhook_url``, which knows its channel;
    with both, the token is used. ``base_url`` is where the Web API is, if not at ``https://slack.com/api/``.
    ``threads``, ``broadcast`` and ``buttons`` are ``yes`` or ``no``.

    Args:
        seconds: How long one attempt may take, all calls and retries together; less than the five that Podium waits
            right after a change, so that an answer that comes late is not taken for none and sent again.
    """

    name = "slack"
    required = (("token", "webhook_url"),)
    optional = ("base_url", "broadcast", "buttons", "channel", "threads")
    secrets = frozenset({"token", "webhook_url"})
    # A reply needs the receipt of the message that it answers.
    ordered = True

    def __init__(self, seconds: float = 4) -> None:
        self.seconds = seconds

    def check(self, settings: Mapping[str, str]) -> None:
        """Judge the switches, the channel of a bot, and the address; see `Channel.check`."""
        from podium_slack.options import check_channel, read_options

        with as_mistake():
            read_options(settings)
            check_channel(settings)
        check_web_address(settings, "base_url")

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Update what asked for approvals, if this message tells how that went on, and post; see `Channel.send`.

        In this order, because an update can be repeated and a post cannot: an update that failed for a passing reason
        fails the attempt before anything was posted, and any other is left out.

        Returns:
            ``CHANNEL:TS``, or ``CHANNEL:TS:THREAD`` of a reply, which names the message in Slack's Web API, and
            behind it the channel as it was named in the settings; ``ok`` from a webhook.

        Raises:
            DeliveryFailedError: Slack did not take it. ``permanent`` if trying again cannot help, ``retry_after`` if
                Slack said when to come back.
        """
        # The SDK is loaded with the first message: Airflow loads plugins in every process that parses a DAG.
        from podium_slack.client import open_way
        from podium_slack.options import read_options

        options = read_options(settings)
        way = open_way(settings, self.seconds)
        _update_request(way, message, options)
        return _post(way, message, options)


def _update_request(way: Way, message: Message, options: Options) -> None:
    """Show in the message that asked for approvals how that went on."""
    from podium_slack.decisions import render_standing, standing_of
    from podium_slack.faults import failure, passes
    from podium_slack.threads import asked_before

    standing = standing_of(message)
    if way.update is None or standing is None:
        return
    text, blocks = render_standing(standing, buttons=options.buttons)
    for receipt in asked_before(message):
        answer = way.update(receipt, {"text": text, "blocks": [block.to_dict() for block in blocks]})
        if not answer.ok and passes(answer):
            raise failure(answer)


def _post(way: Way, message: Message, options: Options) -> str:
    from podium_slack.blocks import render
    from podium_slack.faults import failure
    from podium_slack.threads import Receipt, thread_for

    text, blocks = render(message, buttons=options.buttons)
    # Not shown: whoever reads the channel by Slack's API can tell a message that came twice.
    ids = {"delivery_id": message.id, "event_id": message.event.id, "event_type": message.event.type}
    payload: dict[str, Any] = {
        "text": text,
        "metadata": {"event_type": "podium_event", "event_payload": ids},
        "blocks": [block.to_dict() for block in blocks],
        **thread_for(message, options),
    }
    while True:
        answer = way.post(payload)
        if answer.ok and answer.ts is None:
            return "ok"
        if answer.ok:
            name = options.channel if options.channel != answer.channel else None
            return str(Receipt(str(answer.channel), str(answer.ts), payload.get("thread_ts"), name))
        refused = _refused_part(answer.error, payload)
        if not refused:
            raise failure(answer)
        payload = {key: value for key, value in payload.items() if key not in refused}


def _refused_part(error: str | None, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the arguments without which Slack may take a message that it refused; the words arrive in any case."""
    if error in _LOOKS_REFUSED and "blocks" in payload:
        return ("blocks",)
    if error in _BROADCAST_REFUSED and payload.get("reply_broadcast"):
        return ("reply_broadcast",)
    if error in _THREAD_REFUSED and "thread_ts" in payload:
        return ("thread_ts", "reply_broadcast")
    return ()
