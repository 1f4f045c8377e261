"""The verbs of the audit: prove the history, query it, and say who held what when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from podium.domain.audit import AuditHeads, AuditReport
from podium.registry.base import Joint
from podium.usecases.audit.heads import list_heads
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
