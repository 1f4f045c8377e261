"""The verbs about artifacts: log, resolve, use, download."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from podium.content import files as local_files
from podium.content.cache import open_cache
from podium.content.store import Progress, Staged
from podium.content.transfer import download
from podium.domain.manifest import Entry, Integrity, Manifest
from podium.domain.names import alias_names
from podium.domain.versions import Collection, OnDuplicate, Version, VersionFiles
from podium.errors import InvalidValueError
from podium.registry.base import Joint
from podium.usecases import places, resolving
from podium.usecases import versions as usecase
from podium.usecases.saving import SaveVersion, save_version

StrPath = str | os.PathLike[str]
Files = StrPath | Sequence[StrPath] | Mapping[str, StrPath]
References = str | Sequence[str] | Mapping[str, str]


class ArtifactVerbs(Joint):
    """What can be done with artifacts and versions."""

    def log(
        self,
        artifact: str,
        files: Files,
        *,
        type: str = "model",
        metadata: Mapping[str, Any] | None = None,
        description: str | None = None,
        aliases: str | Iterable[str] = (),
        metrics: Mapping[str, Any] | None = None,
        run: str | None = None,
        on_duplicate: OnDuplicate = "reuse",
        references: References = (),
        integrity: Integrity = "sha256",
        ttl: timedelta | None = None,
        tags: str | Iterable[str] = (),
        progress: Progress | None = None,
    ) -> Version:
        """Log files as a version of an artifact, and return it; ``created`` says whether this call made it.

        Args:
            artifact: ``PROJECT/ARTIFACT``; both are made if new.
            files: A file, a folder, several of them, or a mapping of paths inside the artifact to local files.
            type: ``model``, ``dataset``, or any word; fixed by the first version.
            metadata: Anything that JSON can hold.
            description: Free text.
            aliases: Aliases that the version shall hold; ``latest`` comes by itself.
            metrics: Numbers to carry, beside the summary of the run.
            run: Id of the run that logs.
            on_duplicate: What to do when a version has the same files: ``reuse`` it, make a ``new`` one, or ``error``.
            references: URIs (``file, http, https, s3, gs, az``) of files that stay where they are, or paths inside the
                artifact to URIs. One that ends in ``/`` stands for all objects below it.
            integrity: What is noted of each reference to find drift: ``sha256`` (it is read once), ``etag``, ``none``.
            ttl: How long the version shall live, see `expire`; None for ever.
            tags: Labels for the version.
            progress: Told the bytes done, those hashed and those stored.

        Raises:
            AlreadyExistsError: ``on_duplicate="error"`` and the files are there.
            InvalidNameError, InvalidValueError: A name or value cannot be used; nothing is stored.
            IntegrityError, NotFoundError, StorageError: A file or a place failed; no version is visible.
        """
        described = usecase.LogVersion(artifact, type, metadata=metadata or {}, description=description, ttl=ttl)
        names: dict[str, Any] = {"aliases": alias_names(aliases), "tags": alias_names(tags)}
        command = replace(described, run=run, metrics=metrics or {}, on_duplicate=on_duplicate, **names)
        usecase.check_log(command)
        with self._staged(files, progress) as staged:
            return self.log_staged(staged, command, probe_references(references, integrity, progress), progress)

    @contextmanager
    def _staged(self, files: Files, progress: Progress | None = None) -> Iterator[list[Staged]]:
        """Hash files, copying large new ones beside their place in the store in the same pass."""
        with self._content().workplace() as folder:
            yield stage_files(files, progress, folder)

    def log_staged(
        self,
        staged: list[Staged],
        command: usecase.LogVersion,
        references: Sequence[Entry] = (),
        progress: Progress | None = None,
        *,
        carried: Sequence[Entry] = (),
    ) -> Version:
        """Log files that were hashed before: store the bytes durably, then make the version visible in one transaction.

        Args:
            staged: The files; `log` and the SDK make them.
            command: What to log; its manifest is made of the files and references.
            references: Entries that `content.references.probe` made.
            progress: Told the bytes stored.
            carried: Files of other versions: their content must be in the store, and is neither read nor copied.

        Raises:
            The same as `log`; an IntegrityError too if a carried content is not in the store.
        """
        usecase.check_log(command)
        files = [Entry(item.path, item.size, item.sha256) for item in staged]
        complete = replace(command, manifest=Manifest.of([*files, *carried, *references]))
        with self._read() as unit:
            usecase.check_place(unit, complete)  # before gigabytes are stored for nothing
        return self._store_and_change(staged, lambda unit: usecase.log_version(unit, complete), progress, carried)

    def save_edits(self, command: SaveVersion) -> Version:
        """Write several edits of one version in one transaction: all of them, or none.

        Args:
            command: What to change; the SDK makes it.

        Raises:
            The same as `edit`, `tag`, `set_alias` and `remove_alias`.
        """
        return self._change(lambda unit: save_version(unit, command))

    def resolve(self, ref: str, at: datetime | None = None) -> Version:
        """Return the version that a reference names, now or at a time in the past.

        Args:
            ref: ``PROJECT/ARTIFACT[:vN|:alias]`` or ``REGISTRY/MODEL[:vN|:alias]``; ``latest`` if it has no colon.
            at: Who held the alias then, UTC. Of ``latest`` and of numbers it is not known when a version was away that
                was deleted and restored since.

        Raises:
            InvalidNameError: The text is no reference.
            NotFoundError: It names nothing.
        """
        if at is not None and at.tzinfo is None:
            raise InvalidValueError("The time has no zone.", hint="Pass datetime(..., tzinfo=UTC).")
        with self._read() as unit:
            return resolving.resolve_version(unit, ref, at)

    def versions(self, ref: str, limit: int | None = None, *, deleted: bool = False) -> list[Version]:
        """Return the versions of an artifact or model, newest first.

        Args:
            ref: ``NAMESPACE/NAME``.
            limit: At most so many.
            deleted: Return those that were deleted or unlinked instead.

        Raises:
            NotFoundError: There is no such artifact or model.
        """
        with self._read() as unit:
            return resolving.list_versions(unit, ref, limit, deleted=deleted)

    def artifacts(self, project: str | None = None) -> list[Collection]:
        """Return the artifacts of a project, or all.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._read() as unit:
            return places.list_collections(unit, project, "artifact")

    def collections(self, namespace: str | None = None, *, deleted: bool = False) -> list[Collection]:
        """Return the artifacts and models of a project or registry, or all.

        Args:
            namespace: The project or registry.
            deleted: Return those that were deleted instead; `restore_collection` brings one back.

        Raises:
            NotFoundError: There is no such project or registry.
        """
        with self._read() as unit:
            return places.list_collections(unit, namespace, deleted=deleted)

    def files(self, ref: str) -> VersionFiles:
        """Return a version with its manifest.

        Raises:
            NotFoundError: The reference names nothing.
        """
        with self._read() as unit:
            return resolving.show_files(unit, ref)

    def use(self, ref: str, run: str) -> Version:
        """Return a version and note in the lineage that a run uses it.

        Raises:
            NotFoundError: The reference names nothing, or there is no such run.
        """
        return self._change(lambda unit: usecase.use_version(unit, ref, run).version)

    def download(self, ref: str, to: StrPath | None = None, progress: Progress | None = None) -> Path:
        """Write the files of a version into a folder; each is hashed on the way and appears only when it is right.

        Args:
            ref: The version.
            to: The folder; ``artifacts/NAME-vN`` below the working directory if None. Other files in it stay.
            progress: Told the bytes done.

        Returns:
            The folder.

        Raises:
            IntegrityError: A stored file is damaged or missing, or what a reference names is no longer what it was;
                nothing that this call wrote is left behind.
            NotFoundError: The reference names nothing.
            StorageError: The folder cannot be written.
        """
        found = self.files(ref)
        name = found.version.collection.rpartition("/")[2]
        folder = local_files.local_path(to) if to is not None else Path("artifacts") / f"{name}-v{found.version.number}"
        download(self._content(), found.manifest, folder, open_cache(self.settings), progress)
        return folder


def stage_files(files: Files, progress: Progress | None = None, into: str | None = None) -> list[Staged]:
    """Hash files, where they lie or into the `workplace` of a store; see `ArtifactVerbs.log` for what may be given."""
    if isinstance(files, Mapping):
        return [local_files.stage(path, local_files.local_path(local), progress) for path, local in files.items()]
    if isinstance(files, str | os.PathLike):
        return local_files.collect([local_files.local_path(files)], progress, into)
    given: Any = files  # what a caller passes who has no type checker
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise InvalidValueError(f"{files!r} is neither a path nor several.", hint="Pass a file, a folder, or a list.")
    return local_files.collect([local_files.local_path(item) for item in files], progress, into)


def probe_references(references: References, integrity: Integrity, progress: Progress | None = None) -> list[Entry]:
    """Look at what references name; see `ArtifactVerbs.log`."""
    if not references:
        return []
    from podium.content.references import probe  # brings the clients of object storage

    if isinstance(references, Mapping):
        return [entry for path, uri in references.items() for entry in probe(uri, path, integrity, progress=progress)]
    several = [references] if isinstance(references, str) else references
    return [entry for uri in several for entry in probe(uri, None, integrity, progress=progress)]
