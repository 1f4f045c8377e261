"""Verifying the audit: every chain, then every row against what the chains say, then the exported heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.audit import AuditHeads, AuditReport
from podium.domain.events import Event
from podium.domain.policies import DEFAULT_POLICY
from podium.sql import tables as t
from podium.usecases.audit.chain import StreamRow, walk
from podium.usecases.audit.comparing import Comparer
from podium.usecases.audit.derived import verify_fields
from podium.usecases.audit.facts import Fact
from podium.usecases.audit.findings import Notes, UnreadableError, read
from podium.usecases.audit.heads import compare_heads
from podium.usecases.audit.manifests import verify_manifests
from podium.usecases.audit.orphans import find_orphans
from podium.usecases.audit.policies import PolicyReplay
from podium.usecases.audit.replay import Replay
from podium.usecases.audit.spaces import SpaceReplay
from podium.usecases.unit import Unit

_PAGE = 200
_N, _C = t.namespaces.c, t.collections.c
_SPACES = sa.select(_N.id, _N.name, _N.sequence, _N.head).order_by(_N.id).limit(_PAGE)
_REF = sa.func.coalesce(_N.name, "?") + "/" + _C.name
_COLLECTIONS = (
    sa.select(_C.id, _REF.label("name"), _C.sequence, _C.head, _C.namespace_id)
    .outerjoin(t.namespaces, _N.id == _C.namespace_id)
    .order_by(_C.id)
    .limit(_PAGE)
)


def verify_audit(
    unit: Unit, heads: AuditHeads | None = None, progress: Callable[[int], None] | None = None
) -> AuditReport:
    """Compute every hash anew and compare the registry with its history.

    Events are read a few hundred at a time. What is kept meanwhile is a few words per version of the one collection
    that is looked at. The unit must see one moment of the database from beginning to end.

    Args:
        unit: The unit.
        heads: Exported heads to compare history with.
        progress: Told how many events were gone through.
    """
    audit = _Audit(unit, Notes(progress))
    for row in _rows(unit, _SPACES, _N.id):
        audit.guarded(row.name, audit.space, row)
    for row in _rows(unit, _COLLECTIONS, _C.id):
        audit.guarded(row.name, audit.collection, row)
    for row in _rows(unit, _SPACES, _N.id):
        audit.guarded(row.name, audit.former_names, row)
    audit.guarded("", audit.subscriptions, None)
    audit.guarded("", lambda _: verify_manifests(unit, audit.notes), None)
    audit.guarded("", lambda _: verify_fields(unit, audit.notes), None)
    audit.guarded("", lambda _: find_orphans(unit, audit.notes), None)
    if heads is not None:
        audit.guarded("", lambda _: compare_heads(unit, heads, audit.notes), None)
    notes = audit.notes
    return AuditReport(
        at=unit.now,
        streams=notes.streams,
        events=notes.events,
        rows=notes.rows,
        manifests=notes.manifests,
        unproven=notes.unproven,
        heads=heads.digest if heads is not None else None,
        heads_at=heads.at if heads is not None else None,
        found=notes.found,
        findings=tuple(notes.findings),
    )


def count_events(unit: Unit) -> int:
    """Return how many events there are."""
    return int(unit.connection.execute(sa.select(sa.func.count()).select_from(t.events)).scalar_one())


def _rows(unit: Unit, query: sa.Select[Any], key: sa.ColumnElement[Any]) -> Iterator[Any]:
    page = read(unit.connection, query)
    while page:
        yield from page
        page = read(unit.connection, query.where(key > page[-1].id)) if len(page) == _PAGE else []


class _Audit:
    """One audit: what the streams gone through so far leave for those to come."""

    def __init__(self, unit: Unit, notes: Notes) -> None:
        self.unit = unit
        self.notes = notes
        self.comparer = Comparer(unit, notes)
        self.policies: dict[UUID, PolicyReplay] = {}  # of a registry: its default, and those for patterns
        self.subscribed: dict[str, Fact] = {}
        self.automated: dict[str, Fact] = {}
        self.names: dict[UUID, dict[str, tuple[Event, Fact | None]]] = {}  # given up, by project or registry

    def guarded(self, stream: str, step: Callable[[Any], None], row: Any) -> None:
        """Do a step; where rows cannot be read, that is the finding, and the next step follows."""
        try:
            step(row)
        except (UnreadableError, ValueError, TypeError, OverflowError) as error:  # text or infinity for a number
            where = f"Rows of {stream}" if stream else "Rows"
            self.notes.note("unreadable", stream, f"{where} hold what Podium never writes: {error}.")

    def space(self, row: Any) -> None:
        """Go through a project or registry."""
        replay = SpaceReplay(row.name)
        stream = StreamRow(row.id, row.name, row.sequence, row.head)
        for page in walk(self.unit, stream, self.notes):
            self.comparer.compare(row.name, row.id, self._facts(replay, page))
        self.comparer.compare(row.name, row.id, replay.end(row.id))
        known = replay.policies.revisions
        self.comparer.compare(row.name, row.id, replay.policies.current())
        self.comparer.require_recorded(row.name, row.id, "registry policy", len(known), lambda key: key[0] in known)
        self.comparer.compare_all(row.name, row.id, "role", replay.roles())
        self.comparer.compare_all(row.name, row.id, "registry freeze", replay.freezes.facts("registry freeze"))
        self.policies[row.id] = replay.policies
        self.subscribed |= replay.subscriptions
        self.automated |= replay.automations

    def collection(self, row: Any) -> None:
        """Go through an artifact or model."""
        replay = Replay()
        stream = StreamRow(row.id, row.name, row.sequence, row.head)
        for page in walk(self.unit, stream, self.notes):
            self.comparer.compare(row.name, row.id, self._facts(replay, page))
        if not replay.kind:
            self.notes.note("state_unrecorded", row.name, f"{row.name} is there, but no event tells of it.")
            return
        self.notes.unproven += replay.unproven
        self._compare_end(replay, row)
        self._require_recorded(replay, row)

    def _facts(self, replay: Replay | SpaceReplay, page: list[Event]) -> list[Fact]:
        facts: list[Fact] = []
        for event in page:
            try:
                facts += replay.take(event)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                text = f"Event {event.sequence} of {event.stream} ({event.type}) does not fit what came before it"
                self.notes.note_event("event_malformed", event, f"{text}: {error}.")
        return facts

    def _compare_end(self, replay: Replay, row: Any) -> None:
        name, space = row.name.partition("/")[2], self.policies.get(row.namespace_id)
        stages = replay.policies.stages(name) or (space and space.stages(name)) or DEFAULT_POLICY.names
        compare_all = self.comparer.compare_all
        self.comparer.compare(row.name, row.id, [replay.collection(row.id)])
        self.comparer.compare(row.name, row.id, replay.places())
        compare_all(row.name, row.id, "alias", replay.aliases(stages))
        compare_all(row.name, row.id, "freeze", replay.freezes.facts("freeze"))
        self.comparer.compare(row.name, row.id, replay.attempts.waiting())
        self.comparer.compare(row.name, row.id, replay.policies.current())
        compare_all(row.name, row.id, "collection tag", replay.tags(whole=True))
        self.comparer.compare(row.name, row.id, replay.tags(whole=False))
        self._keep_names(replay, row)

    def _keep_names(self, replay: Replay, row: Any) -> None:
        """Keep what names were given up: one that was another's meanwhile is of whoever had it last."""
        for key, (number, event) in replay.former.items():
            known = self.names.setdefault(row.namespace_id, {})
            if key not in known or known[key][0].at <= event.at:
                who = {"created_at": event.at, "created_by": event.actor}
                # A model that never had a version may count from where another left off, which its events do not say.
                values = {"collection_id": row.id} | who | ({"next_number": number} if number else {})
                fact = Fact("former name", (key,), values, key, event.sequence) if number is not None else None
                known[key] = (event, fact)

    def former_names(self, row: Any) -> None:
        """Compare the names that were given up in a project or registry."""
        facts = [fact for _, fact in self.names.get(row.id, {}).values() if fact is not None]
        self.comparer.compare_all(row.name, row.id, "former name", facts)

    def _require_recorded(self, replay: Replay, row: Any) -> None:
        members, moves, policies = replay.members, replay.moves, replay.policies.revisions
        attempts = replay.attempts
        require, here = self.comparer.require_recorded, (row.name, row.id)
        require(*here, "member", len(members), lambda key: key[0] in members)
        versions = len(members) if replay.kind == "artifact" else 0
        require(*here, "version", versions, lambda key: bool(versions) and key[0] in members)
        require(*here, "version tag", replay.tag_count, replay.is_tag_known)
        require(*here, "check", replay.checks, lambda key: _counted(key[0], replay.checks))
        require(*here, "transition", len(attempts.known), lambda key: key[0] in attempts.known)
        words = attempts.words
        require(*here, "approval", sum(words.values()), lambda key: _counted(key[1], words.get(key[0], 0)))
        require(*here, "alias move", sum(moves.values()), lambda key: _counted(key[1], moves.get(key[0], 0)))
        require(*here, "policy", len(policies), lambda key: key[0] in policies)

    def subscriptions(self, _row: Any) -> None:
        """Compare the subscriptions and automations, which are tables of their own."""
        self.comparer.compare_all("subscriptions", UUID(int=0), "subscription", self.subscribed.values())
        self.comparer.compare_all("automations", UUID(int=0), "automation", self.automated.values())


def _counted(number: Any, last: int) -> bool:
    """Whether a number is one of 1, 2, 3 and so on; SQLite keeps 2.5 and text in a column of whole numbers."""
    return type(number) is int and 0 < number <= last
