"""A message as a CloudEvent 1.0 in structured mode: one JSON object, which is what the signature covers.

The attributes are those of https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. ``timestamp`` is an
extension: with ``type`` and ``data`` it makes the payload that Standard Webhooks recommends.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from podium.plugins import Message

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"


def cloud_event(message: Message, source: str) -> str:
    """Return the body; the same message always gives the same one.

    Args:
        message: What to tell.
        source: A URI reference that tells this registry from others.
    """
    event = message.event
    about = {"id": event.id, "type": f"podium.{event.type}", "subject": event.subject}
    if message.digest:  # it is no event of its own, and its subjects are those inside
        about = {"id": message.id, "type": "podium.digest"}
    body = {
        "specversion": "1.0",
        "source": source,
        **about,
        "time": _iso(event.at),
        "timestamp": _iso(event.at),
        "datacontenttype": "application/json",
        "data": _data(message),
    }
    # Halves of surrogates, which strict readers of JSON refuse, become question marks.
    text = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    # ASCII only: nothing in a name turns the direction of a line in the receiver's log.
    return json.dumps(json.loads(text), separators=(",", ":"))


def _data(message: Message) -> dict[str, Any]:
    data = message.to_json()
    # What was sent before is for channels with threads; it may be more at the next attempt, and the body is one.
    for part in (data, *data["digest"]):
        del part["earlier"]
    return data


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
