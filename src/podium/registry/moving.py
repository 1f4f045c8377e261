"""The verbs that move models between registries: export into a bundle, import from one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from podium.content import incoming
from podium.content.bundle import BundleReader
from podium.content.bundle_files import bring_contents, opened, replacing, write_bundle
from podium.content.disk import storage_errors
from podium.content.store import ContentStore, Progress
from podium.domain.bundle import BundleInfo, ImportReport
from podium.errors import IntegrityError, InvalidValueError
from podium.registry.base import Joint
from podium.usecases import garbage, records
from podium.usecases.moving.bundling import check_records, read_records, write_lines
from podium.usecases.moving.placing import import_records
from podium.usecases.moving.plan import Plan
from podium.usecases.moving.planning import plan_import
from podium.usecases.moving.scope import choose_scope, chunks
from podium.usecases.unit import Unit

StrPath = str | os.PathLike[str]
_ATTEMPTS = 3


class MovingVerbs(Joint):
    """What moves models to another registry and back."""

    def export_bundle(
        self,
        *refs: str,
        to: StrPath | BinaryIO,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> BundleInfo:
        """Write models with all that belongs to them into a bundle, as they are at one moment.

        A model brings the artifacts that its versions were logged in with their whole history, and the runs that made
        or used those versions. What a bundle holds and how it is written stands in ``docs/moving.md``.

        Args:
            *refs: ``REGISTRY/MODEL``, ``PROJECT/ARTIFACT``, a registry or a project; none for everything.
            to: A new file, which appears when it is complete, or a stream that is open for writing bytes.
            overwrite: Put the bundle in place of a file that is there.
            progress: Told the bytes of contents written.

        Raises:
            AlreadyExistsError: There is such a file, and it may not be overwritten.
            IntegrityError: A content is damaged or missing, or an audit chain is broken.
            InvalidNameError: A reference is none, or names a single version.
            NotFoundError: A reference names nothing.
            StorageError: The file cannot be written, or the content store cannot be read.
        """
        with self._scratch() as scratch:
            with self._snapshot() as unit:
                manifest = write_lines(unit, choose_scope(unit, refs), scratch)
            store = self._content() if manifest.contents else None
            if not isinstance(to, str | os.PathLike):
                return write_bundle(to, manifest, scratch, store, progress)
            with replacing(Path(to), overwrite=overwrite) as file:
                info = write_bundle(file, manifest, scratch, store, progress)
            return replace(info, path=os.fspath(to))

    def import_bundle(
        self,
        source: StrPath | BinaryIO,
        *,
        dry_run: bool = False,
        root: str | None = None,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Bring in what a bundle holds, in one transaction: identifiers, numbers, times, actors and audit heads stay.

        The whole bundle is read and checked first; then contents are stored; then all rows appear at once. What is here
        already is left alone; an artifact or model that is here with an earlier part of the same history is brought
        forward; doing it again changes nothing. The import itself is an event of ``model-registry``; nobody is told of
        what it brings, which happened elsewhere. Policies, roles and freezes of a whole registry are taken over where
        the one here never had any; ``rules`` of the report says what became of them, and which gates do not hold here.

        Args:
            source: The file, or a stream of bytes, which may be a pipe.
            dry_run: Check the bundle, and say what would change.
            root: Refuse a bundle with another root than this, as `export_bundle` returned it.
            progress: Told the bytes of the bundle checked, then those of contents stored.

        Raises:
            ConflictError: Something here has the same name and is another thing, or its history went another way;
                ``holder`` and ``expected`` are the two audit heads.
            IntegrityError: The bundle was cut or altered; ``member`` says where. Or it has another root.
            InvalidValueError: A newer Podium wrote it.
            NotFoundError: There is no such file.
            PermissionDeniedError: A registry here that would change has admins, and the actor is none of them.
            StorageError: It cannot be read, or the content store cannot be written.
        """
        with self._scratch() as scratch, opened(source, scratch) as bundle:
            _require_root(bundle, root)
            bundle.check(progress)
            check_records(bundle)
            with self._snapshot() as unit:
                plan = plan_import(unit, partial(read_records, bundle))
                fresh = records.read_setting(unit, "content") is None
            # To look does not choose a place for contents where none is chosen yet.
            store = None if fresh and (dry_run or not plan.changed) else self._content()
            missing = self._missing(store, bundle, plan)
            if not dry_run and store is not None and (plan.changed or missing[0]):
                plan = self._store_and_place(store, bundle, plan, scratch, progress)
            return _report(bundle, plan, missing, dry_run=dry_run)

    def _store_and_place(
        self, store: ContentStore, bundle: BundleReader, plan: Plan, scratch: str, progress: Progress | None
    ) -> Plan:
        """Store contents durably, then write all rows in one transaction, safe beside garbage collection.

        The same protocol as `_store_and_change`, for more contents than can lie around as files at once.
        """

        def place(unit: Unit) -> Plan | None:
            if not garbage.content_is_untouched(unit, mark) and any(_absent(store, bundle)):
                if not last:
                    return None
                bring_contents(store, bundle, scratch, progress)
            return import_records(unit, partial(read_records, bundle), facts)

        manifest = bundle.manifest
        facts = {"root": bundle.root, "asked": manifest.asked, "exported_at": manifest.created_at}
        facts |= {"exported_by": manifest.created_by, "podium": manifest.podium}
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            with self._read() as unit:
                mark = garbage.read_mark(unit)
            bring_contents(store, bundle, scratch, progress)
            done = self._change(place) if plan.changed else plan
            if done is not None:
                return done
        raise AssertionError("the last attempt always ends")

    def _missing(self, store: ContentStore | None, bundle: BundleReader, plan: Plan) -> tuple[int, int]:
        """Return how many contents an import stores, and their bytes.

        Where no row changes, those are the ones that something here refers to and that are lost: they are mended.
        """
        if store is None:
            return (bundle.manifest.contents, bundle.manifest.content_size) if plan.changed else (0, 0)
        count = size = 0
        for some in _absent(store, bundle):
            free: set[str] = set()
            if not plan.changed:
                with self._read() as unit:
                    free = garbage.unreferenced(unit, list(some))
            sizes = [length for sha256, length in some.items() if sha256 not in free]
            count, size = count + len(sizes), size + sum(sizes)
        return count, size

    @contextmanager
    def _scratch(self) -> Iterator[str]:
        """Give a folder for what must lie on a disk meanwhile; garbage collection takes it after a kill."""
        place = str(self.settings.home / "staging")
        with storage_errors(place):
            os.makedirs(place, exist_ok=True)
            folder, lock = incoming.claim(place)
        try:
            yield folder
        finally:
            incoming.release(folder, lock)


