"""Bundles: the open format in which models move between registries; `docs/moving.md` describes it field by field.

A bundle is a tar file of a manifest, records as JSON lines, and contents by their SHA-256. This module knows
what a manifest says; `bundle_records` knows the records, and `podium.content.bundle` the bytes of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from podium.domain.bundle_records import RECORDS, is_sha256, is_whole, read_line, record_member
from podium.domain.bundle_rules import RegistryRules
from podium.domain.plain import Value, canonical
from podium.errors import IntegrityError, InvalidValueError

FORMAT = "podium-bundle"
FORMAT_VERSION = 1
SUMS = "SHA256SUMS"
MANIFEST = "podium-bundle.json"
CONTENTS = "contents.jsonl"


def content_member(sha256: str) -> str:
    """Return the name of the member that holds a content."""
    return f"contents/{sha256}"


@dataclass(frozen=True, slots=True)
class Member(Value):
    """A part of a bundle that holds lines.

    Attributes:
        name: Its name in the tar file.
        size: Bytes.
        sha256: SHA-256 of its bytes.
        lines: How many lines it has.
    """

    name: str
    size: int
    sha256: str
    lines: int


@dataclass(frozen=True, slots=True)
class BundleManifest(Value):
    """What a bundle says about itself.

    Attributes:
        created_at: When it was written, UTC.
        created_by: Who wrote it.
        podium: The version of Podium that wrote it.
        asked: The references that were asked for; empty if everything was.
        members: The records of each kind, then the list of contents.
        contents: How many contents it carries.
        content_size: Bytes of all contents.
        left_out: Lineage edges that lead to versions or runs outside, which are not in it.
        format: Always ``podium-bundle``.
        version: Of the format.
    """

    created_at: str
    created_by: str
    podium: str
    asked: tuple[str, ...]
    members: tuple[Member, ...]
    contents: int
    content_size: int
    left_out: int
    format: str = FORMAT
    version: int = FORMAT_VERSION

    def write(self) -> bytes:
        """Return the manifest as it stands in the bundle."""
        return canonical(self.to_json()).encode("utf-8") + b"\n"

    @classmethod
    def read(cls, data: bytes) -> BundleManifest:
        """Read what `write` wrote.

        Raises:
            IntegrityError: It is no manifest.
            InvalidValueError: A newer Podium wrote it.
        """
        try:
            plain = read_line(data)
            _require_known(plain.get("format"), plain.get("version"))
            members = tuple(Member(**item) for item in plain.pop("members"))
            found = cls(**{**plain, "asked": tuple(plain["asked"]), "members": members})
            _check_shape(found)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise damaged(MANIFEST, f"it is no manifest of a bundle ({error})") from error
        return found

    @property
    def counts(self) -> dict[str, int]:
        """How many records of each kind there are."""
        return {kind: member.lines for kind, member in zip(RECORDS, self.members, strict=False)}


@dataclass(frozen=True, slots=True)
class BundleInfo(Value):
    """A bundle that was written.

    Attributes:
        path: Where; None for a stream.
        root: SHA-256 of its manifest, which holds the SHA-256 of everything in it.
        size: Bytes of the file.
        asked: The references that were asked for; empty if everything was.
        counts: How many records of each kind there are.
        contents: How many contents it carries, each once.
        content_size: Their bytes.
        left_out: Lineage edges that lead to versions outside, which are not in it.
    """

    path: str | None
    root: str
    size: int
    asked: tuple[str, ...]
    counts: Mapping[str, int]
    contents: int
    content_size: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Moved(Value):
    """What an import does with one artifact or model.

    Attributes:
        ref: ``NAMESPACE/NAME``.
        kind: ``artifact`` or ``model``.
        state: ``new``, ``forward`` (it was there with an earlier part of this history), ``same``, or ``ahead`` (it went
            on there, and is left alone).
        versions: How many versions the bundle has of it that are not deleted.
        events: How many events it gets.
        head: The audit head in the bundle.
    """

    ref: str
    kind: str
    state: str
    versions: int
    events: int
    head: str


@dataclass(frozen=True, slots=True)
class ImportReport(Value):
    """What an import did, or would do.

    Attributes:
        dry_run: Whether it only looked.
        changed: Whether it changes anything.
        root: SHA-256 of the bundle's manifest.
        collections: Every artifact and model of the bundle.
        namespaces: Projects and registries that are made.
        runs: How many runs are new, brought forward, and left as they are.
        edges: Lineage edges that are new.
        contents: How many contents were stored; in a dry run, how many are not there.
        content_size: Their bytes.
        notes: What is worth knowing, a sentence each.
        rules: What becomes of policies, roles and freezes of registries that are there with a stream of their own, as
            ``model-registry`` always is.
    """

    dry_run: bool
    changed: bool
    root: str
    collections: tuple[Moved, ...]
    namespaces: tuple[str, ...]
    runs: Mapping[str, int]
    edges: int
    contents: int
    content_size: int
    notes: tuple[str, ...] = field(default=())
    rules: tuple[RegistryRules, ...] = field(default=())


def root_of(manifest: bytes) -> str:
    """Return the root of a bundle: the SHA-256 of its manifest."""
    return hashlib.sha256(manifest).hexdigest()


def sums_of(root: str) -> bytes:
    """Return the first member: a line that ``sha256sum --check`` reads."""
    return f"{root}  {MANIFEST}\n".encode()


def damaged(member: str, why: str) -> IntegrityError:
    """Return the error about a bundle that was cut or altered."""
    return IntegrityError(
        f"The bundle is damaged at {member}: {why}.",
        hint="Nothing was changed. Copy the bundle again, or export it anew.",
        member=member,
        why=why,
    )


def _require_known(name: Any, version: Any) -> None:
    if name != FORMAT or not is_whole(version):
        raise ValueError("it names another format")
    if version != FORMAT_VERSION:
        raise InvalidValueError(
            f"The bundle has version {version} of the format; this Podium reads version {FORMAT_VERSION}.",
            hint="Import it with the Podium that wrote it, or a newer one.",
            found=version,
            needed=FORMAT_VERSION,
        )


def _check_shape(found: BundleManifest) -> None:
    names = [*map(record_member, RECORDS), CONTENTS]
    if [member.name for member in found.members] != names:
        raise ValueError("its members are not those of this format")
    wholes = [found.contents, found.content_size, found.left_out]
    for member in found.members:
        wholes += [member.size, member.lines]
        if not is_sha256(member.sha256):
            raise ValueError(f"{member.name} has no SHA-256")
    if not all(map(is_whole, wholes)):
        raise ValueError("a number is none")
    texts = [found.created_at, found.created_by, found.podium, *found.asked]
    if not all(isinstance(text, str) for text in texts) or len(fields(found)) != 10:
        raise ValueError("a text is none")
