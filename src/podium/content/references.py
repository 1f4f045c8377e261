"""References: entries of a manifest whose bytes stay where they are.

What a reference promises is declared when it is made. ``sha256``: the bytes were read and hashed once, and are hashed
at each download. ``etag``: what the server calls this state of the bytes (for a file: time, size, inode) must still be
the same. ``none``: nothing. Whatever was declared, the bytes can be downloaded; when they are no longer what was
promised, that is *drift*, and an `IntegrityError`.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from podium.content import web
from podium.content.disk import storage_errors
from podium.content.files import check_file, local_path, walk
from podium.content.objects import connect, object_errors
from podium.content.parallel import run_parallel
from podium.content.report import FileState
from podium.content.store import CHUNK, Progress
from podium.content.uris import Address, check_uri
from podium.domain.manifest import Entry, Integrity
from podium.domain.names import check_path
from podium.errors import IntegrityError, InvalidValueError, NotFoundError

if TYPE_CHECKING:
    from podium.content.objects import Client

_WORKERS = 8


@dataclass(frozen=True, slots=True)
class _Found:
    """What a place says about the bytes at an address."""

    address: Address
    path: str
    size: int
    etag: str | None


def probe(
    uri: str,
    name: str | None = None,
    integrity: Integrity = "sha256",
    max_objects: int = 10_000,
    progress: Progress | None = None,
) -> list[Entry]:
    """Look at what a URI names, and return an entry for each file or object of it.

    Args:
        uri: A path, or a URL with ``file, http, https, s3, gs, az``. A folder, or a prefix that ends in ``/``, gives
            one entry per object below it.
        name: Path inside the artifact: of the file, or of the folder that the objects go to. The last part of the URI
            for a file, no folder for several.
        integrity: What is promised; see the head of this module.
        max_objects: How many objects a prefix may have.
        progress: Told the bytes hashed.

    Raises:
        InvalidValueError: The URI cannot be used, names too many objects, or gives no ETag where one is wanted.
        InvalidNameError: A path that comes of it breaks the rules.
        NotFoundError: There is nothing.
        StorageError: The place cannot be read.
    """
    if integrity not in ("sha256", "etag", "none"):
        raise InvalidValueError(f"The integrity {integrity!r} is unknown.", hint="Use 'sha256', 'etag' or 'none'.")
    address = check_uri(uri)
    if not address.is_prefix and not (address.scheme == "file" and os.path.isdir(address.key)):
        path = check_path(name if name is not None else address.name)
        if integrity == "none":
            return [Entry(path, 0, "", address.uri, "none")]
        found = [_look(address, path)]
    else:
        found = list(islice(_children(address, name), max_objects + 1))
        if len(found) > max_objects:
            raise InvalidValueError(
                f"{address.uri} names more than {max_objects} objects.", hint="Raise max_objects or name a part of it."
            )
        if not found:
            raise NotFoundError(f"There is nothing below {address.uri}.", hint="Check the URI.")
    return run_parallel(_entry, [(item, integrity, progress) for item in found], _WORKERS)


def read_reference(entry: Entry) -> Iterator[bytes]:
    """Stream the bytes of a reference; an ETag that was declared is compared before the first byte.

    The caller hashes what it gets and calls `check_sha256` in the end.

    Raises:
        IntegrityError: It drifted or is gone.
        StorageError: The place cannot be read.
    """
    try:
        with _stream(check_uri(entry.uri or "")) as (size, etag, chunks):
            if entry.integrity == "etag" and (etag != entry.etag or (size and entry.size and size != entry.size)):
                raise _drifted(entry, f"its ETag is {etag} and was {entry.etag}")
            yield from chunks
    except FileNotFoundError as error:
        raise _drifted(entry, "nothing is there any more") from error


def check_sha256(entry: Entry, sha256: str) -> None:
    """Compare the hash of the bytes of a reference with what was declared.

    Raises:
        IntegrityError: It drifted.
    """
    if entry.integrity == "sha256" and sha256 != entry.sha256:
        raise _drifted(entry, f"it is sha256:{sha256} and was sha256:{entry.sha256}")


def state_of(entry: Entry, progress: Progress | None = None) -> FileState:
    """Say whether a reference is what was declared: ``ok, missing, changed`` or ``unchecked``.

    Raises:
        StorageError: The place cannot be read.
    """
    address = check_uri(entry.uri or "")
    try:
        if entry.integrity == "sha256":
            return "ok" if _hash(address, progress) == (entry.size, entry.sha256) else "changed"
        if entry.integrity == "none":
            return "unchecked"
        found = _look(address, entry.path)
    except (FileNotFoundError, NotFoundError):
        return "missing"
    return "ok" if found.etag == entry.etag and found.size == entry.size else "changed"


def _entry(found: _Found, integrity: Integrity, progress: Progress | None) -> Entry:
    path, uri = check_path(found.path), found.address.uri
    if integrity == "none":
        return Entry(path, found.size, "", uri, "none")
    if integrity == "etag":
        if not found.etag:
            raise InvalidValueError(
                f"The server gives no ETag for {uri}.", hint="Declare integrity='sha256' or 'none'.", uri=uri
            )
        return Entry(path, found.size, "", uri, "etag", found.etag)
    try:
        size, sha256 = _hash(found.address, progress)
    except FileNotFoundError as error:
        raise _nothing(uri) from error
    return Entry(path, size, sha256, uri, "sha256", None)


def _look(address: Address, path: str) -> _Found:
    try:
        if address.scheme == "file":
            with storage_errors(address.key):
                return _Found(address, path, *_identity(os.stat(check_file(local_path(address.key)))))
        if address.scheme in ("http", "https"):
            return _Found(address, path, *web.head(address.uri))
        with object_errors(address.root):
            try:
                found = _client(address.root, os.getpid()).head(address.key)
            except FileNotFoundError as error:
                raise _nothing(address.uri) from error
        return _Found(address, path, found["size"], found["e_tag"])
    except FileNotFoundError as error:
        raise _nothing(address.uri) from error


def _children(address: Address, name: str | None) -> Iterator[_Found]:
    base = f"{name.strip('/')}/" if name else ""
    if address.scheme in ("http", "https"):
        raise InvalidValueError(f"{address.uri} cannot be listed.", hint="Name one file; HTTP has no folders.")
    if address.scheme == "file":
        for inner, place in walk(local_path(address.key)):
            yield _look(check_uri(os.fspath(place)), base + inner)
        return
    with object_errors(address.root):
        for page in _client(address.root, os.getpid()).list(address.key, chunk_size=1000):
            for found in page:
                inner = found["path"].removeprefix(address.key)
                yield _Found(address.below(found["path"]), base + inner, found["size"], found["e_tag"])


@contextmanager
def _stream(address: Address) -> Iterator[tuple[int, str | None, Iterator[bytes]]]:
    """Open the bytes at an address: size, ETag, chunks. Raises FileNotFoundError if nothing is there."""
    if address.scheme == "file":
        with open(address.key, "rb") as file, storage_errors(address.key):
            yield (*_identity(os.fstat(file.fileno())), iter(lambda: file.read(CHUNK), b""))
    elif address.scheme in ("http", "https"):
        with web.stream(address.uri) as found:
            yield found
    else:
        with object_errors(address.root):
            client = _client(address.root, os.getpid())
            try:
                got = client.get(address.key)
            except FileNotFoundError:
                got = None
            if got is not None:
                yield got.meta["size"], got.meta["e_tag"], iter(got.stream(min_chunk_size=CHUNK))
                return
        raise FileNotFoundError(address.uri)


def _hash(address: Address, progress: Progress | None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with _stream(address) as (_, _, chunks):
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            if progress is not None:
                progress(len(chunk))
    return size, digest.hexdigest()


def _identity(found: os.stat_result) -> tuple[int, str]:
    return found.st_size, f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"


@functools.lru_cache(maxsize=32)
def _client(root: str, process: int) -> Client:
    # A client belongs to the process that made it; that is why the process is asked for.
    return connect(root)


def _nothing(uri: str) -> NotFoundError:
    return NotFoundError(f"There is nothing at {uri}.", hint="Check the URI.", uri=uri)


def _drifted(entry: Entry, how: str) -> IntegrityError:
    return IntegrityError(
        f"The reference {entry.path} drifted: {how} ({entry.uri}).",
        hint="Restore what was there, or log a new version that refers to what is there now.",
        uri=entry.uri,
        path=entry.path,
    )
