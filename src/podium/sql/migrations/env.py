"""Alembic's environment; it only works on the connection that `podium.sql.schema` hands over."""

from __future__ import annotations

from alembic import context

from podium.sql.schema import VERSION_TABLE
from podium.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    compare_type=True,
    # SQLite rolls DDL back too once the driver no longer commits behind our back (see sql.database).
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
