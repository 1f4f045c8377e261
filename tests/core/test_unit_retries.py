"""A unit that the database asks to repeat is repeated as a whole, a few times and no more; the errors here are real."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.errors import ConflictError, DatabaseUnavailableError
from podium.registry import Registry
from podium.sql import tables as t
from podium.usecases.unit import Unit


@pytest.fixture
def pg_registry(new_pg_url: Callable[[], str], open_at: Callable[..., Registry]) -> Registry:
    """A registry on PostgreSQL with two artifacts."""
    registry = open_at(new_pg_url())
    for name in "ab":
        registry.log(f"p/{name}", __file__)
    return registry


def lock(unit: Unit, name: str) -> None:
    unit.connection.execute(sa.select(t.collections.c.id).where(t.collections.c.name == name).with_for_update())


def describe(unit: Unit, name: str, text: str) -> None:
    unit.connection.execute(sa.update(t.collections).where(t.collections.c.name == name).values(description=text))


@pytest.mark.postgres
@pytest.mark.tampers  # its unit writes a description without an event
def test_a_deadlock_is_repeated(pg_registry: Registry) -> None:
    """Two units lock the same rows crosswise: the server ends one of them, it is done again, and both succeed."""
    meet, attempts = threading.Barrier(2, timeout=20), []

    def crosswise(first: str, second: str) -> None:
        def verb(unit: Unit) -> None:
            attempts.append(first)
            lock(unit, first)
            if attempts.count(first) == 1:
                meet.wait()
            lock(unit, second)
            describe(unit, first, "done")

        pg_registry._change(verb)

    other = threading.Thread(target=crosswise, args=("b", "a"))
    other.start()
    crosswise("a", "b")
    other.join(30)
    assert len(attempts) == 3
    assert [pg_registry.collection(f"p/{name}").description for name in "ab"] == ["done", "done"]


@pytest.mark.postgres
@pytest.mark.tampers  # its unit writes a description without an event
def test_a_serialization_failure_is_repeated(pg_registry: Registry) -> None:
    """A row that changed since the snapshot of the unit: the unit is done again on what is there now."""
    seen = []

    def verb(unit: Unit) -> None:
        unit.connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        here = sa.select(t.collections.c.description).where(t.collections.c.name == "a")
        seen.append(unit.connection.execute(here).scalar())
        if len(seen) == 1:
            pg_registry.edit_collection("p/a", description="theirs")
        describe(unit, "a", "ours")

    pg_registry._change(verb)
    assert seen == [None, "theirs"]
    assert pg_registry.collection("p/a").description == "ours"


@pytest.mark.postgres
def test_a_unit_is_not_repeated_for_ever(pg_registry: Registry) -> None:
    """Where every attempt fails, the caller is told within seconds that it was a conflict and may try again."""
    attempts = []

    def verb(unit: Unit) -> None:
        attempts.append(unit)
        describe(unit, "a", "never")
        unit.connection.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    began = time.monotonic()
    with pytest.raises(ConflictError) as caught:
        pg_registry._change(verb)
    assert caught.value.retryable
    assert 2 < len(attempts) < 10
    assert time.monotonic() - began < 10
    assert pg_registry.collection("p/a").description is None


@pytest.mark.parametrize("seconds", [0.3, 30.0])
def test_a_locked_database_is_tried_again(
    lite: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A lock that goes away is had after some attempts; one that stays is a retryable error within seconds."""
    monkeypatch.setattr("podium.sql.database._BUSY_SECONDS", 0)  # SQLite itself does not wait
    lite.log("p/a", __file__)
    blocker = sqlite3.connect(tmp_path / "podium.db", isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(seconds, blocker.rollback)
    letting_go.start()
    began = time.monotonic()
    if seconds < 1:
        assert lite.edit_collection("p/a", description="done").description == "done"
    else:
        with pytest.raises(DatabaseUnavailableError) as caught:
            lite.edit_collection("p/a", description="never")
        assert caught.value.retryable
        assert time.monotonic() - began < 10
        letting_go.cancel()
    letting_go.join()
    blocker.close()