def _absent(store: ContentStore, bundle: BundleReader) -> Iterator[dict[str, int]]:
    """Yield the contents of a bundle that are not in a store, with their sizes, several at a time."""
    for some in chunks((sha256, size) for sha256, size, _ in bundle.contents()):
        missing = set(store.missing(some))
        if missing:
            yield {sha256: size for sha256, size in some if sha256 in missing}


def _require_root(bundle: BundleReader, root: str | None) -> None:
    if root is None:
        return
    if not isinstance(root, str) or len(root) < 12:
        raise InvalidValueError(f"{root!r} is no root of a bundle.", hint="Give the SHA-256 that the export printed.")
    if bundle.root != root.lower().removeprefix("sha256:"):
        raise IntegrityError(
            f"The bundle has the root {bundle.root}, not {root}.",
            hint="It is another bundle, or somebody wrote a new one in its place.",
            root=bundle.root,
            expected=root,
        )


def _report(bundle: BundleReader, plan: Plan, missing: tuple[int, int], *, dry_run: bool) -> ImportReport:
    return ImportReport(
        dry_run=dry_run,
        changed=plan.changed or missing[0] > 0,
        root=bundle.root,
        collections=tuple(plan.moved),
        namespaces=tuple(plan.new_spaces),
        runs={"new": len(plan.new_runs), "forward": len(plan.forward_runs), "same": plan.left_runs},
        edges=plan.edges,
        contents=missing[0],
        content_size=missing[1],
        notes=tuple(plan.notes),
        rules=tuple(rules.report for rules in plan.rules),
    )
