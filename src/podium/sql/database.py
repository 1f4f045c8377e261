"""The database: an engine per process, and transactions in two kinds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from podium.errors import SettingsError
from podium.sql import postgres, schema
from podium.sql.errors import bad_url, translated

_BUSY_SECONDS = 60
# A server that vanished without a word is noticed within half a minute, not after the two hours of the system.
_PG_CONNECT = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "podium",
}


class Database:
    """Opens transactions on one database URL.

    The engine is built at first use and belongs to one process id: a process that was forked builds its own, because
    connections must not be shared across a fork. Threads may share it.
    """

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self.where = _without_secrets(self.url).render_as_string(hide_password=True)
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None
        self._pid = 0
        self._fits = False

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; it commits at the end of the block, or rolls back on an error.

        Raises:
            DatabaseUnavailableError: No connection, or the lock was not had in time.
            SchemaOutdatedError: The schema does not fit this Podium.
        """
        with self._begin("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads.

        Raises:
            DatabaseUnavailableError: No connection.
            SchemaOutdatedError: The schema does not fit this Podium.
        """
        with self._begin("DEFERRED") as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads, and sees one moment however long it takes.

        Raises:
            DatabaseUnavailableError: No connection.
            SchemaOutdatedError: The schema does not fit this Podium.
        """
        with self._begin("SNAPSHOT") as connection:
            yield connection

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema to the newest revision and return the revisions before and after.

        Raises:
            SchemaOutdatedError: The schema is newer than this Podium.
        """
        with translated(self.where):
            return schema.upgrade(self._bare_engine())

    def current(self) -> str | None:
        """Return the revision that the database has, None if it has none."""
        with translated(self.where), self._bare_engine().connect() as connection:
            return schema.current(connection)

    def downgrade(self, revision: str) -> tuple[str | None, str | None]:
        """Take the schema back to an older revision, ``base`` for none, and return those before and after.

        Raises:
            InvalidValueError: It is older than that already.
            NotFoundError: There is no such revision.
            SchemaOutdatedError: It is newer than this Podium.
        """
        with translated(self.where):
            before, after = schema.downgrade(self._bare_engine(), revision)
        self._fits = False
        return before, after

    def is_empty(self) -> bool:
        """Whether the database has no table at all."""
        with translated(self.where), self._bare_engine().connect() as connection:
            return schema.is_empty(connection)

    def dispose(self) -> None:
        """Close all connections of this process."""
        with self._lock:
            if self._engine is not None and self._pid == os.getpid():
                self._engine.dispose()
            self._engine = None

    @contextmanager
    def _begin(self, mode: str) -> Iterator[sa.Connection]:
        with translated(self.where), self._ready_engine().connect() as connection:
            if self.is_sqlite:  # a deferred transaction sees one moment, too
                connection.execution_options(podium_begin="IMMEDIATE" if mode == "IMMEDIATE" else "DEFERRED")
                with connection.begin():
                    yield connection
            elif mode == "DEFERRED":
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
            elif mode == "SNAPSHOT":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    yield connection
            else:
                with connection.begin():
                    yield connection

    def _ready_engine(self) -> sa.Engine:
        engine = self._bare_engine()
        if not self._fits:
            schema.require(engine, create=self.is_sqlite, where=self.where)
            self._fits = True
        return engine

    def _bare_engine(self) -> sa.Engine:
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                if self._engine is not None:
                    self._engine.dispose(close=False)  # the parent process still uses these connections
                self._engine = _build(self.url, self.where)
                self._pid, self._fits = os.getpid(), False
            return self._engine


def _without_secrets(url: sa.URL) -> sa.URL:
    """Return a URL to show: libpq takes passwords among its options too."""
    hidden = {name: "***" for name in url.query if "pass" in name.lower() or "key" in name.lower()}
    return url.update_query_dict(hidden)


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")  # 2.1's default; 2.0 would take psycopg2
        backend = parsed.get_backend_name()
    except Exception as error:
        raise bad_url(str(url).split("@")[-1], error) from error
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SettingsError(
            f"Podium does not speak to {parsed.drivername!r} databases.",
            hint="Write sqlite:////absolute/path.db or postgresql+psycopg://user@host/name in PODIUM_URL.",
        )
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise SettingsError(
            "An SQLite database in memory cannot be shared between processes.",
            hint="Give it a file: sqlite:////path.db",
        )
    if backend == "sqlite" and not parsed.query.get("uri"):
        # A relative path means the folder of now, not the one at the time of the first call.
        parsed = parsed.set(database=os.path.abspath(parsed.database or ""))
    return parsed


def _build(url: sa.URL, where: str) -> sa.Engine:
    with translated(where):
        if url.get_backend_name() == "sqlite":
            engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
            event.listen(engine, "connect", _on_sqlite_connect)
            event.listen(engine, "begin", _on_sqlite_begin)
            event.listen(engine, "handle_error", _on_sqlite_error)
            return engine
        engine = sa.create_engine(
            url,
            pool_size=5,  # an orchestrator runs many processes with few threads each; the server has 100 places in all
            max_overflow=10,
            pool_timeout=30,
            connect_args=_PG_CONNECT,
        )
        postgres.listen(engine)
        return engine


def _on_sqlite_connect(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver's guess
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    # WAL lets readers go on beside the one writer; FULL makes each commit survive a power cut.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns into a writer fails at once when another writes; IMMEDIATE waits its turn.
    mode = connection.get_execution_options().get("podium_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _on_sqlite_error(context: sa.ExceptionContext) -> None:
    # A file that was opened while it could only be read stays so, and one on a disk that came back is another file.
    text = str(context.original_exception).lower()
    if context.connection is not None and ("readonly" in text or "disk i/o error" in text):
        context.connection.connection.invalidate(context.original_exception, soft=True)  # after it was rolled back
