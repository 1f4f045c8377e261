"""What became of each attempt to move a stage, told from the events alone: a year later they are all that is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from podium.domain.events import Event
from podium.domain.gates import GateResult
from podium.domain.plain import Value

_ENDS = {
    "model_version.promoted": ("promoted", "committed"),
    "model_version.rolled_back": ("rolled_back", "committed"),
    "model_version.demoted": ("demoted", "committed"),
    "model_version.promotion_refused": ("promoted", "refused"),
    "model_version.promotion_requested": ("promoted", "pending"),
    "model_version.promotion_rejected": ("promoted", "rejected"),
    "model_version.promotion_cancelled": ("promoted", "cancelled"),
}
_WORDS = {
    "model_version.promotion_approved": "approved",
    "model_version.promotion_rejected": "rejected",
    "model_version.approval_withdrawn": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Statement(Value):
    """What a person said about a request.

    Attributes:
        person: Who decided.
        decision: ``approved``, ``rejected`` or ``withdrawn``.
        comment: What else was said.
        at: UTC.
        actor: Who told Podium.
        sequence: The event that says so.
    """

    person: str
    decision: str
    comment: str | None
    at: datetime
    actor: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Explanation(Value):
    """One attempt to move a stage, as the events tell it.

    Attributes:
        transition: Its id; empty where a policy made a stage of an alias, or a plain alias of a stage.
        model: ``REGISTRY/MODEL``, as it was called then.
        stage: The stage.
        version: The version, as ``v3``; of a demotion, the one that held it.
        digest: Its digest, None where the event has none.
        before: Who held the stage, None for nobody.
        kind: ``promoted``, ``rolled_back``, ``demoted``, ``adopted`` (an alias became a stage by a policy) or
            ``released`` (a stage became a plain alias by one).
        status: ``pending, committed, refused, rejected, cancelled``.
        asked_by: Who asked.
        asked_at: UTC.
        reason: Why, if said.
        decided_by: By whose call it ended, None while it waits.
        decided_at: UTC.
        outcome: Why it ended, for what waited.
        forced: Whether gates were overruled.
        policy: Which policy the gates are of: ``target`` and ``revision``; None for what an older Podium recorded.
        gates: The verdict of each gate, with the facts it was decided on.
        said: What people said, oldest first.
        origin: From which execution it was asked, in words.
        sequences: The events that tell it, by their numbers in the stream of the model.
    """

    transition: str
    model: str
    stage: str
    version: str
    digest: str | None
    before: str | None
    kind: str
    status: str
    asked_by: str
    asked_at: datetime
    reason: str | None
    decided_by: str | None = None
    decided_at: datetime | None = None
    outcome: str | None = None
    forced: bool = False
    policy: Mapping[str, Any] | None = None
    gates: tuple[GateResult, ...] = ()
    said: tuple[Statement, ...] = ()
    origin: str = ""
    sequences: tuple[int, ...] = ()

    @property
    def summary(self) -> str:
        """One sentence for people."""
        what = {"rolled_back": "rolled back to", "demoted": "taken from", "adopted": "taken over for"}
        if self.kind == "released":
            return f"{self.stage} is no stage any more, and stays an alias of {self.version}{_colon(self.reason)}"
        words = {"pending": "waits to be given to", "refused": "was refused to", "rejected": "was rejected for"}
        words |= {"cancelled": "was not given to", "committed": what.get(self.kind, "was given to")}
        before = f" (before: {self.before})" if self.before is not None and self.kind != "demoted" else ""
        why = _colon(self.outcome or self.reason)
        return f"{self.stage} {words[self.status]} {self.version}{before}{', forced' if self.forced else ''}{why}"


def explain_events(events: Iterable[Event], stage: str | None = None) -> list[Explanation]:
    """Return each attempt to move a stage of a model, oldest first.

    Args:
        events: Those of the model, oldest first; others than attempts are passed over.
        stage: Of this stage only.
    """
    told: dict[str, Explanation] = {}
    for event in events:
        if event.type in ("stage.adopted", "stage.released"):
            told[event.id] = _by_policy(event)
        elif event.type in _ENDS or event.type in _WORDS or event.type == "model_version.promotion_forced":
            key = event.after["transition"]
            told[key] = _told(told.get(key), event)
    return [item for item in told.values() if stage is None or item.stage == stage]


def _told(before: Explanation | None, event: Event) -> Explanation:
    """Add what one event says to what is known of its attempt."""
    item = before if before is not None else _asked(event)
    item = replace(item, sequences=(*item.sequences, event.sequence))
    after = event.after
    if event.type in _WORDS:
        word = Statement(after["person"], _WORDS[event.type], after["comment"], event.at, event.actor, event.sequence)
        item = replace(item, said=(*item.said, word))
        if "gate" in after:
            gate = GateResult.from_json(after["gate"])
            item = replace(item, gates=tuple(gate if each.kind == "approvals" else each for each in item.gates))
    if event.type == "model_version.promotion_forced":
        item = replace(item, forced=True)
    if event.type not in _ENDS:
        return item
    kind, status = _ENDS[event.type]
    item = replace(item, kind=kind, status=status)
    if "gates" in after:
        gates = tuple(GateResult.from_json(gate) for gate in after["gates"])
        item = replace(item, gates=gates, policy=after.get("policy"))
    if status == "pending":
        return item
    outcome = after.get("outcome") or after.get("why")
    if status == "rejected":
        outcome = f"Rejected by {after['person']}: {after['comment']}"
    return replace(item, decided_by=event.actor, decided_at=event.at, outcome=outcome)


def _asked(event: Event) -> Explanation:
    after, before = event.after, event.before.get("number")
    number = after["number"] if after["number"] is not None else before
    return Explanation(
        transition=after["transition"],
        model=event.stream,
        stage=after["stage"],
        version=f"v{number}",
        digest=after.get("digest"),
        before=f"v{before}" if before is not None else None,
        kind="promoted",
        status="pending",
        asked_by=event.actor,
        asked_at=event.at,
        reason=event.reason,
        origin=event.origin.label,
    )


def _colon(text: str | None) -> str:
    return f": {text}" if text else ""


def _by_policy(event: Event) -> Explanation:
    """Return what a policy made of an alias or a stage that somebody held."""
    after = event.after
    return Explanation(
        transition="",
        model=event.stream,
        stage=after["stage"],
        version=f"v{after['number']}",
        digest=None,
        before=None,
        kind=event.type.removeprefix("stage."),
        status="committed",
        asked_by=event.actor,
        asked_at=event.at,
        reason=event.reason,
        decided_by=event.actor,
        decided_at=event.at,
        policy=after["policy"],
        origin=event.origin.label,
        sequences=(event.sequence,),
    )
