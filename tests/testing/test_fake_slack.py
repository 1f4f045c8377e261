"""The Slack of the tests answers and refuses as the real one does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from podium.testing import FakeSlack


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack with one channel."""
    with FakeSlack(token="xoxb-right", channels=["#ml"]) as found:
        yield found


def send(url: str, body: bytes, media: str = "application/json", token: str | None = "xoxb-right") -> tuple[int, Any]:
    """Post and return status and answer."""
    headers = {"Content-Type": media} | ({"Authorization": f"Bearer {token}"} if token else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=5) as response:
            status, text = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read().decode()
    return status, json.loads(text) if text.startswith("{") else text


def post(slack: FakeSlack, payload: dict[str, Any], **more: Any) -> tuple[int, Any]:
    """Call chat.postMessage."""
    return send(slack.base_url + "chat.postMessage", json.dumps(payload).encode(), **more)


def test_posts(slack: FakeSlack) -> None:
    """A message is kept, and answered with the channel's id and a ts of its own."""
    payload = {"channel": "#ml", "text": "hello"}
    answers = [post(slack, payload)[1] for _ in range(2)]
    assert slack.messages == (payload, payload)
    assert [answer["ts"] for answer in answers] == ["1700000000.000001", "1700000000.000002"]
    assert answers[0]["ok"] is True
    assert answers[0]["channel"].startswith("C")
    assert answers[0]["message"]["text"] == "hello"


def test_takes_forms(slack: FakeSlack) -> None:
    """Arguments may come as a form, with lists as JSON in it."""
    blocks = [{"type": "divider"}]
    form = urlencode({"channel": "#ml", "text": "hello", "blocks": json.dumps(blocks)}).encode()
    send(slack.base_url + "chat.postMessage", form, "application/x-www-form-urlencoded")
    assert slack.messages == ({"channel": "#ml", "text": "hello", "blocks": blocks},)


@pytest.mark.parametrize(("token", "error"), [(None, "not_authed"), ("xoxb-wrong", "invalid_auth")])
def test_knows_its_token(token: str | None, error: str, slack: FakeSlack) -> None:
    """Without the right token there is status 200 and a refusal, as Slack does it."""
    assert post(slack, {"channel": "#ml", "text": "x"}, token=token) == (200, {"ok": False, "error": error})
    assert slack.messages == ()


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"text": "x"}, "channel_not_found"),
        ({"channel": "#other", "text": "x"}, "channel_not_found"),
        ({"channel": "#ml"}, "no_text"),
        ({"channel": "#ml", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "#ml", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"channel": "#ml", "blocks": [{"type": "header", "text": {"text": "x" * 151}}]}, "invalid_blocks"),
        ({"channel": "#ml", "blocks": [{"type": "section", "text": {"text": "x" * 3001}}]}, "invalid_blocks"),
        ({"channel": "#ml", "blocks": [{"type": "section", "fields": [{"text": "x"}] * 11}]}, "invalid_blocks"),
    ],
)
def test_refuses_what_slack_refuses(payload: dict[str, Any], error: str, slack: FakeSlack) -> None:
    """Limits and missing arguments are refused with Slack's codes."""
    assert post(slack, payload)[1] == {"ok": False, "error": error}


def test_faults_are_told(slack: FakeSlack) -> None:
    """Codes, rate limits and server errors come as told, then Slack is itself again."""
    slack.fail("is_archived", times=1)
    slack.limit_rate(30, times=1)
    slack.reply(500, "oops", times=1)
    answers = [post(slack, {"channel": "#ml", "text": "x"}) for _ in range(4)]
    assert [status for status, _ in answers] == [200, 429, 500, 200]
    assert answers[0][1]["error"] == "is_archived"
    assert len(slack.messages) == 1


def test_webhook(slack: FakeSlack) -> None:
    """The incoming webhook answers in plain words and needs no token."""
    assert send(slack.webhook_url, b'{"text": "hello"}', token=None) == (200, "ok")
    assert slack.messages == ({"text": "hello"},)


@pytest.mark.parametrize(
    ("path", "body", "answer"), [("", b"{bad", (400, "invalid_payload")), ("x", b"", (404, "no_service"))]
)
def test_webhook_refuses(path: str, body: bytes, answer: tuple[int, str], slack: FakeSlack) -> None:
    """What is no JSON, and a webhook that there is not, are refused as Slack does."""
    assert send(slack.webhook_url + path, body, token=None) == answer


def test_other_methods(slack: FakeSlack) -> None:
    """auth.test works; a method that it does not have is unknown."""
    assert send(slack.base_url + "auth.test", b"{}")[1]["ok"] is True
    assert send(slack.base_url + "chat.explode", b"{}")[1]["error"] == "unknown_method"
