"""The verbs about tables and images of runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from podium.content.disk import storage_errors
from podium.content.files import local_path
from podium.content.incoming import workplace
from podium.content.store import Staged
from podium.content.transfer import download
from podium.domain.manifest import Entry, Manifest
from podium.domain.media import TABLE_FILE, Media, MediaFiles, MediaInfo, TableData, check_media
from podium.domain.runs import RunInfo
from podium.errors import InvalidValueError, StorageError
from podium.registry.artifacts import ArtifactVerbs, StrPath
from podium.usecases import media as usecase
from podium.usecases.runs import LogMetrics, check_running


class MediaVerbs(ArtifactVerbs):
    """What can be done with media; ``run.log({"predictions": podium.Table(...)})`` is the comfortable way."""

    def media(self, run: str) -> list[MediaInfo]:
        """Return the tables and images that a run logged, by name and step.

        Raises:
            NotFoundError: There is no such run.
        """
        with self._read() as unit:
            return usecase.list_media(unit, run)

    def table(self, run: str, name: str, step: int | None = None) -> TableData:
        """Return a table that a run logged; its bytes are hashed on the way.

        Args:
            run: Id of the run.
            name: Name of the table.
            step: The step it was logged at; the newest if None.

        Raises:
            IntegrityError: The stored table is damaged or missing.
            InvalidValueError: It is an image.
            NotFoundError: There is no such run, or it has no such table.
            StorageError: The content store cannot be read.
        """
        found = self._media_files(run, name, step)
        if found.info.kind != "table":
            raise InvalidValueError(f"{name!r} is no table but {found.info.kind}.", hint="Use download_media().")
        entries = tuple(entry for entry in found.manifest.entries if entry.path == TABLE_FILE)
        with _scratch(self.settings.home) as folder:
            download(self._content(), Manifest(entries), folder)
            return TableData.read((folder / TABLE_FILE).read_bytes())

    def download_media(self, run: str, name: str, folder: StrPath, step: int | None = None) -> Path:
        """Write the files of media into a folder: ``table.json`` and its images, or the image itself.

        Args:
            run: Id of the run.
            name: Name of the media.
            folder: Where to; other files in it stay.
            step: The step they were logged at; the newest if None.

        Returns:
            The folder.

        Raises:
            IntegrityError: A stored file is damaged or missing; nothing that this call wrote is left behind.
            NotFoundError: There is no such run, or it has no such media.
            StorageError: The folder cannot be written.
        """
        target = local_path(folder)
        download(self._content(), self._media_files(run, name, step).manifest, target)
        return target

    def _media_files(self, run: str, name: str, step: int | None) -> MediaFiles:
        with self._read() as unit:
            return usecase.show_media(unit, run, name, step)

    def _log_media(self, metrics: LogMetrics, media: Sequence[Media]) -> RunInfo:
        """Store the bytes of media durably, then make them visible in one transaction with the points beside them."""
        checked = [check_media(item) for item in media]
        with self._read() as unit:
            check_running(unit, metrics.run)
        with _scratch(self.settings.home) as folder:
            staged = [_stage(item, folder) for item in checked]
            manifests = [Manifest.of(Entry(one.path, one.size, one.sha256) for one in files) for files in staged]
            command = usecase.LogMedia(metrics, list(zip(checked, manifests, strict=True)))
            everything = [one for files in staged for one in files]
            return self._store_and_change(everything, lambda unit: usecase.log_media(unit, command))


@contextmanager
def _scratch(home: Path) -> Iterator[Path]:
    """Give a folder that goes with the block, held so that garbage collection knows that somebody works in it."""
    place = home / "staging"
    with storage_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        with workplace(str(place)) as folder:
            yield Path(folder)


def _stage(media: Media, folder: Path) -> list[Staged]:
    staged = []
    for path, data in media.files.items():
        local = folder / os.urandom(16).hex()
        try:
            local.write_bytes(data)
        except OSError as error:
            raise StorageError(
                f"{local} cannot be written: {error.strerror}.", hint="Make room, or set PODIUM_HOME to another disk."
            ) from error
        # Copied, not moved: it is stored once more where garbage collection took it away again.
        staged.append(Staged(path, local, len(data), hashlib.sha256(data).hexdigest()))
    return staged
