"""A Slack that runs on this machine: answers as the documentation of the Web API says, and keeps what was posted."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from podium.testing.receiver import LoopbackReceiver, ReceivedRequest, Reply
from podium.testing.slack_socket import SocketServer

_HOOK = "/services/T00000000/B00000000/hook-secret"
_LIMITS = {"header": 150, "section": 3000}
TEAM = "T00000000"

Json = dict[str, Any]


class FakeSlack(LoopbackReceiver):
    """Slack's Web API as far as messages and approvals need it, an incoming webhook and Socket Mode, as documented.

    It knows ``chat.postMessage`` with threads, ``chat.update``, ``chat.postEphemeral``, ``views.open``, ``users.info``,
    ``auth.test`` and ``apps.connections.open``. It refuses what Slack refuses: another token, a channel or thread that
    it does not have, a message without text, blocks beyond the limits. Further faults are told by `fail`, `limit_rate`,
    or `LoopbackReceiver.reply` (500, slow, reset). `podium.testing.slack_person.SlackPerson` presses its buttons.

    Args:
        token: The bot token that it knows.
        channels: The channels that it has, such as ``#ml``; None for any.
        app_token: The app-level token for Socket Mode.
        people: Users by id, with what is special about them: ``{"U1": {"profile": {"email": "anna@example.com"}}}``.
    """

    def __init__(
        self,
        token: str = "xoxb-fake",  # noqa: S107 - of a fake
        channels: Iterable[str] | None = None,
        *,
        app_token: str = "xapp-fake",  # noqa: S107 - of a fake
        people: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__()
        self.token = token
        self.app_token = app_token
        self.channels = frozenset(channels) if channels is not None else None
        self.people = dict(people or {})
        self._messages: list[Json] = []
        self._shown: dict[tuple[str, str], Json] = {}
        self._updates: list[Json] = []
        self._ephemerals: list[Json] = []
        self._views: list[Json] = []
        self._triggers: set[str] = set()
        self._numbers = itertools.count(1)
        self._faults: dict[str, list[tuple[Reply, int | None]]] = {}
        self._socket: SocketServer | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()
        super().__exit__(kind, error, trace)

    @property
    def base_url(self) -> str:
        """Where its Web API is; ``https://slack.com/api/`` is the real one's."""
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        """Its incoming webhook."""
        return self.url + _HOOK

    @property
    def messages(self) -> tuple[Json, ...]:
        """The payloads that it accepted, in order, as they were posted."""
        with self._changed:
            return tuple(self._messages)

    @property
    def updates(self) -> tuple[Json, ...]:
        """The payloads of the updates that it accepted, in order."""
        with self._changed:
            return tuple(self._updates)

    @property
    def ephemerals(self) -> tuple[Json, ...]:
        """What it showed to one person only, in order."""
        with self._changed:
            return tuple(self._ephemerals)

    @property
    def views(self) -> tuple[Json, ...]:
        """The modals that were opened, in order."""
        with self._changed:
            return tuple(self._views)

    @property
    def socket(self) -> SocketServer:
        """Its Socket Mode side; it listens from the first use on."""
        with self._changed:
            if self._socket is None:
                self._socket = SocketServer()
            return self._socket

    def shown(self) -> tuple[Json, ...]:
        """Return the messages as they stand now, in order, each with ``ts``, ``channel`` and perhaps ``thread_ts``."""
        with self._changed:
            return tuple(self._shown.values())

    def fail(self, error: str, times: int | None = None, *, method: str | None = None) -> None:
        """Let the Web API, or one of its methods, refuse with a code; Slack does so with status 200."""
        self._tell(Reply(body={"ok": False, "error": error}), times, method)

    def limit_rate(self, seconds: int, times: int | None = None, *, method: str | None = None) -> None:
        """Answer 429 and ask to wait; https://docs.slack.dev/apis/web-api/rate-limits."""
        headers = {"Retry-After": str(seconds)}
        self._tell(Reply(429, {"ok": False, "error": "ratelimited"}, headers), times, method)

    def answer_as_usual(self) -> None:
        """Forget every fault that was told."""
        super().answer_as_usual()
        with self._changed:
            self._faults.clear()

    def trigger(self) -> str:
        """Return an id with which a modal can be opened once; an interaction of a person has one."""
        with self._changed:
            made = f"{next(self._numbers)}.trigger"
            self._triggers.add(made)
            return made

    def usual_reply(self, request: ReceivedRequest) -> Reply:
        """Answer as Slack does; see `LoopbackReceiver.usual_reply`."""
        path = request.path.partition("?")[0]
        if path.startswith("/services/"):
            return self._webhook(request) if path == _HOOK else Reply(404, "no_service")
        method = path.removeprefix("/api/")
        told = self._told(method)
        if told is not None:
            return told
        wanted = self.app_token if method == "apps.connections.open" else self.token
        if request.headers.get("authorization") != f"Bearer {wanted}":
            return _refused("invalid_auth" if "authorization" in request.headers else "not_authed")
        answer = self._METHODS.get(method)
        payload = _payload(request)
        if answer is None:
            return _refused("unknown_method")
        return answer(self, payload) if payload is not None else _refused("invalid_json")

    def _test(self, payload: Json) -> Reply:
        return Reply(body={"ok": True, "team": "Fake", "user": "podium", "team_id": TEAM, "bot_id": "B1"})

    def _post(self, payload: Json) -> Reply:
        fault = self._channel_fault(payload) or _fault(payload)
        place = channel_id(str(payload.get("channel") or ""))
        parent = payload.get("thread_ts")
        if fault is None and parent is not None and (place, parent) not in self._shown:
            # The word of conversations.replies; that of chat.postMessage is not documented.
            fault = "thread_not_found"
        if fault is not None:
            return _refused(fault)
        self._messages.append(payload)
        ts = f"1700000000.{len(self._messages):06d}"
        said: Json = {key: payload[key] for key in ("text", "blocks", "metadata", "thread_ts") if key in payload}
        message: Json = {"type": "message", **said, "ts": ts}
        if parent is not None and payload.get("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
        self._shown[place, ts] = {**message, "channel": place}
        return Reply(body={"ok": True, "channel": place, "ts": ts, "message": message})

    def _update(self, payload: Json) -> Reply:
        place, ts = str(payload.get("channel") or ""), str(payload.get("ts") or "")
        if place.startswith("#"):
            return _refused("channel_not_found")  # an update names the channel by its id
        message = self._shown.get((place, ts))
        fault = _fault(payload) if message is not None else "message_not_found"
        if message is None or fault is not None:
            return _refused(fault or "message_not_found")
        if _is_rich(message) and payload.get("blocks") and not _is_rich(payload):
            return _refused("block_mismatch")
        self._updates.append(payload)
        kept = {key: value for key, value in payload.items() if key in ("text", "blocks", "metadata")}
        self._shown[place, ts] = {**message, **kept}
        return Reply(body={"ok": True, "channel": place, "ts": ts, "text": payload.get("text", "")})

    def _whisper(self, payload: Json) -> Reply:
        fault = self._channel_fault(payload) or _fault(payload)
        if fault is not None or not payload.get("user"):
            return _refused(fault or "user_not_in_channel")
        self._ephemerals.append(payload)
        return Reply(body={"ok": True, "message_ts": f"1700000001.{len(self._ephemerals):06d}"})

    def _open(self, payload: Json) -> Reply:
        trigger, view = payload.get("trigger_id"), payload.get("view")
        if trigger not in self._triggers:
            return _refused("expired_trigger_id")
        if not isinstance(view, dict) or len(str(view.get("title", {}).get("text", ""))) > 24:
            return _refused("invalid_arguments")
        if any(block["type"] == "input" for block in view["blocks"]) and not view.get("submit"):
            return _refused("invalid_arguments")
        self._triggers.discard(trigger)  # it can be exchanged once
        self._views.append(view)
        return Reply(body={"ok": True, "view": {**view, "id": "V1"}})

    def _person(self, payload: Json) -> Reply:
        name = str(payload.get("user"))
        if name not in self.people:
            return _refused("user_not_found")
        usual: Json = {"id": name, "team_id": TEAM, "deleted": False, "is_bot": False, "is_email_confirmed": True}
        return Reply(body={"ok": True, "user": {**usual, **self.people[name]}})

    def _connect(self, payload: Json) -> Reply:
        return Reply(body={"ok": True, "url": self.socket.url})

    _METHODS = {  # noqa: RUF012 - as fixed as the methods that it names
        "auth.test": _test,
        "chat.postMessage": _post,
        "chat.update": _update,
        "chat.postEphemeral": _whisper,
        "views.open": _open,
        "users.info": _person,
        "apps.connections.open": _connect,
    }

    def _webhook(self, request: ReceivedRequest) -> Reply:
        payload = _payload(request)
        if payload is None:
            return Reply(400, "invalid_payload")
        error = _fault(payload)
        if error is not None:
            return Reply(400, error)
        self._messages.append(payload)
        return Reply(body="ok")

    def _channel_fault(self, payload: Json) -> str | None:
        channel = str(payload.get("channel") or "")
        if not channel:
            return "channel_not_found"
        if self.channels is None:
            return None
        known = {*self.channels, *map(channel_id, self.channels)}
        return None if channel in known else "channel_not_found"

    def _tell(self, reply: Reply, times: int | None, method: str | None) -> None:
        if method is None:
            self.reply(reply.status, reply.body, reply.headers, times=times)
            return
        with self._changed:
            self._faults.setdefault(method, []).append((reply, times))

    def _told(self, method: str) -> Reply | None:
        faults = self._faults.get(method)
        if not faults:
            return None
        reply, times = faults[0]
        if times is not None:
            faults[:1] = [(reply, times - 1)] if times > 1 else []
        return reply


def channel_id(channel: str) -> str:
    """Return the id that `FakeSlack` gives a channel: always the same one for a name."""
    if not channel.startswith("#"):
        return channel
    return "C" + hashlib.sha256(channel.encode()).hexdigest()[:8].upper()


def _payload(request: ReceivedRequest) -> Json | None:
    """Return the arguments, which Slack takes as JSON and as a form in which lists are JSON; a call may have none."""
    if not request.body:
        return {}
    try:
        if "json" in request.headers.get("content-type", ""):
            found = request.json()
        else:
            found = {
                name: json.loads(value) if name in ("blocks", "attachments", "metadata", "view") else value
                for name, value in request.form().items()
            }
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _fault(payload: Json) -> str | None:
    blocks = payload.get("blocks") or []
    if not blocks and not payload.get("text"):
        return "no_text"
    if len(blocks) > 50 or any(_too_large(block) for block in blocks):
        return "invalid_blocks"
    return "msg_too_long" if len(str(payload.get("text") or "")) > 40_000 else None


def _too_large(block: Json) -> bool:
    text, fields, elements = block.get("text") or {}, block.get("fields") or [], block.get("elements") or []
    if len(str(text.get("text", ""))) > _LIMITS.get(str(block.get("type")), 3000):
        return True
    if len(fields) > 10 or any(len(str(field.get("text", ""))) > 2000 for field in fields):
        return True
    return len(elements) > {"context": 10, "actions": 25}.get(str(block.get("type")), 1000)


def _is_rich(payload: Json) -> bool:
    return any(block.get("type") == "rich_text" for block in payload.get("blocks") or ())


def _refused(error: str) -> Reply:
    return Reply(body={"ok": False, "error": error})
