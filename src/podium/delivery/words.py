"""What a message says about an event: a title in one sentence, and the lines below it, by the type of the event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from podium.domain.events import TYPES, Event

_FEW = 5
_SHORT = 80


def title_of(event: Event) -> str:
    """Return what happened in one sentence, without markup."""
    words = _TITLES.get(event.type)
    return words(_Facts(event)) if words is not None else f"{event.subject}: {TYPES.get(event.type, event.type)}"


def lines_of(event: Event) -> tuple[str, ...]:
    """Return what else there is to say: reasons, results, what is missing, what changed."""
    words = _LINES.get(event.type)
    lines = words(_Facts(event)) if words is not None else []
    return tuple([*lines, f"Reason: {event.reason}"] if event.reason and not _is_said(event) else lines)


class _Facts:
    """An event as the sentences need it."""

    def __init__(self, event: Event) -> None:
        self.event, self.before, self.after = event, event.before, event.after
        self.name, self.subject = event.stream, event.subject
        self.new, self.old = _version(event.after), _version(event.before)
        self.stage = str(event.after.get("stage") or event.before.get("stage") or "a stage")
        self.came_after = f" after {self.old}" if self.old else ""

    def text(self, key: str) -> str:
        """A fact of what is, else of what was."""
        return str(self.after.get(key) if self.after.get(key) is not None else self.before.get(key))


def _version(facts: Mapping[str, Any]) -> str:
    number = facts.get("number")
    return f"v{number}" if isinstance(number, int) else ""


def _is_said(event: Event) -> bool:
    """Whether the reason stands in a line already: as the comment of a decision, or why a request ended."""
    ended = event.type == "model_version.promotion_cancelled" and event.reason == event.after.get("why")
    return ended or event.type in _COMMENTED


def _reasons(it: _Facts) -> list[str]:
    return [str(reason) for reason in it.after.get("reasons") or ()]


def _requested(it: _Facts) -> list[str]:
    lines = [str(waits) for waits in it.after.get("waiting_for") or ()]
    if it.after.get("expires_at"):
        lines.append(f"It waits until {it.after['expires_at']}")
    if it.after.get("transition"):
        lines.append(f"To decide: podium approve {it.after['transition']}, or podium reject with a comment")
    return lines


def _decided(it: _Facts) -> list[str]:
    missing = it.after.get("missing")
    lines = [f"Comment: {it.after['comment']}"] if it.after.get("comment") else []
    if isinstance(missing, int) and missing > 0:
        lines.append(f"{missing} more needed")
    return lines + _asked(it)


def _asked(it: _Facts) -> list[str]:
    asked = it.after.get("asked") or {}
    if not asked.get("by"):
        return []
    return [f"Asked for by {asked['by']}" + (f": {asked['reason']}" if asked.get("reason") else "")]


def _cancelled(it: _Facts) -> list[str]:
    return [str(it.after["why"]), *_asked(it)] if it.after.get("why") else _asked(it)


def _promoted(it: _Facts) -> list[str]:
    last = {said["person"]: said.get("decision") for said in it.after.get("approvals") or ()}
    people = [person for person, decision in last.items() if decision == "approved"]
    return [f"Approved by {', '.join(people)}"] if people else []


def _forced(it: _Facts) -> list[str]:
    return _reasons(it) or [str(reason) for reason in it.after.get("overruled") or ()]


def _checked(it: _Facts) -> list[str]:
    return [
        f"{check['name']}: {check['status']}" + (f", {check['message']}" if check.get("message") else "")
        for check in it.after.get("checks") or ()
    ]


def _frozen(it: _Facts) -> list[str]:
    return [f"Until {it.after['until']}"] if it.after.get("until") else []


def _linked(it: _Facts) -> list[str]:
    return [f"Copied from {it.after['copied_from']}"] if it.after.get("copied_from") else []


def _logged(it: _Facts) -> list[str]:
    supersedes = it.after.get("supersedes")
    return [f"In place of v{supersedes}"] if isinstance(supersedes, int) else []


def _changes(it: _Facts) -> list[str]:
    """Say what an edit changed: short values from and to, long texts by name."""
    keys = [key for key in dict.fromkeys([*it.before, *it.after]) if key not in ("details_sha256", "number")]
    return [_change(key, it.before.get(key), it.after.get(key)) for key in keys]


def _change(key: str, old: Any, new: Any) -> str:
    plain = all(isinstance(value, str | int | float | None) for value in (old, new))
    if plain and max(len(str(old)), len(str(new))) <= _SHORT:
        return f"{key}: {'nothing' if old is None else old} -> {'nothing' if new is None else new}"
    return f"{key} changed"


def _adopted_with(it: _Facts) -> list[str]:
    lines = []
    for key, words in (("adopted", "became a stage without a gate"), ("released", "is no stage any more")):
        found = [item for item in it.after.get(key) or () if isinstance(item, Mapping)]
        lines += [f"{item.get('stage')} of {item.get('model')} v{item.get('number')} {words}" for item in found]
    return _first(lines)


def _imported(it: _Facts) -> list[str]:
    found = [str(ref) for key in ("new", "forward") for ref in it.after.get(key) or ()]
    return _first(found)


def _first(lines: list[str]) -> list[str]:
    return lines[:_FEW] + ([f"and {len(lines) - _FEW} more"] if len(lines) > _FEW else [])


def _failed(it: _Facts) -> list[str]:
    lines = [f"{it.after.get('action')}: {it.after.get('error')}"]
    attempts = it.after.get("attempts")
    return [*lines, f"Given up after {attempts} attempts"] if isinstance(attempts, int) and attempts > 1 else lines


def _fired(it: _Facts) -> list[str]:
    return [f"{it.after.get('action')}: {it.after['receipt']}"] if it.after.get("receipt") else []


def _stages(it: _Facts) -> str:
    names = [str(stage.get("name")) for stage in it.after.get("stages") or () if isinstance(stage, Mapping)]
    return f": {' -> '.join(names)}" if names else ""


def _checks_title(it: _Facts) -> str:
    """Say at once whether something failed."""
    checks: list[Any] = list(it.after.get("checks") or ())
    bad = [str(check["name"]) for check in checks if check["status"] in ("fail", "error")]
    version = f"{it.name} {it.new}"
    if bad:
        return f"{version} failed {_few(bad)}"
    passed = [str(check["name"]) for check in checks if check["status"] == "pass"]
    return f"{version} passed {_few(passed)}" if passed and len(passed) == len(checks) else f"{version} was checked"


def _few(names: list[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _closed(facts: Mapping[str, Any]) -> str:
    return str(facts.get("stage") or "Every stage")


def _demoted(it: _Facts) -> str:
    why = ", which was taken out of the model" if it.after.get("unlinked") else ""
    return f"{it.stage} of {it.name} was taken from {it.old}{why}; nobody holds it"


_COMMENTED = frozenset(
    {
        "model_version.promotion_approved",
        "model_version.promotion_rejected",
        "model_version.approval_withdrawn",
    }
)
_TITLES: Mapping[str, Callable[[_Facts], str]] = {
    "registry.created": lambda it: f"The registry {it.subject} was created",
    "registry.updated": lambda it: f"The registry {it.subject} was changed",
    "artifact.created": lambda it: f"{it.name} is a new artifact of type {it.text('type')}",
    "artifact.updated": lambda it: f"{it.name} was edited",
    "artifact.numbered": lambda it: f"{it.name} goes on with v{it.text('next_number')}",
    "artifact.renamed": lambda it: f"{it.name} has another name",
    "artifact.deleted": lambda it: f"{it.name} was deleted with all its versions",
    "artifact.restored": lambda it: f"{it.name} was brought back",
    "artifact_version.logged": lambda it: f"{it.name} {it.new} was logged",
    "artifact_version.updated": lambda it: f"{it.subject} was edited",
    "artifact_version.deleted": lambda it: f"{it.name} {it.old} was deleted",
    "artifact_version.restored": lambda it: f"{it.name} {it.new} was brought back",
    "artifact_version.purged": lambda it: f"The content of {it.name} {it.old} was given up for good",
    "model.created": lambda it: f"{it.name} is a new registered model of type {it.text('type')}",
    "model.updated": lambda it: f"{it.name} was edited",
    "model.numbered": lambda it: f"{it.name} goes on with v{it.text('next_number')}",
    "model.renamed": lambda it: f"{it.name} has another name",
    "model.deleted": lambda it: f"{it.name} was deleted with all its versions",
    "model.restored": lambda it: f"{it.name} was brought back",
    "model_version.linked": lambda it: f"{it.name} {it.new} is linked from {it.text('source')}",
    "model_version.updated": lambda it: f"{it.subject} was edited",
    "model_version.unlinked": lambda it: f"{it.name} {it.old} was taken out of the model",
    "model_version.restored": lambda it: f"{it.name} {it.new} is back in the model",
    "model_version.checked": _checks_title,
    "model_version.promoted": lambda it: f"{it.name} {it.new} is now {it.stage}{it.came_after}",
    "model_version.promotion_refused": lambda it: f"{it.name} {it.new} was refused for {it.stage}",
    "model_version.promotion_forced": lambda it: f"{it.name} {it.new} was forced into {it.stage} past its gates",
    "model_version.promotion_requested": lambda it: f"{it.name} {it.new} waits to become {it.stage}",
    "model_version.promotion_approved": lambda it: (
        f"{it.name} {it.new} was approved for {it.stage} by {it.text('person')}"
    ),
    "model_version.promotion_rejected": lambda it: (
        f"{it.name} {it.new} was rejected for {it.stage} by {it.text('person')}"
    ),
    "model_version.promotion_cancelled": lambda it: (
        f"{it.name} {it.new} does not become {it.stage}: the request was cancelled"
    ),
    "model_version.approval_withdrawn": lambda it: (
        f"{it.text('person')} took back the approval of {it.name} {it.new} for {it.stage}"
    ),
    "model_version.rolled_back": lambda it: (
        f"{it.stage} of {it.name} is rolled back to {it.new}" + (f" from {it.old}" if it.old else "")
    ),
    "model_version.demoted": _demoted,
    "stage.adopted": lambda it: (
        f"{it.stage} became a stage of {it.name} by a new policy; {it.new} holds it without a gate"
    ),
    "stage.released": lambda it: (
        f"{it.stage} of {it.name} is no stage any more by a new policy; it stays an alias of {it.new or it.old}"
    ),
    "stage.frozen": lambda it: f"{_closed(it.after)} of {it.subject} is frozen",
    "stage.unfrozen": lambda it: f"{_closed(it.before)} of {it.subject} is open again",
    "alias.set": lambda it: f"{it.text('alias')} of {it.name} is now {it.new}{it.came_after}",
    "alias.removed": lambda it: f"{it.text('alias')} of {it.name} was removed from {it.old}",
    "tag.added": lambda it: f"{it.subject} has the tag {it.text('tag')}",
    "tag.removed": lambda it: f"{it.subject} lost the tag {it.text('tag')}",
    "policy.set": lambda it: f"{it.subject} has a new policy{_stages(it)}",
    "policy.removed": lambda it: f"The policy of {it.subject} was taken away",
    "role.granted": lambda it: f"{it.text('person')} is now {it.text('role')} in {it.name}",
    "role.revoked": lambda it: f"{it.text('person')} is {it.text('role')} in {it.name} no more",
    "bundle.imported": lambda it: f"Models of another registry were imported into {it.subject}",
    "subscription.added": lambda it: f"The subscription {it.subject} tells {it.text('channel')} from now on",
    "subscription.removed": lambda it: f"The subscription {it.subject} ended; {it.text('channel')} is told no more",
    "automation.added": lambda it: (
        f"The automation {it.subject} does {it.text('action')} from now on"
        if it.after.get("enabled", True)
        else f"The automation {it.subject} is switched off"
    ),
    "automation.removed": lambda it: f"The automation {it.subject} was taken away",
    "automation.fired": lambda it: f"The automation {it.text('automation')} did its work for {it.subject}",
    "automation.failed": lambda it: (
        f"The automation {it.text('automation')} "
        + (f"was stopped at {it.subject}: it goes in a circle" if it.after.get("loop") else f"failed for {it.subject}")
    ),
}
_LINES: Mapping[str, Callable[[_Facts], list[str]]] = {
    **dict.fromkeys([name for name in TYPES if name.endswith((".updated", ".renamed"))], _changes),
    "artifact_version.logged": _logged,
    "model_version.linked": _linked,
    "model_version.checked": _checked,
    "model_version.promoted": _promoted,
    "model_version.promotion_refused": _reasons,
    "model_version.promotion_forced": _forced,
    "model_version.promotion_requested": _requested,
    "model_version.promotion_approved": _decided,
    "model_version.promotion_rejected": _decided,
    "model_version.promotion_cancelled": _cancelled,
    "model_version.approval_withdrawn": _decided,
    "stage.frozen": _frozen,
    "policy.set": _adopted_with,
    "policy.removed": _adopted_with,
    "bundle.imported": _imported,
    "automation.fired": _fired,
    "automation.failed": _failed,
}
