"""Both ways into Slack behind one shape: a function that posts a payload and returns the answer.

What the SDK does by itself and must not do here: sleep as long as a rate limit says, give up on 502 and 504, try again
after a timeout, and write the address of a webhook, which is a secret, into its log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import ConnectionErrorRetryHandler, FixedValueRetryIntervalCalculator, RetryHandler
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.webhook import WebhookClient

from podium.plugins import DeliveryFailedError
from podium_slack.faults import Answer

Post = Callable[[dict[str, Any]], Answer]

_RETRIES = 2
_PAUSE = 0.4
_LONGEST_WAIT = 24 * 3600
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_VISIBLE = re.compile(r"[!-~]+")
# Of the words only: blocks carry no markup, and the text beside them is for notifications and screen readers.
_PLAIN: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False}


def open_client(settings: Mapping[str, str], seconds: int) -> Post:
    """Return the function that posts, by the bot token if there is one, else by the webhook.

    Raises:
        DeliveryFailedError: A setting is missing or cannot be used; permanent.
    """
    token, webhook = settings.get("token", "").strip(), settings.get("webhook_url", "").strip()
    if token:
        return _web_api(token, settings, seconds)
    if webhook:
        _check_address(webhook, "webhook_url")
        return _webhook(webhook, seconds)
    raise _unusable("There is neither a token nor a webhook.", "Set 'token' or 'webhook_url' on the subscription.")


def _web_api(token: str, settings: Mapping[str, str], seconds: int) -> Post:
    if not _VISIBLE.fullmatch(token):
        # http.client would refuse it too, in words that quote the token.
        raise _unusable("The token holds characters that no token has.", "Check the secret behind 'token'.")
    channel = settings.get("channel", "").strip()
    if not channel:
        hint = "Set 'channel' on the subscription, to '#name' or to an id."
        raise _unusable("A bot token does not say into which channel to post.", hint)
    base = settings.get("base_url", "").strip() or WebClient.BASE_URL
    _check_address(base, "base_url")
    client = WebClient(token, base_url=base, timeout=seconds, logger=_silent_logger(), retry_handlers=_retries())

    def post(payload: dict[str, Any]) -> Answer:
        try:
            found = client.chat_postMessage(channel=channel, **_PLAIN, **payload)
        except SlackApiError as error:
            response = error.response
            data = response.data if isinstance(response.data, dict) else {}
            wait = _seconds(response.headers)
            return Answer(response.status_code, error=_code(data.get("error")), retry_after=wait)
        except Exception as error:
            raise _unreachable(error, seconds) from error
        return Answer(200, receipt=f"{found.get('channel')}:{found.get('ts')}")

    return post


def _webhook(url: str, seconds: int) -> Post:
    client = WebhookClient(url, timeout=seconds, logger=_silent_logger(), retry_handlers=_retries())

    def post(payload: dict[str, Any]) -> Answer:
        try:
            found = client.send_dict({**_PLAIN, **payload})  # the one call of this client that knows "mrkdwn"
        except Exception as error:
            raise _unreachable(error, seconds) from error
        body = str(found.body).strip()
        if found.status_code == 200 and body == "ok":
            return Answer(200, receipt="ok")
        return Answer(found.status_code, error=_code(body), retry_after=_seconds(found.headers))

    return post


class _ServerErrors(ServerErrorRetryHandler):
    """The SDK's own knows 500 and 503 only; proxies and load balancers answer 502 and 504."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        return response is not None and response.status_code in (500, 502, 503, 504)


class _ConnectionErrors(ConnectionErrorRetryHandler):
    """The SDK's own tries again after a timeout while connecting, which would double the time."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        late = isinstance(_reason(error), TimeoutError)
        return not late and super()._can_retry(state=state, request=request, response=response, error=error)


def _retries() -> list[RetryHandler]:
    """Return what is tried again at once, within about a second; the outbox does the rest, rate limits included."""
    pause = FixedValueRetryIntervalCalculator(_PAUSE)
    return [_ConnectionErrors(_RETRIES, pause), _ServerErrors(_RETRIES, pause)]


def _silent_logger() -> logging.Logger:
    """Return a logger that says nothing: what matters is in the error, and the SDK would log the webhook's address."""
    # One that getLogger() gives could be turned up from outside.
    return logging.Logger("podium_slack.sdk", level=logging.CRITICAL + 1)  # noqa: LOG001 - see above


def _check_address(address: str, setting: str) -> None:
    try:
        parts = urlsplit(address)
        # Asking for the port is what checks it.
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not _VISIBLE.fullmatch(address):
        raise _unusable(f"The setting {setting!r} is no web address.", "It begins with https:// and holds no spaces.")


def _unusable(message: str, hint: str) -> DeliveryFailedError:
    return DeliveryFailedError(message, hint=hint, permanent=True)


def _unreachable(error: Exception, seconds: int) -> DeliveryFailedError:
    reason = _reason(error)
    hint = "It is tried again; check the network, a proxy and the setting 'base_url' if it stays."
    if isinstance(reason, TimeoutError):
        return DeliveryFailedError(f"Slack gave no answer within {seconds} s.", hint=hint, permanent=False)
    # Only the words of the system: other texts may quote what was sent.
    if isinstance(reason, OSError):
        why = reason.strerror or type(reason).__name__
        return DeliveryFailedError(f"Slack could not be reached: {why}.", hint=hint, permanent=False)
    text = f"Slack's answer could not be read: {type(reason).__name__}."
    return DeliveryFailedError(text, hint=hint, permanent=False)


def _reason(error: Exception | None) -> BaseException | None:
    inner = error.reason if isinstance(error, URLError) else error
    return inner if isinstance(inner, BaseException) else error


def _code(text: object) -> str | None:
    return text if isinstance(text, str) and _CODE.fullmatch(text) else None


def _seconds(headers: Mapping[str, Any]) -> int | None:
    values = [str(value) for name, value in headers.items() if name.lower() == "retry-after"]
    return min(int(values[0]), _LONGEST_WAIT) if values and re.fullmatch(r"[0-9]{1,9}", values[0]) else None
