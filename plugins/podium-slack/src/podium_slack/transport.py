"""The SDK's clients, made to keep to the time of one attempt and to follow nobody elsewhere.

What the SDK does by itself and must not do here: follow a redirect, and take the token along; sleep as long as a rate
limit says; give up on 502 and 504; try again after a timeout; and write the address of a webhook, which is a secret,
into its log.
"""

from __future__ import annotations

import logging
import re
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.http_retry import (
    ConnectionErrorRetryHandler,
    FixedValueRetryIntervalCalculator,
    RateLimitErrorRetryHandler,
    RetryHandler,
)
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.webhook import WebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from podium.plugins.deadline import Deadline

_RETRIES = 2
_PAUSE = 0.4
_LEAST = 0.5  # seconds that a further try must have
_LONGEST_WAIT = 24 * 3600
_LARGEST_ANSWER = 4 * 1024 * 1024


def asked_seconds(headers: Mapping[str, Any]) -> int | None:
    """Return the seconds of a ``Retry-After``, None if there are none that make sense."""
    for name, value in headers.items():
        text = str(value[0] if isinstance(value, list) and value else value)
        if name.lower() == "retry-after" and re.fullmatch(r"[0-9]{1,9}", text):
            return min(int(text), _LONGEST_WAIT)
    return None


def cause_of(error: Exception | None) -> BaseException | None:
    """Return what is behind an error of urllib."""
    inner = error.reason if isinstance(error, URLError) else error
    return inner if isinstance(inner, BaseException) else error


def silent_logger() -> logging.Logger:
    """Return a logger that says nothing: what matters is in the error, and the SDK would log the webhook's address."""
    # One that getLogger() gives could be turned up from outside.
    return logging.Logger("podium_slack.sdk", level=logging.CRITICAL + 1)  # noqa: LOG001 - see above


def retries(deadline: Deadline) -> list[RetryHandler]:
    """Return what the SDK tries again at once, within the time of the attempt; the outbox does the rest."""
    pause = FixedValueRetryIntervalCalculator(_PAUSE)
    made: list[_Bounded] = [
        _RateLimits(_RETRIES),
        _ConnectionErrors(_RETRIES, pause),
        _ServerErrors(_RETRIES, pause),
    ]
    for handler in made:
        handler.deadline = deadline
    return list(made)


class SlackWebClient(WebClient):
    """The SDK's client of the Web API."""

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        status, headers, body = _open(req, self.timeout, self.proxy, self.ssl)
        return {"status": status, "headers": headers, "body": body}


class SlackWebhookClient(WebhookClient):
    """The SDK's client of an incoming webhook."""

    def _perform_http_request_internal(self, url: str, req: urllib.request.Request) -> WebhookResponse:
        status, headers, body = _open(req, self.timeout, self.proxy, self.ssl)
        return WebhookResponse(url=url, status_code=status, body=body, headers=headers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an answer like any other: urllib would send the token along."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        return None


def _open(request: urllib.request.Request, seconds: float, proxy: str | None, context: Any) -> tuple[int, Any, str]:
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects(), urllib.request.HTTPSHandler(context=context)]
    if proxy is not None:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    # Only http and https come here: the addresses were checked.
    with urllib.request.build_opener(*handlers).open(request, timeout=seconds) as answer:
        charset = answer.headers.get_content_charset() or "utf-8"
        return answer.status, answer.headers, answer.read(_LARGEST_ANSWER).decode(charset)


class _Bounded(RetryHandler):
    """What all handlers here share: nobody waits beyond the time of the attempt."""

    deadline: Deadline

    def has_time_for(self, pause: float) -> bool:
        """Whether a further try after a pause still has a moment."""
        try:
            return self.deadline.left() > pause + _LEAST
        except TimeoutError:
            return False


class _RateLimits(RateLimitErrorRetryHandler, _Bounded):
    """The SDK's own sleeps as long as it is told, and up to a second more."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        wait = asked_seconds(response.headers)
        return wait is not None and self.has_time_for(wait + 1)


class _ServerErrors(ServerErrorRetryHandler, _Bounded):
    """The SDK's own knows 500 and 503 only; proxies and load balancers answer 502 and 504."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        bad = response is not None and response.status_code in (500, 502, 503, 504)
        return bad and self.has_time_for(_PAUSE)


class _ConnectionErrors(ConnectionErrorRetryHandler, _Bounded):
    """The SDK's own tries again after a timeout while connecting, which would double the time."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        late = isinstance(cause_of(error), TimeoutError)
        again = super()._can_retry(state=state, request=request, response=response, error=error)
        return again and not late and self.has_time_for(_PAUSE)
