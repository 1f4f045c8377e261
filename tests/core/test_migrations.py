"""The schema: one head, reversible, and a clear error when database and library do not fit."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from podium.errors import SchemaOutdatedError, SettingsError
from podium.sql import schema
from podium.sql.tables import metadata


def differences(registry) -> list[object]:
    options = {"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    with registry._database.read() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_the_metadata_is_the_head(registry) -> None:
    """The tables that the code knows are the tables that the migrations make."""
    registry.upgrade()
    assert differences(registry) == []


def test_down_and_up_again(registry) -> None:
    """Down to nothing leaves no table, and up again gives the same schema; it works after that."""
    registry.upgrade()
    engine = registry._database._bare_engine()
    schema.downgrade(engine, "base")
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {schema.VERSION_TABLE}
    assert registry.upgrade() == (None, schema.HEAD)
    assert differences(registry) == []
    assert registry.models("model-registry") == []


def test_the_constant_is_the_head(lite) -> None:
    """`HEAD` names the newest migration, and there is exactly one."""
    with lite._database.read() as connection:
        assert ScriptDirectory.from_config(schema.config(connection)).get_heads() == [schema.HEAD]


def test_upgrading_again_does_nothing(registry, rows) -> None:
    """A second upgrade finds the head and changes no row."""
    registry.upgrade()
    before = rows(registry)
    assert registry.upgrade() == (schema.HEAD, schema.HEAD)
    assert rows(registry) == before


def test_constraints_have_names(registry) -> None:
    """Every constraint has the name that errors are translated by."""
    registry.upgrade()
    with registry._database.read() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.sorted_tables:
            assert inspector.get_pk_constraint(table.name)["name"] == f"pk_{table.name}"
            for key in inspector.get_foreign_keys(table.name):
                assert key["name"] == f"fk_{table.name}_" + "_".join(key["constrained_columns"])


def set_revision(registry, revision: str) -> None:
    with registry._database.write() as connection:
        connection.execute(sa.text("update podium_schema set version_num = :v"), {"v": revision})
    registry._database._fits = False


@pytest.mark.parametrize(("revision", "words"), [("9999", "newer than this Podium"), ("0000", "podium db upgrade")])
def test_a_schema_that_does_not_fit(registry, revision, words) -> None:
    """Too new or too old: every verb says so, with the revisions and what to do."""
    registry.upgrade()
    set_revision(registry, revision)
    for call in (registry.models, lambda: registry.start_run("p")):
        with pytest.raises(SchemaOutdatedError, match=words) as caught:
            call()
        assert (caught.value.found, caught.value.needed) == (revision, schema.HEAD)


def test_a_newer_schema_is_not_upgraded(registry) -> None:
    """An old Podium does not touch a newer database."""
    registry.upgrade()
    set_revision(registry, "9999")
    with pytest.raises(SchemaOutdatedError, match="newer"):
        registry.upgrade()


@pytest.mark.postgres
def test_an_empty_postgresql_is_not_filled_unasked(open_at, new_pg_url) -> None:
    """A database that others may care for gets its schema by `podium db upgrade` only."""
    registry = open_at(new_pg_url())
    schema.downgrade(registry._database._bare_engine(), "base")
    with registry._database._bare_engine().begin() as connection:
        connection.exec_driver_sql(f"drop table {schema.VERSION_TABLE}")
    with pytest.raises(SchemaOutdatedError, match="podium db upgrade") as caught:
        registry.models()
    assert caught.value.found is None
    registry.upgrade()
    assert registry.models() == []


OPEN = "import sys; from podium.registry import open_registry; print(len(open_registry(sys.argv[1]).models()))"


def test_four_processes_open_a_fresh_file_at_once(tmp_path) -> None:
    """Whoever comes first makes the schema; the others wait and work."""
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=120) for process in processes]
    assert [out.strip() for out, _ in answers] == ["0"] * 4, answers


def test_tables_of_another_program_are_left_alone(registry) -> None:
    """A database in which another program has tables of our names is refused with their names, and not touched."""
    engine = registry._database._bare_engine()
    if not registry._database.is_sqlite:
        schema.downgrade(engine, "base")
        with engine.begin() as connection:
            connection.exec_driver_sql(f"drop table {schema.VERSION_TABLE}")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table runs (id integer)")
    with pytest.raises(SettingsError, match="another program: runs"):
        registry.upgrade()
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["runs"]


def test_threads_that_make_databases_at_once(tmp_path, open_at) -> None:
    """Eight threads of one process, each opening a new file at the same moment: all of them work."""
    together = threading.Barrier(8)

    def first_call(number: int) -> int:
        registry = open_at(f"sqlite:///{tmp_path / f'r{number}.db'}")
        together.wait(timeout=60)
        return len(registry.collections())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(first_call, range(8))) == [0] * 8
