"""A person in `FakeSlack`: presses buttons and sends modals off, as Slack's clients do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.testing.fake_slack import TEAM, FakeSlack

Json = dict[str, Any]
_SHOWN = ("ts", "text", "thread_ts", "subtype")


@dataclass(frozen=True)
class SlackPerson:
    """Somebody who uses Slack; the payloads are those of https://docs.slack.dev/reference/interaction-payloads.

    Attributes:
        slack: The Slack that they use; an app must be connected to its `FakeSlack.socket`.
        user: Their id, such as ``U012AB3CD``.
        team: The id of their workspace; another one is that of a guest through Slack Connect.
    """

    slack: FakeSlack
    user: str
    team: str = TEAM

    def click(self, message: Json, action: str, *, envelope: str | None = None) -> Json:
        """Press a button of a message, one of `FakeSlack.shown`, and return how the app answered.

        Args:
            message: The message.
            action: The ``action_id`` of the button.
            envelope: The id of the envelope, to send one twice.

        Raises:
            LookupError: The message has no such button now.
            TimeoutError: The app does not answer within three seconds.
        """
        buttons = [part for block in message.get("blocks") or () for part in block.get("elements") or ()]
        pressed = [button for button in buttons if button.get("action_id") == action]
        if not pressed:
            raise LookupError(f"The message has no button {action!r}.")
        payload: Json = {
            "type": "block_actions",
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]},
            "channel": {"id": message["channel"], "name": "ml"},
            "message": {"type": "message", **{key: message[key] for key in _SHOWN if key in message}},
            "state": {"values": {}},
            "actions": [{**pressed[0], "block_id": "podium", "action_ts": "1700000000.5"}],
        }
        return self._interact(payload, envelope)

    def submit(self, view: Json, values: Mapping[str, str | None], *, envelope: str | None = None) -> Json:
        """Send a modal off, one of `FakeSlack.views`, and return how the app answered.

        Args:
            view: The modal.
            values: What was typed, by ``block_id``.
            envelope: The id of the envelope, to send one twice.

        Raises:
            ValueError: An input that must be filled is not; Slack's clients do not let it pass.
            TimeoutError: The app does not answer within three seconds.
        """
        typed: Json = {}
        for block in view["blocks"]:
            if block["type"] != "input":
                continue
            value = values.get(block["block_id"]) or None
            if value is None and not block.get("optional"):
                raise ValueError(f"The input {block['block_id']!r} must be filled.")
            typed[block["block_id"]] = {block["element"]["action_id"]: {"type": "plain_text_input", "value": value}}
        sent = {**view, "id": "V1", "hash": "1.1", "state": {"values": typed}}
        return self._interact({"type": "view_submission", "view": sent, "response_urls": []}, envelope)

    def _interact(self, payload: Json, envelope: str | None) -> Json:
        who = {"id": self.user, "username": self.user.lower(), "team_id": self.team}
        common = {"team": {"id": TEAM, "domain": "fake"}, "user": who, "trigger_id": self.slack.trigger()}
        sent = {"type": "interactive", "envelope_id": envelope or str(uuid.uuid4()), "accepts_response_payload": True}
        return self.slack.socket.deliver({**sent, "payload": {**payload, **common, "api_app_id": "A1"}})
