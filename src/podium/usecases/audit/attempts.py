"""What events say of attempts to move stages, of what people said about them, and of freezes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from podium.domain.events import Event
from podium.domain.plain import canonical, to_plain
from podium.usecases.audit.facts import Fact, Table
from podium.usecases.freezes import REPLACED
from podium.usecases.transitions import request_key


@dataclass
class _Open:
    """A request that waits."""

    event: Event
    gates: list[Any]
    key: str | None
    words: int = 0


@dataclass
class Attempts:
    """The attempts to move stages of one model, event by event.

    Attributes:
        known: The ids of all.
        words: How often somebody said something about each.
    """

    known: set[UUID] = field(default_factory=set)
    words: dict[UUID, int] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)
    _forced: set[str] = field(default_factory=set)
    _kept: set[str | None] = field(default_factory=set)

    def overruled(self, event: Event) -> None:
        """Note that the attempt whose event follows was forced."""
        self._forced.add(event.after["transition"])

    def asked(self, event: Event) -> None:
        """Note a request that waits from now on."""
        after = event.after
        self.known.add(UUID(after["transition"]))
        key = request_key(event.origin, "promote", after["stage"], after["number"])
        self._open[after["transition"]] = _Open(event, list(after["gates"]), key)

    def said(self, event: Event) -> Iterator[Fact]:
        """Return the fact about what a person said about a request, and that of a request that it ended."""
        decisions = {"promotion_approved": "approved", "promotion_rejected": "rejected"}
        decision = decisions.get(event.type.partition(".")[2], "withdrawn")
        after, waiting = event.after, self._open[event.after["transition"]]
        waiting.words += 1
        self.words[UUID(after["transition"])] = waiting.words
        if after["position"] != waiting.words:
            raise ValueError(f"word {after['position']} of a request follows word {waiting.words - 1}")
        values = {"person": after["person"], "decision": decision, "comment": after["comment"]}
        values |= _made(event)
        subject = f"{after['person']} on {event.subject}"
        yield Fact("approval", (UUID(after["transition"]), after["position"]), values, subject, event.sequence)
        if decision == "rejected":
            yield self._ended(event, "rejected", f"Rejected by {after['person']}: {after['comment']}")
        else:
            waiting.gates = [after["gate"] if gate["kind"] == "approvals" else gate for gate in waiting.gates]

    def cancelled(self, event: Event) -> Fact:
        """Return the fact about a request that was cancelled."""
        return self._ended(event, "cancelled", event.after["why"])

    def settled(self, event: Event, kind: str, status: str) -> Fact:
        """Return the fact about an attempt that moved a stage or was refused."""
        after, stage = event.after, event.after["stage"]
        if after["transition"] in self._open:
            self._open[after["transition"]].gates = list(after["gates"])
            return self._ended(event, status, after["outcome"], after.get("policy"))
        self.known.add(UUID(after["transition"]))
        number = after["number"] if kind != "demoted" else event.before["number"]
        verbs = {"rolled_back": "rollback", "demoted": "demote"}
        key = request_key(event.origin, verbs[kind], stage, None) if kind in verbs else self._key(event, stage, number)
        if status != "committed" or after.get("unlinked") or key in {waiting.key for waiting in self._open.values()}:
            key = None
        values = {
            "stage": stage,
            "number": number,
            "digest": after["digest"],
            "before": event.before["number"],
            "status": status,
            "kind": kind,
            "gates": canonical(after["gates"]),
            "reason": event.reason,
            "forced": after["transition"] in self._forced,
            "request_key": key,
            "policy": _json(after.get("policy")),
            "expires_at": None,
            "ended_at": None,
            "ended_by": None,
            "outcome": None,
        }
        return Fact("transition", (UUID(after["transition"]),), values | _made(event), event.subject, event.sequence)

    def waiting(self) -> Iterator[Fact]:
        """Return the facts about requests that wait still."""
        for waiting in self._open.values():
            values = _request(waiting) | {"status": "pending", "ended_at": None, "ended_by": None, "outcome": None}
            key = (UUID(waiting.event.after["transition"]),)
            yield Fact("transition", key, values, waiting.event.subject, waiting.event.sequence)

    def _key(self, event: Event, stage: str, number: int) -> str | None:
        key = request_key(event.origin, "promote", stage, number)
        # After people had said no to the same task, it can only have forced it, or asked along with somebody else.
        return key if key not in self._kept else request_key(event.origin, "force", stage, number)

    def _ended(self, event: Event, status: str, outcome: str, policy: Mapping[str, Any] | None = None) -> Fact:
        waiting = self._open.pop(event.after["transition"])
        values = _request(waiting) | {"status": status, "ended_at": event.at, "ended_by": event.actor}
        if waiting.key is None and event.after.get("asked_again"):
            waiting.key = self._key(event, event.after["stage"], event.after["number"])
        final = bool(event.after.get("final"))  # people ended it: its task is told so when it is run again
        if final:
            self._kept.add(waiting.key)
        values |= {"outcome": outcome, "request_key": waiting.key if status == "committed" or final else None}
        values |= {"policy": _json(policy)} if policy is not None else {}
        return Fact("transition", (UUID(event.after["transition"]),), values, event.subject, event.sequence)


@dataclass
class Freezes:
    """The freezes of one model, or of a registry as a whole, event by event."""

    _values: dict[UUID, tuple[dict[str, Any], Event]] = field(default_factory=dict)

    def frozen(self, event: Event) -> None:
        """Note a freeze, and the end of the one that it takes the place of."""
        if event.before:
            self._end(event, UUID(event.before["freeze"]), REPLACED)
        after = event.after
        until = datetime.fromisoformat(after["until"]) if after["until"] is not None else None
        values = {"stage": after["stage"], "reason": after["why"], "until": until}
        values |= {"ended_at": None, "ended_by": None, "ended_reason": None}
        self._values[UUID(after["freeze"])] = (values | _made(event), event)

    def unfrozen(self, event: Event) -> None:
        """Note that a freeze was ended."""
        self._end(event, UUID(event.after["freeze"]), event.reason)

    def facts(self, table: Table) -> Iterator[Fact]:
        """Return the facts about all of them."""
        for key, (values, event) in self._values.items():
            yield Fact(table, (key,), values, event.subject, event.sequence)

    def _end(self, event: Event, key: UUID, reason: str | None) -> None:
        ended = {"ended_at": event.at, "ended_by": event.actor, "ended_reason": reason}
        self._values[key] = (self._values[key][0] | ended, event)


def _request(waiting: _Open) -> dict[str, Any]:
    event, after = waiting.event, waiting.event.after
    ends = after["expires_at"]
    return {
        "stage": after["stage"],
        "number": after["number"],
        "digest": after["digest"],
        "before": event.before["number"],
        "kind": "promoted",
        "gates": canonical(waiting.gates),
        "reason": event.reason,
        "forced": False,
        "request_key": waiting.key,
        "policy": _json(after["policy"]),
        "expires_at": datetime.fromisoformat(ends) if ends is not None else None,
        **_made(event),
    }


def _made(event: Event) -> dict[str, Any]:
    who = {"created_at": event.at, "created_by": event.actor}
    return {"origin": canonical(to_plain(event.origin)), **who}


def _json(value: Any) -> str | None:
    return canonical(value) if value is not None else None
