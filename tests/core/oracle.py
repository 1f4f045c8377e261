"""A plain model of the registry in dictionaries, for the state machine to compare with.

It is written from DESIGN 4.1 to 4.3 and 4.9 and the docstrings of the verbs, not from their code. Every verb either
raises `Refused` with the class of the error and changes nothing, or changes the model and returns what is comparable.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

CONTENTS = {
    "one": {"model.bin": b"one"},
    "two": {"model.bin": b"two"},
    "both": {"a/model.bin": b"one", "b/model.bin": b"three"},
    "other name": {"weights.bin": b"two"},
}
STAGES = ("staging", "production")  # of the policy that holds where none is set


class Refused(Exception):
    """A verb that must fail, with the name of the class of its error."""


@dataclass
class Bytes:
    """An artifact version: where it was logged, and what it holds."""

    home: Collection
    number: int
    content: str
    metadata: dict[str, Any]
    description: str | None
    deleted: int | None = None
    purged: bool = False


@dataclass
class Member:
    """A numbered place of a collection."""

    number: int
    bytes: Bytes
    metadata: dict[str, Any] | None = None
    description: str | None = None
    tags: set[str] = field(default_factory=set)
    deleted: int | None = None


@dataclass
class Collection:
    """An artifact or a registered model."""

    kind: str
    space: str
    name: str
    type: str
    next: int
    members: dict[int, Member] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    moves: list[tuple[str, int | None, int | None]] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    texts: dict[str, str | None] = field(default_factory=lambda: {"description": None, "owner": None})
    events: list[tuple[str, str]] = field(default_factory=list)
    deleted: int | None = None
    last_deleted: int | None = None  # kept when it is made again: what went then can still be brought back
    came_back: bool = False  # something was restored or linked again: when it was away is not kept per version

    @property
    def ref(self) -> str:
        return f"{self.space}/{self.name}"

    @property
    def live(self) -> list[int]:
        return sorted(number for number, member in self.members.items() if member.deleted is None)

    @property
    def latest(self) -> int | None:
        return max(self.live, default=None)

    def names(self, number: int) -> tuple[str, ...]:
        """The aliases of a version, `latest` first."""
        held = sorted(alias for alias, holder in self.aliases.items() if holder == number)
        return (*(["latest"] if number == self.latest else []), *held)

    def kept(self, number: int) -> list[str]:
        return [alias for alias, holder in self.aliases.items() if holder == number]


def digest_of(content: str) -> str:
    """The digest of a content, by its definition."""
    rows = [[path, len(data), sha256_of(data)] for path, data in sorted(CONTENTS[content].items())]
    return "sha256:" + hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blobs_of(content: str) -> set[str]:
    return {sha256_of(data) for data in CONTENTS[content].values()}


def check_alias(alias: str) -> None:
    if alias == "latest" or (alias[0] == "v" and alias[1:].isdecimal()):
        raise Refused("InvalidNameError")


class Model:
    """What every part of the oracle shares: the data, and how things are found."""

    def __init__(self) -> None:
        self.registries: dict[str, tuple[str, ...] | None] = {"model-registry": None}
        self.collections: list[Collection] = []
        self.given_up: dict[tuple[str, str], tuple[Collection, int]] = {}
        self.blobs: set[str] = set()
        self.touched: list[Collection] = []
        self.turn = 0

    def find(self, ref: str, kind: str | None = None, *, deleted: bool = False) -> Collection:
        space, _, name = ref.partition(":")[0].partition("/")
        for item in self.collections:
            if (item.space, item.name) == (space, name) and (deleted or item.deleted is None):
                if kind in (None, item.kind):
                    return item
                break
        raise Refused("NotFoundError")

    def number(self, item: Collection, ref: str) -> int:
        """The live version that a reference names."""
        selector = ref.partition(":")[2] or "latest"
        found = item.latest if selector == "latest" else item.aliases.get(selector)
        if selector[0] == "v" and selector[1:].isdecimal():
            found = int(selector[1:]) if int(selector[1:]) in item.live else None
        if found is None:
            raise Refused("NotFoundError")
        return found

    def member(self, ref: str) -> tuple[Collection, Member]:
        item = self.find(ref)
        return item, item.members[self.number(item, ref)]

    def taken(self, space: str, name: str, kind: str) -> Collection | None:
        """The collection that has a name, deleted or not; those of models differ by more than case."""
        for item in self.collections:
            same = item.name.casefold() == name.casefold() if kind == "model" else item.name == name
            if item.space == space and same:
                return item
        return None

    def note(self, item: Collection, event: str, subject: str | None = None) -> None:
        item.events.append((event, subject or item.ref))
        if item not in self.touched:
            self.touched.append(item)

    def move(self, item: Collection, alias: str, number: int | None) -> tuple[int | None, int | None, bool]:
        before = item.aliases.get(alias)
        if before != number:
            item.aliases[alias] = number if number is not None else -1
            if number is None:
                del item.aliases[alias]
            item.moves.append((alias, before, number))
            self.note(item, "alias.set" if number is not None else "alias.removed", f"{item.ref}:{alias}")
        return before, number, before != number

    def view(self, item: Collection, number: int) -> dict[str, Any]:
        """A version as anybody sees it."""
        member = item.members[number]
        held = member.bytes
        return {
            "ref": f"{item.ref}:v{number}",
            "type": item.type,
            "digest": digest_of(held.content),
            "source": f"{held.home.ref}:v{held.number}",
            "metadata": held.metadata if member.metadata is None else member.metadata,
            "description": held.description if member.description is None else member.description,
            "aliases": item.names(number),
            "tags": tuple(sorted(member.tags)),
            "deleted": member.deleted is not None,
        }

    def summary(self, item: Collection) -> dict[str, Any]:
        """A collection as anybody sees it."""
        latest = {} if item.latest is None else {"latest": item.latest}
        return {
            "ref": item.ref,
            "kind": item.kind,
            "type": item.type,
            "versions": len(item.live),
            "aliases": latest | item.aliases,
            "tags": tuple(sorted(item.tags)),
            **item.texts,
        }

    def all_bytes(self) -> list[Bytes]:
        artifacts = [item for item in self.collections if item.kind == "artifact"]
        return [member.bytes for item in artifacts for member in item.members.values()]

    def links(self, held: Bytes) -> list[tuple[Collection, Member]]:
        """Where a version is linked now."""
        models = [item for item in self.collections if item.kind == "model"]
        members = [(item, member) for item in models for member in item.members.values()]
        return [(item, member) for item, member in members if member.bytes is held and member.deleted is None]


class Making(Model):
    """Verbs that make and describe."""

    def make(self, space: str, name: str, kind: str, type: str) -> Collection:
        """Find or make a collection, once everything that could be refused was looked at."""
        found = self.taken(space, name, kind)
        if found is None:
            first = self.given_up.get((space, name.casefold() if kind == "model" else name), (None, 0))[1]
            found = Collection(kind, space, name, type, first)
            self.collections.append(found)
            self.note(found, f"{kind}.created")
        elif found.deleted is not None:
            found.deleted = None
            self.note(found, f"{kind}.created")
        return found

    def log(
        self, artifact: str, files: str, *, type: str, on_duplicate: str, aliases: list[str], tags: list[str],
        metadata: dict[str, Any],
    ) -> tuple[dict[str, Any], bool]:  # fmt: skip
        space, _, name = artifact.partition("/")
        if space in self.registries:
            raise Refused("InvalidValueError")
        found = self.taken(space, name, "artifact")
        if found is not None and found.type != type:
            raise Refused("InvalidValueError")
        members = [found.members[number] for number in found.live] if found is not None else []
        same = [member.number for member in members if member.bytes.content == files]
        if same and on_duplicate == "error":
            raise Refused("AlreadyExistsError")
        self.blobs |= blobs_of(files)
        item = self.make(space, name, "artifact", type)
        created = not same or on_duplicate == "new"
        if created:
            member = self._add(item, Bytes(item, item.next, files, dict(metadata), None))
            self.note(item, "artifact_version.logged", f"{item.ref}:v{member.number}")
        else:
            member = item.members[max(same)]
        for alias in aliases:
            self.move(item, alias, member.number)
        self._tag(item, member.number, tags)
        return self.view(item, member.number), created

    def _add(self, item: Collection, held: Bytes) -> Member:
        member = Member(item.next, held)
        item.members[item.next] = member
        item.next += 1
        return member

    def link(self, ref: str, model: str, aliases: list[str]) -> tuple[dict[str, Any], bool]:
        source_item, source = self.member(ref)
        shown = self.view(source_item, source.number)
        space, _, name = model.partition("/")
        if space not in self.registries:
            raise Refused("NotFoundError")
        accepted = self.registries[space]
        if accepted is not None and shown["type"] not in accepted:
            raise Refused("InvalidValueError")
        found = self.taken(space, name, "model")
        if found is not None and found.name != name:
            raise Refused("AlreadyExistsError")
        if (found is not None and found.type != shown["type"]) or set(aliases) & set(STAGES):
            raise Refused("InvalidValueError")
        item = self.make(space, name, "model", shown["type"])
        there = [member for member in item.members.values() if member.bytes is source.bytes]
        created = not there or there[0].deleted is not None
        member = there[0] if there else self._add(item, source.bytes)
        if created:
            item.came_back |= member.deleted is not None
            member.deleted = None
            self.note(item, "model_version.linked", f"{item.ref}:v{member.number}")
            if source_item.kind == "model" and not there:
                member.metadata, member.description = dict(shown["metadata"]), shown["description"]
                member.tags = set(shown["tags"])
        for alias in aliases:
            self.move(item, alias, member.number)
        return self.view(item, member.number), created

    def set_alias(self, ref: str, alias: str, **more: Any) -> tuple[int | None, int | None, bool]:
        check_alias(alias)
        item = self.find(ref)
        self._no_stage(item, alias)
        number = self.number(item, ref)
        self._expect(item, alias, more)
        return self.move(item, alias, number)

    def remove_alias(self, collection: str, alias: str, **more: Any) -> tuple[int | None, int | None, bool]:
        check_alias(alias)
        item = self.find(collection)
        self._no_stage(item, alias)
        self._expect(item, alias, more)
        if alias not in item.aliases:
            raise Refused("NotFoundError")
        return self.move(item, alias, None)

    def _no_stage(self, item: Collection, alias: str) -> None:
        if item.kind == "model" and alias in STAGES:
            raise Refused("InvalidValueError")

    def _expect(self, item: Collection, alias: str, more: dict[str, Any]) -> None:
        if "expected" in more and more["expected"] != item.aliases.get(alias):
            raise Refused("ConflictError")

    def tag(self, ref: str, names: list[str]) -> tuple[str, ...]:
        item = self.find(ref)
        number = self.number(item, ref) if ":" in ref else None
        return self._tag(item, number, names)

    def _tag(self, item: Collection, number: int | None, names: list[str]) -> tuple[str, ...]:
        tags = item.tags if number is None else item.members[number].tags
        for name in dict.fromkeys(names):
            if name not in tags:
                tags.add(name)
                self.note(item, "tag.added", item.ref if number is None else f"{item.ref}:v{number}")
        return tuple(sorted(tags))

    def untag(self, ref: str, names: list[str]) -> tuple[str, ...]:
        item = self.find(ref)
        number = self.number(item, ref) if ":" in ref else None
        tags = item.tags if number is None else item.members[number].tags
        for name in dict.fromkeys(names):
            if name in tags:
                tags.remove(name)
                self.note(item, "tag.removed", item.ref if number is None else f"{item.ref}:v{number}")
        return tuple(sorted(tags))

    def edit(self, ref: str, **more: Any) -> tuple[dict[str, Any], bool]:
        item, member = self.member(ref)
        shown = self.view(item, member.number)
        kept = {key: value for key, value in shown["metadata"].items() if key not in more.get("remove_metadata", ())}
        metadata = kept | more.get("metadata", {})
        description = more.get("description", shown["description"])
        if item.kind == "model" and description is None and shown["description"] is not None:
            description = ""  # a link without a text shows its source's; an empty one hides that
        target = member if item.kind == "model" else member.bytes
        changed = (metadata, description) != (shown["metadata"], shown["description"])
        if metadata != shown["metadata"]:
            target.metadata = metadata
        if description != shown["description"]:
            target.description = description
        if changed:
            self.note(item, f"{item.kind}_version.updated", f"{item.ref}:v{member.number}")
        return self.view(item, member.number), False

    def edit_collection(self, ref: str, **texts: str | None) -> dict[str, Any]:
        item = self.find(ref)
        if item.texts != item.texts | texts:
            item.texts |= texts
            self.note(item, f"{item.kind}.updated")
        return self.summary(item)

    def edit_registry(self, name: str, types: tuple[str, ...] | None) -> None:
        if name not in self.registries:
            raise Refused("NotFoundError")
        self.registries[name] = types

    def rename(self, ref: str, name: str) -> dict[str, Any]:
        item = self.find(ref)
        fold = str.casefold if item.kind == "model" else str
        old, new = (item.space, fold(item.name)), (item.space, fold(name))
        if name != item.name:
            owner = self.taken(item.space, name, item.kind)
            if owner not in (None, item) or self.given_up.get(new, (item, 0))[0] is not item:
                raise Refused("AlreadyExistsError")
            self.given_up.pop(new, None)
            if new != old:
                self.given_up[old] = (item, item.next)
            item.name = name
            self.note(item, f"{item.kind}.renamed")
        return self.summary(item)


class Oracle(Making):
    """All verbs: also those that take away and bring back."""

    def delete(self, ref: str, *, force: bool = False, reason: str | None = None) -> tuple[dict[str, Any], bool]:
        if ":" not in ref or (force and not reason):
            raise Refused("InvalidValueError")
        item = self.find(ref, "artifact")
        number = self.number(item, ref)
        held = item.members[number].bytes
        if (item.kept(number) or self.links(held)) and not force:
            raise Refused("InvalidValueError")
        self.turn += 1
        for model, member in self.links(held):
            self._unlink(model, member)
        self._free(item, number)
        held.deleted = item.members[number].deleted = self.turn
        self.note(item, "artifact_version.deleted", f"{item.ref}:v{number}")
        return self.view(item, number), False

    def unlink(self, ref: str, *, force: bool = False, reason: str | None = None) -> tuple[dict[str, Any], bool]:
        if ":" not in ref or (force and not reason):
            raise Refused("InvalidValueError")
        item = self.find(ref, "model")
        number = self.number(item, ref)
        if item.kept(number) and not force:
            raise Refused("InvalidValueError")
        self.turn += 1
        self._unlink(item, item.members[number])
        return self.view(item, number), False

    def _unlink(self, model: Collection, member: Member) -> None:
        self._free(model, member.number)
        member.deleted = self.turn
        self.note(model, "model_version.unlinked", f"{model.ref}:v{member.number}")

    def _free(self, item: Collection, number: int | None = None) -> None:
        for alias in sorted(alias for alias, holder in item.aliases.items() if number in (None, holder)):
            self.move(item, alias, None)

    def restore(self, ref: str) -> tuple[dict[str, Any], bool]:
        selector = ref.partition(":")[2]
        if not (selector[:1] == "v" and selector[1:].isdecimal()):
            raise Refused("InvalidValueError")
        item, number = self.find(ref), int(selector[1:])
        member = item.members.get(number)
        if member is None or member.bytes.purged:
            raise Refused("NotFoundError")
        if member.deleted is None:
            return self.view(item, number), False
        if item.kind == "model" and member.bytes.deleted is not None:
            raise Refused("InvalidValueError")
        when, member.deleted, item.came_back = member.deleted, None, True
        self.note(item, f"{item.kind}_version.restored", f"{item.ref}:v{number}")
        if item.kind == "artifact":
            member.bytes.deleted = None
            self._restore_links(member.bytes, when)
        return self.view(item, number), True

    def _restore_links(self, held: Bytes, when: int) -> None:
        """The links that went in one go with a version come back with it, where their model is still there."""
        for model in self.collections:
            for member in model.members.values():
                gone = member.bytes is held and member.deleted == when
                if gone and model.kind == "model" and model.deleted is None:
                    member.deleted, model.came_back = None, True
                    self.note(model, "model_version.restored", f"{model.ref}:v{member.number}")

    def delete_collection(self, ref: str, *, force: bool = False, reason: str | None = None) -> dict[str, Any]:
        if force and not reason:
            raise Refused("InvalidValueError")
        item = self.find(ref)
        held = [member.bytes for member in item.members.values()] if item.kind == "artifact" else []
        if not force and (item.aliases or any(self.links(one) for one in held)):
            raise Refused("InvalidValueError")
        self.turn += 1
        for model in self.collections:
            members = [model.members[number] for number in model.live if model.kind == "model"]
            for member in members:
                if any(member.bytes is one for one in held):
                    self._unlink(model, member)
        self._free(item)
        for number in item.live:
            item.members[number].deleted = self.turn
            if item.kind == "artifact":
                item.members[number].bytes.deleted = self.turn
        item.deleted = item.last_deleted = self.turn
        self.note(item, f"{item.kind}.deleted")
        return self.summary(item)

    def restore_collection(self, ref: str) -> dict[str, Any]:
        item = self.find(ref, deleted=True)
        when, back = item.last_deleted, False
        for member in item.members.values() if when is not None else ():
            held = member.bytes
            if item.kind == "artifact" and held.deleted == when and not held.purged:
                held.deleted = None
            if member.deleted == when and held.deleted is None and not held.purged:
                member.deleted = None
                item.came_back = back = True
        if item.deleted is None and not back:
            return self.summary(item)
        item.deleted = None
        self.note(item, f"{item.kind}.restored")
        return self.summary(item)

    def gc(self, *, everything: bool, dry_run: bool) -> tuple[int, int]:
        """What was given up and removed; what is young is left alone unless everything shall go."""
        given_up = [one for one in self.all_bytes() if everything and one.deleted is not None and not one.purged]
        kept = [one for one in self.all_bytes() if not one.purged and one not in given_up]
        free = self.blobs - {blob for one in kept for blob in blobs_of(one.content)} if everything else set()
        if not dry_run:
            self.blobs -= free
            for one in given_up:  # in the order of each artifact's numbers
                one.purged = True
                self.note(one.home, "artifact_version.purged", f"{one.home.ref}:v{one.number}")
        return len(given_up), len(free)
