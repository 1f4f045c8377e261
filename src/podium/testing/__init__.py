"""What plugin authors and users import in their tests: receivers that listen on this machine and answer as told.

Nothing here patches anything: a test sends real HTTP over the loopback interface and reads what arrived::

    with LoopbackReceiver() as receiver:
        receiver.reply(503, times=1)
        send_to(receiver.url)
        assert receiver.wait_for(2)[1].json()["type"] == "model_version.promoted"

`ChannelContract` is the contract of channels as tests to inherit; `make_event` and `make_message` make what a channel
is told, of every type and with hostile words in it. The fixture ``podium_registry`` is an empty registry for a test.

`FakeSlack` answers as the Slack Web API does, `slack_text` gives a message as a person reads it in Slack, and a
`SlackPerson` presses its buttons.
`LoopbackMailServer` takes mails; it needs the extra ``podium[testing]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.testing.contract import ChannelContract
    from podium.testing.contract_tools import Arrived, active_parts
    from podium.testing.events import (
        EVENT_TYPES,
        HOSTILE_TEXTS,
        make_digest,
        make_event,
        make_hostile_message,
        make_message,
    )
    from podium.testing.fake_slack import FakeSlack
    from podium.testing.mail import LoopbackMailServer, ReceivedMail
    from podium.testing.receiver import LoopbackReceiver, ReceivedRequest, Reply
    from podium.testing.slack import slack_text
    from podium.testing.slack_person import SlackPerson

__all__ = [
    "EVENT_TYPES",
    "HOSTILE_TEXTS",
    "Arrived",
    "ChannelContract",
    "FakeSlack",
    "LoopbackMailServer",
    "LoopbackReceiver",
    "ReceivedMail",
    "ReceivedRequest",
    "Reply",
    "SlackPerson",
    "active_parts",
    "make_digest",
    "make_event",
    "make_hostile_message",
    "make_message",
    "slack_text",
]

_EVENTS = ("EVENT_TYPES", "HOSTILE_TEXTS", "make_digest", "make_event", "make_hostile_message", "make_message")
_HOMES = {
    **dict.fromkeys(_EVENTS, "events"),
    "Arrived": "contract_tools",
    "ChannelContract": "contract",
    "FakeSlack": "fake_slack",
    "LoopbackMailServer": "mail",
    "ReceivedMail": "mail",
    "SlackPerson": "slack_person",
    "active_parts": "contract_tools",
    "slack_text": "slack",
}


def __getattr__(name: str) -> Any:
    """Load a name at its first use: pytest imports this package in every run, for the plugin beside."""
    if name not in __all__:
        raise AttributeError(f"module 'podium.testing' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"podium.testing.{_HOMES.get(name, 'receiver')}"), name)
