"""The verbs that look after what is stored: verify, expire, collect garbage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from podium.content import files as local_files
from podium.content import incoming
from podium.content.store import Blob, ContentStore, Leftovers
from podium.content.transfer import FileProblem, FileState, VerifyReport, check_folder
from podium.domain.manifest import Entry
from podium.domain.versions import Expiring
from podium.errors import ConflictError, InvalidValueError, PodiumError
from podium.registry.artifacts import ArtifactVerbs, StrPath
from podium.registry.base import now
from podium.usecases import deletion, expiry, garbage, records
from podium.usecases.garbage import GcReport
from podium.usecases.unit import Unit

_BATCH = 500


class CareVerbs(ArtifactVerbs):
    """What can be done to keep a registry sound and small."""

    def verify(
        self,
        ref: str | None = None,
        progress: Callable[[Entry], None] | None = None,
        *,
        folder: StrPath | None = None,
        set_aside: bool = False,
    ) -> VerifyReport:
        """Hash stored content, look at references, and compare both with what was logged.

        Args:
            ref: A version; None for everything that the registry keeps.
            progress: Called after each content.
            folder: Compare a downloaded folder with the version instead; files that do not belong are ``extra``.
            set_aside: Move damaged content out of the way, so that logging the right files again restores it.

        Raises:
            InvalidValueError: A folder is given without a version.
            NotFoundError: The reference names nothing, or there is no such folder.
            StorageError: The content store as a whole cannot be read. A single content or reference that cannot be is
                a problem in the report, ``unreadable`` with its error.
        """
        if folder is not None:
            return self._verify_folder(ref, local_files.local_path(folder))
        store, problems, size, files, versions = self._content(), [], 0, 0, 1
        if ref is None:
            with self._read() as unit:
                versions, lost = records.count_versions(unit), records.list_lost_manifests(unit)
            problems += [FileProblem(holder, "(manifest)", "missing", digest) for holder, digest in lost]
        for holder, entry in self._contents_of(ref):
            state, error = _look_at(store, entry)
            size, files = size + entry.size, files + 1
            if state != "ok":
                problems.append(FileProblem(holder, entry.path, state, entry.sha256, error, entry.uri))
            if set_aside and state == "changed" and not entry.is_reference:
                store.set_aside(entry.sha256)
            if progress is not None:
                progress(entry)
        return _report(versions, files, size, problems)

    def _contents_of(self, ref: str | None) -> Iterator[tuple[str, Entry]]:
        """Yield the contents of a version, or of everything, page by page."""
        if ref is not None:
            found = self.files(ref)
            yield from ((found.version.ref, entry) for entry in found.manifest.entries)
            return
        with self._read() as unit:
            pages = records.content_pages(unit)
        for page in pages:
            with self._read() as unit:
                contents = list(records.list_contents(unit, page))
            yield from contents

    def _verify_folder(self, ref: str | None, folder: Path) -> VerifyReport:
        if ref is None:
            raise InvalidValueError("A folder is compared with one version.", hint="Name the version too.")
        found = self.files(ref)
        problems = check_folder(found.manifest, folder, ref=found.version.ref)
        return _report(1, len(found.manifest.entries), found.manifest.size, problems)

    def expire(self, namespace: str | None = None, *, dry_run: bool = True, limit: int | None = None) -> list[Expiring]:
        """Delete the versions whose time to live has ended, softly; only look unless told otherwise.

        What is linked into a model or holds an alias is kept all the same; ``kept_by`` says by what.

        Args:
            namespace: Only those of one project.
            dry_run: Only list them.
            limit: At most so many that can go, and as many that are kept; those whose time ended first.

        Returns:
            The versions whose time has ended; deleted ones say so in ``version.deleted_at``.

        Raises:
            InvalidNameError: The namespace breaks the rules of names.
            NotFoundError: There is no such project.
        """
        with self._read() as unit:
            due = expiry.list_expiring(unit, namespace, limit)
        if dry_run:
            return due
        return [item if item.kept_by else self._expire(item) for item in due]

    def _expire(self, item: Expiring) -> Expiring:
        command = deletion.DeleteVersion(item.version.ref, "time to live ended", only_expired=True)
        try:
            return Expiring(self._change(partial(deletion.delete_version, command=command)), ())
        except InvalidValueError as error:  # linked since we looked
            return Expiring(item.version, tuple(error.facts.get("kept_by", ())))

    def gc(
        self,
        *,
        dry_run: bool = False,
        keep_deleted: timedelta = timedelta(days=30),
        older_than: timedelta = timedelta(days=1),
        progress: Callable[[Blob], None] | None = None,
    ) -> GcReport:
        """Remove what nothing refers to any more. Safe beside writers, and after a kill at any point.

        Args:
            dry_run: Only say what would go.
            keep_deleted: How long a deleted version can be restored; older ones give up their content for good.
            older_than: Contents that nothing refers to are left alone until they are this old, because a writer may
                just have stored them.
            progress: Called after each content looked at.

        Raises:
            ConflictError: Another collection began meanwhile and goes on in place of this one.
            InvalidValueError: A time is negative.
            StorageError: The content store cannot be read or written.
        """
        if keep_deleted < timedelta(0) or older_than < timedelta(0):
            raise InvalidValueError("A time to keep is negative.", hint="Pass timedelta(0) or more.")
        collection = _Collection(self._content(), now() - keep_deleted, older_than, dry_run=dry_run)
        versions = self._purge(collection)
        blobs, size, young = self._collect(collection, progress)
        left = self._sweep(collection)
        return GcReport(dry_run, versions, blobs, size, left.count, left.size, young)

    def _purge(self, run: _Collection) -> int:
        with self._read() as unit:
            if run.dry_run:
                return garbage.count_given_up(unit, run.given_up)
            waiting = garbage.collections_to_purge(unit, run.given_up)
        purge = garbage.purge_versions
        return sum(self._change(partial(purge, collection_id=item, before=run.given_up)) for item in waiting)

    def _collect(self, run: _Collection, progress: Callable[[Blob], None] | None) -> tuple[int, int, int]:
        token = "" if run.dry_run else self._change(garbage.begin_gc)
        count = size = young = 0
        for batch in _batches(run.store.blobs(), _BATCH):
            old = [blob for blob in batch if blob.modified <= run.written_before]
            removed = self._look(run, old) if run.dry_run else self._remove(run, token, old)
            count, size = count + len(removed), size + sum(blob.size for blob in removed)
            young += len(self._look(run, [blob for blob in batch if blob.modified > run.written_before]))
            if progress is not None:
                for blob in batch:
                    progress(blob)
        if token:
            self._change(partial(garbage.end_gc, token=token))
        return count, size, young

    def _look(self, run: _Collection, blobs: list[Blob]) -> list[Blob]:
        with self._read() as unit:
            return _free(unit, blobs, run)

    def _remove(self, run: _Collection, token: str, blobs: list[Blob]) -> list[Blob]:
        if not self._look(run, blobs):
            return []  # nothing to keep writers waiting for
        store = run.store

        def remove(unit: Unit) -> list[Blob]:
            if not garbage.hold_writers_off(unit, token):
                raise ConflictError(
                    "Another garbage collection began meanwhile.", hint="Let that one end.", holder=None
                )
            free = _free(unit, blobs, run)
            store.delete([blob.sha256 for blob in free], unless_after=run.written_before)
            return free

        return self._change(remove)

    def _sweep(self, run: _Collection) -> Leftovers:
        stored = run.store.sweep(run.older_than, dry_run=run.dry_run)
        staging = str(self.settings.home / "staging")
        staged = incoming.sweep(staging, run.older_than.total_seconds(), dry_run=run.dry_run)
        return Leftovers(stored.count + staged.count, stored.size + staged.size)


class _Collection:
    """One garbage collection: where, and from what age on.

    Attributes:
        store: The store.
        given_up: Versions deleted before this time give up their content.
        written_before: Contents written before this time can be judged.
        older_than: The same as an age, for leftovers.
        dry_run: Whether it only looks.
    """

    def __init__(self, store: ContentStore, given_up: Any, older_than: timedelta, *, dry_run: bool) -> None:
        self.store = store
        self.given_up = given_up
        self.older_than = older_than
        self.written_before = now() - older_than
        self.dry_run = dry_run


def _free(unit: Unit, blobs: list[Blob], run: _Collection) -> list[Blob]:
    given_up = run.given_up if run.dry_run else None
    free = garbage.unreferenced(unit, [blob.sha256 for blob in blobs], given_up)
    return [blob for blob in blobs if blob.sha256 in free]


def _state_of(store: ContentStore, entry: Entry) -> FileState:
    if not entry.is_reference:
        return store.state(entry.sha256, entry.size)
    from podium.content.references import state_of  # brings the clients of object storage

    return state_of(entry)


def _look_at(store: ContentStore, entry: Entry) -> tuple[FileState, str]:
    """Return the state of a content or reference, with the error if it cannot be looked at."""
    try:
        return _state_of(store, entry), ""
    except PodiumError as error:
        if not entry.is_reference:
            store.prepare()  # raises if the whole place is gone: then no other content need be tried
        return "unreadable", str(error)


def _report(versions: int, files: int, size: int, problems: Iterable[FileProblem]) -> VerifyReport:
    found = list(problems)
    unchecked = tuple(problem for problem in found if problem.state == "unchecked")
    return VerifyReport(versions, files, size, tuple(p for p in found if p.state != "unchecked"), unchecked)


def _batches(blobs: Iterator[Blob], size: int) -> Iterator[list[Blob]]:
    while batch := list(islice(blobs, size)):
        yield batch
