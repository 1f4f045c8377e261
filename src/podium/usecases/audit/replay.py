"""What the events of one artifact or model add up to. Nothing here asks the database.

Each event gives facts about rows that never change after (a version's digest, a move, a result of a check); what does
change (aliases, tags, deletions, names) is kept here and becomes facts at the end of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from podium.domain.audit import details_sha256
from podium.domain.events import TYPES, Event
from podium.domain.names import model_key
from podium.domain.plain import canonical, to_plain
from podium.usecases.audit.attempts import Attempts, Freezes
from podium.usecases.audit.facts import Fact, Table, numbers
from podium.usecases.audit.policies import PolicyReplay

UNTOUCHED = details_sha256(None, None, None)  # of a link that shows what its source says
_UNKNOWN = "unknown"


@dataclass(slots=True)
class Member:
    """One number of a collection.

    Attributes:
        details: The digest of its metadata, description and time to live; None if no event tells.
        deleted_at: When it was deleted or unlinked, None while it is there.
        purged_at: When its content was given up.
        certain: Whether events tell if it is deleted.
        tagged: Whether events tell all its tags.
    """

    details: str | None
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    certain: bool = True
    tagged: bool = True


class Replay:
    """The state of one artifact or model, event by event.

    Attributes:
        kind: ``artifact`` or ``model``, as the first event says.
        members: Number to what is known of it.
        checks: How many results were recorded.
        moves: Alias to how often it moved.
        attempts: The attempts to move a stage.
        freezes: The freezes of its stages.
        former: Names that were given up, with the next number then; None for those that were taken back.
        policies: The policies of its own.
        unproven: How many facts no event tells.
    """

    def __init__(self) -> None:
        self.kind = ""
        self.members: dict[int, Member] = {}
        self.checks = 0
        self.moves: dict[str, int] = {}
        self.attempts = Attempts()
        self.freezes = Freezes()
        self.policies = PolicyReplay("policy")
        self.unproven = 0
        self._ref = ""
        self._about: dict[str, Any] = {"description": None, "owner": None, "task": None}
        self._deleted_at: datetime | None = None
        self._last_deletion: datetime | None = None
        self._aliases: dict[str, int] = {}
        self._tags: dict[tuple[int | None, str], Event] = {}
        self.former: dict[str, tuple[int | None, Event]] = {}

    def take(self, event: Event) -> list[Fact]:
        """Add one event and return the facts that it settles for good.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: It does not hold what Podium records.
        """
        subject, _, verb = event.type.partition(".")
        self._ref = event.stream
        handler = _HANDLERS.get(event.type) or _HANDLERS.get(f"*.{verb}" if subject in ("artifact", "model") else "")
        if handler is None:
            if event.type not in TYPES:
                raise ValueError(f"{event.type!r} is no type of event")
            return []
        return list(handler(self, event) or ())

    def tags(self, *, whole: bool) -> Iterator[Fact]:
        """Return the facts about tags, of the collection as a whole or of its versions."""
        table: Table = "collection tag" if whole else "version tag"
        for (number, tag), event in self._tags.items():
            if whole == (number is None):
                key = (tag,) if number is None else (number, tag)
                yield Fact(table, key, _who(event), f"{tag} on {event.subject}", event.sequence)

    def aliases(self, stages: tuple[str, ...]) -> Iterator[Fact]:
        """Return the facts about aliases, where these are the stages."""
        for name, number in self._aliases.items():
            values = {"number": number, "stage": self.kind == "model" and name in stages}
            yield Fact("alias", (name,), values, f"{self._ref}:{name}")

    def places(self) -> Iterator[Fact]:
        """Return what can change of versions and memberships."""
        for number, member in self.members.items():
            gone: dict[str, Any] = {"deleted_at": member.deleted_at} if member.certain else {}
            details = {"details": member.details} if member.details is not None else {}
            subject = f"{self._ref}:v{number}"
            if self.kind == "artifact":
                yield Fact("version", (number,), gone | {"purged_at": member.purged_at} | details, subject)
                yield Fact("member", (number,), gone | {"details": UNTOUCHED}, subject)
            else:
                yield Fact("member", (number,), gone | details, subject)

    def collection(self, row_id: UUID) -> Fact:
        """Return the fact about the collection itself."""
        key = model_key(self._name) if self.kind == "model" else self._name
        values = {"ref": self._ref, "name_key": key, "kind": self.kind, "deleted_at": self._deleted_at, **self._about}
        if self.members:
            values["next_number"] = max(self.members) + 1
        if all(member.certain for member in self.members.values()):
            live = [number for number, member in self.members.items() if member.deleted_at is None]
            values |= {"live": len(live), "latest": max(live, default=None)}
        return Fact("collection", (row_id,), values, self._ref)

    def is_tag_known(self, key: tuple[Any, ...]) -> bool:
        """Whether events would tell of a tag: those of copies by an older Podium they do not."""
        return (key[0], key[1]) in self._tags or not self.members.get(key[0], Member(None)).tagged

    @property
    def tag_count(self) -> int:
        """How many tags versions have, -1 if no event tells of some."""
        certain = all(member.tagged for member in self.members.values())
        return sum(number is not None for number, _ in self._tags) if certain else -1

    @property
    def _name(self) -> str:
        return self._ref.partition("/")[2]

    def _created(self, event: Event) -> None:
        if not self.kind:
            self.kind = event.type.partition(".")[0]
            self._about |= {"type": event.after["type"]} | _who(event)
        self._deleted_at = None  # made again under the name of a deleted one

    def _updated(self, event: Event) -> None:
        self._about |= {name: event.after[name] for name in ("description", "owner", "task") if name in event.after}

    def _renamed(self, event: Event) -> None:
        old, new = event.before["name"], event.after["name"]
        if self.kind == "model":
            old, new = model_key(old), model_key(new)
        self.former[new] = (None, event)
        if old != new:
            self.former[old] = (max(self.members, default=-1) + 1, event)

    def _deleted(self, event: Event) -> None:
        self._deleted_at = self._last_deletion = event.at
        for member in self.members.values():
            member.deleted_at = member.deleted_at or event.at

    def _restored(self, event: Event) -> None:
        when = self._deleted_at or self._last_deletion
        gone = {number: member for number, member in self.members.items() if member.deleted_at == when}
        away = event.after.get("away")
        kept = set(away) if away is not None else {number for number, member in gone.items() if member.purged_at}
        back = [member for number, member in gone.items() if number not in kept]
        certain = away is not None or len(back) == event.after["versions"]
        for member in back:
            member.deleted_at, member.certain = None, member.certain and certain
        self.unproven += 0 if certain else len(back)
        self._deleted_at = None

    def _logged(self, event: Event) -> Iterator[Fact]:
        after, number = event.after, event.after["number"]
        self._add(number, after.get("details_sha256"), tagged=True)
        made = _who(event) | {"origin": _origin(event)}
        version = {"digest": after["digest"], "run_id": after["run"], "supersedes": after["supersedes"]}
        version |= {"metrics": numbers(after["metrics"]), "identity": event.origin.identity}
        yield Fact("version", (number,), version | made, event.subject, event.sequence)
        member = {"source": f"{event.stream}:v{number}", "source_digest": after["digest"]}
        yield Fact("member", (number,), member | made, event.subject, event.sequence)

    def _linked(self, event: Event) -> Iterator[Fact]:
        after, number = event.after, event.after["number"]
        if number in self.members:  # linked once more under its number; what was edited on it stays
            self.members[number].deleted_at, self.members[number].certain = None, True
            return
        copied = "copied_from" in after
        self._add(number, after.get("details_sha256") if copied else UNTOUCHED, tagged=not copied or "tags" in after)
        for tag in after.get("tags", ()):
            self._tags[number, tag] = event
        values = {"source": after["source"], "source_digest": after["digest"], "origin": _origin(event)}
        yield Fact("member", (number,), values | _who(event), event.subject, event.sequence)

    def _add(self, number: int, details: str | None, *, tagged: bool) -> None:
        if type(number) is not int or number in self.members:
            raise ValueError(f"the number {number!r} is no new one")
        self.members[number] = Member(details, tagged=tagged)
        self.unproven += (details is None) + (not tagged)

    def _edited(self, event: Event) -> None:
        member = self.members[int(event.subject.rpartition(":v")[2])]
        details = event.after.get("details_sha256")
        self.unproven += member.details is not None and details is None
        member.details = details

    def _gone(self, event: Event) -> None:
        member = self.members[event.before["number"]]
        member.deleted_at, member.certain = event.at, True

    def _back(self, event: Event) -> None:
        member = self.members[event.after["number"]]
        member.deleted_at, member.certain = None, True

    def _purged(self, event: Event) -> None:
        self.members[event.before["number"]].purged_at = event.at

    def _alias_set(self, event: Event) -> Iterator[Fact]:
        yield self._move(event, event.after["alias"], "set")

    def _alias_removed(self, event: Event) -> Iterator[Fact]:
        yield self._move(event, event.before["alias"], "removed")

    def _move(self, event: Event, name: str, kind: str) -> Fact:
        before, after = event.before.get("number"), event.after.get("number")
        if before != self._aliases.get(name):
            raise ValueError(f"{name!r} was at v{self._aliases.get(name)}, not at v{before}")
        self.moves[name] = revision = self.moves.get(name, 0) + 1
        if after is None:
            self._aliases.pop(name, None)
        else:
            self._aliases[name] = after
        values = {"kind": kind, "before": before, "after": after, "reason": event.reason, "origin": _origin(event)}
        subject = f"{event.stream}:{name}"
        return Fact("alias move", (name, revision), values | _who(event), subject, event.sequence)

    def _overruled(self, event: Event) -> None:
        self.attempts.overruled(event)

    def _asked(self, event: Event) -> None:
        self.attempts.asked(event)

    def _said(self, event: Event) -> Iterator[Fact]:
        return self.attempts.said(event)

    def _cancelled(self, event: Event) -> Iterator[Fact]:
        yield self.attempts.cancelled(event)

    def _staged(self, event: Event) -> Iterator[Fact]:
        verb = event.type.partition(".")[2]
        if verb == "promotion_refused":
            yield self.attempts.settled(event, "promoted", "refused")
        else:
            yield self.attempts.settled(event, verb, "committed")
            yield self._move(event, event.after["stage"], verb)

    def _frozen(self, event: Event) -> None:
        self.freezes.frozen(event)

    def _unfrozen(self, event: Event) -> None:
        self.freezes.unfrozen(event)

    def _checked(self, event: Event) -> Iterator[Fact]:
        made = {"number": event.after["number"], "digest": event.after["digest"], "origin": _origin(event)}
        made |= _who(event) | {"of_member": True}
        for result in event.after["checks"]:
            self.checks += 1
            values = dict(result) | {"metrics": canonical(result["metrics"])} | made
            subject = f"{result['name']} on {event.subject}"
            yield Fact("check", (self.checks,), values, subject, event.sequence)

    def _tagged(self, event: Event) -> None:
        self._tags[event.after["number"], event.after["tag"]] = event

    def _untagged(self, event: Event) -> None:
        number, tag = event.before["number"], event.before["tag"]
        if self._tags.pop((number, tag), None) is None and (number is None or self.members[number].tagged):
            raise ValueError(f"there was no tag {tag!r}")

    def _policy(self, event: Event) -> Iterator[Fact]:
        yield self.policies.take(event)


def _who(event: Event) -> dict[str, Any]:
    return {"created_at": event.at, "created_by": event.actor}


def _origin(event: Event) -> str:
    return canonical(to_plain(event.origin))


_Handler = Callable[[Replay, Event], Iterator[Fact] | None]
_HANDLERS: Mapping[str, _Handler] = {
    "*.created": Replay._created,
    "*.updated": Replay._updated,
    "*.renamed": Replay._renamed,
    "*.deleted": Replay._deleted,
    "*.restored": Replay._restored,
    "artifact_version.logged": Replay._logged,
    "artifact_version.updated": Replay._edited,
    "artifact_version.deleted": Replay._gone,
    "artifact_version.restored": Replay._back,
    "artifact_version.purged": Replay._purged,
    "model_version.linked": Replay._linked,
    "model_version.updated": Replay._edited,
    "model_version.unlinked": Replay._gone,
    "model_version.restored": Replay._back,
    "model_version.checked": Replay._checked,
    "model_version.promoted": Replay._staged,
    "model_version.rolled_back": Replay._staged,
    "model_version.demoted": Replay._staged,
    "model_version.promotion_requested": Replay._asked,
    "model_version.promotion_approved": Replay._said,
    "model_version.promotion_rejected": Replay._said,
    "model_version.approval_withdrawn": Replay._said,
    "model_version.promotion_cancelled": Replay._cancelled,
    "stage.frozen": Replay._frozen,
    "stage.unfrozen": Replay._unfrozen,
    "model_version.promotion_refused": Replay._staged,
    "model_version.promotion_forced": Replay._overruled,
    "alias.set": Replay._alias_set,
    "alias.removed": Replay._alias_removed,
    "tag.added": Replay._tagged,
    "tag.removed": Replay._untagged,
    "policy.set": Replay._policy,
    "policy.removed": Replay._policy,
}
