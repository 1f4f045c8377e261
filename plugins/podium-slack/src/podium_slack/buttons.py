"""Approve and reject in Slack: the buttons, the modal behind them, and what Slack sends when somebody used them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, InputBlock, PlainTextInputElement, SectionBlock
from slack_sdk.models.views import View

from podium.plugins import Message
from podium_slack.rich import plain
from podium_slack.text import clean, shorten

Verb = Literal["approve", "reject"]
Json = Mapping[str, Any]

_ACTIONS: dict[str, Verb] = {"podium_approve": "approve", "podium_reject": "reject"}
_CALLBACK = "podium_decision"
_COMMENT = "comment"
_MOST = 2000  # characters of a comment
_ID = re.compile(r"[0-9a-fA-F-]{32,36}")


@dataclass(frozen=True, slots=True)
class Click:
    """Somebody used a button, or sent the modal behind it off.

    Attributes:
        verb: What they want.
        request: The id of the request.
        user: The person's id in Slack.
        team: The id of the person's workspace.
        channel: The id of the channel.
        ts: The message that has the button.
        thread: The thread in which an answer is seen; None for the channel itself.
        trigger: With this a modal can be opened, for three seconds; None in a modal that was sent off.
        comment: What they wrote; None where they were not asked yet.
    """

    verb: Verb
    request: str
    user: str
    team: str
    channel: str
    ts: str
    thread: str | None = None
    trigger: str | None = None
    comment: str | None = None


def request_buttons(message: Message) -> ActionsBlock | None:
    """Return the buttons of a message that asks for approvals, None for any other."""
    if message.event.type != "model_version.promotion_requested" or message.request is None:
        return None
    return buttons_for(message.request)


def buttons_for(request: str) -> ActionsBlock:
    """Return the buttons for a request. They hold its id and nothing that a click could be believed for."""
    return ActionsBlock(
        elements=[
            ButtonElement(text=plain("Approve"), action_id="podium_approve", value=request, style="primary"),
            ButtonElement(text=plain("Reject"), action_id="podium_reject", value=request, style="danger"),
        ]
    )


def comment_modal(click: Click, about: str) -> dict[str, Any]:
    """Return the modal that asks for a comment, which a rejection needs.

    Args:
        click: What it is for; it comes back with what is typed.
        about: The version and the stage, in words.
    """
    rejects = click.verb == "reject"
    place = {key: getattr(click, key) for key in ("verb", "request", "channel", "ts", "thread")}
    entry = PlainTextInputElement(action_id=_COMMENT, multiline=True, max_length=_MOST)
    label = "What is wrong" if rejects else "Comment"
    title = "Reject" if rejects else "Approve"
    view = View(
        type="modal",
        callback_id=_CALLBACK,
        private_metadata=json.dumps(place),
        title=plain(title),
        submit=plain(title),
        close=plain("Cancel"),
        blocks=[
            SectionBlock(text=plain(shorten(clean(about, 1000), 1000))),
            InputBlock(block_id=_COMMENT, label=plain(label), element=entry, optional=not rejects),
        ],
    )
    return view.to_dict()


def missing_comment() -> dict[str, Any]:
    """Return the answer to a modal that came without the comment that it needs."""
    return {"response_action": "errors", "errors": {_COMMENT: "Say what is wrong, for whoever asked."}}


def read_click(payload: Json) -> Click | None:
    """Return what a payload of Slack is about, None for anything that is not ours.

    The shapes are those of https://docs.slack.dev/reference/interaction-payloads.
    """
    try:
        return _pressed(payload) if payload["type"] == "block_actions" else _sent_off(payload)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def _pressed(payload: Json) -> Click | None:
    action, place, message = payload["actions"][0], payload["container"], payload.get("message") or {}
    verb = _ACTIONS.get(action["action_id"])
    if verb is None or not _ID.fullmatch(action["value"]):
        return None
    # A reply that is shown in the channel too is answered there: few have the thread open.
    parent = message.get("thread_ts") if message.get("subtype") != "thread_broadcast" else None
    return Click(
        verb=verb,
        request=action["value"],
        user=payload["user"]["id"],
        team=str(payload["user"].get("team_id") or payload["team"]["id"]),
        channel=place["channel_id"],
        ts=place["message_ts"],
        thread=parent if parent != place["message_ts"] else None,
        trigger=payload["trigger_id"],
    )


def _sent_off(payload: Json) -> Click | None:
    view = payload["view"]
    if payload["type"] != "view_submission" or view["callback_id"] != _CALLBACK:
        return None
    place = json.loads(view["private_metadata"])
    return Click(
        verb=_ACTIONS[f"podium_{place['verb']}"],
        request=place["request"],
        user=payload["user"]["id"],
        team=str(payload["user"].get("team_id") or payload["team"]["id"]),
        channel=place["channel"],
        ts=place["ts"],
        thread=place["thread"],
        comment=str(view["state"]["values"][_COMMENT][_COMMENT].get("value") or "").strip(),
    )
