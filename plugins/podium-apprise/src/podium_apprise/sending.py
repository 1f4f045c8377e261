"""The talk with Apprise, of both major versions: one service, one attempt, nothing in the log.

What Apprise does by itself and must not do here: try again and sleep between (``?retry=``), call a failure a success
(``?optional=``), follow a redirect (a POST that was sent elsewhere becomes a GET, and its 200 a success), and log
addresses that hold tokens.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import apprise
from apprise.conversion import convert_between

from podium.plugins import DeliveryFailedError
from podium_apprise.wording import Wording

# Apprise's own logger, and that of what it sends HTTP with, which writes the path of each request.
_LOGGERS = ("apprise", "urllib3.connectionpool")
_STATUS = re.compile(r"\berror=([1-5][0-9]{2})\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Apprise said.

    Attributes:
        taken: Whether the service took the message.
        status: The HTTP status of a refusal, where Apprise wrote one into its log.
    """

    taken: bool
    status: int | None = None


def service_of(url: str) -> Any:
    """Return the service that a URL names.

    Raises:
        DeliveryFailedError: It names none, or several; permanent. The text does not quote it: it holds tokens.
    """
    with _Ear():
        # The empty address is that of the sender's home page, which some services would link.
        asset = apprise.AppriseAsset(async_mode=False, http_redirects=False, app_id="Podium", app_desc="", app_url="")
        found = apprise.Apprise(asset=asset)
        usable = found.add(url)
    if not usable or len(found) == 0:
        hint = "Look it up at https://appriseit.com/services/ and check the secret behind 'url'."
        raise DeliveryFailedError("The URL is none that Apprise knows.", hint=hint, permanent=True)
    if len(found) > 1:
        # One yes or no for all of them would send again to those that took it.
        hint = "Make a subscription for each; they are delivered and tried again one by one."
        raise DeliveryFailedError("The URL names several services.", hint=hint, permanent=True)
    return found[0]


def notify(service: Any, wording: Wording) -> Outcome:
    """Send once, in this thread: `Apprise.notify` of 2.0 sends in threads of its own, where it logs as it likes."""
    title, body = wording.title, wording.body
    text = apprise.NotifyFormat.TEXT
    converted: Callable[[str], str] = partial(convert_between, text, service.notify_format)
    with _Ear() as ear:
        taken = service.notify(
            # As `Apprise.notify` does it: where a service has no title, it becomes part of the body.
            title=title if service.title_maxlen > 0 else converted(title),
            body=converted(body),
            notify_type=apprise.NotifyType(wording.kind),
            body_format=text,
        )
    statuses = [int(found[1]) for line in ear.heard for found in _STATUS.finditer(line)]
    return Outcome(bool(taken), statuses[-1] if statuses and not taken else None)


class _Ear:
    """Keeps what loggers say in this thread from every handler, and remembers it; other threads log as ever."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __enter__(self) -> _Ear:
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(_FILTER)  # where it is already, nothing happens
        _FILTER.ear.heard = self.heard
        return self

    def __exit__(self, *_: object) -> None:
        del _FILTER.ear.heard


class _Filter(logging.Filter):
    """Stays where it is put: taking a filter away while another thread logs could make that one miss its own."""

    def __init__(self) -> None:
        super().__init__()
        self.ear = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let through what is said while nobody sends in this thread."""
        heard: list[str] | None = getattr(self.ear, "heard", None)
        if heard is None:
            return True
        heard.append(record.getMessage())
        return False


_FILTER = _Filter()
