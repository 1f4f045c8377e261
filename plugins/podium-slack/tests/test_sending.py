"""Both ways into Slack over real HTTP: what is sent, and what each answer of Slack becomes."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from collections.abc import Callable, Iterator

import pytest
from podium_slack import SlackChannel

from podium.plugins import DeliveryFailedError, Message
from podium.testing import FakeSlack, slack_text

MakeMessage = Callable[..., Message]
TOKEN = "xoxb-1234-very-secret"
WAYS = ("token", "webhook_url")


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack with one channel."""
    with FakeSlack(token=TOKEN, channels=["#ml"]) as fake:
        yield fake


@pytest.fixture(params=WAYS)
def settings(request: pytest.FixtureRequest, slack: FakeSlack) -> dict[str, str]:
    """The settings of each way in turn, secrets resolved."""
    if request.param == "webhook_url":
        return {"webhook_url": slack.webhook_url}
    return {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url}


def refused(channel: SlackChannel, message: Message, settings: dict[str, str]) -> DeliveryFailedError:
    """Send and return the error, which must hold no secret, neither in its text nor in its trace."""
    with pytest.raises(DeliveryFailedError) as caught:
        channel.send(message, settings)
    told = str(caught.value) + "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts)
    assert not any(settings.get(way, TOKEN).strip() in told for way in WAYS)
    assert caught.value.hint
    return caught.value


def test_bot_token(slack: FakeSlack, make_message: MakeMessage) -> None:
    """The bot posts to the channel of the settings, and the receipt names the message in Slack."""
    settings = {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url}
    receipt = SlackChannel().send(make_message(), settings)
    assert receipt == f"{slack.shown()[0]['channel']}:1700000000.000001 #ml"
    assert slack.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert slack.messages[0]["channel"] == "#ml"


def test_base_url_needs_no_slash(slack: FakeSlack, make_message: MakeMessage) -> None:
    """A base_url without a slash at its end is the same place."""
    settings = {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url.rstrip("/")}
    SlackChannel().send(make_message(), settings)
    assert slack.requests[0].path == "/api/chat.postMessage"


def test_webhook(slack: FakeSlack, make_message: MakeMessage) -> None:
    """A webhook gives no id, so that the receipt is its own word."""
    assert SlackChannel().send(make_message(), {"webhook_url": f" {slack.webhook_url}\n"}) == "ok"
    assert slack_text(slack.messages[0]).startswith("🚀 Digits classifier v3 is now production")


def test_payload(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """Both ways send a text beside the blocks, unfold no link, and carry the ids of event and delivery."""
    SlackChannel().send(make_message(), settings)
    sent = slack.messages[0]
    assert sent["text"].startswith("🚀 model-registry/Digits classifier v3 is now production")
    assert (sent["unfurl_links"], sent["unfurl_media"], sent["mrkdwn"]) == (False, False, False)
    assert sent["metadata"]["event_payload"]["delivery_id"] == "0192-delivery"
    assert len(sent["blocks"]) == 5


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_blocks_format"])
def test_refused_looks_are_sent_as_text(code: str, slack: FakeSlack, make_message: MakeMessage) -> None:
    """If Slack does not take the blocks, the words arrive without them."""
    slack.fail(code, times=1)
    SlackChannel().send(make_message(), {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url})
    assert "blocks" not in slack.messages[0]
    assert "accuracy 0.9778" in slack_text(slack.messages[0])


def test_wrong_token(slack: FakeSlack, make_message: MakeMessage) -> None:
    """A wrong token is permanent, and the hint says which setting to look at."""
    settings = {"token": "xoxb-wrong", "channel": "#ml", "base_url": slack.base_url}
    error = refused(SlackChannel(), make_message(), settings)
    assert (error.permanent, error.slack_error) == (True, "invalid_auth")
    assert "'token'" in error.hint


@pytest.mark.parametrize(
    "code",
    [
        "not_authed",
        "account_inactive",
        "token_revoked",
        "missing_scope",
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "restricted_action",
        "invalid_arguments",
        "msg_too_long",
        "no_text",
    ],
)
def test_what_time_does_not_mend_is_permanent(code: str, slack: FakeSlack, make_message: MakeMessage) -> None:
    """A refusal that only a person can mend is not tried again."""
    slack.fail(code)
    settings = {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url}
    assert refused(SlackChannel(), make_message(), settings).permanent is True
    assert len(slack.requests) == 1


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "a_word_of_tomorrow"])
def test_what_time_may_mend_is_not_permanent(code: str, slack: FakeSlack, make_message: MakeMessage) -> None:
    """A fault of Slack, or a code that nobody knows yet, is tried again later."""
    slack.fail(code)
    settings = {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url}
    assert refused(SlackChannel(), make_message(), settings).permanent is False


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "no_service"),
        (410, "channel_is_archived"),
        (403, "action_prohibited"),
        (400, "invalid_payload"),
        (400, "a_word_of_tomorrow"),
        (404, "<html>not here</html>"),
    ],
)
def test_refusals_of_a_webhook_are_permanent(
    status: int, body: str, slack: FakeSlack, make_message: MakeMessage
) -> None:
    """A webhook that is gone, forbidden or not understood stays so."""
    slack.reply(status, body)
    assert refused(SlackChannel(), make_message(), {"webhook_url": slack.webhook_url}).permanent is True


def test_rate_limit(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A rate limit longer than the attempt is handed on at once with the seconds that Slack asked for."""
    slack.limit_rate(120)
    started = time.monotonic()
    error = refused(SlackChannel(), make_message(), settings)
    assert (error.retry_after, error.permanent) == (120, False)
    assert time.monotonic() - started < 2
    assert len(slack.requests) == 1


def test_short_rate_limit(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A rate limit that fits into the attempt is waited for, and the message arrives with the same attempt."""
    slack.limit_rate(1, times=1)
    started = time.monotonic()
    SlackChannel().send(make_message(), settings)
    assert 1 <= time.monotonic() - started < 4
    assert (len(slack.requests), len(slack.messages)) == (2, 1)


def test_time_of_an_attempt_is_the_time_of_all_its_tries(
    slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """Rate limits, server errors and slow answers together take no longer than the attempt may."""
    slack.limit_rate(1, times=1)
    slack.reply(503, times=1)
    slack.reply(delay=60)
    started = time.monotonic()
    assert refused(SlackChannel(), make_message(), settings).permanent is False
    assert time.monotonic() - started < 6


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    status: int, slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """Nobody else gets the token or the message, wherever an answer leads."""
    with FakeSlack(token=TOKEN) as elsewhere:
        slack.reply(status, "", headers={"Location": elsewhere.url})
        assert refused(SlackChannel(), make_message(), settings).permanent is False
        assert elsewhere.requests == ()


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "9999999999"])
def test_odd_retry_after(value: str, slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A Retry-After that is no sensible number of seconds is left out; the schedule of the outbox counts."""
    slack.reply(429, "", headers={"Retry-After": value})
    assert refused(SlackChannel(), make_message(), settings).retry_after is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_once(status: int, slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A server error that passes is tried again at once, and the message arrives."""
    slack.reply(status, "<html>bad gateway</html>", times=1)
    SlackChannel().send(make_message(), settings)
    assert len(slack.messages) == 1


def test_server_error_that_stays(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A server error that stays is left to the outbox after three calls, not permanent."""
    slack.reply(500, "oops")
    error = refused(SlackChannel(), make_message(), settings)
    assert (error.permanent, error.status, len(slack.requests)) == (False, 500, 3)


def test_no_try_without_time(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """Where no moment is left for a further try, none is made that nobody would wait for."""
    slack.reply(503, delay=0.3)
    error = refused(SlackChannel(seconds=1), make_message(), settings)
    assert (error.status, len(slack.requests)) == (503, 1)


def test_broken_connection_once(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A connection that breaks once is tried again at once."""
    slack.reply(reset=True, times=1)
    SlackChannel().send(make_message(), settings)
    assert len(slack.messages) == 1


def test_broken_connections(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """Connections that keep breaking are left to the outbox."""
    slack.reply(reset=True)
    error = refused(SlackChannel(), make_message(), settings)
    assert error.permanent is False
    assert "reset" in str(error)


def test_hang(slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A Slack that does not answer costs the timeout once, not once per retry: the message may have arrived."""
    slack.reply(delay=60)
    started = time.monotonic()
    error = refused(SlackChannel(seconds=1), make_message(), settings)
    assert "no answer within 1 s" in str(error)
    assert error.permanent is False
    assert time.monotonic() - started < 3
    assert len(slack.requests) == 1


def test_hang_while_connecting(make_message: MakeMessage) -> None:
    """A TLS handshake that nobody answers costs the timeout once too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = {"webhook_url": f"https://127.0.0.1:{server.getsockname()[1]}/services/secret"}
        started = time.monotonic()
        assert "no answer within 1 s" in str(refused(SlackChannel(seconds=1), make_message(), settings))
    assert time.monotonic() - started < 1.9


@pytest.mark.parametrize("way", WAYS)
def test_nobody_listens(way: str, make_message: MakeMessage) -> None:
    """A place where nobody listens is not permanent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"http://127.0.0.1:{server.getsockname()[1]}/secret"
    settings = {"webhook_url": place} if way == "webhook_url" else {"token": TOKEN, "channel": "#m", "base_url": place}
    error = refused(SlackChannel(), make_message(), settings)
    assert error.permanent is False
    assert "refused" in str(error)


@pytest.mark.parametrize("body", ["{bad", "[]", '{"ok": true', b"\xff\xfe", "<html>Please log in</html>", ""])
def test_answers_that_are_not_slacks(
    body: str | bytes, slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """Whatever else answers 200, such as the login page of a hotel, is not taken for Slack."""
    slack.reply(200, body)
    assert refused(SlackChannel(), make_message(), settings).permanent is False


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"token": TOKEN},
        {"token": "xoxb-two\nlines", "channel": "#ml"},
        {"token": "xoxb-…", "channel": "#ml"},
        {"token": TOKEN, "channel": "#ml", "base_url": "slack.com/api/"},
        {"webhook_url": "hooks.slack.com/services/secret"},
        {"webhook_url": "file:///etc/secret"},
        {"webhook_url": "https://hooks.slack.com/services/se cret"},
        {"webhook_url": "https://hooks.slack.com:secret/services"},
        {"webhook_url": "https://hooks.slack.com/services/x", "buttons": "yes"},
        {"token": TOKEN, "channel": "#ml", "threads": "maybe"},
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, str], make_message: MakeMessage) -> None:
    """Settings that cannot be used are permanent, and nothing is sent anywhere."""
    error = refused(SlackChannel(), make_message(), settings)
    assert error.permanent is True
    assert "secret/" not in str(error)


def test_logs_hold_no_secret(
    slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even with every logger turned up does the SDK write the token or the webhook's address."""
    caplog.set_level(logging.DEBUG)
    slack.reply(500, times=1)
    SlackChannel().send(make_message(), settings)
    assert "hook-secret" not in caplog.text
    assert TOKEN not in caplog.text


def test_no_proxy_is_honoured(
    slack: FakeSlack, settings: dict[str, str], make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place that NO_PROXY names is reached directly."""
    for name in ("HTTPS_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    SlackChannel().send(make_message(), settings)
    assert len(slack.messages) == 1


def test_proxy_is_honoured(make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other place is reached through the proxy of the environment."""
    with FakeSlack(token=TOKEN) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        settings = {"token": TOKEN, "channel": "#ml", "base_url": "http://slack.invalid/api/"}
        with pytest.raises(DeliveryFailedError):
            SlackChannel().send(make_message(), settings)
        assert proxy.requests[0].path == "http://slack.invalid/api/chat.postMessage"
