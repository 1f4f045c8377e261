"""Both ways into Slack behind one shape: functions that post or update and return the answer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from podium.plugins import DeliveryFailedError
from podium.plugins.deadline import Deadline
from podium.plugins.guard import call_within
from podium_slack.faults import Answer
from podium_slack.options import check_channel
from podium_slack.threads import Receipt
from podium_slack.transport import (
    SlackWebClient,
    SlackWebhookClient,
    asked_seconds,
    cause_of,
    retries,
    silent_logger,
)

Json = dict[str, Any]

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_VISIBLE = re.compile(r"[!-~]+")
# Of the words only: blocks carry no markup, and the text beside them is for notifications and screen readers.
_PLAIN: Json = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}


@dataclass(frozen=True, slots=True)
class Way:
    """A way into Slack, for one attempt.

    Attributes:
        post: Posts a payload.
        update: Puts a payload in the place of an earlier message; None for a webhook, which cannot.
    """

    post: Callable[[Json], Answer]
    update: Callable[[Receipt, Json], Answer] | None = None


def open_way(settings: Mapping[str, str], seconds: float) -> Way:
    """Return the way by the bot token if there is one, else by the webhook.

    Args:
        settings: Of the subscription, secrets resolved.
        seconds: How long all calls together may take.

    Raises:
        DeliveryFailedError: A setting is missing or cannot be used; permanent.
    """
    deadline = Deadline(seconds)
    token, webhook = settings.get("token", "").strip(), settings.get("webhook_url", "").strip()
    if token:
        return _web_api(token, settings, deadline)
    if webhook:
        check_address(webhook, "webhook_url")
        return _webhook(webhook, deadline)
    raise _unusable("There is neither a token nor a webhook.", "Set 'token' or 'webhook_url' on the subscription.")


def check_token(token: str) -> str:
    """Return a token that can be sent as a header.

    Raises:
        DeliveryFailedError: It cannot; permanent.
    """
    if not _VISIBLE.fullmatch(token):
        # http.client would refuse it too, in words that quote the token.
        raise _unusable("The token holds characters that no token has.", "Check the secret behind 'token'.")
    return token


def check_address(address: str, setting: str) -> str:
    """Return a web address.

    Raises:
        DeliveryFailedError: It is none; permanent.
    """
    try:
        parts = urlsplit(address)
        # Asking for the port is what checks it.
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not _VISIBLE.fullmatch(address):
        raise _unusable(f"The setting {setting!r} is no web address.", "It begins with https:// and holds no spaces.")
    return address


def _web_api(token: str, settings: Mapping[str, str], deadline: Deadline) -> Way:
    check_token(token)
    channel = check_channel(settings)
    base = check_address(settings.get("base_url", "").strip() or WebClient.BASE_URL, "base_url")
    seconds = math.ceil(deadline.seconds)
    client = SlackWebClient(
        token, base_url=base, timeout=seconds, logger=silent_logger(), retry_handlers=retries(deadline)
    )

    def answer(call: Callable[[], Any]) -> Answer:
        try:
            found = _within(call, deadline)
        except SlackApiError as error:
            return refusal(error)
        except Exception as error:
            raise unreachable(error, deadline.seconds) from error
        return Answer(200, ok=True, channel=str(found.get("channel")), ts=str(found.get("ts")))

    def post(payload: Json) -> Answer:
        return answer(lambda: client.chat_postMessage(channel=channel, **_PLAIN, **payload))

    def update(receipt: Receipt, payload: Json) -> Answer:
        kept: Json = {"channel": receipt.channel, "ts": receipt.ts, "parse": "none", "link_names": False}
        return answer(lambda: client.chat_update(**kept, **payload))

    return Way(post, update)


def _webhook(url: str, deadline: Deadline) -> Way:
    seconds = math.ceil(deadline.seconds)
    client = SlackWebhookClient(url, timeout=seconds, logger=silent_logger(), retry_handlers=retries(deadline))

    def post(payload: Json) -> Answer:
        try:
            # The one call of this client that knows "mrkdwn".
            found = _within(lambda: client.send_dict({**_PLAIN, **payload}), deadline)
        except Exception as error:
            raise unreachable(error, deadline.seconds) from error
        body = str(found.body).strip()
        if found.status_code == 200 and body == "ok":
            return Answer(200, ok=True)
        return Answer(found.status_code, error=_code(body), retry_after=asked_seconds(found.headers))

    return Way(post)


def refusal(error: SlackApiError) -> Answer:
    """Return what Slack said when it refused a call of the Web API."""
    response = error.response
    data = response.data if isinstance(response.data, dict) else {}
    wait = asked_seconds(response.headers)
    return Answer(response.status_code, error=_code(data.get("error")), retry_after=wait)


def unreachable(error: Exception, seconds: float) -> DeliveryFailedError:
    """Return the error for an attempt that Slack did not answer."""
    reason = cause_of(error)
    hint = "It is tried again; check the network, a proxy and the setting 'base_url' if it stays."
    if isinstance(reason, TimeoutError):
        return DeliveryFailedError(f"Slack gave no answer within {seconds:g} s.", hint=hint, permanent=False)
    # Only the words of the system: other texts may quote what was sent.
    if isinstance(reason, OSError):
        why = reason.strerror or type(reason).__name__
        return DeliveryFailedError(f"Slack could not be reached: {why}.", hint=hint, permanent=False)
    text = f"Slack's answer could not be read: {type(reason).__name__}."
    return DeliveryFailedError(text, hint=hint, permanent=False)


def _within(call: Callable[[], Any], deadline: Deadline) -> Any:
    """Call in a thread that is waited for until the time is over: sockets know no limit for a whole answer."""
    outcome = call_within(call, deadline.left())
    if outcome.error is None:
        return outcome.value
    if outcome.cause is None:
        raise TimeoutError(outcome.error)
    raise outcome.cause


def _unusable(message: str, hint: str) -> DeliveryFailedError:
    return DeliveryFailedError(message, hint=hint, permanent=True)


def _code(text: object) -> str | None:
    return text if isinstance(text, str) and _CODE.fullmatch(text) else None
