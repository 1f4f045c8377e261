"""Threads, updates, forms and Socket Mode of the Slack of the tests: as the real one's documentation says."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from podium.testing import FakeSlack, SlackPerson

BUTTON = {"type": "button", "action_id": "yes", "text": {"type": "plain_text", "text": "Yes"}, "value": "1"}
ASKING = {"channel": "#ml", "text": "Sure?", "blocks": [{"type": "actions", "elements": [BUTTON]}]}
COMMENT = {"type": "input", "block_id": "why", "element": {"type": "plain_text_input", "action_id": "why"}}
WHY = {"type": "plain_text", "text": "Why"}
VIEW = {"type": "modal", "title": WHY, "submit": WHY, "blocks": [COMMENT]}

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack with one channel and one person."""
    with FakeSlack(channels=["#ml"], people={"U1": {"profile": {"email": "anna@example.com"}}}) as found:
        yield found


@pytest.fixture
def call(slack: FakeSlack) -> Call:
    """Call a method of its Web API."""

    def run(method: str, token: str = slack.token, **arguments: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(slack.base_url + method, json.dumps(arguments).encode(), headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as response:
            return dict(json.loads(response.read()))

    return run


@pytest.fixture
def app(slack: FakeSlack) -> Iterator[list[Any]]:
    """An app that acknowledges every envelope, by the SDK's own client; what it got."""
    web = WebClient(slack.token, base_url=slack.base_url)
    client, got = SocketModeClient(slack.app_token, web_client=web), []

    def acknowledge(socket: Any, request: Any) -> None:
        got.append(request)
        if request.payload.get("mute") is None:
            socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload={"seen": 1}))

    client.socket_mode_request_listeners.append(acknowledge)
    client.connect()
    yield got
    client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
    slack.socket.close()
    client.close()


def test_threads(slack: FakeSlack, call: Call) -> None:
    """A reply belongs to the message that it names; one to a message that is not there is refused."""
    parent = call("chat.postMessage", channel="#ml", text="a")
    reply = call("chat.postMessage", channel="#ml", text="b", thread_ts=parent["ts"], reply_broadcast=True)
    assert reply["message"]["thread_ts"] == parent["ts"]
    assert [message.get("subtype") for message in slack.shown()] == [None, "thread_broadcast"]
    assert call("chat.postMessage", channel="#ml", text="c", thread_ts="1.1")["error"] == "thread_not_found"


def test_updates(slack: FakeSlack, call: Call) -> None:
    """An update takes the place of a message; the message as it was posted is remembered as well."""
    made = call("chat.postMessage", **ASKING)
    assert call("chat.update", channel=made["channel"], ts=made["ts"], text="Done", blocks=[])["ok"] is True
    assert [message["text"] for message in slack.shown()] == ["Done"]
    assert slack.messages == (ASKING,)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"channel": "#ml"}, "channel_not_found"),
        ({"ts": "1.1"}, "message_not_found"),
        ({"text": ""}, "no_text"),
        ({"blocks": [{"type": "divider"}]}, "block_mismatch"),
    ],
)
def test_updates_that_slack_refuses(changes: dict[str, Any], error: str, call: Call) -> None:
    """An update names the channel by id, a message that is there, and keeps rich text rich."""
    made = call("chat.postMessage", channel="#ml", text="a", blocks=[{"type": "rich_text", "elements": []}])
    update = {"channel": made["channel"], "ts": made["ts"], "text": "b", **changes}
    assert call("chat.update", **update) == {"ok": False, "error": error}


def test_faults_of_one_method(slack: FakeSlack, call: Call) -> None:
    """A fault may be told of one method; the others answer as usual."""
    slack.fail("internal_error", times=1, method="auth.test")
    assert call("auth.test") == {"ok": False, "error": "internal_error"}
    assert call("auth.test")["ok"] is True


