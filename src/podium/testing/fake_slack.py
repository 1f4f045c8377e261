"""A Slack that runs on this machine: answers as the documentation of the Web API says, and keeps what was posted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from podium.testing.receiver import LoopbackReceiver, ReceivedRequest, Reply

_HOOK = "/services/T00000000/B00000000/hook-secret"
_LIMITS = {"header": 150, "section": 3000}


class FakeSlack(LoopbackReceiver):
    """Slack's ``chat.postMessage``, ``auth.test`` and an incoming webhook, each as documented.

    It refuses what Slack refuses: another token, a channel that it does not have, a message without text, blocks beyond
    the limits. Further faults are told by `fail`, `limit_rate`, or `LoopbackReceiver.reply` (500, slow, reset).

    Args:
        token: The bot token that it knows.
        channels: The channels that it has, such as ``#ml``; None for any.
    """

    def __init__(self, token: str = "xoxb-fake", channels: Iterable[str] | None = None) -> None:  # noqa: S107 - a fake
        super().__init__()
        self.token = token
        self.channels = frozenset(channels) if channels is not None else None
        self._messages: list[dict[str, Any]] = []

    @property
    def base_url(self) -> str:
        """Where its Web API is; ``https://slack.com/api/`` is the real one's."""
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        """Its incoming webhook."""
        return self.url + _HOOK

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        """The payloads that it accepted, in order."""
        with self._changed:
            return tuple(self._messages)

    def fail(self, error: str, times: int | None = None) -> None:
        """Let the Web API refuse with a code such as ``channel_not_found``; Slack does so with status 200."""
        self.reply(200, {"ok": False, "error": error}, times=times)

    def limit_rate(self, seconds: int, times: int | None = None) -> None:
        """Answer 429 and ask to wait; https://docs.slack.dev/apis/web-api/rate-limits."""
        headers = {"Retry-After": str(seconds)}
        self.reply(429, {"ok": False, "error": "ratelimited"}, headers=headers, times=times)

    def usual_reply(self, request: ReceivedRequest) -> Reply:
        """Answer as Slack does; see `LoopbackReceiver.usual_reply`."""
        path = request.path.partition("?")[0]
        if path.startswith("/services/"):
            return self._webhook(request) if path == _HOOK else Reply(404, "no_service")
        method = path.removeprefix("/api/")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            sent = "authorization" in request.headers
            return _refused("invalid_auth" if sent else "not_authed")
        if method == "auth.test":
            return Reply(body={"ok": True, "team": "Fake", "user": "podium", "team_id": "T00000000", "bot_id": "B1"})
        return self._post(request) if method == "chat.postMessage" else _refused("unknown_method")

    def _post(self, request: ReceivedRequest) -> Reply:
        payload = _payload(request)
        if payload is None:
            return _refused("invalid_json")
        channel = str(payload.get("channel") or "")
        if not channel or (self.channels is not None and channel not in self.channels):
            return _refused("channel_not_found")
        error = _fault(payload)
        if error is not None:
            return _refused(error)
        self._messages.append(payload)
        ts = f"1700000000.{len(self._messages):06d}"
        message = {"type": "message", "text": payload.get("text", ""), "blocks": payload.get("blocks", []), "ts": ts}
        return Reply(body={"ok": True, "channel": channel_id(channel), "ts": ts, "message": message})

    def _webhook(self, request: ReceivedRequest) -> Reply:
        payload = _payload(request)
        if payload is None:
            return Reply(400, "invalid_payload")
        error = _fault(payload)
        if error is not None:
            return Reply(400, error)
        self._messages.append(payload)
        return Reply(body="ok")


def channel_id(channel: str) -> str:
    """Return the id that `FakeSlack` gives a channel: always the same one for a name."""
    if not channel.startswith("#"):
        return channel
    return "C" + hashlib.sha256(channel.encode()).hexdigest()[:8].upper()


def _payload(request: ReceivedRequest) -> dict[str, Any] | None:
    """Return the arguments, which Slack takes as JSON and as a form in which lists are JSON."""
    try:
        if "json" in request.headers.get("content-type", ""):
            found = request.json()
        else:
            found = {
                name: json.loads(value) if name in ("blocks", "attachments", "metadata") else value
                for name, value in request.form().items()
            }
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _fault(payload: dict[str, Any]) -> str | None:
    blocks = payload.get("blocks") or []
    if not blocks and not payload.get("text"):
        return "no_text"
    if len(blocks) > 50 or any(_too_large(block) for block in blocks):
        return "invalid_blocks"
    return "msg_too_long" if len(str(payload.get("text") or "")) > 40_000 else None


def _too_large(block: dict[str, Any]) -> bool:
    text, fields, elements = block.get("text") or {}, block.get("fields") or [], block.get("elements") or []
    if len(str(text.get("text", ""))) > _LIMITS.get(str(block.get("type")), 3000):
        return True
    if len(fields) > 10 or any(len(str(field.get("text", ""))) > 2000 for field in fields):
        return True
    return len(elements) > {"context": 10, "actions": 25}.get(str(block.get("type")), 1000)


def _refused(error: str) -> Reply:
    return Reply(body={"ok": False, "error": error})
