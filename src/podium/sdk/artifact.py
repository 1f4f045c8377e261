"""An artifact: first a draft that files are added to, then the committed version."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from podium.content.files import local_path as as_path
from podium.content.files import stage, stage_copy, walk
from podium.content.store import Staged
from podium.domain.manifest import Entry, Manifest
from podium.domain.names import check_artifact, check_path, check_type
from podium.domain.plain import check_text, plain_dict
from podium.domain.versions import Version
from podium.errors import InvalidValueError, StorageError
from podium.settings import read_settings
from podium.usecases.aliases import free_aliases

if TYPE_CHECKING:
    from podium.registry import Registry

FilePolicy = Literal["mutable", "immutable"]


class Artifact:
    """Files with a name and a type, to be logged as one version.

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
        self._name = check_artifact(name)
        self._type = check_type(type)
        self._description = check_text(description, "The description")
        self._metadata = plain_dict(metadata, "The metadata")
        self._staged: dict[str, Staged] = {}
        self._folder: Path | None = None
        self._version: Version | None = None
        self._registry: Registry | None = None

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
    def type(self) -> str:
        """The type."""
        return self._type

    @property
    def description(self) -> str | None:
        """The description; to be set before it is logged."""
        return self._description

    @description.setter
    def description(self, text: str | None) -> None:
        self._require_draft("description")
        self._description = check_text(text, "The description")

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata; a draft's may be changed, a committed version's is a copy."""
        return self._metadata if self._version is None else dict(self._version.metadata)

    @metadata.setter
    def metadata(self, values: Mapping[str, Any]) -> None:
        self._require_draft("metadata")
        self._metadata = plain_dict(values, "The metadata")

    @property
    def digest(self) -> str:
        """``sha256:...`` of the files: of those added so far for a draft.

        Raises:
            InvalidValueError: There is no file yet.
        """
        return self._version.digest if self._version is not None else self._manifest().digest

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(item.size for item in self._staged.values()) if self._version is None else self._version.size

    @property
    def version(self) -> str:
        """``vN`` of the committed version."""
        return self._committed("version").version

    @property
    def ref(self) -> str:
        """``NAMESPACE/NAME:vN`` of the committed version."""
        return self._committed("ref").ref

    @property
    def aliases(self) -> list[str]:
        """The aliases that the committed version held when it was logged or found."""
        return list(self._committed("aliases").aliases)

    @property
    def created(self) -> bool:
        """Whether logging made a new version; False when the artifact had one with the same files."""
        return self._committed("created").created

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics that the committed version carries."""
        return dict(self._committed("metrics").metrics)

    def add_file(
        self, local_path: str, name: str | None = None, *, policy: FilePolicy = "mutable", overwrite: bool = False
    ) -> Entry:
        """Add one file.

        Args:
            local_path: The file.
            name: Its path inside the artifact; its own name if None.
            policy: ``mutable`` copies the file at once, so that it may change or vanish afterwards. ``immutable``
                saves the copy; a change until it is logged is an `IntegrityError`.
            overwrite: Take the place of a file that has this path already.

        Raises:
            InvalidNameError: The path breaks the rules.
            InvalidValueError: It is no regular file, or the path is taken by other content.
            NotFoundError: There is no such file, or it vanished meanwhile.
            StorageError: It cannot be read or copied.
        """
        self._require_draft("files")
        local = as_path(local_path)
        path = check_path(name if name is not None else local.name)
        if policy == "mutable":
            item = stage_copy(path, local, self._staging() / uuid.uuid4().hex)
        elif policy == "immutable":
            item = stage(path, local)
        else:
            raise InvalidValueError(f"The policy {policy!r} is unknown.", hint="Use 'mutable' or 'immutable'.")
        self._keep(item, overwrite)
        return Entry(item.path, item.size, item.sha256)

    def add_dir(
        self, local_path: str, name: str | None = None, *, policy: FilePolicy = "mutable", merge: bool = False
    ) -> None:
        """Add all files below a folder.

        Args:
            local_path: The folder.
            name: The folder inside the artifact that they come under; none if None.
            policy: As for `add_file`.
            merge: Take the place of files that have the same paths.

        Raises:
            InvalidNameError, InvalidValueError, NotFoundError, StorageError: As `add_file`; no file was added then.
        """
        self._require_draft("files")
        before = dict(self._staged)
        try:
            for path, local in walk(as_path(local_path), name or ""):
                self.add_file(str(local), path, policy=policy, overwrite=merge)
        except BaseException:
            self._staged = before
            raise

    def wait(self, timeout: float | None = None) -> Artifact:
        """Return the artifact itself: a logged version is complete when `log_artifact` returns."""
        return self

    def download(self, root: str | None = None) -> str:
        """Write the files of the committed version into a folder, hashing each; see `Registry.download`.

        Args:
            root: The folder; ``artifacts/NAME-vN`` if None.

        Returns:
            The folder.
        """
        version = self._committed("download")
        assert self._registry is not None
        return str(self._registry.download(version.ref, root))

    def __repr__(self) -> str:
        state = "draft" if self._version is None else self._version.ref
        return f"<Artifact {self._name} ({self._type}, {state})>"

    def _manifest(self) -> Manifest:
        return Manifest.of(Entry(item.path, item.size, item.sha256) for item in self._staged.values())

    def _files(self) -> list[Staged]:
        self._manifest()  # an empty artifact is refused before anything moves
        return list(self._staged.values())

    def _commit(self, version: Version, registry: Registry) -> None:
        self._version, self._registry = version, registry
        self._staged = {}
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _give(self, aliases: tuple[str, ...]) -> None:
        """Move aliases to the committed version."""
        version, registry = self._committed("aliases"), self._registry
        assert registry is not None
        for alias in free_aliases(aliases):
            registry.set_alias(version.ref, alias)
        if aliases:
            self._version = replace(registry.resolve(version.ref), created=version.created)

    def _committed(self, what: str) -> Version:
        if self._version is None:
            raise InvalidValueError(
                f"The artifact {self._name!r} is a draft and has no {what} yet.", hint="Log it with run.log_artifact()."
            )
        return self._version

    def _require_draft(self, what: str) -> None:
        if self._version is not None:
            raise InvalidValueError(
                f"{self._version.ref} is committed; its {what} cannot change.", hint="Make a new Artifact and log it."
            )

    def _keep(self, item: Staged, overwrite: bool) -> None:
        there = self._staged.get(item.path)
        if there is not None and (there.sha256 == item.sha256 or not overwrite):
            if item.owned:
                item.local.unlink(missing_ok=True)
            if there.sha256 == item.sha256:
                return
            raise InvalidValueError(
                f"The artifact has another file at {item.path!r}.",
                hint="Pass overwrite=True to replace it.",
                path=item.path,
            )
        # The copy of a file that is replaced stays until the artifact is logged: add_dir may have to go back to it.
        self._staged[item.path] = item

    def _staging(self) -> Path:
        """Return a folder for copies, beside the content so that they can be moved there; it goes with this object."""
        if self._folder is None:
            home = read_settings().home / "staging"
            try:
                home.mkdir(parents=True, exist_ok=True)
                self._folder = Path(tempfile.mkdtemp(prefix="artifact-", dir=home))
            except OSError as error:
                raise StorageError(
                    f"The folder {home} cannot be used: {error.strerror}.",
                    hint="Set PODIUM_HOME to a folder you may write, or add files with policy='immutable'.",
                ) from error
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder
