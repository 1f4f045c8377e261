"""The verbs about artifacts: log, resolve, download, verify."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from podium.content import files as local_files
from podium.content.store import Staged
from podium.content.transfer import FileProblem, VerifyReport, download
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import alias_names
from podium.domain.versions import Collection, OnDuplicate, Version, VersionFiles
from podium.errors import InvalidValueError
from podium.registry.base import Joint
from podium.usecases import places, records, resolving
from podium.usecases import versions as usecase

StrPath = str | os.PathLike[str]
Files = StrPath | Sequence[StrPath] | Mapping[str, StrPath]


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
    ) -> Version:
        """Log files as a version of an artifact.

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

        Returns:
            The version, visible to everybody; ``created`` says whether this call made it.

        Raises:
            AlreadyExistsError: ``on_duplicate="error"`` and the files are there.
            InvalidNameError, InvalidValueError: A name or value cannot be used; nothing is stored.
            IntegrityError, NotFoundError: A file changed or vanished meanwhile.
            StorageError, DatabaseUnavailableError: A place failed; no version is visible.
        """
        command = usecase.LogVersion(
            artifact=artifact,
            type=type,
            metadata=metadata or {},
            description=description,
            aliases=alias_names(aliases),
            run=run,
            metrics=metrics or {},
            on_duplicate=on_duplicate,
        )
        usecase.check_log(command)
        return self.log_staged(stage_files(files), command)

    def log_staged(self, staged: list[Staged], command: usecase.LogVersion) -> Version:
        """Log files that were hashed before: store the bytes durably, then make the version visible in one transaction.

        Args:
            staged: The files; `log` and the SDK make them.
            command: What to log; its manifest is made of the files.

        Raises:
            The same as `log`.
        """
        usecase.check_log(command)
        manifest = Manifest.of(Entry(item.path, item.size, item.sha256) for item in staged)
        self._content().put(staged)
        with self._write() as unit:
            return usecase.log_version(unit, replace(command, manifest=manifest))

    def resolve(self, ref: str, at: datetime | None = None) -> Version:
        """Return the version that a reference names, now or at a time in the past.

        Args:
            ref: ``PROJECT/ARTIFACT[:vN|:alias]`` or ``REGISTRY/MODEL[:vN|:alias]``; ``latest`` if it has no colon.
            at: Who held the alias then, UTC.

        Raises:
            InvalidNameError: The text is no reference.
            NotFoundError: It names nothing.
        """
        if at is not None and at.tzinfo is None:
            raise InvalidValueError("The time has no zone.", hint="Pass datetime(..., tzinfo=UTC).")
        with self._read() as unit:
            return resolving.resolve_version(unit, ref, at)

    def versions(self, ref: str, limit: int | None = None) -> list[Version]:
        """Return the versions of an artifact or model, newest first.

        Raises:
            NotFoundError: There is no such artifact or model.
        """
        with self._read() as unit:
            return resolving.list_versions(unit, ref, limit)

    def artifacts(self, project: str | None = None) -> list[Collection]:
        """Return the artifacts of a project, or all.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._read() as unit:
            return places.list_collections(unit, project, "artifact")

    def collections(self, namespace: str | None = None) -> list[Collection]:
        """Return the artifacts and models of a project or registry, or all.

        Raises:
            NotFoundError: There is no such project or registry.
        """
        with self._read() as unit:
            return places.list_collections(unit, namespace)

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
        with self._write() as unit:
            return usecase.use_version(unit, ref, run).version

    def download(self, ref: str, to: StrPath | None = None) -> Path:
        """Write the files of a version into a folder; each is hashed on the way and appears only when it is right.

        Args:
            ref: The version.
            to: The folder; ``artifacts/NAME-vN`` below the working directory if None. Other files in it stay.

        Returns:
            The folder.

        Raises:
            IntegrityError: A stored file is damaged or missing; nothing that this call wrote is left behind.
            NotFoundError: The reference names nothing.
            StorageError: The folder cannot be written.
        """
        found = self.files(ref)
        name = found.version.collection.rpartition("/")[2]
        folder = local_files.local_path(to) if to is not None else Path("artifacts") / f"{name}-v{found.version.number}"
        download(self._content(), found.manifest, folder)
        return folder

    def verify(self, ref: str | None = None, progress: Callable[[Entry], None] | None = None) -> VerifyReport:
        """Hash stored content and compare it with what was logged.

        Args:
            ref: A version; None for everything that the registry refers to.
            progress: Called after each content.

        Raises:
            NotFoundError: The reference names nothing.
            StorageError: The content store cannot be read.
        """
        if ref is not None:
            found = self.files(ref)
            contents, versions = [(found.version.ref, entry) for entry in found.manifest.entries], 1
        else:
            with self._read() as unit:
                contents, versions = list(records.list_contents(unit)), records.count_versions(unit)
        store, problems, size = self._content(), [], 0
        for holder, entry in contents:
            state = store.state(entry.sha256, entry.size)
            size += entry.size
            if state != "ok":
                problems.append(FileProblem(holder, entry.path, state, entry.sha256))
            if progress is not None:
                progress(entry)
        return VerifyReport(versions, len(contents), size, tuple(problems))


def stage_files(files: Files) -> list[Staged]:
    """Hash files where they lie; see `ArtifactVerbs.log` for what may be given and the errors."""
    if isinstance(files, Mapping):
        return [local_files.stage(path, local_files.local_path(local)) for path, local in files.items()]
    if isinstance(files, str | os.PathLike):
        return local_files.collect([local_files.local_path(files)])
    return local_files.collect([local_files.local_path(item) for item in files])
