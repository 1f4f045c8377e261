"""What a run does with artifacts: it logs, uses and links them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from podium.content.store import Progress
from podium.domain.manifest import Integrity
from podium.domain.names import alias_names, check_model
from podium.domain.versions import Version
from podium.errors import InvalidNameError, InvalidValueError
from podium.registry import Registry
from podium.sdk.artifact import Artifact
from podium.sdk.draft import given_path
from podium.sdk.targets import check_target, require_type
from podium.usecases.editing import check_ttl
from podium.usecases.versions import LogVersion

StrPath = str | os.PathLike[str]
Names = str | Iterable[str] | None
_MODELS = "model-registry"


class RunArtifacts(ABC):
    """The verbs of a run about artifacts."""

    _registry: Registry

    @property
    @abstractmethod
    def id(self) -> str:
        """The id of the run."""

    @property
    @abstractmethod
    def project(self) -> str:
        """Its project."""

    @abstractmethod
    def _require_open(self) -> None: ...

    @abstractmethod
    def _flush(self) -> None: ...

    def log_artifact(
        self,
        artifact_or_path: Artifact | StrPath,
        name: str | None = None,
        type: str | None = None,
        aliases: Names = (),
        tags: Names = (),
        *,
        ttl: timedelta | None = None,
        progress: Progress | None = None,
    ) -> Artifact:
        """Log an artifact, or files by path, and return the committed version.

        It carries the metrics that the run's summary has now. Files that the artifact has already make no new version:
        that version is returned with ``created`` False, and its aliases still move.

        Args:
            artifact_or_path: A draft, or a file or folder.
            name: Of the artifact, for a path; ``run-ID-FILENAME`` if None.
            type: Of the artifact, for a path; ``unspecified`` if None.
            aliases: Aliases that the version shall hold; ``latest`` comes by itself.
            tags: Labels for the version, beside those of the draft.
            ttl: How long the version shall live; what the draft says if None.
            progress: Told the bytes done.

        Raises:
            IntegrityError, InvalidNameError, InvalidValueError, NotFoundError, StorageError: As `Registry.log`.
            InvalidValueError: It is a committed version of another project; ``link_artifact`` points to it, and a
                ``new_draft()`` of it can be logged here.
        """
        self._require_open()
        draft = self._as_artifact(artifact_or_path, name, type, progress)
        return self._log(draft, aliases, tags, ttl, self.id, progress)

    def use_artifact(self, artifact_or_name: Artifact | str, type: str | None = None, aliases: Names = ()) -> Artifact:
        """Return a version and note that this run uses it.

        Args:
            artifact_or_name: ``NAME[:vN|:alias]`` of this project, ``PROJECT/NAME[...]``, ``REGISTRY/MODEL[...]``, or
                an artifact. A draft is logged into this project first, as something that the run did not make.
            type: The type that it must have, if given.
            aliases: Aliases that it shall hold, if it is a draft.

        Raises:
            InvalidValueError: It has another type; nothing was noted or logged.
            NotFoundError: The reference names nothing.
        """
        self._require_open()
        if not isinstance(artifact_or_name, Artifact):
            return self._use(self._full(artifact_or_name), type)
        artifact = self._ours(artifact_or_name)
        require_type(artifact._name, artifact.type, type)
        if artifact._version is None:
            self._log(artifact, aliases, (), None, None, None)
        self._registry.use(artifact.ref, self.id)
        return artifact

    def use_dataset(
        self,
        name: str | None = None,
        *,
        path: StrPath | None = None,
        uri: StrPath | None = None,
        integrity: Integrity = "sha256",
        metadata: Mapping[str, Any] | None = None,
        description: str | None = None,
        aliases: Names = (),
        progress: Progress | None = None,
    ) -> Artifact:
        """Say what data this run works on: a logged data set, local files, or files elsewhere.

        Local files and references are logged as a version of a data set if it has none with the same content. It
        becomes an input of the run, not an output.

        Args:
            name: The data set. By name alone ``NAME[:vN|:alias]`` as for `use_artifact`; with `path` or `uri` a name
                in this project, the last part of those if None.
            path: A file or folder to log. Files are read where they lie.
            uri: What to refer to; see `Artifact.add_reference`.
            integrity: What is noted of a reference to find drift: ``sha256``, ``etag``, ``none``.
            metadata: Of a new version.
            description: Of a new version.
            aliases: Aliases that the version shall hold.
            progress: Told the bytes done.

        Raises:
            InvalidNameError, InvalidValueError: A value cannot be used, or the name stands for no data set.
            NotFoundError: The name, path or URI names nothing.
            StorageError: A place cannot be read.
        """
        self._require_open()
        if path is not None and uri is not None:
            raise InvalidValueError("Both path and uri are given.", hint="Pass one of them.")
        if path is None and uri is None:
            changed = metadata is not None or description is not None or bool(alias_names(aliases))
            return self._use(self._full(_data_set(name, changed=changed)), "dataset")
        local = given_path(path) if path is not None else None
        given = local.name if local is not None else _last_part(uri or "")
        draft = Artifact(name or given, "dataset", description, metadata)
        if local is not None:
            _add(draft, local, progress)
        elif uri is not None:
            draft.add_reference(uri, integrity=integrity, progress=progress)
        self._log(draft, aliases, (), None, None, progress)
        return self.use_artifact(draft)

    def link_artifact(self, artifact: Artifact, target_path: str, aliases: Names = ()) -> Artifact:
        """Link a version into a registered model, logging it first if it is a draft.

        Args:
            artifact: The artifact.
            target_path: ``REGISTRY/MODEL``, such as ``model-registry/My Registered Model``.
            aliases: Aliases that it shall hold there.

        Returns:
            The model version; its ``version`` is its number in the model.

        Raises:
            InvalidNameError, InvalidValueError, NotFoundError: As `Registry.link`; a draft was not logged then.
        """
        self._require_open()
        names = alias_names(aliases)
        if self._ours(artifact)._version is None:
            check_target(self._registry, artifact.type, target_path, names)  # before gigabytes are logged for nothing
            self._log(artifact, (), (), None, self.id, None)
        return artifact.link(target_path, names)

    def log_model(
        self, path: StrPath, name: str | None = None, aliases: Names = None, *, progress: Progress | None = None
    ) -> Artifact:
        """Log a file or folder as a model; see `log_artifact`."""
        return self.log_artifact(path, name, "model", aliases, progress=progress)

    def use_model(self, name: str, *, progress: Progress | None = None) -> str:
        """Use a model and download it: the path of its file, or of the folder if it has several.

        Args:
            name: As for `use_artifact`.
            progress: Told the bytes done.

        Raises:
            InvalidValueError: It is no model.
            IntegrityError, NotFoundError, StorageError: As `Artifact.download`.
        """
        model = self.use_artifact(name, type="model")
        return model.file(progress=progress) if model.file_count == 1 else model.download(progress=progress)

    def link_model(
        self, path: StrPath, registered_model_name: str, name: str | None = None, aliases: Names = None
    ) -> Artifact:
        """Log a file or folder as a model and link it into a registered model.

        Args:
            path: The file or folder.
            registered_model_name: ``REGISTRY/MODEL``, or ``MODEL`` of ``model-registry``.
            name: Of the artifact; ``run-ID-FILENAME`` if None.
            aliases: Aliases that it shall hold in the registered model.

        Returns:
            The model version.

        Raises:
            InvalidNameError, InvalidValueError, NotFoundError, StorageError: As `log_artifact` and `Registry.link`.
        """
        self._require_open()
        whole = isinstance(registered_model_name, str) and "/" in registered_model_name
        target = registered_model_name if whole else f"{_MODELS}/{check_model(registered_model_name)}"
        return self.link_artifact(self._as_artifact(path, name, "model", None), target, aliases)

    def _log(
        self,
        draft: Artifact,
        aliases: Names,
        tags: Names,
        ttl: timedelta | None,
        run: str | None,
        progress: Progress | None,
    ) -> Artifact:
        """Log a draft as an output of a run, or of none; one that is committed gets the aliases and tags."""
        names, labels = alias_names(aliases), alias_names(tags)
        with draft._draft.lock:  # of two threads that log it, the second finds it committed
            if draft._version is not None:
                self._require_here(draft._version)
                draft._give(names, labels, ttl)
                return draft
            staged, references, carried = draft._draft.parts()
            draft._draft.manifest  # noqa: B018 - an empty or contradictory one is refused before anything moves
            self._flush()
            command = LogVersion(
                artifact=f"{self.project}/{draft._name}",
                type=draft.type,
                metadata=draft.metadata,
                description=draft.description,
                aliases=names,
                run=run,
                ttl=check_ttl(ttl if ttl is not None else draft.ttl),
                tags=(*draft.tags, *labels),
            )
            logged = self._registry.log_staged(staged, command, references, progress, carried=carried)
            draft._commit(logged, self._registry)
        return draft

    def _use(self, ref: str, type: str | None) -> Artifact:
        if type is not None:
            found = self._registry.resolve(ref)
            require_type(found.ref, found.type, type)
            ref = found.ref  # an alias may move before it is used
        return Artifact._of(self._registry.use(ref, self.id), self._registry)

    def _ours(self, artifact: Artifact) -> Artifact:
        """Refuse what is no artifact, or a version of another registry: there the same name is another thing."""
        if not isinstance(artifact, Artifact):
            raise InvalidValueError(f"{artifact!r} is no artifact.", hint="Pass a podium.Artifact.")
        if artifact._registry is not None and artifact._registry.url != self._registry.url:
            raise InvalidValueError(
                f"{artifact.ref} is a version in {artifact._registry.url}; this run writes to {self._registry.url}.",
                hint="Download it and log the files here.",
            )
        return artifact

    def _require_here(self, version: Version) -> None:
        if not version.ref.startswith(f"{self.project}/"):
            raise InvalidValueError(
                f"{version.ref} is committed already, and this run belongs to {self.project}.",
                hint="Point to it with link_artifact(), or log a new_draft() of it here.",
                ref=version.ref,
            )

    def _as_artifact(
        self, given: Artifact | StrPath, name: str | None, kind: str | None, progress: Progress | None
    ) -> Artifact:
        if isinstance(given, Artifact):
            return self._ours(given)
        path = given_path(given)
        made = Artifact(name or f"run-{self.id}-{path.name}", kind or "unspecified")
        _add(made, path, progress)
        return made

    def _full(self, name: str) -> str:
        if not isinstance(name, str):
            raise InvalidNameError(f"{name!r} is not a reference.", hint="Pass NAME[:vN|:alias] as text.", name=name)
        return name if "/" in name else f"{self.project}/{name}"


def _add(draft: Artifact, path: Path, progress: Progress | None) -> None:
    """Add a file or folder that is logged at once, so that no copy of it is needed."""
    if path.is_dir():
        draft.add_dir(path, policy="immutable", progress=progress)
    else:
        draft.add_file(path, policy="immutable", progress=progress)


def _data_set(name: str | None, *, changed: bool) -> str:
    """Return the name of a data set that is used as it is."""
    if name is None:
        raise InvalidValueError("No data set is named.", hint="Pass a name, a path or a uri.")
    if changed:
        raise InvalidValueError(
            "A data set used by name is not changed.", hint="Leave metadata, description and aliases out."
        )
    return name


def _last_part(uri: StrPath) -> str:
    if not isinstance(uri, str | os.PathLike):
        raise InvalidValueError(f"{uri!r} is no URI.", hint="Pass a path or a URL.")
    return os.fspath(uri).rstrip("/").rpartition("/")[2]
