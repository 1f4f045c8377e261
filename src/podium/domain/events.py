"""Events: facts that happened, chained by hash so that none can be edited, dropped or put in between unseen.

The hash of an event is the SHA-256 of its canonical JSON, which contains the hash of the event before it in the same
stream: a hash chain as in RFC 6962's predecessors, kept per collection so that streams never wait for one another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from podium.domain.origin import Origin
from podium.domain.plain import Value, canonical, iso, to_plain

GENESIS = "0" * 64

TYPES: Mapping[str, str] = {
    "registry.created": "A registry was created.",
    "registry.updated": "What a registry accepts, or its description, changed.",
    "artifact.created": "The first version of an artifact was logged.",
    "artifact.updated": "The description, owner or task of an artifact changed.",
    "artifact.numbered": "The next version of an artifact got its number from elsewhere; skipped ones stay free.",
    "artifact.renamed": "An artifact got another name.",
    "artifact.deleted": "An artifact was deleted with all its versions; it can be restored for a while.",
    "artifact.restored": "A deleted artifact was brought back.",
    "artifact_version.logged": "A new version of an artifact was logged.",
    "artifact_version.updated": "The metadata, description or time to live of a version changed.",
    "artifact_version.deleted": "A version was deleted; it can be restored for a while.",
    "artifact_version.restored": "A deleted version was brought back.",
    "artifact_version.purged": "The content of a deleted version was given up for good.",
    "model.created": "A registered model was created by its first link.",
    "model.updated": "The model card, owner or task of a registered model changed.",
    "model.numbered": "The next version of a model got its number from elsewhere; skipped ones stay free.",
    "model.renamed": "A registered model got another name.",
    "model.deleted": "A registered model was deleted; it can be restored for a while.",
    "model.restored": "A deleted registered model was brought back.",
    "model_version.linked": "A version was linked into a registered model.",
    "model_version.updated": "The metadata or description of a model version changed.",
    "model_version.unlinked": "A version was taken out of a registered model.",
    "model_version.restored": "An unlinked model version was brought back.",
    "model_version.checked": "Checks ran on a version and their results were recorded.",
    "model_version.promoted": "A version took a stage.",
    "model_version.promotion_refused": "Gates refused to give a version a stage.",
    "model_version.promotion_forced": "Somebody overruled gates that failed.",
    "model_version.promotion_requested": "A promotion waits for approvals.",
    "model_version.promotion_approved": "Somebody approved a promotion.",
    "model_version.promotion_rejected": "Somebody rejected a promotion.",
    "model_version.promotion_cancelled": "A promotion that waited was withdrawn, expired, or came too late.",
    "model_version.approval_withdrawn": "Somebody took an approval back.",
    "model_version.rolled_back": "A stage went back to an earlier holder.",
    "model_version.demoted": "A stage was taken from its holder.",
    "stage.adopted": "A policy made a stage of an alias; no gate was asked.",
    "stage.released": "A policy no longer has a stage that somebody holds; it is a plain alias, which anybody may set.",
    "stage.frozen": "A stage was closed for promotions.",
    "stage.unfrozen": "A stage was opened again.",
    "alias.set": "An alias was set or moved.",
    "alias.removed": "An alias was removed.",
    "tag.added": "A version, artifact or model got a tag.",
    "tag.removed": "A tag was taken away.",
    "policy.set": "The policy of a model, a pattern of names or a registry changed.",
    "policy.removed": "A policy was taken away.",
    "role.granted": "Somebody got a role in a registry.",
    "role.revoked": "A role was taken from somebody.",
    "bundle.imported": "Models of another registry were imported, with the history that they had there.",
    "subscription.added": "A channel was subscribed to events.",
    "subscription.removed": "A subscription ended.",
    "automation.added": "An automation was added or changed.",
    "automation.removed": "An automation was taken away.",
    "automation.fired": "An automation did what it is for.",
    "automation.failed": "What an automation is for was given up after its last attempt.",
}


@dataclass(frozen=True, slots=True)
class Event(Value):
    """One fact, in the past tense.

    Attributes:
        id: UUIDv7.
        type: One of `TYPES`.
        stream: ``NAMESPACE/NAME`` of the collection it belongs to, or ``NAMESPACE``.
        sequence: Counts up from 1 in its stream; this is the order, never the clock.
        at: UTC.
        actor: Who.
        origin: From which execution.
        subject: What it is about, such as ``model-registry/Digits:v3``.
        before: What was, plain JSON.
        after: What is, plain JSON.
        reason: Why, if said.
        previous: The hash of the event before it in the stream, 64 zeros for the first.
        hash: SHA-256 over all of the above, 64 hexadecimal digits.
    """

    id: str
    type: str
    stream: str
    sequence: int
    at: datetime
    actor: str
    origin: Origin
    subject: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    previous: str = GENESIS
    hash: str = ""


def event_hash(event: Event) -> str:
    """Return the hash that the event must carry; what was and what is are plain JSON already."""
    body = {
        "id": event.id,
        "type": event.type,
        "stream": event.stream,
        "sequence": event.sequence,
        "at": iso(event.at),
        "actor": event.actor,
        "origin": to_plain(event.origin),
        "subject": event.subject,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "previous": event.previous,
    }
    return hashlib.sha256(canonical(body).encode("utf-8")).hexdigest()
