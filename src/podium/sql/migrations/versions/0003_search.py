"""What search looks values up in: fields of metadata and configuration, stages among aliases, and indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from podium.domain.fields import flatten
from podium.sql.types import PlainJson

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEXES: tuple[tuple[str, ...], ...] = (
    ("aliases", "name"),
    ("checks", "name", "status"),
    ("events", "created_at", "id"),
    ("events", "type", "created_at"),
    ("member_fields", "name", "prefix"),
    ("member_fields", "name", "value"),
    ("memberships", "created_at", "collection_id", "number"),
    ("memberships", "created_by"),
    ("run_versions", "version_id", "direction"),
    ("run_fields", "name", "prefix"),
    ("run_fields", "name", "value"),
    ("runs", "created_at", "id"),
    ("version_fields", "name", "prefix"),
    ("version_fields", "name", "value"),
    ("version_metrics", "name", "value", "version_id"),
)
# Table of fields to (its key, the table that it points at, the document that its rows are of).
_FIELDS: dict[str, tuple[tuple[tuple[str, sa.types.TypeEngine[Any], str], ...], str, str]] = {
    "version_fields": ((("version_id", sa.Uuid(), "id"),), "versions", "metadata"),
    "member_fields": (
        (("collection_id", sa.Uuid(), "collection_id"), ("number", sa.BigInteger(), "number")),
        "memberships",
        "metadata",
    ),
    "run_fields": ((("run_id", sa.String(64), "id"),), "runs", "config"),
}
_DEFAULT_STAGES = frozenset({"staging", "production"})
_CHUNK = 500


def upgrade() -> None:
    """Add the columns, tables and indexes, and fill them from what is there."""
    op.add_column("runs", sa.Column("goals", PlainJson(), nullable=False, server_default="{}"))
    op.add_column("aliases", sa.Column("stage", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in _FIELDS:
        _make_fields(name)
        _fill_fields(name)
    _mark_stages()
    for table, *keys in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(keys)}", table, keys)
    op.create_index("ix_collections_name", "collections", ["name"], postgresql_ops={"name": "text_pattern_ops"})
    op.drop_index("ix_run_versions_version_id", "run_versions")
    _number_policies(("namespace_id", "revision"), ("namespace_id", "collection_id", "revision"))


def downgrade() -> None:
    """Take them away.

    Lost is which direction of a metric was declared as the better one.
    """
    _count_policies()
    _number_policies(("namespace_id", "collection_id", "revision"), ("namespace_id", "revision"))
    op.create_index("ix_run_versions_version_id", "run_versions", ["version_id"])
    op.drop_index("ix_collections_name", "collections")
    for table, *keys in reversed(_INDEXES):
        op.drop_index(f"ix_{table}_{'_'.join(keys)}", table)
    for name in reversed(_FIELDS):
        op.drop_table(name)
    op.drop_column("aliases", "stage")
    op.drop_column("runs", "goals")


def _number_policies(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Number the policies of each model by themselves, so that one can move to a registry that has others."""
    with op.batch_alter_table("policies") as table:
        table.drop_constraint(f"uq_policies_{'_'.join(old)}", type_="unique")
        table.create_unique_constraint(f"uq_policies_{'_'.join(new)}", list(new))


def _count_policies() -> None:
    """Give the policies of a registry numbers that differ, in the order that they have."""
    policies = sa.table(
        "policies", sa.column("id", sa.Uuid()), sa.column("namespace_id", sa.Uuid()), sa.column("revision")
    )
    p, connection = policies.c, op.get_bind()
    counted: Counter[Any] = Counter()
    for key, space, revision in connection.execute(
        sa.select(p.id, p.namespace_id, p.revision).order_by(p.revision)
    ).all():
        counted[space] = max(counted[space] + 1, revision)
        if counted[space] != revision:
            connection.execute(sa.update(policies).where(p.id == key).values(revision=counted[space]))


def _make_fields(name: str) -> None:
    key, target, _ = _FIELDS[name]
    names = [column for column, _, _ in key]
    op.create_table(
        name,
        *(sa.Column(column, kind, nullable=False) for column, kind, _ in key),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("prefix", sa.String(128)),
        sa.Column("value", sa.Double()),
        sa.ForeignKeyConstraint(
            names, [f"{target}.{column}" for _, _, column in key], name=op.f(f"fk_{name}_{'_'.join(names)}")
        ),
        sa.PrimaryKeyConstraint(*names, "name", "position", name=op.f(f"pk_{name}")),
    )


def _fill_fields(name: str) -> None:
    key, target, document = _FIELDS[name]
    source = sa.table(target, *(sa.column(column, kind) for _, kind, column in key), sa.column(document, PlainJson())).c
    made = sa.table(
        name,
        *(sa.column(column, kind) for column, kind, _ in key),
        *(sa.column(column) for column in ("name", "position", "kind", "text", "prefix", "value")),
    )
    query = sa.select(*(source[column] for _, _, column in key), source[document]).where(source[document].is_not(None))
    for rows in _chunks(op.get_bind().execute(query)):
        fields = [
            dict(zip((column for column, _, _ in key), row[:-1], strict=True)) | _columns(field)
            for row in rows
            for field in flatten(row[-1])
        ]
        if fields:
            op.get_bind().execute(sa.insert(made), fields)


def _columns(field: Any) -> dict[str, Any]:
    return {column: getattr(field, column) for column in ("name", "position", "kind", "text", "prefix", "value")}


def _mark_stages() -> None:
    """Mark the aliases that are stages by the newest policy of their model, else of its registry, else by default."""
    connection = op.get_bind()
    stages = _stages(connection)
    collections = sa.table(
        "collections", sa.column("id", sa.Uuid()), sa.column("namespace_id", sa.Uuid()), sa.column("kind")
    ).c
    aliases = sa.table("aliases", sa.column("collection_id", sa.Uuid()), sa.column("name"), sa.column("stage"))
    query = sa.select(aliases.c.collection_id, aliases.c.name, collections.namespace_id).where(
        collections.id == aliases.c.collection_id, collections.kind == "model"
    )
    marked = [
        {"of": collection, "called": name}
        for collection, name, space in connection.execute(query).all()
        if name in stages.get((space, collection), stages.get((space, None), _DEFAULT_STAGES))
    ]
    if marked:
        here = (
            aliases.c.collection_id == sa.bindparam("of", type_=sa.Uuid()),
            aliases.c.name == sa.bindparam("called"),
        )
        connection.execute(sa.update(aliases).where(*here).values(stage=sa.true()), marked)


def _stages(connection: sa.Connection) -> dict[tuple[Any, Any], frozenset[str]]:
    """Return the stages by registry and model, None for the default of a registry."""
    policies = sa.table(
        "policies",
        sa.column("namespace_id", sa.Uuid()),
        sa.column("collection_id", sa.Uuid()),
        sa.column("revision"),
        sa.column("body", PlainJson()),
    ).c
    query = sa.select(policies.namespace_id, policies.collection_id, policies.body).order_by(policies.revision)
    return {
        (space, collection): frozenset(stage["name"] for stage in body["stages"])
        for space, collection, body in connection.execute(query)
    }


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while some := list(islice(remaining, _CHUNK)):
        yield some
