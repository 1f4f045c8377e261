"""The content store in object storage: S3, Google Cloud Storage, Azure.

Layout below the prefix, as in a folder: ``blobs/sha256/ab/<digest>``, and ``damaged/`` for what was set aside. An
object appears whole or not at all, so there is nothing to rename. What a killed writer leaves is at worst the parts of
an upload that was never completed: no client sees them, and a lifecycle rule of the bucket
(``AbortIncompleteMultipartUpload``) takes them away; the library cannot list them.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from obstore.exceptions import AlreadyExistsError, PermissionDeniedError, UnauthenticatedError

from podium.content.disk import storage_errors
from podium.content.local import changed_source, missing_content, open_source
from podium.content.objects import connect, object_errors
from podium.content.owner import MARK, require_owner, strangers
from podium.content.parallel import run_parallel
from podium.content.store import CHUNK, Blob, BlobState, Leftovers, Progress, Staged

if TYPE_CHECKING:
    from podium.content.objects import Client

_SMALL = 4 * CHUNK
_PART = 8 * CHUNK
_PARTS = 9_000  # S3 allows 10,000
_WORKERS = 16
_LARGE_WORKERS = 2
_BLOBS = "blobs/sha256"


class ObjectStore:
    """Blobs in a bucket.

    Args:
        location: ``s3://BUCKET/PREFIX``, ``gs://...`` or ``az://ACCOUNT/CONTAINER/PREFIX``, without secrets.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self._made: tuple[int, Client] | None = None

    def __repr__(self) -> str:
        return f"ObjectStore({self.location!r})"

    def prepare(self) -> None:
        """Write and remove a probe, so that a place that cannot be used is known before anybody relies on it."""
        probe = f"incoming/probe-{uuid.uuid4().hex}"
        with object_errors(self.location):
            self._client.put(probe, b"podium", use_multipart=False)
            self._client.delete(probe)

    def claim(self, owner: str, *, fresh: bool) -> None:
        """Make sure that the prefix is this registry's; see `ContentStore.claim`."""
        with object_errors(self.location):
            found = self._owner()
            if found is None and fresh and next(iter(self._client.list(f"{_BLOBS}/", chunk_size=1)), None):
                raise strangers(self.location)
            if found is None:
                # Who may only read leaves a place of before unsigned; who writes finds out soon enough.
                with suppress(AlreadyExistsError, PermissionDeniedError, UnauthenticatedError):
                    self._client.put(MARK, f"{owner}\n".encode(), mode="create", use_multipart=False)
                found = self._owner() or owner
        require_owner(self.location, found, owner)

    def _owner(self) -> str | None:
        try:
            return bytes(self._client.get(MARK).bytes()).decode("utf-8", "replace").strip()
        except FileNotFoundError:
            return None

    def workplace(self) -> AbstractContextManager[str | None]:
        """Files go to object storage from where they lie."""
        return nullcontext()

    def put(self, staged: list[Staged], progress: Progress | None = None) -> int:
        """Store the bytes of all files; see `ContentStore.put`.

        What is there is not made younger: object storage cannot do that without writing it again. The look in the
        transaction that makes a version visible (`missing`) is what finds bytes that `gc` took meanwhile.
        """
        wanted = list({item.sha256: item for item in staged}.values())
        absent = set(self.missing((item.sha256, item.size) for item in wanted))
        new = [item for item in wanted if item.sha256 in absent]
        if progress is not None:
            progress(sum(item.size for item in staged) - sum(item.size for item in new))
        small = [item for item in new if item.size <= _SMALL]
        large = [item for item in new if item.size > _SMALL]
        run_parallel(self._put_small, [(item, progress) for item in small], _WORKERS)
        run_parallel(self._put_large, [(item, progress) for item in large], _LARGE_WORKERS)
        return sum(item.size for item in new)

    def missing(self, contents: Iterable[tuple[str, int]]) -> list[str]:
        """Return what is not there with its size, asked for side by side; see `ContentStore.missing`."""
        several = list(contents)
        sizes = run_parallel(self._size, [(sha256,) for sha256, _ in several], _WORKERS)
        return [sha256 for (sha256, size), found in zip(several, sizes, strict=True) if found != size]

    def read(self, sha256: str, offset: int = 0) -> Iterator[bytes]:
        """Stream a blob; see `ContentStore.read`."""
        with object_errors(self.location):
            try:
                options = {"range": {"offset": offset}} if offset else None
                stream = self._client.get(_key(sha256), options=options).stream(min_chunk_size=CHUNK)  # type: ignore[arg-type]  # a plain dict
            except FileNotFoundError as error:
                raise self._absent(sha256, error) from None
            yield from stream

    def state(self, sha256: str, size: int, progress: Progress | None = None) -> BlobState:
        """Hash a blob; see `ContentStore.state`."""
        found = self._size(sha256)
        if found < 0:
            return "missing"
        if found != size:
            return "changed"
        digest = hashlib.sha256()
        for chunk in self.read(sha256):
            digest.update(chunk)
            if progress is not None:
                progress(len(chunk))
        return "ok" if digest.hexdigest() == sha256 else "changed"

    def blobs(self) -> Iterator[Blob]:
        """List all blobs; see `ContentStore.blobs`."""
        with object_errors(self.location):
            for page in self._client.list(_BLOBS, chunk_size=1000):
                for found in page:
                    yield Blob(found["path"].rpartition("/")[2], found["size"], found["last_modified"])

    def delete(self, sha256s: Iterable[str], unless_after: datetime | None = None) -> None:
        """Remove blobs; see `ContentStore.delete`."""
        keys = [_key(sha256) for sha256 in sha256s]
        with object_errors(self.location):
            if unless_after is not None:
                older = run_parallel(self._is_older, [(key, unless_after) for key in keys], _WORKERS)
                keys = [key for key, old in zip(keys, older, strict=True) if old]
            for first in range(0, len(keys), 1000):
                with suppress(FileNotFoundError):
                    self._client.delete(keys[first : first + 1000])

    def sweep(self, older_than: timedelta, *, dry_run: bool = False) -> Leftovers:
        """There is nothing to sweep: an object appears whole or not at all; see the head of this module."""
        return Leftovers(0, 0)

    def set_aside(self, sha256: str) -> None:
        """Move a damaged blob to `damaged/`; see `ContentStore.set_aside`."""
        with object_errors(self.location), suppress(FileNotFoundError):
            self._client.rename(_key(sha256), f"damaged/{sha256}")

    @property
    def _client(self) -> Client:
        # A client belongs to the process that made it.
        if self._made is None or self._made[0] != os.getpid():
            self._made = (os.getpid(), connect(self.location))
        return self._made[1]

    def _size(self, sha256: str) -> int:
        with object_errors(self.location):
            try:
                return self._client.head(_key(sha256))["size"]
            except FileNotFoundError:
                return -1

    def _is_older(self, key: str, than: datetime) -> bool:
        with suppress(FileNotFoundError):
            return self._client.head(key)["last_modified"] <= than
        return False

    def _put_small(self, item: Staged, progress: Progress | None) -> None:
        data = item.data
        if data is None:
            with storage_errors(item.local), os.fdopen(open_source(item), "rb") as file:
                data = file.read(item.size + 1)
        if hashlib.sha256(data).hexdigest() != item.sha256:
            raise changed_source(item)
        key = _key(item.sha256)
        with object_errors(self.location):
            try:
                self._client.put(key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:  # somebody was faster, or it is damaged: then the right bytes replace it
                if self._client.head(key)["size"] != item.size:
                    self._client.put(key, data, use_multipart=False)
        if progress is not None:
            progress(item.size)

    def _put_large(self, item: Staged, progress: Progress | None) -> None:
        part = max(_PART, -(-item.size // _PARTS))
        with storage_errors(item.local):
            file = os.fdopen(open_source(item), "rb")
        with file, object_errors(self.location):
            parts = _checked(file.read, item, part, progress)
            self._client.put(_key(item.sha256), parts, use_multipart=True, chunk_size=part, max_concurrency=4)

    def _absent(self, sha256: str, error: FileNotFoundError) -> Exception:
        return error if "NoSuchBucket" in str(error) else missing_content(sha256, self.location)


def _checked(read: Callable[[int], bytes], item: Staged, part: int, progress: Progress | None) -> Iterator[bytes]:
    """Yield a file in parts, the last one only when all of them have the right hash: else the upload is given up."""
    digest = hashlib.sha256()
    held = read(part)
    while held:
        digest.update(held)
        following = read(part)
        if not following and digest.hexdigest() != item.sha256:
            break
        yield held
        if progress is not None:
            progress(len(held))
        held = following
    if held or digest.hexdigest() != item.sha256:
        raise changed_source(item)


def _key(sha256: str) -> str:
    return f"{_BLOBS}/{sha256[:2]}/{sha256}"
