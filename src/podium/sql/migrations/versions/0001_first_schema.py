"""The first schema."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from podium.sql.types import PlainJson, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "events",
    "manifests",
    "namespaces",
    "plugin_faults",
    "settings",
    "subscriptions",
    "collections",
    "deliveries",
    "manifest_entries",
    "runs",
    "alias_moves",
    "delivery_attempts",
    "policies",
    "run_metrics",
    "transitions",
    "versions",
    "checks",
    "memberships",
    "run_versions",
    "version_metrics",
    "aliases",
)


def upgrade() -> None:
    """Make the tables, and the registry that exists from the start."""
    for name in _TABLES:
        globals()[f"_make_{name}"]()
    namespaces = sa.table(
        "namespaces",
        sa.column("id", sa.Uuid),
        sa.column("name", sa.String),
        sa.column("kind", sa.String),
        sa.column("sequence", sa.BigInteger),
        sa.column("head", sa.String),
        sa.column("created_at", UtcDateTime),
        sa.column("created_by", sa.Text),
    )
    row = {"name": "model-registry", "kind": "registry", "sequence": 0, "head": "0" * 64, "created_by": "podium"}
    first = {"id": UUID("01900000-0000-7000-8000-000000000001"), "created_at": datetime.now(UTC)}
    op.bulk_insert(namespaces, [row | first])


def downgrade() -> None:
    """Take the tables away."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Uuid(), nullable=False),
        sa.Column("stream_name", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", PlainJson(), nullable=False),
        sa.Column("after", PlainJson(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("stream", "sequence", name=op.f("uq_events_stream_sequence")),
    )


def _make_manifests() -> None:
    op.create_table(
        "manifests",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_manifests")),
    )


def _make_namespaces() -> None:
    op.create_table(
        "namespaces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('project', 'registry')", name=op.f("ck_namespaces_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_namespaces")),
        sa.UniqueConstraint("name", name=op.f("uq_namespaces_name")),
    )


def _make_plugin_faults() -> None:
    op.create_table(
        "plugin_faults",
        sa.Column("plugin", sa.String(length=128), nullable=False),
        sa.Column("hook", sa.String(length=64), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plugin", "hook", name=op.f("pk_plugin_faults")),
    )


def _make_settings() -> None:
    op.create_table(
        "settings",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )


def _make_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("events", PlainJson(), nullable=False),
        sa.Column("settings", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_subscriptions")),
    )


def _make_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("namespace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('artifact', 'model')", name=op.f("ck_collections_kind")),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespaces.id"], name=op.f("fk_collections_namespace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("namespace_id", "name_key", name=op.f("uq_collections_namespace_id_name_key")),
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("subscription", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("settings", PlainJson(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("event_id", "subscription", name=op.f("uq_deliveries_event_id_subscription")),
    )
    op.create_index("ix_deliveries_status_next_at", "deliveries", ["status", "next_at"], unique=False)


def _make_manifest_entries() -> None:
    op.create_table(
        "manifest_entries",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["manifests.digest"], name=op.f("fk_manifest_entries_digest")),
        sa.PrimaryKeyConstraint("digest", "path", name=op.f("pk_manifest_entries")),
    )
    op.create_index(op.f("ix_manifest_entries_sha256"), "manifest_entries", ["sha256"], unique=False)


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("namespace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=True),
        sa.Column("config", PlainJson(), nullable=False),
        sa.Column("summary", PlainJson(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespaces.id"], name=op.f("fk_runs_namespace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_namespace_id_created_at", "runs", ["namespace_id", "created_at"], unique=False)


def _make_alias_moves() -> None:
    op.create_table(
        "alias_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("after", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_alias_moves_collection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alias_moves")),
        sa.UniqueConstraint(
            "collection_id", "name", "revision", name=op.f("uq_alias_moves_collection_id_name_revision")
        ),
    )


def _make_delivery_attempts() -> None:
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_attempts_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "attempt", name=op.f("pk_delivery_attempts")),
    )


def _make_policies() -> None:
    op.create_table(
        "policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("namespace_id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("body", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_policies_collection_id")),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespaces.id"], name=op.f("fk_policies_namespace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("namespace_id", "revision", name=op.f("uq_policies_namespace_id_revision")),
    )
    op.create_index("ix_policies_collection_id", "policies", ["collection_id"], unique=False)


def _make_run_metrics() -> None:
    op.create_table(
        "run_metrics",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_metrics_run_id")),
        sa.PrimaryKeyConstraint("run_id", "name", "step", name=op.f("pk_run_metrics")),
    )


def _make_transitions() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("gates", PlainJson(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("request_key", sa.String(length=64), nullable=True),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_transitions_collection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        sa.UniqueConstraint("collection_id", "request_key", name=op.f("uq_transitions_collection_id_request_key")),
    )
    op.create_index("ix_transitions_collection_id_stage", "transitions", ["collection_id", "stage"], unique=False)


def _make_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("metadata", PlainJson(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("supersedes", sa.BigInteger(), nullable=True),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_versions_collection_id")),
        sa.ForeignKeyConstraint(["digest"], ["manifests.digest"], name=op.f("fk_versions_digest")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_versions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("collection_id", "number", name=op.f("uq_versions_collection_id_number")),
    )
    op.create_index("ix_versions_collection_id_digest", "versions", ["collection_id", "digest"], unique=False)
    op.create_index("ix_versions_collection_id_identity", "versions", ["collection_id", "identity"], unique=False)


def _make_checks() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("metrics", PlainJson(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("suite", sa.String(length=64), nullable=True),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_checks_collection_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_checks_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
        sa.UniqueConstraint("collection_id", "sequence", name=op.f("uq_checks_collection_id_sequence")),
    )
    op.create_index("ix_checks_collection_id_name", "checks", ["collection_id", "name"], unique=False)


def _make_memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("origin", PlainJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_memberships_collection_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_memberships_version_id")),
        sa.PrimaryKeyConstraint("collection_id", "number", name=op.f("pk_memberships")),
        sa.UniqueConstraint("collection_id", "version_id", name=op.f("uq_memberships_collection_id_version_id")),
    )


def _make_run_versions() -> None:
    op.create_table(
        "run_versions",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("direction in ('input', 'output')", name=op.f("ck_run_versions_direction")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_versions_run_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_run_versions_version_id")),
        sa.PrimaryKeyConstraint("run_id", "version_id", "direction", name=op.f("pk_run_versions")),
    )
    op.create_index("ix_run_versions_version_id", "run_versions", ["version_id"], unique=False)


def _make_version_metrics() -> None:
    op.create_table(
        "version_metrics",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_version_metrics_version_id")),
        sa.PrimaryKeyConstraint("version_id", "name", name=op.f("pk_version_metrics")),
    )


def _make_aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id", "number"],
            ["memberships.collection_id", "memberships.number"],
            name=op.f("fk_aliases_collection_id_number"),
        ),
        sa.PrimaryKeyConstraint("collection_id", "name", name=op.f("pk_aliases")),
    )
    op.create_index("ix_aliases_collection_id_number", "aliases", ["collection_id", "number"], unique=False)
