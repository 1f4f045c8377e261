"""What a draft holds before it is logged: files, references, and what it carries over from another version."""

from __future__ import annotations

import os
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

from podium.content import incoming
from podium.content.disk import storage_errors
from podium.content.files import local_path, stage, stage_copy, walk
from podium.content.store import Progress, Staged
from podium.domain.manifest import Entry, Integrity, Manifest
from podium.domain.names import check_path
from podium.errors import InvalidValueError, NotFoundError, StorageError
from podium.settings import read_settings

FilePolicy = Literal["mutable", "immutable"]
Held = Staged | Entry
_MODES = {"w", "x", "wt", "xt", "wb", "xb"}


class Draft:
    """The contents of an artifact that is not logged yet. One path holds one content; threads may add at once.

    Attributes:
        lock: Held while contents change and while they are logged, so that nothing is added in between and lost.
    """

    def __init__(self, carried: Iterable[Entry] = ()) -> None:
        self.lock = threading.RLock()
        self._held: dict[str, Held] = {entry.path: entry for entry in carried}
        self._folder: str | None = None
        self._leave: Callable[[], object] | None = None
        self._owner = os.getpid()
        self._open = True

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was added so far, sorted by path."""
        with self.lock:
            return tuple(sorted(_entry(item) for item in self._held.values()))

    @property
    def manifest(self) -> Manifest:
        """The same, checked as a whole; see `Manifest.of` for the errors."""
        return Manifest.of(self.entries)

    def parts(self) -> tuple[list[Staged], list[Entry], list[Entry]]:
        """Return files to store, references, and files that are carried over; see `Registry.log_staged`."""
        with self.lock:
            held = list(self._held.values())
        staged = [replace(item, owned=self._is_ours(item)) for item in held if isinstance(item, Staged)]
        entries = [item for item in held if isinstance(item, Entry)]
        references = [entry for entry in entries if entry.is_reference]
        return staged, references, [entry for entry in entries if not entry.is_reference]

    def add_file(
        self,
        given: str | os.PathLike[str],
        name: str | None,
        policy: FilePolicy,
        overwrite: bool,
        progress: Progress | None,
    ) -> Entry:
        """Add one file; see `Artifact.add_file`."""
        local = given_path(given)
        item = self._stage(check_path(name if name is not None else local.name), local, policy, progress)
        self._keep([item], overwrite, "overwrite=True")
        return _entry(item)

    def add_dir(
        self,
        given: str | os.PathLike[str],
        name: str | None,
        policy: FilePolicy,
        merge: bool,
        progress: Progress | None,
    ) -> None:
        """Add all files below a folder, or none; see `Artifact.add_dir`."""
        items: list[Held] = []
        prefix = check_path(name.strip("/") if isinstance(name, str) else name) if name else ""
        try:
            for path, local in walk(given_path(given), prefix):
                items.append(self._stage(path, local, policy, progress))
        except BaseException:
            self._discard(items)
            raise
        self._keep(items, merge, "merge=True")

    def add_references(
        self, uri: str, name: str | None, integrity: Integrity, most: int, overwrite: bool, progress: Progress | None
    ) -> list[Entry]:
        """Add what a URI names, all of it or nothing; see `Artifact.add_reference`."""
        from podium.content.references import probe  # brings the clients of object storage

        found = probe(uri, name, integrity, most, progress)
        self._keep(found, overwrite, "overwrite=True")
        return found

    @contextmanager
    def new_file(self, name: str, mode: str, encoding: str | None) -> Iterator[IO[Any]]:
        """Give a file to write to, and add it when the block ends well; see `Artifact.new_file`."""
        path = check_path(name)
        if mode not in _MODES:
            raise InvalidValueError(
                f"A new file cannot be opened with mode {mode!r}.",
                hint="Use 'x' or 'xb' for a path that is free, 'w' or 'wb' to replace what may be there.",
            )
        place = self._copy_place()
        try:
            with storage_errors(place):
                text = None if "b" in mode else encoding or "utf-8"
                file: IO[Any] = place.open(mode.replace("w", "x"), encoding=text)
            try:
                yield file
            except BaseException:
                _close_quietly(file)
                raise
            with storage_errors(place):  # what is still buffered is written now
                file.close()
            item = replace(stage(path, place), owned=True)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        self._keep([item], "w" in mode, "mode='w'")

    def remove(self, path: str) -> None:
        """Take out a file, or all files below a folder.

        Raises:
            NotFoundError: There is neither.
        """
        inner = path.rstrip("/")
        with self.lock:
            self._require_open()
            gone = [key for key in self._held if key == inner or key.startswith(f"{inner}/")]
            if not inner or not gone:
                raise NotFoundError(f"The artifact has no {path!r}.", hint="'files()' lists what it has.", path=path)
            self._discard([self._held.pop(key) for key in gone])

    def close(self) -> None:
        """Forget everything, remove the copies, and take nothing any more."""
        with self.lock:
            self._held, self._open = {}, False
            if self._leave is not None:
                self._leave()
            self._folder = self._leave = None

    def _stage(self, path: str, local: Path, policy: FilePolicy, progress: Progress | None) -> Staged:
        if policy == "mutable":
            return stage_copy(path, local, self._copy_place(), progress)
        if policy == "immutable":
            return stage(path, local, progress)
        raise InvalidValueError(f"The policy {policy!r} is unknown.", hint="Use 'mutable' or 'immutable'.")

    def _keep(self, items: Iterable[Held], overwrite: bool, how: str) -> None:
        """Take items in, all or none: what is there already is left, other content at its path needs a word."""
        new = {item.path: item for item in items}
        with self.lock:
            try:
                self._require_open()
                same = [path for path, item in new.items() if self._has(path, item)]
                for path in new.keys() & self._held.keys() - set(same):
                    if not overwrite:
                        raise _taken(path, how)
            except BaseException:
                self._discard(new.values())
                raise
            self._discard([new.pop(path) for path in same])
            self._discard([self._held[path] for path in new.keys() & self._held.keys()])
            self._held.update(new)

    def _has(self, path: str, item: Held) -> bool:
        return path in self._held and _entry(self._held[path]) == _entry(item)

    def _require_open(self) -> None:
        if not self._open:
            raise InvalidValueError(
                "The artifact was committed meanwhile.", hint="Change a new_draft() of it and log that."
            )

    def _is_ours(self, item: Staged) -> bool:
        """Whether a file is a copy that this process made; those of the process it was forked from are not to move."""
        return item.owned and os.getpid() == self._owner and os.path.dirname(item.local) == self._folder

    def _discard(self, items: Iterable[Held]) -> None:
        for item in items:
            if isinstance(item, Staged) and self._is_ours(item):
                item.local.unlink(missing_ok=True)

    def _copy_place(self) -> Path:
        """Return where a copy goes: beside the content so that it can be moved there; it goes with this object.

        The folder is locked while this process lives: `gc` removes only those that killed processes left.
        """
        with self.lock:
            if self._folder is None or os.getpid() != self._owner:
                home = read_settings().home / "staging"
                try:
                    home.mkdir(parents=True, exist_ok=True)
                    self._folder, lock = incoming.claim(os.fspath(home))
                except OSError as error:
                    raise StorageError(
                        f"The folder {home} cannot be used: {error.strerror}.",
                        hint="Set PODIUM_HOME to a folder you may write, or add files with policy='immutable'.",
                    ) from error
                self._owner = os.getpid()
                self._leave = weakref.finalize(self, _leave, self._folder, lock, self._owner)
            return Path(self._folder, uuid.uuid4().hex)


def _leave(folder: str, lock: int, owner: int) -> None:
    if os.getpid() == owner:  # a forked child that ends must not take the copies of its parent along
        incoming.release(folder, lock)


def _entry(item: Held) -> Entry:
    return item if isinstance(item, Entry) else Entry(item.path, item.size, item.sha256)


def given_path(given: str | os.PathLike[str]) -> Path:
    """Return a local path that a caller gave.

    Raises:
        InvalidValueError: It is empty, or no path at all.
    """
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str):
        raise InvalidValueError(f"{given!r} is no path.", hint="Pass a str or a pathlib.Path.")
    return local_path(given)


def _close_quietly(file: IO[Any]) -> None:
    try:
        file.close()
    except OSError:  # the error of the block is the one to see, and the file goes anyhow
        return


def _taken(path: str, how: str) -> InvalidValueError:
    return InvalidValueError(
        f"The artifact has other content at {path!r}.", hint=f"Pass {how} to replace it.", path=path
    )
