"""What became of a request for approval: the message that asked for it, as it stands from then on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slack_sdk.models.blocks import Block, RichTextBlock

from podium.plugins import Message
from podium_slack import rich
from podium_slack.buttons import buttons_for
from podium_slack.text import clean, escape

if TYPE_CHECKING:
    from podium.domain.transitions import Transition

ASKED = "model_version.promotion_requested"
# The events that say something about a request, and how it stands after them.
_STATUS = {
    "model_version.promotion_approved": "pending",
    "model_version.approval_withdrawn": "pending",
    "model_version.promoted": "committed",
    "model_version.promotion_refused": "refused",
    "model_version.promotion_rejected": "rejected",
    "model_version.promotion_cancelled": "cancelled",
}
_TITLES = {
    "pending": ("⏳", "{} waits to become {}"),
    "committed": ("✅", "{} became {}"),
    "refused": ("⛔", "{} was refused for {}"),
    "rejected": ("❌", "{} was rejected for {}"),
    "cancelled": ("🚫", "{} does not become {}"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands.

    Attributes:
        request: Its id.
        status: ``pending, committed, refused, rejected`` or ``cancelled``.
        model: ``REGISTRY/MODEL``.
        version: ``v3``.
        stage: The stage.
        asked_by: Who asked.
        reason: Why, if said.
        outcome: How it ended, or what is missing, as a sentence.
        said: What people said, each as a line.
        at: When it came to stand so.
    """

    request: str
    status: str
    model: str
    version: str
    stage: str
    asked_by: str
    reason: str | None
    outcome: str
    said: tuple[str, ...]
    at: datetime


def is_decided(event_type: str) -> bool:
    """Whether a request is over after such an event."""
    return _STATUS.get(event_type, "pending") != "pending"


def standing_of(message: Message) -> Standing | None:
    """Return how a request stands after an event, None if the event is about none."""
    event = message.event
    status = _STATUS.get(event.type)
    if status is None or message.request is None:
        return None
    after = event.after
    asked = after.get("asked")
    facts: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}
    return Standing(
        request=message.request,
        status=status,
        model=message.model,
        version=message.version or "",
        stage=str(after.get("stage") or ""),
        asked_by=str(facts.get("by") or message.actor),
        reason=facts.get("reason"),
        outcome=_agreed(status, _approvers(after)) or _outcome(after),
        said=_said(after),
        at=event.at,
    )


def standing_now(made: Transition) -> Standing:
    """Return how a request stands in the registry."""
    last = {word.person.casefold(): word for word in made.approvals}
    said = [_word(word.person, word.decision, word.comment) for word in last.values() if word.decision != "withdrawn"]
    approvers = [word.person for word in last.values() if word.decision == "approved"]
    return Standing(
        request=made.id,
        status=made.status,
        model=made.collection,
        version=f"v{made.number}",
        stage=made.stage,
        asked_by=made.actor,
        reason=made.reason,
        outcome=_agreed(made.status, approvers) or made.outcome or " ".join(made.waiting_for),
        said=tuple(said),
        at=made.ended_at or made.at,
    )


def render_standing(standing: Standing, *, buttons: bool = False) -> tuple[str, list[Block]]:
    """Return the message that asked for approvals, as it reads from now on.

    Args:
        standing: How the request stands.
        buttons: Whether it keeps its buttons while it waits.
    """
    sign, words = _TITLES[standing.status]
    name = standing.model.rpartition("/")[2]
    title = words.format(f"{name} {standing.version}", standing.stage)
    facts = [("Model", standing.model), ("Version", standing.version), ("Stage", standing.stage)]
    groups: list[rich.Parts] = [
        [rich.section(rich.words(clean(standing.outcome, rich.LINE)))] if clean(standing.outcome, rich.LINE) else [],
        rich.bullets("What was said", standing.said),
        [rich.section(*rich.rows([*facts, ("Asked by", standing.asked_by)]))],
        rich.quote("Reason", standing.reason),
    ]
    asks = buttons and standing.status == "pending"
    blocks: list[Block] = [
        rich.header(sign, title),
        *(RichTextBlock(elements=group) for group in groups if group),
        *([buttons_for(standing.request)] if asks else []),
        rich.footer(standing.at, f"request {standing.request}"),
    ]
    return escape(f"{sign} {clean(title, rich.SECTION)}. {clean(standing.outcome, rich.LINE)}"), blocks


def _agreed(status: str, people: Sequence[str]) -> str:
    """Say who approved a request that was granted; nothing of any other, whose outcome is a reason."""
    if status != "committed" or not people:
        return ""
    return f"Approved by {' and '.join(filter(None, [', '.join(people[:-1]), people[-1]]))}."


def _approvers(after: Mapping[str, Any]) -> list[str]:
    """Return whose last word about a request was that they approve."""
    told = after.get("approvals")
    words = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    last = {str(one.get("person")).casefold(): one for one in words}
    return [str(one.get("person")) for one in last.values() if one.get("decision") == "approved"]


def _outcome(after: Mapping[str, Any]) -> str:
    told = after.get("outcome") or after.get("why")
    if isinstance(told, str):
        return told
    gate = after.get("gate")
    if isinstance(gate, Mapping) and isinstance(gate.get("reason"), str):
        return str(gate["reason"])
    return ""


def _said(after: Mapping[str, Any]) -> tuple[str, ...]:
    told = after.get("approvals")
    if isinstance(told, list):
        return tuple(_lines(told))
    person, comment, approved = after.get("person"), after.get("comment"), after.get("approved")
    others = [str(name) for name in approved if name != person] if isinstance(approved, list) else []
    lines = [_word(name, "approved", None) for name in others]
    if isinstance(person, str):
        agreed = isinstance(approved, list) and person in approved
        word = "approved" if agreed else "rejected" if approved is None else "withdrawn"
        lines.append(_word(person, word, comment))
    return tuple(lines)


def _lines(told: Iterable[Any]) -> Iterable[str]:
    for one in told:
        if isinstance(one, Mapping):
            yield _word(str(one.get("person")), str(one.get("decision")), one.get("comment"))


def _word(person: str, decision: str, comment: Any) -> str:
    word = "took the approval back" if decision == "withdrawn" else decision
    return f"{person} {word}: {comment}" if comment else f"{person} {word}"
