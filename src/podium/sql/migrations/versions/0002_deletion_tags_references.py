"""Soft deletion, tags, renames, references, media of runs, and counters that make an overview cheap."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from podium.sql.types import PlainJson, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Table to (column, type, default of the rows that are there already); without a default it may be NULL.
_COLUMNS: dict[str, tuple[tuple[str, sa.types.TypeEngine[Any], str | None], ...]] = {
    "namespaces": (("description", sa.Text(), None), ("types", PlainJson(), None)),
    "collections": (
        ("owner", sa.Text(), None),
        ("task", sa.Text(), None),
        ("live", sa.BigInteger(), "0"),
        ("latest", sa.BigInteger(), None),
        ("deleted_at", UtcDateTime(), None),
    ),
    "runs": (("environment", PlainJson(), "{}"), ("heartbeat_at", UtcDateTime(), None)),
    "manifest_entries": (("uri", sa.Text(), None), ("integrity", sa.String(16), None), ("etag", sa.Text(), None)),
    "versions": (
        ("expires_at", UtcDateTime(), None),
        ("deleted_at", UtcDateTime(), None),
        ("purged_at", UtcDateTime(), None),
    ),
    "memberships": (
        ("metadata", PlainJson(), None),
        ("description", sa.Text(), None),
        ("deleted_at", UtcDateTime(), None),
    ),
}
_INDEXES: tuple[tuple[str, ...], ...] = (
    ("checks", "collection_id", "digest"),
    ("checks", "collection_id", "name", "sequence"),
    ("versions", "digest"),
    ("versions", "expires_at"),
    ("versions", "deleted_at"),
    ("memberships", "version_id"),
    ("collection_tags", "name"),
    ("version_tags", "name"),
    ("run_media", "digest"),
)
_TABLES = ("former_names", "collection_tags", "version_tags", "run_media")


def upgrade() -> None:
    """Add the columns and tables, and count what is there."""
    for table, columns in _COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    for name in _TABLES:
        globals()[f"_make_{name}"]()
    for table, *keys in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(keys)}", table, keys)
    members = "from memberships where memberships.collection_id = collections.id"
    op.execute(
        sa.text(
            f"update collections set live = (select count(*) {members}), latest = (select max(number) {members})"  # noqa: S608 - constants
        )
    )


def downgrade() -> None:
    """Take them away.

    Lost are tags, owners, tasks, edits made on links, times to live, media and environments of runs, and the names that
    renames gave up (whoever takes one counts from 0 again). What was deleted softly comes back; versions whose content
    was given up for good come back without it, and references become files whose content is missing.
    """
    for table, *keys in reversed(_INDEXES):
        op.drop_index(f"ix_{table}_{'_'.join(keys)}", table)
    for name in reversed(_TABLES):
        op.drop_table(name)
    for table, columns in _COLUMNS.items():
        for name, _kind, _default in columns:
            op.drop_column(table, name)


def _who() -> list[sa.Column[object]]:
    return [sa.Column("created_at", UtcDateTime(), nullable=False), sa.Column("created_by", sa.Text(), nullable=False)]


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _make_former_names() -> None:
    op.create_table(
        "former_names",
        sa.Column("namespace_id", sa.Uuid(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        *_who(),
        _key("former_names", "namespace_id", "namespaces.id"),
        _key("former_names", "collection_id", "collections.id"),
        sa.PrimaryKeyConstraint("namespace_id", "name_key", name=op.f("pk_former_names")),
    )


def _make_collection_tags() -> None:
    op.create_table(
        "collection_tags",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        *_who(),
        _key("collection_tags", "collection_id", "collections.id"),
        sa.PrimaryKeyConstraint("collection_id", "name", name=op.f("pk_collection_tags")),
    )


def _make_version_tags() -> None:
    op.create_table(
        "version_tags",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        *_who(),
        sa.ForeignKeyConstraint(
            ["collection_id", "number"],
            ["memberships.collection_id", "memberships.number"],
            name=op.f("fk_version_tags_collection_id_number"),
        ),
        sa.PrimaryKeyConstraint("collection_id", "number", "name", name=op.f("pk_version_tags")),
    )


def _make_run_media() -> None:
    op.create_table(
        "run_media",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("details", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _key("run_media", "run_id", "runs.id"),
        _key("run_media", "digest", "manifests.digest"),
        sa.PrimaryKeyConstraint("run_id", "name", "step", name=op.f("pk_run_media")),
    )