def test_whispers(slack: FakeSlack, call: Call) -> None:
    """What one person alone is shown is kept apart."""
    call("chat.postEphemeral", channel="#ml", user="U1", text="psst")
    assert [said["text"] for said in slack.ephemerals] == ["psst"]
    assert slack.messages == ()


def test_profiles(call: Call) -> None:
    """People are known by id, with what is usual of a member."""
    user = call("users.info", user="U1")["user"]
    assert (user["profile"]["email"], user["deleted"], user["is_email_confirmed"]) == ("anna@example.com", False, True)
    assert call("users.info", user="U2")["error"] == "user_not_found"


def test_forms(slack: FakeSlack, call: Call) -> None:
    """A form is opened once by each trigger, and must have a button to send it off."""
    trigger = slack.trigger()
    assert call("views.open", trigger_id=trigger, view={**VIEW, "submit": None})["error"] == "invalid_arguments"
    assert call("views.open", trigger_id=trigger, view=VIEW)["ok"] is True
    assert call("views.open", trigger_id=trigger, view=VIEW)["error"] == "expired_trigger_id"
    assert slack.views == (VIEW,)


def test_app_token(slack: FakeSlack, call: Call) -> None:
    """Socket Mode needs the app-level token."""
    assert call("apps.connections.open")["error"] == "invalid_auth"
    assert call("apps.connections.open", token=slack.app_token)["url"].startswith("ws://127.0.0.1:")


def test_click(app: list[Any], slack: FakeSlack, call: Call) -> None:
    """A click reaches the app as an envelope with all that Slack says, and its answer comes back."""
    call("chat.postMessage", **ASKING)
    answer = SlackPerson(slack, "U1").click(slack.shown()[0], "yes")
    payload = app[0].payload
    assert answer["payload"] == {"seen": 1}
    assert (payload["user"]["id"], payload["actions"][0]["value"], payload["type"]) == ("U1", "1", "block_actions")
    assert call("views.open", trigger_id=payload["trigger_id"], view=VIEW)["ok"] is True


def test_button_that_is_not_there(slack: FakeSlack, call: Call) -> None:
    """Nobody can press what the message does not have."""
    call("chat.postMessage", **ASKING)
    with pytest.raises(LookupError, match="no button 'no'"):
        SlackPerson(slack, "U1").click(slack.shown()[0], "no")


def test_submit(app: list[Any], slack: FakeSlack) -> None:
    """A form comes back with what was typed; an input that must be filled is asked for by Slack itself."""
    person = SlackPerson(slack, "U1")
    with pytest.raises(ValueError, match="'why' must be filled"):
        person.submit(VIEW, {})
    person.submit(VIEW, {"why": "because " * 200})
    assert app[0].payload["view"]["state"]["values"]["why"]["why"]["value"] == "because " * 200


def test_app_that_does_not_answer(app: list[Any], slack: FakeSlack) -> None:
    """Slack waits for three seconds."""
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="did not acknowledge"):
        slack.socket.deliver({"type": "interactive", "envelope_id": "e", "payload": {"mute": True}})
    assert 3 <= time.monotonic() - started < 5


def test_no_app(slack: FakeSlack) -> None:
    """Where no app is connected, it is waited for."""
    with pytest.raises(TimeoutError, match="0 of 1 connections"):
        slack.socket.wait_for_connection(seconds=0.1)


def test_renewed_connection(app: list[Any], slack: FakeSlack) -> None:
    """An app that is asked to come back by another connection gets the next envelope there."""
    slack.socket.wait_for_connection()
    slack.socket.disconnect()
    slack.socket.wait_for_connection(2)
    slack.socket.deliver({"type": "interactive", "envelope_id": "e", "payload": {}})
    assert len(app) == 1


def test_closing_ends_its_threads() -> None:
    """Nothing listens any more behind the with block."""
    with FakeSlack() as slack:
        assert slack.socket.url
    end = time.monotonic() + 5
    while any(thread.name == "fake-slack-socket" for thread in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [thread for thread in threading.enumerate() if thread.name == "fake-slack-socket"]
