"""A gate: nothing goes to production outside working hours, when nobody is there to see what it does."""

from __future__ import annotations

from datetime import datetime

from podium.plugins import PromotionRequest, hookimpl

FIRST_HOUR, LAST_HOUR = 9, 16
FRIDAY = 4


def now() -> datetime:
    """Return the time where this process runs."""
    return datetime.now().astimezone()


@hookimpl
def podium_check_promotion(request: PromotionRequest) -> str | None:
    """Refuse on a weekend, on a Friday afternoon, early and late."""
    if request.stage != "production":
        return None
    time = now()
    last = LAST_HOUR if time.weekday() < FRIDAY else 12
    if time.weekday() > FRIDAY or not FIRST_HOUR <= time.hour < last:
        return f"It is {time:%A, %H:%M}; production changes Monday to Thursday 9 to 16, Friday 9 to 12."
    return None
