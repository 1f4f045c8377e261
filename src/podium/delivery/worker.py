"""The worker: takes what is due and hands it to channels and actions, each attempt guarded and bounded in time."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import sqlalchemy as sa

from podium.delivery import lines, outbox
from podium.delivery.outbox import Claim, Due
from podium.delivery.schedule import next_attempt
from podium.delivery.sending import Sent, send
from podium.domain.plain import Value
from podium.errors import PodiumError, is_away
from podium.plugins.actions import Action
from podium.plugins.channels import Channel
from podium.plugins.guard import Outcome
from podium.plugins.host import PluginHost
from podium.settings import SCHEDULE
from podium.sql.database import Database

Verdict = Literal["sent", "failed", "dead"]
ATTEMPT_SECONDS = 20.0
_LEAST_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_BATCH = 100
_PAUSES = (0.1, 0.5, 1.0, 2.0)  # seconds between tries to write down how an attempt ended


class Automations(Protocol):
    """What knows how to run automations; handed in by the registry, whose verbs their actions call."""

    def run(self, claimed: Claim, action: Action, seconds: float) -> Outcome:
        """Do what a claimed delivery of the kind ``automation`` is for, within so many seconds."""

    def settled(self, connection: sa.Connection, claimed: Claim, outcome: Outcome, verdict: Verdict) -> Sequence[str]:
        """Record what came of it, in the transaction that settles the delivery; return the ids of the events."""

    def committed(self, events: Sequence[str]) -> None:
        """Tell observers of events that `settled` recorded, now that they are there."""


@dataclass(frozen=True, slots=True)
class DeliveryReport(Value):
    """What one round of delivery did.

    Attributes:
        sent: Accepted by their channel or action.
        failed: Not accepted; they will be tried again.
        dead: Given up.
        left: Due, but not tried within the time budget, or because their receiver was slow a moment ago.
        absent: Due, by channel or action, and left to a process that has its plugin; this one has not.
        waiting: Due, but held up in an ordered channel, by the id of the delivery that has to go before.
    """

    sent: int = 0
    failed: int = 0
    dead: int = 0
    left: int = 0
    absent: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Worker:
    """Delivers what is due.

    Attributes:
        database: Where the outbox is.
        host: Who has the channels and actions.
        clock: Gives the time, UTC.
        automations: Runs automations; without it they are left to others.
        schedule: Seconds before the second, third, ... attempt.
        attempt_seconds: How long an attempt may take.
    """

    database: Database
    host: PluginHost
    clock: Callable[[], datetime]
    automations: Automations | None = None
    schedule: Sequence[float] = SCHEDULE
    attempt_seconds: float = ATTEMPT_SECONDS

    def deliver_due(
        self,
        events: Sequence[str] | None = None,
        seconds: float | None = None,
        until: Callable[[], bool] | None = None,
    ) -> DeliveryReport:
        """Deliver what is due, oldest first.

        Args:
            events: Deliver only what these events caused, and what has to go before; None for everything.
            seconds: Start no further attempt after so long; None for no limit.
            until: Start no further attempt once it says so.
        """
        end = time.monotonic() + seconds if seconds is not None else math.inf
        return _Round(self, self.clock(), end, until or _never, list(events) if events is not None else None).run()


def _never() -> bool:
    return False


@dataclass
class _Round:
    """One pass over what is due.

    What fails in it is not tried again in it. A receiver that let an attempt wait long is left alone for the rest of
    it, so that it does not use up the time of the others. Right after a change, a channel or action that is not there
    at once is asked for again when all others are served, and waited for then.
    """

    worker: Worker
    started: datetime
    end: float
    until: Callable[[], bool]
    events: list[str] | None
    counts: dict[str, int] = field(default_factory=lambda: {"sent": 0, "failed": 0, "dead": 0, "left": 0})
    targets: dict[str, Channel | Action | None] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    seen: set[UUID] = field(default_factory=set)
    tried: set[UUID] = field(default_factory=set)
    patient: bool = field(init=False)

    def __post_init__(self) -> None:
        self.patient = self.events is None

    def run(self) -> DeliveryReport:
        """Deliver until nothing is due, or the time is over."""
        while waiting := self._due() or self._due_later():
            while waiting:
                if self.until() or time.monotonic() >= self.end:
                    self.counts["left"] += len(waiting)
                    return self._report()
                item = waiting.popleft()
                follower = self._handle(item, self._seconds(len(waiting) + 1))
                if follower is not None and follower.id not in self.tried:
                    waiting.append(follower)
        return self._report()

    def _due(self) -> deque[Due]:
        """Return what was not looked at yet; asks again when it turns out what is ordered and what is absent."""
        worker = self.worker
        while True:
            absent = [name for name, found in self.targets.items() if found is None]
            given = {"events": self.events, "ordered": self._ordered(), "absent": absent}
            with worker.database.read() as connection:
                found = outbox.due(connection, worker.clock(), self.started, _BATCH + len(self.seen), **given)  # type: ignore[arg-type]  # each has its type
            unknown = {_target(item): item for item in found if _target(item) not in self.targets}
            for item in unknown.values():
                self._find(item)
            if not unknown:
                fresh = [item for item in found if item.id not in self.seen]
                self.seen.update(item.id for item in fresh)
                return deque(fresh)

    def _due_later(self) -> deque[Due]:
        """Return what is for channels and actions that were not there at once; they are waited for now."""
        if self.patient:
            return deque()
        self.patient = True
        self.targets = {name: found for name, found in self.targets.items() if found is not None}
        return self._due()

    def _ordered(self) -> list[str]:
        return [name.partition(":")[2] for name, found in self.targets.items() if _is_ordered(found)]

    def _find(self, item: Due) -> None:
        worker, seconds = self.worker, max(0.0, min(self.end - time.monotonic(), self.worker.attempt_seconds))
        seconds = seconds if self.patient else 0.0
        found: Channel | Action | None
        if item.kind == "subscription":
            found = worker.host.channel(item.channel, seconds)
        else:
            found = worker.host.action(item.channel, seconds) if worker.automations is not None else None
            if found is not None and self.events is not None and found.seconds > worker.attempt_seconds:
                found = None  # what takes long is not run right after a change, where somebody may wait
        self.targets[_target(item)] = found

    def _seconds(self, waiting: int) -> float:
        """Return how long an attempt may take.

        Right after a change, where somebody may wait, it is a fair share of the time, so that one channel that hangs
        does not use up that of the others.
        """
        if self.events is None:
            return self.worker.attempt_seconds
        share = (self.end - time.monotonic()) / waiting
        return min(max(share, _LEAST_SECONDS), self.worker.attempt_seconds)

    def _handle(self, item: Due, seconds: float) -> Due | None:
        """Try one delivery, and return the one that its end lets go."""
        target = self.targets.get(_target(item))
        if target is None:
            return None
        if item.subscription in self.slow:
            self.counts["left"] += 1
            return None
        if isinstance(target, Action) and target.seconds > self.worker.attempt_seconds:
            seconds = target.seconds
        ordered = _is_ordered(target)
        with self.worker.database.write() as connection:
            now = self.worker.clock()
            claimed = outbox.claim(connection, item, now, self.started, seconds=seconds, ordered=ordered)
        if claimed is not None:
            self._attempt(claimed, target, seconds)
        if not ordered or item.stream is None:
            return None
        with self.worker.database.read() as connection:
            return outbox.next_in_line(connection, item, self.worker.clock(), self.started)

    def _attempt(self, claimed: Claim, target: Channel | Action, seconds: float) -> None:
        began = time.monotonic()
        sent = self._send(claimed, target, seconds)
        self.tried.update(part.id for part in claimed.parts)
        if sent.outcome.error is not None and time.monotonic() - began >= min(_SLOW_SECONDS, seconds):
            self.slow.add(claimed.subscription)
        verdict = self._settle(claimed, sent)
        self.counts[verdict] += len(claimed.parts)

    def _send(self, claimed: Claim, target: Channel | Action, seconds: float) -> Sent:
        if isinstance(target, Channel):
            return send(claimed, target, self.worker.host, seconds)
        assert self.worker.automations is not None  # else its target is absent
        return Sent(self.worker.automations.run(claimed, target, seconds))

    def _settle(self, claimed: Claim, sent: Sent) -> Verdict:
        """Write how an attempt ended; while the database is away it is tried as long as the lease lasts."""
        worker, outcome = self.worker, sent.outcome
        now = worker.clock()
        number = claimed.attempt - claimed.tried_before
        next_at = next_attempt(now, number, outcome, worker.schedule) if outcome.error is not None else None
        verdict: Verdict = "sent" if outcome.error is None else "failed" if next_at is not None else "dead"
        receipt = outcome.value if outcome.error is None else None
        pauses = iter(_PAUSES)
        while True:
            try:
                with worker.database.write() as connection:
                    written = {"receipt": receipt, "error": outcome.error, "next_at": next_at, "note": sent.note}
                    held = outbox.settle(connection, claimed, now, **written)  # type: ignore[arg-type]  # each has its type
                    told: Sequence[str] = ()
                    if held and claimed.kind == "automation" and worker.automations is not None:
                        told = worker.automations.settled(connection, claimed, outcome, verdict)
                if told and worker.automations is not None:
                    worker.automations.committed(told)
                if self.events is not None:
                    self.events.extend(told)
                return verdict
            except PodiumError as error:
                pause = next(pauses, _PAUSES[-1])
                if not is_away(error) or (claimed.leased_until - worker.clock()).total_seconds() < pause:
                    raise
                time.sleep(pause)

    def _report(self) -> DeliveryReport:
        absent = [name for name, found in self.targets.items() if found is None]
        ordered = self._ordered()
        missing: Mapping[str, int] = {}
        waiting: Mapping[str, int] = {}
        if (absent or ordered) and self.events is None:
            with self.worker.database.read() as connection:
                now = self.worker.clock()
                missing = outbox.count_absent(connection, now, absent) if absent else {}
                waiting = lines.count_waiting(connection, now, ordered) if ordered else {}
        return DeliveryReport(**self.counts, absent=missing, waiting=waiting)


def _target(item: Due) -> str:
    return f"{item.kind}:{item.channel}"


def _is_ordered(target: Channel | Action | None) -> bool:
    return isinstance(target, Channel) and target.ordered
