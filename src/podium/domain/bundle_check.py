"""What the records of a bundle must add up to, looked at record by record, when it is written and when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from podium.domain.bundle import damaged
from podium.domain.bundle_records import RECORDS, is_sha256, record_member
from podium.domain.events import GENESIS, Event, event_hash
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import check_artifact, check_label, check_model, check_project, check_type, model_key
from podium.domain.origin import Origin
from podium.domain.policies import Policy
from podium.errors import PodiumError

Record = dict[str, Any]


class RecordCheck:
    """Takes the records of a bundle, kind by kind in the order of `RECORDS`, then says whether they are whole.

    In memory it keeps the identifiers of what others point at, not the records themselves: those of versions,
    memberships, runs and contents, nothing of metrics and events.

    Attributes:
        contents: SHA-256, as bytes, to size of each content that the records need.
    """

    def __init__(self) -> None:
        self.contents: dict[bytes, int] = {}
        self._kinds: dict[UUID, str] = {}  # of namespaces and collections
        self._runs: set[str] = set()
        self._versions: set[UUID] = set()
        self._transitions: set[UUID] = set()
        self._members: set[tuple[UUID, int]] = set()
        self._heads: dict[UUID, tuple[int, str]] = {}
        self._seen: dict[UUID, tuple[int, str]] = {}
        self._needed: dict[str, bool] = {}  # digest to whether its contents must be there
        self._manifests: dict[str, tuple[int, int]] = {}

    def watch(self, kind: str, records: Iterable[Record]) -> Iterator[Record]:
        """Pass the records of one kind on after a look at each.

        Raises:
            IntegrityError: One makes no sense, alone or beside the others.
        """
        place = 0
        try:
            for record in self._by_digest(records) if kind == "manifest_entries" else records:
                place += 1
                _CHECKS[kind](self, record)
                yield record
            if kind == "manifests" and set(self._manifests) != set(self._needed):
                raise ValueError("they are not those of the versions and media")
            if kind == "manifest_entries" and self._manifests:
                raise ValueError("a manifest has no files")
        except (ValueError, TypeError, KeyError, AttributeError, PodiumError) as error:
            if isinstance(error, PodiumError) and "member" in error.facts:
                raise
            raise damaged(record_member(kind), f"record {place} cannot stand there, {_said(error)}") from error

    def end(self) -> None:
        """Compare the events with the heads of their streams, once everything was taken.

        Raises:
            IntegrityError: Events are missing.
        """
        empty = (0, GENESIS)
        for stream, head in self._heads.items():
            if self._seen.get(stream, empty) != head:
                raise damaged(record_member("events"), f"the events of {stream} do not end at the head of its row")

    def _by_digest(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass entries on and hold those of each manifest, which stand together, against its digest."""
        entries: list[Entry] = []
        digest = ""
        for record in records:
            if record["digest"] != digest:
                self._check_manifest(digest, entries)
                digest, entries = record["digest"], []
            names = ("path", "size", "sha256", "uri", "integrity", "etag")
            entries.append(Entry(**{name: record[name] for name in names}))
            yield record
        self._check_manifest(digest, entries)

    def _check_manifest(self, digest: str, entries: list[Entry]) -> None:
        if not entries:
            return
        manifest = Manifest.of(entries)
        _require(manifest.digest == digest, "the files of a manifest do not have its digest")
        known = self._manifests.pop(digest, None)
        _require(known == (manifest.size, len(entries)), "a manifest has another size or number of files")
        for entry in entries if self._needed[digest] else ():
            if entry.uri is None:
                size = self.contents.setdefault(bytes.fromhex(entry.sha256), entry.size)
                _require(size == entry.size, "two files of one content have two sizes")

    def _need(self, digest: str, *, contents: bool) -> None:
        _require(digest.startswith("sha256:") and is_sha256(digest[7:]), "a digest is none")
        self._needed[digest] = self._needed.get(digest, False) or contents

    def _of(self, record: Mapping[str, Any], *kinds: str, field: str = "collection_id") -> None:
        _require(self._kinds.get(record[field]) in (kinds or ("artifact", "model")), f"{field} names nothing fitting")

    def _at(self, record: Mapping[str, Any]) -> None:
        _require((record["collection_id"], record["number"]) in self._members, "it names no version of the collection")

    def _add_stream(self, record: Record, kind: str) -> None:
        _require(record["id"] not in self._kinds, "its id stands twice")
        self._kinds[record["id"]] = kind
        self._heads[record["id"]] = (record["sequence"], record["head"])

    def namespaces(self, record: Record) -> None:
        """Look at a project or registry."""
        check_project(record["name"])
        _require(record["kind"] in ("project", "registry"), "it is of no known kind")
        types = record["types"]
        _require(types is None or isinstance(types, list), "its types are no list")
        for name in types or ():
            check_type(name)
        self._add_stream(record, record["kind"])

    def collections(self, record: Record) -> None:
        """Look at an artifact or model."""
        model = record["kind"] == "model"
        self._of(record, "registry" if model else "project", field="namespace_id")
        _require(model or record["kind"] == "artifact", "it is of no known kind")
        check_model(record["name"]) if model else check_artifact(record["name"])
        check_type(record["type"])
        _require(record["name_key"] == (model_key(record["name"]) if model else record["name"]), "its key is another's")
        self._add_stream(record, record["kind"])

    def former_names(self, record: Record) -> None:
        """Look at a name that was given up."""
        check_model(record["name_key"])
        self._of(record, "project", "registry", field="namespace_id")
        self._of(record)

    def labels(self, record: Record) -> None:
        """Look at a tag or alias, of a collection or of one of its versions."""
        check_label(record["name"])
        self._at(record) if "number" in record else self._of(record)

    def runs(self, record: Record) -> None:
        """Look at a run."""
        check_label(record["id"], "run id")
        self._of(record, "project", field="namespace_id")
        Origin.from_json(record["origin"])
        for name in ("config", "summary", "environment", "goals"):
            _require(isinstance(record[name], dict), f"{name} is no object")
        _require(record["id"] not in self._runs, "its id stands twice")
        self._runs.add(record["id"])

    def run_metrics(self, record: Record) -> None:
        """Look at a point of a metric."""
        self._run(record)

    def run_media(self, record: Record) -> None:
        """Look at a table or image."""
        self._run(record)
        self._need(record["digest"], contents=True)

    def versions(self, record: Record) -> None:
        """Look at a version."""
        self._of(record, "artifact")
        _require(record["run_id"] is None or record["run_id"] in self._runs, "it names no run")
        _require(isinstance(record["metadata"], dict), "its metadata is no object")
        _require(record["id"] not in self._versions, "its id stands twice")
        self._versions.add(record["id"])
        self._need(record["digest"], contents=record["purged_at"] is None)

    def version_metrics(self, record: Record) -> None:
        """Look at a metric of a version."""
        self._version(record)

    def manifests(self, record: Record) -> None:
        """Look at a manifest; its files come later."""
        _require(record["digest"] in self._needed, "nothing has its digest")
        _require(record["digest"] not in self._manifests, "its digest stands twice")
        self._manifests[record["digest"]] = (record["size"], record["files"])

    def manifest_entries(self, record: Record) -> None:
        """Look at a file or reference of a manifest."""
        sha256, uri = record["sha256"], record["uri"]
        _require(is_sha256(sha256) or (uri is not None and not sha256), "its SHA-256 is none")
        _require(record["integrity"] in ((None,) if uri is None else ("sha256", "etag", "none")), "it promises nothing")

    def memberships(self, record: Record) -> None:
        """Look at a place of a version."""
        self._of(record)
        self._version(record)
        self._members.add((record["collection_id"], record["number"]))

    def of_collection(self, record: Record) -> None:
        """Look at a record that belongs to a collection and needs no more."""
        self._of(record)

    def run_versions(self, record: Record) -> None:
        """Look at an edge of the lineage."""
        self._run(record)
        self._version(record)
        _require(record["direction"] in ("input", "output"), "it has no direction")

    def checks(self, record: Record) -> None:
        """Look at the result of a check."""
        self._at(record)
        self._version(record)

    def transitions(self, record: Record) -> None:
        """Look at an attempt to move a stage."""
        self._at(record)
        self._transitions.add(record["id"])

    def approvals(self, record: Record) -> None:
        """Look at what a person said about a transition."""
        _require(record["transition_id"] in self._transitions, "it names no transition")
        _require(record["decision"] in ("approved", "rejected", "withdrawn"), "it decides nothing")

    def of_registry(self, record: Record) -> None:
        """Look at a record that belongs to a registry, or to one model of it."""
        self._of(record, "registry", field="namespace_id")
        if record.get("collection_id") is not None:
            self._of(record, "model")
        if record.get("body"):  # an empty one says that a policy was taken away
            Policy.from_json(record["body"])

    def events(self, record: Record) -> None:
        """Look at an event: it has its own hash, and the one before it in the stream."""
        stream = record["stream"]
        sequence, head = self._seen.get(stream, (0, GENESIS))
        _require(stream in self._heads, "its stream is not in the bundle")
        _require((record["sequence"], record["previous"]) == (sequence + 1, head), "it does not follow the one before")
        _require(event_hash(to_event(record)) == record["hash"], "it does not have its hash")
        self._seen[stream] = (record["sequence"], record["hash"])

    def _run(self, record: Record) -> None:
        _require(record["run_id"] in self._runs, "it names no run")

    def _version(self, record: Record) -> None:
        _require(record["version_id"] in self._versions, "it names no version")


def to_event(record: Mapping[str, Any]) -> Event:
    """Return the event of a record."""
    return Event(
        id=str(record["id"]),
        type=record["type"],
        stream=record["stream_name"],
        sequence=record["sequence"],
        at=record["created_at"],
        actor=record["created_by"],
        origin=Origin.from_json(record["origin"]),
        subject=record["subject"],
        before=record["before"],
        after=record["after"],
        reason=record["reason"],
        previous=record["previous"],
        hash=record["hash"],
    )


def _require(true: bool, why: str) -> None:
    if not true:
        raise ValueError(why)


def _said(error: Exception) -> str:
    return (error.message if isinstance(error, PodiumError) else str(error)).rstrip(".")


_SHARED = {
    "collection_tags": "labels",
    "version_tags": "labels",
    "aliases": "labels",
    "alias_moves": "of_collection",
    "policies": "of_registry",
    "freezes": "of_registry",
    "roles": "of_registry",
}
_CHECKS: Mapping[str, Callable[[RecordCheck, Record], None]] = {
    kind: getattr(RecordCheck, _SHARED.get(kind, kind)) for kind in RECORDS
}
