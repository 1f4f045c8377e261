"""What a log looks up is found by an index, however many versions the artifact has."""

from __future__ import annotations

from podium.usecases.versions import _WITH_DIGEST, _WITH_IDENTITY


def test_versions_of_a_digest_and_of_a_task_are_found_by_their_index(lite, model_file) -> None:
    """SQLite plans both look-ups over the index of the column, not over the numbers of the artifact."""
    lite.log("p/a", model_file("a"))
    with lite._database.read() as connection:
        for query, index in ((_WITH_DIGEST, "collection_id_digest"), (_WITH_IDENTITY, "collection_id_identity")):
            text = str(query.compile(dialect=connection.dialect))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("x", "y")).all()
            assert f"ix_versions_{index}" in str(plan), plan
