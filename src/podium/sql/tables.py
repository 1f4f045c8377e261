"""The schema. Constraints are named by convention, so that an error can be translated by name.

One pattern carries artifacts and registered models alike: a *collection* has *memberships*, numbered places that point
at a *version* (the immutable bytes). Logging makes a version and its membership in the artifact; linking makes a
further membership in a model and copies nothing. An *alias* points at a membership by foreign key, so it can never
dangle, and its primary key makes two holders impossible.
"""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.types import PlainJson, UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.ForeignKey(target), nullable=nullable)


def _who() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
    ]


def _fields() -> list[sa.Column[object]]:
    """A scalar of a JSON document, as `podium.domain.fields.flatten` makes it; the document itself is for display."""
    return [
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("prefix", sa.String(128)),
        sa.Column("value", sa.Double),
    ]


def _stream() -> list[sa.Column[object]]:
    """The head of an event chain lives on the row that the change locks anyway."""
    return [
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
    ]


settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

namespaces = sa.Table(
    "namespaces",
    metadata,
    _id(),
    sa.Column("name", sa.String(128), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("types", PlainJson),  # what a registry accepts; NULL for every type
    *_stream(),
    *_who(),
    sa.CheckConstraint("kind in ('project', 'registry')", name="kind"),
)

collections = sa.Table(
    "collections",
    metadata,
    _id(),
    _link("namespace_id", "namespaces.id"),
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
    *_stream(),
    *_who(),
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
    _link("collection_id", "collections.id"),
    sa.Column("next_number", sa.BigInteger, nullable=False),
    *_who(),
)

collection_tags = sa.Table(
    "collection_tags",
    metadata,
    sa.Column("collection_id", sa.ForeignKey("collections.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    *_who(),
    sa.Index("ix_collection_tags_name", "name"),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _link("namespace_id", "namespaces.id"),
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
    *_who(),
    sa.Index("ix_runs_namespace_id_created_at", "namespace_id", "created_at"),
    sa.Index("ix_runs_created_at_id", "created_at", "id"),
)

run_fields = sa.Table(
    "run_fields",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True),
    *_fields(),
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

versions = sa.Table(
    "versions",
    metadata,
    _id(),
    _link("collection_id", "collections.id"),
    sa.Column("number", sa.BigInteger, nullable=False),
    _link("digest", "manifests.digest"),
    sa.Column("metadata", PlainJson, nullable=False),
    sa.Column("description", sa.Text),
    _link("run_id", "runs.id", nullable=True),
    sa.Column("identity", sa.Text),
    sa.Column("supersedes", sa.BigInteger),
    sa.Column("origin", PlainJson, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("deleted_at", UtcDateTime),
    sa.Column("purged_at", UtcDateTime),
    *_who(),
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
    *_fields(),
    sa.Index("ix_version_fields_name_prefix", "name", "prefix"),
    sa.Index("ix_version_fields_name_value", "name", "value"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("collection_id", sa.ForeignKey("collections.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    _link("version_id", "versions.id"),
    # What was edited on a link; NULL shows what the source says.
    sa.Column("metadata", PlainJson),
    sa.Column("description", sa.Text),
    sa.Column("origin", PlainJson, nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    *_who(),
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
    *_fields(),
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
    *_who(),
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
    _id(),
    _link("collection_id", "collections.id"),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("before", sa.BigInteger),
    sa.Column("after", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Column("origin", PlainJson, nullable=False),
    *_who(),
    sa.UniqueConstraint("collection_id", "name", "revision"),
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

checks = sa.Table(
    "checks",
    metadata,
    _id(),
    _link("collection_id", "collections.id"),
    _link("version_id", "versions.id"),
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
    *_who(),
    sa.UniqueConstraint("collection_id", "sequence"),
    sa.Index("ix_checks_collection_id_name", "collection_id", "name"),
    sa.Index("ix_checks_name_status", "name", "status"),
    sa.Index("ix_checks_collection_id_name_sequence", "collection_id", "name", "sequence"),
    sa.Index("ix_checks_collection_id_digest", "collection_id", "digest"),
)

policies = sa.Table(
    "policies",
    metadata,
    _id(),
    _link("namespace_id", "namespaces.id"),
    _link("collection_id", "collections.id", nullable=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("body", PlainJson, nullable=False),  # {} where a policy was taken away
    # For all models of a registry whose names fit; `fits` is the same for LIKE, on the folded name.
    *(sa.Column(name, sa.Text) for name in ("pattern", "fits")),
    sa.Column("weight", sa.BigInteger, nullable=False, server_default="0"),  # the heaviest that fits is in force
    sa.Column("current", sa.Boolean, nullable=False, server_default=sa.false()),  # the newest of its target
    *_who(),
    sa.UniqueConstraint("namespace_id", "collection_id", "revision"),
    sa.Index("ix_policies_collection_id", "collection_id"),
    sa.Index("ix_policies_namespace_id_current", "namespace_id", "current"),
)

transitions = sa.Table(
    "transitions",
    metadata,
    _id(),
    _link("collection_id", "collections.id"),
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
    *_who(),
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
    *_who(),
    sa.CheckConstraint("decision in ('approved', 'rejected', 'withdrawn')", name="decision"),
)

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("namespace_id", sa.ForeignKey("namespaces.id"), primary_key=True),
    sa.Column("person_key", sa.Text, primary_key=True),  # folded: nobody is two people by the case of a letter
    sa.Column("role", sa.String(64), primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    *_who(),
)

# Stages that are closed for promotions: of one model, or of all in a registry; one stage, or all.
freezes = sa.Table(
    "freezes",
    metadata,
    _id(),
    _link("namespace_id", "namespaces.id"),
    _link("collection_id", "collections.id", nullable=True),
    sa.Column("stage", sa.String(64)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    *(sa.Column(name, sa.Text) for name in ("ended_by", "ended_reason")),
    sa.Column("origin", PlainJson, nullable=False),
    *_who(),
    sa.Index("ix_freezes_namespace_id_ended_at", "namespace_id", "ended_at"),
)

events = sa.Table(
    "events",
    metadata,
    _id(),
    sa.Column("stream", sa.Uuid, nullable=False),
    sa.Column("stream_name", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("before", PlainJson, nullable=False),
    sa.Column("after", PlainJson, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("origin", PlainJson, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    *_who(),
    sa.UniqueConstraint("stream", "sequence"),
    sa.Index("ix_events_created_at_id", "created_at", "id"),
    sa.Index("ix_events_type_created_at", "type", "created_at"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("events", PlainJson, nullable=False),
    sa.Column("settings", PlainJson, nullable=False),
    *_who(),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    _id(),
    _link("event_id", "events.id"),
    sa.Column("subscription", sa.String(64), nullable=False),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("settings", PlainJson, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Column("receipt", sa.Text),
    sa.UniqueConstraint("event_id", "subscription"),
    sa.Index("ix_deliveries_status_next_at", "status", "next_at"),
)

delivery_attempts = sa.Table(
    "delivery_attempts",
    metadata,
    sa.Column("delivery_id", sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Column("receipt", sa.Text),
)

plugin_faults = sa.Table(
    "plugin_faults",
    metadata,
    sa.Column("plugin", sa.String(128), primary_key=True),
    sa.Column("hook", sa.String(64), primary_key=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
)
