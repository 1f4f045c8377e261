"""What somebody who may write the database can do to it past Podium, in plain SQL; the same on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import GENESIS, Event, event_hash
from podium.domain.origin import Origin
from podium.registry import Registry
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import to_event
from podium.usecases.unit import Unit

MODEL = "model-registry/Digits"
Connection = sa.Connection
E = t.events.c
Edit = Callable[[list[Event]], list[Event]]


class Undo(Exception):
    """Rolls a unit back."""


@contextmanager
def undone(registry: Registry) -> Iterator[Unit]:
    """A unit whose changes nobody keeps."""
    with suppress(Undo), registry._database.write() as connection:
        forget_deliveries(connection)
        yield Unit(connection, "mallory", Origin(), datetime.now(UTC))
        raise Undo


def collection(connection: Connection, ref: str) -> Any:
    """The id of a collection."""
    space, _, name = ref.partition("/")
    c, n = t.collections.c, t.namespaces.c
    query = sa.select(c.id).join(t.namespaces, n.id == c.namespace_id).where(n.name == space, c.name == name)
    return connection.execute(query).scalar_one()


def change_event(connection: Connection, type_: str, **values: Any) -> None:
    """Edit the first event of a type."""
    first = sa.select(E.id).where(E.type == type_).order_by(E.created_at, E.sequence).limit(1)
    found = connection.execute(first).scalar_one()
    assert connection.execute(sa.update(t.events).where(E.id == found).values(**values)).rowcount == 1


def change(connection: Connection, table: sa.Table, *where: Any, **values: Any) -> None:
    """Edit rows of a table; there must be some."""
    assert connection.execute(sa.update(table).where(*where).values(**values)).rowcount > 0


def remove(connection: Connection, table: sa.Table, *where: Any) -> None:
    """Delete rows of a table; there must be some."""
    assert connection.execute(sa.delete(table).where(*where)).rowcount > 0


def place_in_middle(connection: Connection, stream: Any) -> None:
    """Put an event between two others: those behind it move up, one by one from the end."""
    rows = connection.execute(sa.select(t.events).where(E.stream == stream).order_by(E.sequence.desc())).all()
    for row in rows[:-1]:
        change(connection, t.events, E.id == row.id, sequence=row.sequence + 1)
    first = rows[-1]
    connection.execute(sa.insert(t.events), [first._asdict() | {"id": new_id(), "sequence": 2, "previous": first.hash}])


def swap(connection: Connection, stream: Any, one: int, other: int) -> None:
    """Let two events of a stream change places."""
    for old, new in ((one, -1), (other, one), (-1, other)):
        change(connection, t.events, E.stream == stream, E.sequence == old, sequence=new)


def rewrite(connection: Connection, stream: Any, edit: Edit) -> None:
    """Give a stream another history, with right hashes and a head that fits."""
    query = sa.select(t.events).where(E.stream == stream).order_by(E.sequence)
    events = edit([to_event(row) for row in connection.execute(query)])
    connection.execute(sa.delete(t.events).where(E.stream == stream))
    previous = GENESIS
    for number, event in enumerate(events, 1):
        fresh = replace(event, sequence=number, previous=previous)
        fresh = replace(fresh, hash=event_hash(fresh))
        connection.execute(sa.insert(t.events), [_row(fresh, stream)])
        previous = fresh.hash
    for table in (t.collections, t.namespaces):
        connection.execute(sa.update(table).where(table.c.id == stream).values(sequence=len(events), head=previous))


def forge(events: list[Event]) -> list[Event]:
    """Say of every event that somebody else did it."""
    return [replace(event, actor="mallory") for event in events]


def take_back_promotion(connection: Connection) -> None:
    """Bring the model to where it was before its last promotion, history, rows and head."""
    stream = collection(connection, MODEL)
    rewrite(connection, stream, lambda events: events[:-1])
    mine = t.transitions.c.collection_id == stream
    newest = sa.select(sa.func.max(t.transitions.c.created_at)).where(mine).scalar_subquery()
    remove(connection, t.transitions, mine, t.transitions.c.created_at == newest)
    a, m = t.aliases.c, t.alias_moves.c
    last = sa.select(sa.func.max(m.revision)).where(m.collection_id == stream, m.name == "production").scalar_subquery()
    remove(connection, t.alias_moves, m.collection_id == stream, m.name == "production", m.revision == last)
    change(connection, t.aliases, a.collection_id == stream, a.name == "production", number=0)


def change_who_did_it(connection: Connection) -> None:
    """Let somebody else have done all that was done to the model, in every row."""
    stream = collection(connection, MODEL)
    rewrite(connection, stream, forge)
    for table in (t.memberships, t.alias_moves, t.checks, t.transitions, t.version_tags, t.collection_tags):
        change(connection, table, table.c.collection_id == stream, created_by="mallory")
    change(connection, t.policies, t.policies.c.collection_id == stream, created_by="mallory")
    change(connection, t.collections, t.collections.c.id == stream, created_by="mallory")


def delete_stream(connection: Connection) -> None:
    """Delete an artifact that nothing refers to, with its events and all."""
    stream = collection(connection, "p/lonely")
    versions = sa.select(t.versions.c.id).where(t.versions.c.collection_id == stream)
    remove(connection, t.memberships, t.memberships.c.collection_id == stream)
    connection.execute(sa.delete(t.version_metrics).where(t.version_metrics.c.version_id.in_(versions)))
    connection.execute(sa.delete(t.version_fields).where(t.version_fields.c.version_id.in_(versions)))
    remove(connection, t.versions, t.versions.c.collection_id == stream)
    connection.execute(sa.delete(t.former_names).where(t.former_names.c.collection_id == stream))
    remove(connection, t.events, E.stream == stream)
    remove(connection, t.collections, t.collections.c.id == stream)


def forget_deliveries(connection: Connection) -> None:
    """Delete the log of deliveries, which holds events in their place."""
    connection.execute(sa.delete(t.delivery_attempts))
    connection.execute(sa.delete(t.deliveries))


def flip_stage(connection: Connection) -> None:
    """Move a stage and its history, as a promotion does, but without an event."""
    change(connection, t.aliases, t.aliases.c.name == "production", number=0)
    move = {"kind": "promoted", "before": 1, "after": 0, "reason": None, "origin": Origin().to_json()}
    last = (
        sa.select(t.alias_moves).where(t.alias_moves.c.name == "production").order_by(t.alias_moves.c.revision.desc())
    )
    row = connection.execute(last).first()
    assert row is not None
    fresh = row._asdict() | move | {"id": new_id(), "revision": row.revision + 1}
    connection.execute(sa.insert(t.alias_moves), [fresh])


def give_name_up(connection: Connection) -> None:
    """Say that a model once had another name, so that whoever takes that counts on from a million."""
    given = connection.execute(sa.select(t.former_names)).first()
    assert given is not None
    connection.execute(sa.insert(t.former_names), [given._asdict() | {"name_key": "free", "next_number": 10**6}])


def approve(connection: Connection) -> None:
    """Approve a request that waits, in somebody's name."""
    waiting = sa.select(t.transitions.c.id).where(t.transitions.c.status == "pending")
    given = connection.execute(sa.select(t.approvals)).first()
    assert given is not None
    fresh = given._asdict() | {"transition_id": connection.execute(waiting).scalar_one(), "position": 1}
    connection.execute(sa.insert(t.approvals), [fresh])


def put_in(connection: Connection, table: sa.Table, column: str, number: float) -> None:
    """Copy a row of a table under a number that SQLite keeps as it is."""
    without_keys(connection)
    given = connection.execute(sa.select(table).where(table.c[column].is_not(None))).first()
    assert given is not None
    fresh = given._asdict() | {column: 999} | ({"id": new_id()} if "id" in table.c else {})
    connection.execute(sa.insert(table), [fresh])
    connection.exec_driver_sql(f"update {table.name} set {column} = {number} where {column} = 999")


def without_keys(connection: Connection) -> None:
    """Let foreign keys not hold until the transaction is rolled back."""
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql(
        "pragma defer_foreign_keys = on" if sqlite else "set local session_replication_role = replica"
    )


def remove_manifests(connection: Connection) -> None:
    """Take all manifests away as a whole."""
    without_keys(connection)
    remove(connection, t.manifest_entries)
    remove(connection, t.manifests)


def exchange_digest(connection: Connection) -> None:
    """Let a version have the files of another one."""
    v = t.versions.c
    home = collection(connection, "p/a")
    other = sa.select(v.digest).where(v.collection_id == home, v.number == 1).scalar_subquery()
    change(connection, t.versions, v.collection_id == home, v.number == 0, digest=other)


def exchange_versions(connection: Connection) -> None:
    """Let a model version point at the bytes of a version that was never linked."""
    v, m = t.versions.c, t.memberships.c
    other = sa.select(v.id).where(v.collection_id == collection(connection, "p/lonely")).limit(1).scalar_subquery()
    change(connection, t.memberships, m.collection_id == collection(connection, MODEL), m.number == 0, version_id=other)


def late(connection: Connection, table: sa.Table) -> Any:
    """A time of a table, moved."""
    return connection.execute(sa.select(table.c.created_at).limit(1)).scalar_one() + timedelta(seconds=1)


def _row(event: Event, stream: Any) -> dict[str, Any]:
    plain = {name: getattr(event, name) for name in ("type", "subject", "sequence", "before", "after", "reason")}
    hashes = {"previous": event.previous, "hash": event.hash, "origin": event.origin.to_json()}
    who = {"created_at": event.at, "created_by": event.actor}
    return {"id": UUID(event.id), "stream": stream, "stream_name": event.stream, **plain, **hashes, **who}
