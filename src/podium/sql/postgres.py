"""How PostgreSQL is spoken to: as few waits for the server as correctness allows.

A call of Podium is a handful of small statements. The server answers each within microseconds; what costs is to wait
for the answer. So three waits are left out that buy nothing here:

- A connection is asked whether it lives only when it rested for a while, not at each use.
- Units that read run without a transaction: at the default isolation each statement sees its own moment anyhow.
- Units that write go through psycopg's pipeline: what has no answer to read (``BEGIN``, inserts, updates) is sent along
  with the next question, or with the ``COMMIT``, instead of being waited for. An error of such a statement is raised
  there, so nothing is acknowledged before the server has confirmed all of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry

_RESTED_SECONDS = 5.0
_LAST_USED = "podium_last_used"
_PIPELINE = "podium_pipeline"


def listen(engine: sa.Engine) -> None:
    """Give an engine these habits."""

    def on_checkout(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        rested = time.monotonic() - entry.info.get(_LAST_USED, 0.0) > _RESTED_SECONDS
        if _LAST_USED in entry.info and rested and not _lives(engine, connection):
            raise exc.DisconnectionError  # the pool takes another one, and no caller notices

    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", _on_checkin)
    event.listen(engine, "after_cursor_execute", _on_executed)
    event.listen(engine, "rollback", _on_rollback)


@contextmanager
def pipelined(connection: sa.Connection) -> Iterator[None]:
    """Send statements that have no answer along with the next one that has."""
    raw: Any = connection.connection.driver_connection
    info = connection.info  # asked for again after the connection was lost, it would open another one
    with raw.pipeline() as pipeline:
        info[_PIPELINE] = pipeline
        try:
            yield
        finally:
            del info[_PIPELINE]


def _lives(engine: sa.Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except engine.dialect.loaded_dbapi.Error:
        return False


def _on_checkin(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info[_LAST_USED] = time.monotonic()


def _on_executed(
    connection: sa.Connection, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    """Wait for the answer of a statement that has rows to read."""
    pipeline = connection.info.get(_PIPELINE)
    if pipeline is not None and not (_is_write(context) and not context.compiled.effective_returning):
        pipeline.sync()


def _on_rollback(connection: sa.Connection) -> None:
    """Let the server forget the statements that came after one that failed.

    It refuses all of them, the ``ROLLBACK`` too, up to the next synchronization; that refusal would hide the error.
    """
    pipeline = None if connection.invalidated else connection.info.get(_PIPELINE)
    if pipeline is not None:
        with suppress(connection.dialect.loaded_dbapi.Error):  # it says again what failed
            pipeline.sync()


def _is_write(context: Any) -> bool:
    return bool(context.compiled is not None and (context.isinsert or context.isupdate or context.isdelete))
