"""The verbs of the audit: prove the history, query it, and say who held what when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from podium.domain.audit import AuditHeads, AuditReport, EventPage, Holding
from podium.domain.events import Event
from podium.registry.base import Joint, now
from podium.usecases.audit.heads import list_heads
from podium.usecases.audit.holders import find_holding, list_holdings
from podium.usecases.audit.querying import FindEvents, find_events
from podium.usecases.audit.verify import count_events, verify_audit


class AuditVerbs(Joint):
    """What can be asked of the history."""

    def verify_audit(
        self,
        heads: AuditHeads | Mapping[str, Any] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> AuditReport:
        """Compute the hash of every event anew, and compare the registry with what its events say.

        Found are edits, deletions, swaps and insertions of events, rows that were changed past Podium, and manifests
        that do not give their digest. Who may write the database can also take the newest events away and set the head
        back, remove a stream with all that belongs to it, or write a new history with right hashes: that is found with
        heads that were exported before.

        It sees one moment of the database and holds nobody up.

        Args:
            heads: What `audit_heads` returned once, or its JSON.
            progress: Told how many events were gone through; `count_events` says how many there are.

        Raises:
            InvalidValueError: The heads are none, or were altered since.
        """
        exported = heads if isinstance(heads, AuditHeads) or heads is None else AuditHeads.from_json(heads)
        with self._snapshot() as unit:
            return verify_audit(unit, exported, progress)

    def audit_heads(self) -> AuditHeads:
        """Return the newest event of each stream, to be kept where whoever may write the database cannot.

        The ``digest`` binds all of it: one line that can be written down. For errors see `verify_audit`.
        """
        with self._snapshot() as unit:
            return list_heads(unit)

    def count_events(self) -> int:
        """Return how many events the registry has; see `verify_audit`."""
        with self._read() as unit:
            return count_events(unit)

    def audit(
        self,
        where: str = "",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = True,
    ) -> EventPage:
        """Return the events of all artifacts, models and registries that match, one page of them.

        Args:
            where: An expression, such as ``type = 'model_version.promoted' and after.stage = 'production'``. Its names
                are ``type, subject, stream, sequence, at, actor, reason, origin.X, before.X, after.X``.
            since: From this time on.
            until: Before this time.
            limit: At most so many.
            after: The ``next`` of the page before.
            newest_first: The order.

        Raises:
            InvalidValueError: The expression cannot be understood (it says where and why), a time has no zone, the
                limit is below 1, or `after` is of no page.
        """
        with self._read() as unit:
            return find_events(unit, FindEvents(where, since, until, limit, after, newest_first))

    def audit_events(
        self,
        where: str = "",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = True,
        page: int = 500,
    ) -> Iterator[Event]:
        """Yield all events that match, a page at a time however many there are; see `audit`."""
        command: FindEvents | None = FindEvents(where, since, until, page, None, newest_first)
        while command is not None:
            with self._read() as unit:
                found = find_events(unit, command)
            yield from found.items
            command = replace(command, after=found.next) if found.next is not None else None

    def holder(self, model: str, stage: str = "production", at: datetime | None = None) -> Holding | None:
        """Return who held a stage at a time, since when, until when, by whom and why; None if nobody ever had by then.

        A move counts from its own moment on. ``version`` is None while the stage was vacant after it was held.

        Args:
            model: ``REGISTRY/MODEL``, or an artifact.
            stage: The stage or alias.
            at: The time, with its zone; now if None.

        Raises:
            InvalidNameError: It is no name of a stage or alias.
            InvalidValueError: The time has no zone.
            NotFoundError: There is no such model, or it never had such a stage or alias.
        """
        with self._read() as unit:
            return find_holding(unit, model, stage, at if at is not None else now())

    def holders(self, model: str, stage: str = "production") -> list[Holding]:
        """Return the times in which a stage was held, and those after it was held in which nobody did; see `holder`."""
        with self._read() as unit:
            return list_holdings(unit, model, stage)
