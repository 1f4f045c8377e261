"""The worker: takes what is due and hands it to channels, each attempt guarded and bounded in time."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from podium.delivery import outbox
from podium.delivery.messages import message_of
from podium.delivery.secrets import resolve_settings
from podium.domain.plain import Value, storable
from podium.errors import SettingsError
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.guard import Outcome, call_within
from podium.plugins.host import PluginHost
from podium.sql.database import Database

# Seconds before the second, third, ... attempt, after the schedule that Standard Webhooks recommends.
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
ATTEMPT_SECONDS = 20.0
_LEAST_SECONDS = 1.0
_JITTER = 0.2
_BATCH = 100


@dataclass(frozen=True, slots=True)
class DeliveryReport(Value):
    """What one round of delivery did.

    Attributes:
        sent: Accepted by their channel.
        failed: Not accepted; they will be tried again.
        dead: Given up.
        left: Due, but not tried within the time budget.
    """

    sent: int = 0
    failed: int = 0
    dead: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """Delivers what is due.

    Attributes:
        database: Where the outbox is.
        host: Who has the channels.
        clock: Gives the time, UTC.
    """

    database: Database
    host: PluginHost
    clock: Callable[[], datetime]

    def deliver_due(self, events: Sequence[str] | None = None, seconds: float | None = None) -> DeliveryReport:
        """Deliver what is due, oldest first.

        Args:
            events: Deliver only what these events caused; None for everything.
            seconds: Start no further attempt after so long; None for no limit.
        """
        end = time.monotonic() + seconds if seconds is not None else None
        counts = {"sent": 0, "failed": 0, "dead": 0, "left": 0}
        tried: set[object] = set()
        while True:
            with self.database.read() as connection:
                found = outbox.due(connection, self.clock(), events, _BATCH)
            waiting = [delivery for delivery in found if delivery not in tried]
            if not waiting:
                return DeliveryReport(**counts)
            for position, delivery in enumerate(waiting):
                left = end - time.monotonic() if end is not None else math.inf
                if left <= 0:
                    return DeliveryReport(**{**counts, "left": len(waiting) - position})
                tried.add(delivery)
                # A fair share of what is left, so that one channel that hangs does not use up the time of the others.
                share = max(left / (len(waiting) - position), _LEAST_SECONDS)
                verdict = self._deliver(delivery, min(share, left, ATTEMPT_SECONDS))
                if verdict is not None:
                    counts[verdict] += 1

    def _deliver(self, delivery: Any, seconds: float) -> str | None:
        with self.database.write() as connection:
            claimed = outbox.claim(connection, delivery, self.clock())
        if claimed is None:
            return None
        outcome = self._send(claimed, seconds)
        now = self.clock()
        next_at = _next_at(now, claimed.attempt, outcome) if outcome.error is not None else None
        receipt = outcome.value if outcome.error is None else None
        with self.database.write() as connection:
            outbox.settle(connection, claimed, now, receipt=receipt, error=outcome.error, next_at=next_at)
        return "sent" if outcome.error is None else "failed" if next_at is not None else "dead"

    def _send(self, claimed: outbox.Claim, seconds: float) -> Outcome:
        began = time.monotonic()
        channel = self.host.channel(claimed.channel, seconds)
        if channel is None:
            late = "".join(f" {name!r} is still being loaded." for name in self.host.loading())
            return Outcome(error=f"This process has no channel {claimed.channel!r}; install its plugin here.{late}")
        seconds = max(seconds - (time.monotonic() - began), _LEAST_SECONDS)
        message = message_of(str(claimed.id), claimed.event)
        try:
            settings = resolve_settings(channel, claimed.settings)
        except SettingsError as error:
            return Outcome(error=str(error), cause=error)
        outcome = call_within(lambda: storable(str(channel.send(message, settings))), seconds)
        receipt = (_without(outcome.value, channel.secrets, settings) or "")[:500]
        return Outcome(receipt, _without(outcome.error, channel.secrets, settings), outcome.cause)


def _next_at(now: datetime, attempt: int, outcome: Outcome) -> datetime | None:
    """Return when to try again, or None when the schedule has ended or trying again cannot help."""
    facts = outcome.cause.facts if isinstance(outcome.cause, DeliveryFailedError) else {}
    if facts.get("permanent") or attempt > len(SCHEDULE):
        return None
    delay = SCHEDULE[attempt - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret depends on it
    return now + timedelta(seconds=max(delay, _asked(facts.get("retry_after"))))


def _asked(seconds: object) -> float:
    """Return how long a receiver asked to wait, at most a day; what is no sensible number counts as nothing."""
    try:
        wait = float(str(seconds))  # a header is text
    except ValueError:
        return 0.0
    return min(wait, 86400.0) if 0 <= wait < math.inf else 0.0


def _without(text: str | None, secrets: frozenset[str], settings: dict[str, str]) -> str | None:
    """Take secrets out of a text that is stored and shown."""
    for name in secrets:
        if text and settings.get(name):
            text = text.replace(settings[name], "***")
    return text
