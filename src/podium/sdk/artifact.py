"""An artifact: first a draft that files are added to, then the committed version."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from podium.content.store import Progress
from podium.content.transfer import VerifyReport
from podium.domain.manifest import Entry, Integrity
from podium.domain.names import alias_names
from podium.domain.versions import Version
from podium.errors import InvalidValueError, NotFoundError
from podium.sdk.described import Described
from podium.sdk.draft import Draft, FilePolicy
from podium.sdk.manifest import ArtifactManifest

if TYPE_CHECKING:
    from podium.registry import Registry

_MOST_OBJECTS = 10_000


class Artifact(Described):
    """Files with a name and a type, to be logged as one version.

    One path holds one content: adding the same again changes nothing, adding other content under a path that is taken
    is an error unless ``overwrite`` or ``merge`` says so. That holds for files and references alike. Several threads
    may add to one draft.

    Args:
        name: Of the artifact, unique in its project.
        type: ``model``, ``dataset``, or any word.
        description: Free text.
        metadata: Anything that JSON can hold.

    Raises:
        InvalidNameError, InvalidValueError: A value cannot be used.
    """

    def __init__(
        self, name: str, type: str, description: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(name, type, description, metadata)
        self._draft = Draft()
        self._manifest: ArtifactManifest | None = None

    @classmethod
    def _of(cls, version: Version, registry: Registry) -> Artifact:
        made = cls(version.source.partition("/")[2].rpartition(":")[0], version.type)
        made._commit(version, registry)
        return made

    @property
    def name(self) -> str:
        """The name given; ``NAME:vN`` once it is logged."""
        return self._name if self._version is None else self._version.ref.partition("/")[2]

    @property
    def digest(self) -> str:
        """``sha256:...`` of the files: of those added so far for a draft.

        Raises:
            InvalidValueError: There is no file yet.
        """
        return self._draft.manifest.digest if self._version is None else self._version.digest

    @property
    def size(self) -> int:
        """Bytes of all files together, as far as references know theirs."""
        return self.manifest.size if self._version is None else self._version.size

    @property
    def file_count(self) -> int:
        """How many files and references it has."""
        return len(self.manifest.entries) if self._version is None else self._version.files

    @property
    def manifest(self) -> ArtifactManifest:
        """Its files and references, by path: those added so far for a draft."""
        if self._version is None:
            return ArtifactManifest(self._draft.entries)
        if self._manifest is None:
            self._manifest = ArtifactManifest(self._home().files(self._version.ref).manifest.entries)
        return self._manifest

    @property
    def version(self) -> str:
        """``vN`` of the committed version."""
        return self._committed("version").version

    @property
    def ref(self) -> str:
        """``NAMESPACE/NAME:vN`` of the committed version."""
        return self._committed("ref").ref

    @property
    def created(self) -> bool:
        """Whether logging made a new version; False when the artifact had one with the same files."""
        return self._committed("created").created

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that the committed version carries."""
        return dict(self._committed("metrics").metrics)

    def files(self) -> list[Entry]:
        """Return its files and references, sorted by path."""
        return list(self.manifest.entries.values())

    def get_entry(self, name: str) -> Entry:
        """Return the file or reference at a path.

        Raises:
            NotFoundError: There is none.
        """
        found = self.manifest.entries.get(name) if isinstance(name, str) else None
        if found is not None:
            return found
        raise NotFoundError(f"The artifact has no {name!r}.", hint="'files()' lists what it has.", path=name)

    def add_file(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        *,
        policy: FilePolicy = "mutable",
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Entry:
        """Add one file.

        Args:
            local_path: The file.
            name: Its path inside the artifact; its own name if None.
            policy: ``mutable`` copies the file at once, so that it may change or vanish afterwards. ``immutable``
                saves the copy; a change until it is logged is an `IntegrityError`.
            overwrite: Take the place of other content that has this path already.
            progress: Told the bytes done.

        Raises:
            InvalidNameError: The path breaks the rules.
            InvalidValueError: It is no regular file, or the path is taken by other content.
            NotFoundError: There is no such file, or it vanished meanwhile.
            StorageError: It cannot be read or copied.
        """
        return self._open_draft().add_file(local_path, name, policy, overwrite, progress)

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        *,
        policy: FilePolicy = "mutable",
        merge: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Add all files below a folder.

        Args:
            local_path: The folder.
            name: The folder inside the artifact that they come under; none if None.
            policy: As for `add_file`.
            merge: Take the place of other content that has the same paths.
            progress: Told the bytes done.

        Raises:
            InvalidNameError, InvalidValueError, NotFoundError, StorageError: As `add_file`; no file was added then.
        """
        self._open_draft().add_dir(local_path, name, policy, merge, progress)

    def add_reference(
        self,
        uri: str | os.PathLike[str],
        name: str | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
        *,
        integrity: Integrity | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Sequence[Entry]:
        """Add files that stay where they are.

        Args:
            uri: A path, or a URL with ``file, http, https, s3, gs, az``. A folder, or a prefix that ends in ``/``,
                gives one entry per object below it.
            name: Path inside the artifact: of the file, or of the folder that the objects go to. The last part of the
                URI for a file, no folder for several.
            checksum: False notes nothing but the URI, as ``integrity="none"``.
            max_objects: How many objects a prefix may have; 10,000 if None.
            integrity: What is noted to find drift: ``sha256`` (the bytes are read once), ``etag``, ``none``.
            overwrite: Take the place of other content that has the same paths.
            progress: Told the bytes that are hashed.

        Returns:
            The entries that were added, or were there.

        Raises:
            InvalidNameError: A path breaks the rules.
            InvalidValueError: The URI cannot be used or names too many objects, or a path is taken by other content.
            NotFoundError: There is nothing.
            StorageError: The place cannot be read. Nothing was added, whatever the error.
        """
        if integrity is not None and not checksum:
            raise InvalidValueError("Both checksum and integrity are given.", hint="Pass integrity alone.")
        if max_objects is not None and (not isinstance(max_objects, int) or max_objects < 1):
            raise InvalidValueError(f"max_objects={max_objects!r} makes no sense.", hint="Pass a number from 1 on.")
        place = os.fspath(uri) if isinstance(uri, os.PathLike) else uri
        chosen: Integrity = integrity if integrity is not None else "sha256" if checksum else "none"
        return self._open_draft().add_references(place, name, chosen, max_objects or _MOST_OBJECTS, overwrite, progress)

    def new_file(self, name: str, mode: str = "x", encoding: str | None = None) -> AbstractContextManager[IO[Any]]:
        """Write a file of the artifact: ``with artifact.new_file("notes.txt") as file: file.write(...)``.

        It is added when the block ends; a block that raises adds nothing.

        Args:
            name: Its path inside the artifact.
            mode: ``x`` or ``xb`` as with `open`: other content at this path is an error. ``w`` or ``wb`` replaces it.
            encoding: Of text; UTF-8 if None.

        Raises:
            InvalidNameError, InvalidValueError, StorageError: As `add_file`.
        """
        return self._open_draft().new_file(name, mode, encoding)

    def remove(self, item: str | os.PathLike[str] | Entry) -> None:
        """Take a file or reference out of the draft, or all of them below a folder.

        Args:
            item: A path inside the artifact, or an entry.

        Raises:
            InvalidValueError: It is committed.
            NotFoundError: There is no such path.
        """
        self._open_draft().remove(item.path if isinstance(item, Entry) else str(item))

    def new_draft(self) -> Artifact:
        """Return a draft of the next version that starts with the files, references and description of this one.

        No byte is copied, and none is needed to log it: what did not change is already in the content store.

        Raises:
            InvalidValueError: This is a draft.
            NotFoundError: The version was deleted.
        """
        self._committed("next version")
        draft = Artifact(self._name, self._type, self._description, self._metadata)
        draft._draft = Draft(self.files())
        return draft

    def wait(self, timeout: float | None = None) -> Artifact:
        """Return the artifact itself: a logged version is complete when `log_artifact` returns."""
        return self

    def download(self, root: str | os.PathLike[str] | None = None, *, progress: Progress | None = None) -> str:
        """Write the files of the committed version into a folder, hashing each; see `Registry.download`.

        Args:
            root: The folder; ``artifacts/NAME-vN`` if None.
            progress: Told the bytes done.

        Returns:
            The folder.
        """
        version = self._committed("download")
        return str(self._home().download(version.ref, root, progress))

    def file(self, root: str | os.PathLike[str] | None = None, *, progress: Progress | None = None) -> str:
        """Download a version of one file, and return the path of that file; see `download`.

        Raises:
            InvalidValueError: It has more than one file.
        """
        self._committed("file")
        if self.file_count != 1:
            raise InvalidValueError(f"{self.ref} has {self.file_count} files.", hint="Use download().")
        return str(Path(self.download(root, progress=progress), self.files()[0].path))

    def verify(self, root: str | os.PathLike[str] | None = None) -> VerifyReport:
        """Hash the stored files and look at the references of the committed version, or compare a folder with it.

        Args:
            root: A downloaded folder; the content store if None.

        Returns:
            What was found; ``ok`` says whether all is right. Drift and damage are no errors here.

        Raises:
            NotFoundError: The version was deleted, or there is no such folder.
            StorageError: The files cannot be read.
        """
        version = self._committed("stored files")
        return self._home().verify(version.ref, folder=root)

    def link(self, target_path: str, aliases: Sequence[str] | str | None = ()) -> Artifact:
        """Link the committed version into a registered model, and return the model version; see `Registry.link`.

        Args:
            target_path: ``REGISTRY/MODEL``.
            aliases: Aliases that it shall hold there.
        """
        version, registry = self._committed("version to link"), self._home()
        return Artifact._of(registry.link(version.ref, target_path, alias_names(aliases)), registry)

    def unlink(self) -> None:
        """Take a model version out of its registered model; see `Registry.unlink`."""
        version = self._committed("link")
        self._home().unlink(version.ref)

    def delete(self, delete_aliases: bool = False, *, reason: str | None = None) -> None:
        """Delete the committed version softly; of a model version only the link. See `Registry.delete`.

        Args:
            delete_aliases: Also when it is linked or holds aliases, which then go too; this needs a reason.
            reason: Why.

        Raises:
            InvalidValueError: It is linked or holds an alias, or there is no reason where one is needed.
            NotFoundError: It is gone already.
        """
        version, registry = self._committed("version to delete"), self._home()
        verb = registry.unlink if version.kind == "model" else registry.delete
        verb(version.ref, force=delete_aliases, reason=reason)

    def __repr__(self) -> str:
        state = "draft" if self._version is None else self._version.ref
        return f"<Artifact {self._name} ({self._type}, {state})>"

    def _commit(self, version: Version, registry: Registry) -> None:
        self._registry = registry
        self._describe(version)
        self._draft.close()

    def _open_draft(self) -> Draft:
        if self._version is not None:
            raise InvalidValueError(
                f"{self._version.ref} is committed; its files cannot change.",
                hint="Change a new_draft() of it and log that.",
            )
        return self._draft
