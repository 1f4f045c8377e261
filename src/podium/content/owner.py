"""Whose a content store is: the file ``podium-content`` in it says so.

Two registries must not share one place: garbage collection of one would take the contents of the other. The file also
tells a place that is there from an empty folder where a disk should be mounted.
"""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path

from podium.content.disk import save, sync_folder
from podium.errors import SettingsError, StorageError

MARK = "podium-content"
_MAY_NOT_WRITE = (errno.EROFS, errno.EACCES)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def read_mark(root: str) -> str | None:
    """Return whose a folder is, None if it does not say.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return Path(root, MARK).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def sign(root: str, owner: str) -> str:
    """Write whose a folder is, unless somebody was faster, and return whose it is.

    A worker that may only read leaves a folder of before unsigned.

    Raises:
        OSError: It cannot be written.
    """
    draft = os.path.join(root, f"{MARK}.{uuid.uuid4().hex}")
    try:
        save(draft, f"{owner}\n".encode(), flush=True)
        _give_name(draft, os.path.join(root, MARK))
        sync_folder(root)
    except OSError as error:
        if error.errno not in _MAY_NOT_WRITE:
            raise
    finally:
        with suppress(OSError):  # it has its name by now, or was never there
            os.unlink(draft)
    return read_mark(root) or owner


def _give_name(draft: str, mark: str) -> None:
    """Let the mark appear whole, and only where none is."""
    try:
        os.link(draft, mark)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not os.path.exists(mark):  # two first uses at this very moment end with the later one's
            os.replace(draft, mark)


def require_owner(location: str, found: str, owner: str) -> None:
    """Refuse a place that is another registry's.

    Raises:
        SettingsError: It is.
    """
    if found != owner:
        raise SettingsError(
            f"The content in {location} belongs to another registry.",
            hint="Give this one a folder or prefix of its own: garbage collection would remove what the other needs. "
            f"If that registry is gone for good, remove the file '{MARK}' there.",
            location=location,
        )


def strangers(location: str) -> SettingsError:
    """Return the error about a place that a new registry is given, and that holds contents already."""
    return SettingsError(
        f"There are contents in {location} already, and nothing says whose.",
        hint="Give a new registry an empty place; a registry of before signs its own at its next use.",
        location=location,
    )


def lost(root: str) -> StorageError:
    """Return the error about a folder that was there and is not."""
    return StorageError(
        f"The content folder {root} is not there.",
        hint="Mount its disk, or restore it from a backup; a new folder in its place would hide what is stored.",
        path=root,
    )
