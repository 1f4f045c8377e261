"""What stages are governed by: checks, policies, transitions with their approvals, roles, freezes."""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.tables.base import key, link, metadata, who
from podium.sql.types import PlainJson, UtcDateTime

checks = sa.Table(
    "checks",
    metadata,
    key(),
    link("collection_id", "collections.id"),
    link("version_id", "versions.id"),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("metrics", PlainJson, nullable=False),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("suite", sa.String(64)),
    sa.Column("origin", PlainJson, nullable=False),
    *who(),
    sa.UniqueConstraint("collection_id", "sequence"),
    sa.Index("ix_checks_collection_id_name", "collection_id", "name"),
    sa.Index("ix_checks_name_status", "name", "status"),
    sa.Index("ix_checks_collection_id_name_sequence", "collection_id", "name", "sequence"),
    sa.Index("ix_checks_collection_id_digest", "collection_id", "digest"),
)

policies = sa.Table(
    "policies",
    metadata,
    key(),
    link("namespace_id", "namespaces.id"),
    link("collection_id", "collections.id", nullable=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("body", PlainJson, nullable=False),  # {} where a policy was taken away
    # For all models of a registry whose names fit; `fits` is the same for LIKE, on the folded name.
    *(sa.Column(name, sa.Text) for name in ("pattern", "fits")),
    sa.Column("weight", sa.BigInteger, nullable=False, server_default="0"),  # the heaviest that fits is in force
    sa.Column("current", sa.Boolean, nullable=False, server_default=sa.false()),  # the newest of its target
    *who(),
    sa.UniqueConstraint("namespace_id", "collection_id", "revision"),
    sa.Index("ix_policies_collection_id", "collection_id"),
    sa.Index("ix_policies_namespace_id_current", "namespace_id", "current"),
)

transitions = sa.Table(
    "transitions",
    metadata,
    key(),
    link("collection_id", "collections.id"),
    sa.Column("stage", sa.String(64), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("before", sa.BigInteger),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("gates", PlainJson, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("forced", sa.Boolean, nullable=False),
    sa.Column("request_key", sa.String(64)),
    sa.Column("policy", PlainJson),  # which policy its gates are of: target and revision
    sa.Column("expires_at", UtcDateTime),  # of a request that waits for approvals
    sa.Column("ended_at", UtcDateTime),  # when a request was committed, refused, rejected or cancelled
    *(sa.Column(name, sa.Text) for name in ("ended_by", "outcome")),  # by whom, and why it ended
    sa.Column("origin", PlainJson, nullable=False),
    *who(),
    sa.UniqueConstraint("collection_id", "request_key"),
    sa.Index("ix_transitions_collection_id_stage", "collection_id", "stage"),
    sa.Index("ix_transitions_status_collection_id", "status", "collection_id"),
)

# What people said about a request, only ever added; the last word of each person counts.
approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("transition_id", sa.ForeignKey("transitions.id"), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("origin", PlainJson, nullable=False),
    *who(),
    sa.CheckConstraint("decision in ('approved', 'rejected', 'withdrawn')", name="decision"),
)

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("namespace_id", sa.ForeignKey("namespaces.id"), primary_key=True),
    sa.Column("person_key", sa.Text, primary_key=True),  # folded: nobody is two people by the case of a letter
    sa.Column("role", sa.String(64), primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    *who(),
)

# Stages that are closed for promotions: of one model, or of all in a registry; one stage, or all.
freezes = sa.Table(
    "freezes",
    metadata,
    key(),
    link("namespace_id", "namespaces.id"),
    link("collection_id", "collections.id", nullable=True),
    sa.Column("stage", sa.String(64)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    *(sa.Column(name, sa.Text) for name in ("ended_by", "ended_reason")),
    sa.Column("origin", PlainJson, nullable=False),
    *who(),
    sa.Index("ix_freezes_namespace_id_ended_at", "namespace_id", "ended_at"),
)
