"""The verbs that bring in what another registry holds: its numbers, its runs, its models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from podium.content.disk import storage_errors
from podium.content.incoming import claim, release
from podium.content.store import Progress
from podium.domain.manifest import Entry, Manifest
from podium.domain.runs import RunInfo
from podium.domain.versions import Collection, Version
from podium.registry.artifacts import ArtifactVerbs, Files
from podium.usecases import numbering, runs
from podium.usecases.numbering import PlaceVersion


class ImportVerbs(ArtifactVerbs):
    """What an importer such as `podium.moving.mlflow` does, one transaction each."""

    def place(self, files: Files, command: PlaceVersion, progress: Progress | None = None) -> Version:
        """Log files and link the version under a number that another registry gave it, both or neither.

        Args:
            files: As for `log`.
            command: What to log, where to link it, and the number; the manifest is made of the files.
            progress: Told the bytes done.

        Returns:
            The model version.

        Raises:
            AlreadyExistsError: The number was used before.
            InvalidNameError, InvalidValueError: A name or value cannot be used; nothing is stored.
            NotFoundError: There is no such registry or run.
            IntegrityError, StorageError: A file or a place failed; no version is visible.
        """
        numbering.check_place_version(command)
        with self._staged(files, progress) as staged:
            manifest = Manifest.of([Entry(item.path, item.size, item.sha256) for item in staged])
            complete = replace(command, log=replace(command.log, manifest=manifest))
            return self._store_and_change(staged, lambda unit: numbering.place_version(unit, complete), progress)

    def open_model(self, model: str) -> Collection:
        """Return a registered model, made without a version if it is new.

        Raises:
            AlreadyExistsError: A model whose name differs only by case exists.
            InvalidNameError: The name breaks the rules.
            NotFoundError: There is no such registry.
        """
        return self._change(lambda unit: numbering.open_model(unit, model))

    def adopt_run(
        self, project: str, *, id: str, name: str, config: Mapping[str, Any], environment: Mapping[str, Any]
    ) -> RunInfo:
        """Start a run that ran elsewhere, or go on with one that was adopted and not finished.

        Args:
            project: Its project, which is made if new.
            id: Its id, unique in the registry.
            name: A name for people.
            config: Settings.
            environment: Where it ran, as it is known; nothing of this process is added.

        Raises:
            InvalidNameError, InvalidValueError: A value cannot be used, or the run belongs to another project.
        """
        command = runs.StartRun(id, project, name, config, environment=environment, resume="allow")
        return self._change(lambda unit: runs.start_run(unit, command))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder that goes with the block; what a killed process leaves there, `gc` removes.

        Raises:
            StorageError: Podium's home cannot be written.
        """
        place = self.settings.home / "staging"
        with storage_errors(place):
            place.mkdir(parents=True, exist_ok=True)
            held = claim(str(place))
        try:
            yield Path(held[0])
        finally:
            release(*held)
