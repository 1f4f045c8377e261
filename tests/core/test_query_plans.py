"""What a log looks up is found by an index, however many versions the artifact has."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa

from podium.delivery import statements
from podium.usecases.versions import _WITH_DIGEST, _WITH_IDENTITY


def test_versions_of_a_digest_and_of_a_task_are_found_by_their_index(lite, model_file) -> None:
    """SQLite plans both look-ups over the index of the column, not over the numbers of the artifact."""
    lite.log("p/a", model_file("a"))
    with lite._database.read() as connection:
        for query, index in ((_WITH_DIGEST, "collection_id_digest"), (_WITH_IDENTITY, "collection_id_identity")):
            text = str(query.compile(dialect=connection.dialect))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("x", "y")).all()
            assert f"ix_versions_{index}" in str(plan), plan


@pytest.mark.parametrize("name", ["DUE", "WAITING", "HELD_UP"])
def test_what_holds_a_message_up_is_looked_for_among_what_is_on_its_way(lite, name) -> None:
    """However much was sent in a line before: SQLite goes by the status, and looks at no delivery that was sent."""
    lite.models()
    some, now = UUID(int=1), datetime.now(UTC)
    given = {"id": some, "ids": [some], "ordered": ["slack"], "absent": ["x:y"], "limit": 9, "now": now, "started": now}
    with lite._database.read() as connection:
        seen: list[tuple[str, object]] = []
        sa.event.listen(connection.engine, "before_cursor_execute", lambda *args: seen.append((args[2], args[3])))
        connection.execute(getattr(statements, name), given)
        ((text, parameters),) = seen
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)]
    looked = [line for line in plan if " before " in f" {line} "]
    # For each delivery that is due; the first of a line, asked once, is found in the order of the line.
    assert "ix_deliveries_subscription_stream_status_sequence" in looked[0], plan
    assert all("ix_deliveries" in line or "autoindex" in line for line in plan if " deliveries " in f" {line} "), plan
