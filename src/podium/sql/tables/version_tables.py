"""Versions: their manifests, what is known of them, where they are members, and their aliases."""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.tables.base import fields, key, link, metadata, who
from podium.sql.types import PlainJson, UtcDateTime

manifests = sa.Table(
    "manifests",
    metadata,
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
)

manifest_entries = sa.Table(
    "manifest_entries",
    metadata,
    sa.Column("digest", sa.ForeignKey("manifests.digest"), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),  # empty where a reference does not say
    sa.Column("uri", sa.Text),  # NULL for content that is stored
    sa.Column("integrity", sa.String(16)),
    sa.Column("etag", sa.Text),
)

versions = sa.Table(
    "versions",
    metadata,
    key(),
    link("collection_id", "collections.id"),
    sa.Column("number", sa.BigInteger, nullable=False),
    link("digest", "manifests.digest"),
    sa.Column("metadata", PlainJson, nullable=False),
    sa.Column("description", sa.Text),
    link("run_id", "runs.id", nullable=True),
    sa.Column("identity", sa.Text),
    sa.Column("supersedes", sa.BigInteger),
    sa.Column("origin", PlainJson, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("deleted_at", UtcDateTime),
    sa.Column("purged_at", UtcDateTime),
    *who(),
    sa.UniqueConstraint("collection_id", "number"),
    sa.Index("ix_versions_digest", "digest"),
    sa.Index("ix_versions_expires_at", "expires_at"),
    sa.Index("ix_versions_deleted_at", "deleted_at"),
    sa.Index("ix_versions_collection_id_digest", "collection_id", "digest"),
    sa.Index("ix_versions_collection_id_identity", "collection_id", "identity"),
)

version_metrics = sa.Table(
    "version_metrics",
    metadata,
    sa.Column("version_id", sa.ForeignKey("versions.id"), primary_key=True),
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Index("ix_version_metrics_name_value_version_id", "name", "value", "version_id"),
)

version_fields = sa.Table(
    "version_fields",
    metadata,
    sa.Column("version_id", sa.ForeignKey("versions.id"), primary_key=True),
    *fields(),
    sa.Index("ix_version_fields_name_prefix", "name", "prefix"),
    sa.Index("ix_version_fields_name_value", "name", "value"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("collection_id", sa.ForeignKey("collections.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    link("version_id", "versions.id"),
    # What was edited on a link; NULL shows what the source says.
    sa.Column("metadata", PlainJson),
    sa.Column("description", sa.Text),
    sa.Column("origin", PlainJson, nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    *who(),
    sa.UniqueConstraint("collection_id", "version_id"),
    sa.Index("ix_memberships_version_id", "version_id"),
    sa.Index("ix_memberships_created_at_collection_id_number", "created_at", "collection_id", "number"),
    sa.Index("ix_memberships_created_by", "created_by"),
)

# Only of what was edited on a link; the others show the fields of their source.
member_fields = sa.Table(
    "member_fields",
    metadata,
    sa.Column("collection_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    *fields(),
    sa.ForeignKeyConstraint(["collection_id", "number"], ["memberships.collection_id", "memberships.number"]),
    sa.Index("ix_member_fields_name_prefix", "name", "prefix"),
    sa.Index("ix_member_fields_name_value", "name", "value"),
)

version_tags = sa.Table(
    "version_tags",
    metadata,
    sa.Column("collection_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    *who(),
    sa.ForeignKeyConstraint(["collection_id", "number"], ["memberships.collection_id", "memberships.number"]),
    sa.Index("ix_version_tags_name", "name"),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("collection_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    # Whether the policy in force governs it; kept with each move and each change of a policy.
    sa.Column("stage", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.ForeignKeyConstraint(["collection_id", "number"], ["memberships.collection_id", "memberships.number"]),
    sa.Index("ix_aliases_collection_id_number", "collection_id", "number"),
    sa.Index("ix_aliases_name", "name"),
)

alias_moves = sa.Table(
    "alias_moves",
    metadata,
    key(),
    link("collection_id", "collections.id"),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("before", sa.BigInteger),
    sa.Column("after", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Column("origin", PlainJson, nullable=False),
    *who(),
    sa.UniqueConstraint("collection_id", "name", "revision"),
)
