"""Runs, and what they logged and used."""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.tables.base import fields, link, metadata, who
from podium.sql.types import PlainJson, UtcDateTime

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    link("namespace_id", "namespaces.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("job_type", sa.Text),
    sa.Column("config", PlainJson, nullable=False),
    sa.Column("summary", PlainJson, nullable=False),
    sa.Column("steps", sa.BigInteger, nullable=False),
    sa.Column("origin", PlainJson, nullable=False),
    sa.Column("environment", PlainJson, nullable=False, server_default="{}"),
    sa.Column("goals", PlainJson, nullable=False, server_default="{}"),  # metric to "minimize" or "maximize"
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    *who(),
    sa.Index("ix_runs_namespace_id_created_at", "namespace_id", "created_at"),
    sa.Index("ix_runs_created_at_id", "created_at", "id"),
)

run_fields = sa.Table(
    "run_fields",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    *fields(),
    sa.Index("ix_run_fields_name_prefix", "name", "prefix"),
    sa.Index("ix_run_fields_name_value", "name", "value"),
)

run_metrics = sa.Table(
    "run_metrics",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
    sa.Column("value", sa.Double),
    sa.Column("text", sa.Text),
)

run_media = sa.Table(
    "run_media",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("digest", sa.ForeignKey("manifests.digest"), nullable=False, index=True),
    sa.Column("details", PlainJson, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

run_versions = sa.Table(
    "run_versions",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("version_id", sa.ForeignKey("versions.id"), primary_key=True),
    sa.Column("direction", sa.String(8), primary_key=True),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("direction in ('input', 'output')", name="direction"),
    sa.Index("ix_run_versions_version_id_direction", "version_id", "direction"),
)
