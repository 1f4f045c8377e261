"""The audit of a registry: what its history must add up to, and the heads that are kept outside of it.

The hash chain of a stream shows any change of its events but one: whoever may write the database can drop the newest
events and set the head back, delete a stream as a whole, or write a new history with right hashes. What shows those is
a copy of the heads that lies where that person cannot write.

The heads are bound by one SHA-256 over all of them, and not by a Merkle tree as in RFC 6962. A tree pays where somebody
must show that one stream is among many without showing the others. Here whoever verifies reads every stream anyhow, and
a plain hash is what a person can write down and compare.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from podium.domain.events import Event
from podium.domain.origin import Origin
from podium.domain.plain import Value, canonical, iso
from podium.errors import InvalidValueError

FindingKind = Literal[
    "event_edited",
    "event_missing",
    "chain_broken",
    "event_malformed",
    "head_differs",
    "stream_unknown",
    "stream_missing",
    "history_truncated",
    "history_rewritten",
    "state_differs",
    "state_missing",
    "state_unrecorded",
    "manifest_differs",
    "unreadable",
]

KINDS: Mapping[FindingKind, str] = {
    "event_edited": "An event is no longer what its hash was taken of.",
    "event_missing": "The events of a stream do not count up from 1 without a gap.",
    "chain_broken": "An event names another one before it than the one that stands there.",
    "event_malformed": "An event has a right hash but does not hold what Podium records.",
    "head_differs": "The newest event of a stream is not the one that the stream says it is.",
    "stream_unknown": "Events or rows belong to an artifact, model or registry that is not there.",
    "stream_missing": "A stream of the exported heads is not there.",
    "history_truncated": "A stream is shorter than the exported heads say.",
    "history_rewritten": "A stream has another event at the place of its exported head.",
    "state_differs": "A row says something else than the events.",
    "state_missing": "A row that the events speak of is not there.",
    "state_unrecorded": "A row is there that no event speaks of.",
    "manifest_differs": "The files of a manifest do not give its digest.",
    "unreadable": "A value in the database cannot be read, such as text or infinity for a number. The audit goes on.",
}

_SHA256 = re.compile("[0-9a-f]{64}")
_FORMAT = 1


def details_sha256(metadata: Mapping[str, Any] | None, description: str | None, expires_at: datetime | None) -> str:
    """Return what events keep of the details of a version, so that its row can be compared with them.

    Args:
        metadata: Plain JSON; None on a link that shows its source's.
        description: Free text; None on a link that shows its source's.
        expires_at: When its time to live ends; None for never, and on a link.
    """
    plain = [metadata, description, iso(expires_at) if expires_at is not None else None]
    return hashlib.sha256(canonical(plain).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditFinding(Value):
    """One place where history is not whole, or where the registry is not what its history adds up to.

    Attributes:
        kind: One of `KINDS`.
        stream: ``NAMESPACE/NAME`` or ``NAMESPACE``; empty for what belongs to none.
        sequence: Of the event in its stream, None where no event is meant.
        subject: What it is about, such as ``model-registry/Digits:v3`` or ``alias production``.
        text: A sentence for people.
        expected: What should be there, plain JSON.
        found: What is there, plain JSON.
    """

    kind: FindingKind
    stream: str
    sequence: int | None
    subject: str
    text: str
    expected: Any = None
    found: Any = None


@dataclass(frozen=True, slots=True)
class AuditReport(Value):
    """What `verify_audit` found.

    Attributes:
        at: UTC; the moment that was looked at.
        streams: How many streams.
        events: How many events, each with its hash computed anew.
        rows: How many rows were compared with what the events say.
        manifests: How many manifests had their digest computed anew.
        unproven: Facts that no event tells, because an older Podium recorded the change.
        heads: The digest of the exported heads that history was compared with, None if there were none.
        heads_at: UTC; when those were exported.
        found: How many findings in all.
        findings: The first thousand of them.
    """

    at: datetime
    streams: int
    events: int
    rows: int
    manifests: int
    unproven: int
    heads: str | None
    heads_at: datetime | None
    found: int
    findings: tuple[AuditFinding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0


@dataclass(frozen=True, slots=True)
class AuditHead(Value):
    """The newest event of a stream at one moment.

    Attributes:
        id: The stream, a UUID that stays when it is renamed.
        name: Its name then.
        sequence: Of the event.
        hash: Of the event.
    """

    id: str
    name: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHeads(Value):
    """The heads of all streams at one moment, to be kept outside of the registry.

    Attributes:
        at: UTC.
        streams: One head per stream that has events, by id.
        digest: SHA-256 over all of it: the one line to write down.
        format: Of this document.
    """

    at: datetime
    streams: tuple[AuditHead, ...]
    digest: str
    format: int = field(default=_FORMAT)

    @classmethod
    def of(cls, at: datetime, streams: Iterable[AuditHead]) -> AuditHeads:
        """Bind heads by their digest."""
        ordered = tuple(sorted(streams, key=lambda head: head.id))
        lines = [f"podium audit heads {_FORMAT} {iso(at)}", *(canonical(head.to_json()) for head in ordered)]
        digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode("utf-8")).hexdigest()
        return cls(at, ordered, f"sha256:{digest}")

    @classmethod
    def from_json(cls, data: Any) -> AuditHeads:
        """Build heads from what `to_json` gave.

        Raises:
            InvalidValueError: It is something else, or was altered since: it does not give its own digest.
        """
        try:
            heads = cls.of(_time(data["at"]), [_head(item) for item in data["streams"]])
            said, known = data["digest"], data["format"] == _FORMAT
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidValueError(
                "These are no audit heads.", hint="Give the file that 'podium audit head --json > heads.json' wrote."
            ) from error
        if not known or said != heads.digest:
            raise InvalidValueError(
                f"The audit heads were altered: they give {heads.digest}, not {said!r} as they say.",
                hint="Take the copy whose digest you wrote down.",
                expected=heads.digest,
            )
        return heads


@dataclass(frozen=True, slots=True)
class EventPage(Value):
    """Some of the events that a query found.

    Attributes:
        items: The events, in the order asked for.
        next: Goes into ``after=`` of the same query to get the following ones; None at the end.
    """

    items: tuple[Event, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Holding(Value):
    """A time in which one version held a stage or alias.

    Attributes:
        collection: ``REGISTRY/MODEL``.
        stage: The stage or alias.
        version: The version that held it, such as ``v3``; None while nobody did.
        since: UTC; from when on.
        until: UTC; until when, None if it holds it still.
        how: What gave it: ``set, removed, promoted, rolled_back``.
        actor: Who gave it.
        reason: Why, if said.
        origin: From which execution.
    """

    collection: str
    stage: str
    version: str | None
    since: datetime
    until: datetime | None
    how: str
    actor: str
    reason: str | None
    origin: Origin

    @property
    def ref(self) -> str | None:
        """The version in full, None while nobody held it."""
        return f"{self.collection}:{self.version}" if self.version is not None else None


def _head(item: Any) -> AuditHead:
    head = AuditHead(str(UUID(item["id"])), item["name"], item["sequence"], item["hash"])
    good = isinstance(head.name, str) and type(head.sequence) is int and head.sequence > 0
    if set(item) != {"id", "name", "sequence", "hash"} or not good or not _SHA256.fullmatch(head.hash):
        raise ValueError(item)
    return head


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
