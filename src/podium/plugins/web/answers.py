"""What a receiver's answer means: whether trying again can help, and when."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from podium.plugins.channels import DeliveryFailedError

_LONGEST_WAIT = 24 * 3600
# Moved for good: nobody follows, since a redirect is how a public address leads to an internal one.
_MOVED = frozenset({301, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said.

    Attributes:
        status: HTTP status.
        retry_after: Seconds that it asked to wait.
        body: The beginning of what it said; nothing unless it was asked for.
    """

    status: int
    retry_after: int | None = None
    body: bytes = b""


def failure(answer: Answer) -> DeliveryFailedError:
    """Return the error for an answer that is no success; Standard Webhooks counts nothing but 2xx as one."""
    status, wait = answer.status, answer.retry_after
    permanent = status == 410 or status in _MOVED
    hint = "It is tried again by the schedule; look at the receiver if it stays."
    if status == 410:
        hint = "The receiver wants no more of this; remove the subscription, or correct its address."
    elif 300 <= status < 400:
        hint = "Redirects are not followed; put the final address into the subscription."
    elif status in (401, 403):
        hint = "Check that the receiver knows the secret that is behind 'secret'."
    said = f"The receiver answered {status}" + (f" and asks to wait {wait} s." if wait is not None else ".")
    return DeliveryFailedError(said, hint=hint, permanent=permanent, retry_after=wait, status=status)


def seconds_of(retry_after: str | None) -> int | None:
    """Return the seconds of a ``Retry-After``, which has a number or a date; None for anything else."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(int(text), _LONGEST_WAIT)
    try:
        wait = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return max(0, min(round(wait), _LONGEST_WAIT))
