"""How PostgreSQL is spoken to: without waits for the server that buy nothing.

- A connection is asked whether it lives only when it rested for a while, not at each use.
- Units that read run without a transaction: at the default isolation each statement sees its own moment anyhow.
- What turns out to be read-only is left for a new connection, which finds the server that takes writes by then.

Writes were once sent through psycopg's pipeline. It saved a third of the time, and was taken out: an error came up at a
later statement than its own, and leaving the pipeline of a lost connection raised errors that SQLAlchemy does not know.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry

from podium.sql.errors import READ_ONLY

_RESTED_SECONDS = 5.0
_LAST_USED = "podium_last_used"


def listen(engine: sa.Engine) -> None:
    """Ask a connection that rested whether it lives, before a caller gets it; give up one that takes no writes."""

    def on_checkout(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        rested = time.monotonic() - entry.info.get(_LAST_USED, 0.0) > _RESTED_SECONDS
        if _LAST_USED in entry.info and rested and not _lives(engine, connection):
            raise exc.DisconnectionError  # the pool takes another one, and no caller notices

    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", _on_checkin)
    event.listen(engine, "handle_error", _on_error)


def _lives(engine: sa.Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except engine.dialect.loaded_dbapi.Error:
        return False


def _on_checkin(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info[_LAST_USED] = time.monotonic()


def _on_error(context: sa.ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True  # a session keeps what it began with, so the pool is emptied
