"""Where things are: settings, projects and registries, artifacts and registered models."""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.tables.base import key, link, metadata, stream, who
from podium.sql.types import PlainJson, UtcDateTime

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

namespaces = sa.Table(
    "namespaces",
    metadata,
    key(),
    sa.Column("name", sa.String(128), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("types", PlainJson),  # what a registry accepts; NULL for every type
    *stream(),
    *who(),
    sa.CheckConstraint("kind in ('project', 'registry')", name="kind"),
)

collections = sa.Table(
    "collections",
    metadata,
    key(),
    link("namespace_id", "namespaces.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("type", sa.String(128), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("owner", sa.Text),
    sa.Column("task", sa.Text),
    sa.Column("next_number", sa.BigInteger, nullable=False),
    # Kept with each change, so that an overview costs the same with a hundred versions and with a hundred thousand.
    sa.Column("live", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("latest", sa.BigInteger),
    sa.Column("deleted_at", UtcDateTime),
    *stream(),
    *who(),
    sa.UniqueConstraint("namespace_id", "name_key"),
    sa.CheckConstraint("kind in ('artifact', 'model')", name="kind"),
    sa.Index("ix_collections_name", "name", postgresql_ops={"name": "text_pattern_ops"}),  # so that it serves prefixes
)

# A name that a collection gave up: whoever takes it counts on from there, so that no reference ever names two things.
former_names = sa.Table(
    "former_names",
    metadata,
    sa.Column("namespace_id", sa.ForeignKey("namespaces.id"), primary_key=True),
    sa.Column("name_key", sa.Text, primary_key=True),
    link("collection_id", "collections.id"),
    sa.Column("next_number", sa.BigInteger, nullable=False),
    *who(),
)

collection_tags = sa.Table(
    "collection_tags",
    metadata,
    sa.Column("collection_id", sa.ForeignKey("collections.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    *who(),
    sa.Index("ix_collection_tags_name", "name"),
)
