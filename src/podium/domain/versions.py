"""Versions of artifacts and models, and what an alias did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from podium.domain.manifest import Manifest
from podium.domain.origin import Origin
from podium.domain.plain import Value

CollectionKind = Literal["artifact", "model"]
OnDuplicate = Literal["reuse", "new", "error"]
MoveKind = Literal["set", "removed", "promoted", "rolled_back", "demoted"]


@dataclass(frozen=True, slots=True)
class Version(Value):
    """One version of one collection: an artifact version, or a model version that points at one.

    Attributes:
        ref: ``NAMESPACE/NAME:vN``, always valid, never moves.
        collection: ``NAMESPACE/NAME``.
        kind: ``artifact`` for where it was logged, ``model`` for a registered model it is linked into.
        number: Counts up from 0 in its collection and is never used again.
        type: ``model``, ``dataset``, or any word.
        digest: ``sha256:...`` of the manifest.
        size: Bytes of all files together.
        files: How many files.
        source: ``PROJECT/ARTIFACT:vN`` of the bytes; the same as ``ref`` for an artifact version.
        metadata: Plain JSON, with every edit made since it was logged or linked.
        metrics: The numbers of the run's summary when the version was logged.
        description: Free text, with every edit.
        aliases: What names it now in this collection, stages included, ``latest`` included.
        run: The id of the run that logged it.
        supersedes: The number of the version that an earlier attempt of the same task instance left here.
        created_at: UTC; when it was logged or linked.
        created_by: The actor.
        origin: The execution.
        created: Whether the call that returned this value made the version; False when it was there already.
        tags: Labels on this version in this collection.
        expires_at: UTC; when its time to live ends, None for never.
        deleted_at: UTC; when it was deleted or unlinked, None while it is there.
    """

    ref: str
    collection: str
    kind: CollectionKind
    number: int
    type: str
    digest: str
    size: int
    files: int
    source: str
    metadata: Mapping[str, Any]
    metrics: Mapping[str, float]
    description: str | None
    aliases: tuple[str, ...]
    run: str | None
    supersedes: int | None
    created_at: datetime
    created_by: str
    origin: Origin
    created: bool = False
    tags: tuple[str, ...] = ()
    expires_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def version(self) -> str:
        """The number as people write it: ``v3``."""
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class VersionFiles(Value):
    """A version with its manifest.

    Attributes:
        version: The version.
        manifest: Its files.
    """

    version: Version
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class AliasMove(Value):
    """One move of an alias or stage.

    Attributes:
        collection: ``NAMESPACE/NAME``.
        alias: The alias or stage.
        kind: ``set``, ``removed``, ``promoted``, ``rolled_back`` or ``demoted``.
        before: The version number that held it, or None.
        after: The version number that holds it since, or None when it was removed.
        at: UTC.
        actor: Who.
        origin: From which execution.
        reason: Why, if said.
        changed: False when the alias stood there already; such a call leaves no history.
    """

    collection: str
    alias: str
    kind: MoveKind
    before: int | None
    after: int | None
    at: datetime
    actor: str
    origin: Origin
    reason: str | None = None
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Collection(Value):
    """An artifact or a registered model.

    Attributes:
        ref: ``NAMESPACE/NAME``.
        kind: ``artifact`` or ``model``.
        type: The type of all its versions.
        description: Free text; of a registered model, its model card in Markdown.
        versions: How many versions it has, without those that were deleted or unlinked.
        aliases: Alias or stage to version number, ``latest`` included.
        created_at: UTC.
        created_by: The actor.
        owner: Who answers for it, if said.
        task: What it is for, such as ``image classification``, if said.
        tags: Labels on it as a whole.
        deleted_at: UTC; None while it is there.
    """

    ref: str
    kind: CollectionKind
    type: str
    description: str | None
    versions: int
    aliases: Mapping[str, int] = field(default_factory=dict)
    created_at: datetime | None = None
    created_by: str = ""
    owner: str | None = None
    task: str | None = None
    tags: tuple[str, ...] = ()
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RegistryInfo(Value):
    """A registry: a curated namespace of registered models.

    Attributes:
        name: Unique among projects and registries.
        description: Free text.
        types: The artifact types that it accepts, None for every type.
        models: How many registered models it has.
        created_at: UTC.
        created_by: The actor.
    """

    name: str
    description: str | None
    types: tuple[str, ...] | None
    models: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Expiring(Value):
    """A version whose time to live ends.

    Attributes:
        version: The version.
        kept_by: What keeps it all the same: models that it is linked into and aliases that it holds.
    """

    version: Version
    kept_by: tuple[str, ...]
