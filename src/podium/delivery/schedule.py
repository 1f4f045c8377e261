"""When a delivery that failed is tried again, and when it is given up."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from podium.plugins.channels import DeliveryFailedError
from podium.plugins.guard import Outcome

_JITTER = 0.2
_LONGEST_WISH = 86_400.0  # seconds that a receiver may ask to wait


def next_attempt(now: datetime, attempt: int, outcome: Outcome, schedule: Sequence[float]) -> datetime | None:
    """Return when to try again, or None when the schedule has ended or trying again cannot help.

    Args:
        now: When the attempt ended.
        attempt: Its number, from 1; after a retry by hand it counts from there, so that all of the schedule follows.
        outcome: What it came to.
        schedule: Seconds before the second, third, ... attempt.
    """
    facts = outcome.cause.facts if isinstance(outcome.cause, DeliveryFailedError) else {}
    if facts.get("permanent") or attempt > len(schedule):
        return None
    delay = schedule[attempt - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret depends on it
    return now + timedelta(seconds=max(delay, _asked(facts.get("retry_after"))))


def _asked(seconds: object) -> float:
    """Return how long a receiver asked to wait, at most a day; what is no sensible number counts as nothing."""
    try:
        wait = float(str(seconds))  # a header is text
    except ValueError:
        return 0.0
    return min(wait, _LONGEST_WISH) if 0 <= wait < math.inf else 0.0
