"""Where an MLflow registry is: looked at first, because MLflow makes and upgrades whatever it is pointed at."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from podium.errors import InvalidValueError, NotFoundError, StorageError

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?):///([^?]+)")


def place_to_read(uri: str, folder: Path) -> str:
    """Return the URI to open for one that was given: of an SQLite file that of a copy, else the same.

    MLflow upgrades a database of an older release as it opens it, and whoever still runs that release is locked out.
    A copy also stands still while it is read.

    Args:
        uri: As for ``mlflow.set_tracking_uri``.
        folder: Where the copy goes.

    Raises:
        InvalidValueError: It is a file that MLflow would take for a folder, or no database of MLflow's.
        NotFoundError: It is not there; MLflow would make an empty one.
        StorageError: It cannot be read.
    """
    if not uri:
        raise InvalidValueError("The URI of MLflow is empty.", hint="Give one such as http://localhost:5000.")
    database, parts = _SQLITE.match(uri), urlsplit(uri)
    if database:
        return f"{database[1]}:///{_copy(_there(Path(database[2])), folder)}"
    if parts.scheme in ("", "file"):
        _require_folder(_there(Path(unquote(parts.path) if parts.scheme else uri)))
    return uri


def public_uri(uri: str) -> str:
    """Return a URI without what may be a secret: user, password, query."""
    parts = urlsplit(uri)
    if not parts.scheme or not parts.netloc:
        return uri.partition("?")[0]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotFoundError(f"There is no MLflow registry at {path}.", hint="Check the URI.", path=str(path))
    return path


def _require_folder(path: Path) -> None:
    if path.is_file():
        hint = f"If it is an SQLite database, write 'sqlite:///{path.absolute()}'."
        raise InvalidValueError(f"{path} is a file, not a folder of MLflow's.", hint=hint)
    if not (path / "models").is_dir():
        hint = "Models of MLflow lie in the folder 'models' of one such as ./mlruns; or give the URI of a database."
        raise NotFoundError(f"The folder {path} holds no MLflow registry.", hint=hint, path=str(path))


def _copy(path: Path, folder: Path) -> Path:
    copy = folder / f"{abs(hash(path))}.db"
    if copy.exists():
        return copy
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            tables = {name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{path} cannot be read as an SQLite database: {error}.", hint="Check the URI.") from error
    if "registered_models" not in tables:
        raise InvalidValueError(f"{path} is no database of MLflow's.", hint="It has no table of registered models.")
    return copy
