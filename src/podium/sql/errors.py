"""Errors of SQLAlchemy and its drivers become errors of Podium in one place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from podium.errors import (
    ConflictError,
    DatabaseUnavailableError,
    InvalidValueError,
    PodiumError,
    SchemaOutdatedError,
    SettingsError,
    StorageError,
)

# What PostgreSQL says when the very same transaction may succeed a moment later: serialization failure, deadlock.
_AGAIN = ("40001", "40P01")
_MISSING = ("42P01", "42703")
_NO_ROOM = "53100"
READ_ONLY = "25006"
_UPGRADE = "Run 'podium db upgrade' with this Podium and the same PODIUM_URL."


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise errors of Podium in place of errors of the database.

    Args:
        where: The database in words that hold no secret, such as ``postgresql://host/name``.
    """
    try:
        yield
    except PodiumError:
        raise
    except exc.StatementError as error:
        # A StatementError that is no DBAPIError wraps what a column type refused.
        if isinstance(error, exc.DBAPIError):
            raise translate(error, where) from error
        raise InvalidValueError(f"The database cannot store a value: {error.orig}.", hint="Change it.") from error
    except (UnicodeEncodeError, OverflowError) as error:  # drivers raise them as they are
        raise InvalidValueError(f"The database cannot store a value: {error}.", hint="Change it.") from error
    except (exc.NoSuchModuleError, exc.ArgumentError, ModuleNotFoundError) as error:
        raise bad_url(where, error) from error
    except (
        exc.NoResultFound,
        exc.MultipleResultsFound,
    ):  # a defect or a row that was taken away: no lack of a connection
        raise
    except (exc.TimeoutError, exc.DisconnectionError, exc.InvalidRequestError) as error:
        raise DatabaseUnavailableError(
            f"The database {where} gave no connection.", hint="Try again; if it stays, look at its load and limits."
        ) from error


def is_transient(error: PodiumError) -> bool:
    """Whether the database asks for the whole unit to be done again: a lost race, a deadlock, a lock not had."""
    return bool(error.facts.get("transient"))


def bad_url(where: str, error: Exception) -> SettingsError:
    """Return the error for a database URL that no driver serves."""
    missing = isinstance(error, ModuleNotFoundError) or "psycopg" in str(error)
    hint = "Install the driver: pip install 'podium[postgres]'." if missing else ""
    return SettingsError(
        f"The database URL {where!r} cannot be used.",
        hint=hint or "Write sqlite:////absolute/path.db or postgresql+psycopg://user@host/name in PODIUM_URL.",
    )


def translate(error: exc.DBAPIError, where: str) -> PodiumError:
    """Return the error of Podium for one error of a driver."""
    on_file = isinstance(error.orig, sqlite3.Error)
    known = _of_file(error, where) if on_file else _of_server(error, where)
    if known is not None:
        return known
    if isinstance(error, exc.IntegrityError) or _state(error) in _AGAIN:
        return ConflictError(
            "Somebody else changed the same thing at the same time.",
            hint="Try again; nothing was changed.",
            holder=None,
            transient=True,
        )
    if isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated:
        return DatabaseUnavailableError(
            f"The database {where} cannot be used now ({_first_line(error)}).",
            hint="Check its file and disk, then try again." if on_file else "Check that it runs, then try again.",
            transient=on_file and "locked" in str(error.orig),
        )
    return InvalidValueError(f"The database refused a value ({_first_line(error)}).", hint="Nothing was changed.")


def _of_file(error: exc.DBAPIError, where: str) -> PodiumError | None:
    """Return what SQLite says of its file, None for anything else; its words hold no value of a row."""
    text = str(error.orig).lower()
    if "no such table" in text or "no such column" in text:
        return SchemaOutdatedError(f"The database {where} does not have Podium's schema.", hint=_UPGRADE)
    if "not a database" in text or "malformed" in text:
        return SettingsError(f"The file of {where} is not a usable SQLite database.", hint="Check PODIUM_URL.")
    if "disk is full" in text:
        return StorageError(
            f"The disk of the database {where} is full.", hint="Make room; nothing was changed.", away=True
        )
    if "readonly" in text or "read-only" in text:
        return StorageError(
            f"The database {where} cannot be written.", hint="Check the permissions of its file and folder.", away=True
        )
    if "unable to open database file" in text:
        return SettingsError(
            f"The file of {where} cannot be opened.", hint="Check that its folder exists and is writable.", away=True
        )
    return None


def _of_server(error: exc.DBAPIError, where: str) -> PodiumError | None:
    """Return what PostgreSQL says by a code; None for what its kind of error tells."""
    state = _state(error)
    if state in _MISSING:
        return SchemaOutdatedError(f"The database {where} does not have Podium's schema.", hint=_UPGRADE)
    if state == _NO_ROOM:
        return DatabaseUnavailableError(
            f"The disk of the server of {where} is full.", hint="Make room there; nothing was changed."
        )
    if state == READ_ONLY:
        return DatabaseUnavailableError(
            f"The server of {where} takes no writes now: it is read-only.",
            hint="It may be a standby, or a failover is under way. Try again; nothing was changed.",
            read_only=True,
            transient=True,  # a session that was opened while it was so is given up, and a new one may write
        )
    if state in _AGAIN and "conflict with recovery" in str(error.orig):  # a standby ended what was in its way
        return DatabaseUnavailableError(
            f"The server of {where} is a standby, which broke off a read ({_first_line(error)}).", hint="Try again."
        )
    return None


def _state(error: exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _first_line(error: exc.DBAPIError) -> str:
    text = str(error.orig).strip()
    return text.splitlines()[0][:200] if text else type(error.orig).__name__
