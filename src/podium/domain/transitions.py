"""Attempts to move a stage, what people said about them, freezes, and who held a stage before."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from podium.domain.gates import GateResult
from podium.domain.origin import Origin
from podium.domain.plain import Value, check_text
from podium.errors import InvalidValueError

TransitionStatus = Literal["pending", "committed", "refused", "rejected", "cancelled"]
TransitionKind = Literal["promoted", "rolled_back", "demoted"]
Decision = Literal["approved", "rejected", "withdrawn"]
# What makes a version the holder of a stage: gates let it through, or were overruled; it came back; or a policy took
# over who had the alias, on record. An alias that is set by hand is no stage.
HELD_BY = ("promoted", "rolled_back", "adopted")
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # categories of Unicode: controls, and what only steers a line


@dataclass(frozen=True, slots=True)
class Approval(Value):
    """What a person said about a request; only ever added, and the last word of each person counts.

    Attributes:
        position: Counts up from 1 in its request.
        person: Who decided.
        decision: ``approved``, ``rejected`` or ``withdrawn``.
        comment: What else was said.
        at: UTC.
        actor: Who told Podium: the person, or the process that asked the person.
        origin: From which execution.
    """

    position: int
    person: str
    decision: Decision
    comment: str | None
    at: datetime
    actor: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Transition(Value):
    """One attempt to move a stage.

    Attributes:
        id: UUIDv7.
        collection: The registered model.
        stage: The stage.
        number: The version that was to hold it; of a demotion, the version that held it.
        digest: The digest that the gates were evaluated on.
        before: The version number that held the stage, or None.
        status: ``pending`` (it waits for approvals), ``committed``, ``refused`` (by a gate), ``rejected`` (by a person)
            or ``cancelled`` (withdrawn, expired, or the stage moved meanwhile).
        kind: ``promoted``, ``rolled_back`` or ``demoted``.
        gates: The verdict of each gate, the last time that they were evaluated.
        reason: Why, if said.
        forced: Whether failing gates were overruled.
        actor: Who asked.
        origin: From which execution.
        at: UTC; when it was asked.
        changed: Whether this call changed anything; False when the version held the stage already or a retry repeats
            itself.
        policy: Which policy the gates are of: ``target`` and ``revision``.
        approvals: What people said, oldest first.
        expires_at: Until when it waits for approvals, if there is an end.
        ended_at: When a request was decided.
        ended_by: Who decided it.
        outcome: Why a request ended, as a sentence.
        dry_run: Whether this only says what would happen; then nothing of it is on record.
    """

    id: str
    collection: str
    stage: str
    number: int
    digest: str
    before: int | None
    status: TransitionStatus
    kind: TransitionKind
    gates: tuple[GateResult, ...]
    reason: str | None
    forced: bool
    actor: str
    origin: Origin
    at: datetime
    changed: bool = field(default=True)
    policy: Mapping[str, Any] | None = None
    approvals: tuple[Approval, ...] = ()
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    outcome: str | None = None
    dry_run: bool = False

    @property
    def ref(self) -> str:
        """The version, as ``REGISTRY/MODEL:vN``."""
        return f"{self.collection}:v{self.number}"

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each gate that failed."""
        return tuple(gate.reason for gate in self.gates if gate.verdict == "failed")

    @property
    def overruled(self) -> tuple[str, ...]:
        """A sentence for each gate that a forced promotion overruled: those that failed, and those that waited."""
        return tuple(gate.reason for gate in self.gates if self.forced and not gate.passed)

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """A sentence for each gate that waits for somebody."""
        return tuple(gate.reason for gate in self.gates if gate.verdict == "pending")


@dataclass(frozen=True, slots=True)
class FreezeInfo(Value):
    """A freeze: nothing is promoted while it lasts.

    Attributes:
        id: UUIDv7.
        target: ``REGISTRY/MODEL``, or ``REGISTRY`` for all its models.
        stage: The stage, None for all of them.
        reason: Why.
        at: UTC; since when.
        actor: Who.
        until: When it ends by itself; None for not before somebody ends it.
        ended_at: When somebody ended it.
        ended_by: Who.
        ended_reason: Why, if said.
    """

    id: str
    target: str
    stage: str | None
    reason: str
    at: datetime
    actor: str
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force at a time."""
        return self.ended_at is None and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class RoleGrant(Value):
    """A role that a person has in a registry.

    Attributes:
        registry: The registry.
        person: Who.
        role: The role: ``admin``, or a word that a policy uses, such as ``lead``.
        at: UTC; since when.
        actor: Who gave it.
    """

    registry: str
    person: str
    role: str
    at: datetime
    actor: str


def person_key(person: str) -> str:
    """Return the form under which two names are the same person, whatever the case and what is invisible in them."""
    seen = "".join(char for char in person if unicodedata.category(char) not in _INVISIBLE)
    return unicodedata.normalize("NFKC", seen).casefold().strip()


def check_person(person: Any, what: str = "The person") -> str:
    """Return the name of a person unchanged if it is one.

    Raises:
        InvalidValueError: It is empty, longer than 200 characters, or holds control characters.
    """
    check_text(person, what)
    if not isinstance(person, str) or not person.strip() or len(person) > 200:
        raise InvalidValueError(f"{what} has no name of 1 to 200 characters.", hint="Give a user name or an address.")
    if any(unicodedata.category(char) in _INVISIBLE for char in person):
        raise InvalidValueError(f"{what} has a name with control characters: {person!r}.", hint="Leave them out.")
    return person.strip()


def last_words(approvals: Sequence[Approval]) -> dict[str, Approval]:
    """Return what each person said last, by `person_key`; whoever withdrew said nothing."""
    said = {person_key(approval.person): approval for approval in approvals}
    return {key: approval for key, approval in said.items() if approval.decision != "withdrawn"}


def earlier_holders(steps: Sequence[tuple[str, int | None]]) -> tuple[int, ...]:
    """Return who held a stage before what holds it now, newest first, each version once.

    A rollback takes the newest holder away, so rolling back twice goes back two steps instead of to and fro. Where
    nobody holds the stage now, whoever held it last is the first of them. Whoever was given the alias by hand, while it
    was no stage, never held the stage.

    Args:
        steps: What happened to the stage, oldest first: `HELD_BY` or another kind of move, and the version that has it
            since.
    """
    stack: list[int | None] = []
    for kind, after in steps:
        if kind == "rolled_back" and after in stack:
            del stack[stack.index(after) + 1 :]
            continue
        holder = after if kind in HELD_BY else None
        stack = [*(number for number in stack if number not in (None, holder)), holder]
    return tuple(number for number in reversed(stack[:-1]) if number is not None)
