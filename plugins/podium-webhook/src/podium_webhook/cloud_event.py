"""A message as a CloudEvent 1.0 in structured mode: one JSON object, which is what the signature covers.

The attributes are those of https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. ``timestamp`` is an
extension: with ``type`` and ``data`` it makes the payload that Standard Webhooks recommends.
"""

from __future__ import annotations

import json

from podium.plugins import Message

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"


def cloud_event(message: Message, source: str) -> str:
    """Return the body; the same message always gives the same one.

    Args:
        message: What to tell.
        source: A URI reference that tells this registry from others.
    """
    data = message.to_json()
    event = data["event"]
    body = {
        "specversion": "1.0",
        "id": event["id"],
        "source": source,
        "type": f"podium.{event['type']}",
        "subject": event["subject"],
        "time": event["at"],
        "timestamp": event["at"],
        "datacontenttype": "application/json",
        "data": data,
    }
    # ASCII only: nothing in a name turns the direction of a line in the receiver's log.
    return json.dumps(body, separators=(",", ":"), allow_nan=False)
