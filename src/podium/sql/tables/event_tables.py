"""Events, and telling people of them."""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.tables.base import key, link, metadata, who
from podium.sql.types import PlainJson, UtcDateTime

events = sa.Table(
    "events",
    metadata,
    key(),
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
    *who(),
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
    sa.Column("model", sa.Text),
    sa.Column("filter", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("template", PlainJson),
    sa.Column("digest", sa.String(16)),
    sa.Column("deduplicate", sa.String(16)),
    *who(),
)

automations = sa.Table(
    "automations",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("events", PlainJson, nullable=False),
    sa.Column("settings", PlainJson, nullable=False),
    sa.Column("model", sa.Text),
    sa.Column("filter", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    *who(),
)

# `stream` and `sequence` are those of the event: what is ordered waits for what came before it in its collection.
# `topic` is what the messages of one thread have in common; `batch` is the end of the time that a digest sums up.
# `tried_before` is how many attempts had been made when somebody last had it retried: the schedule counts from there.
deliveries = sa.Table(
    "deliveries",
    metadata,
    key(),
    link("event_id", "events.id"),
    sa.Column("kind", sa.String(16), nullable=False, server_default="subscription"),
    sa.Column("subscription", sa.String(64), nullable=False),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("settings", PlainJson, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Column("receipt", sa.Text),
    sa.Column("stream", sa.Uuid),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("topic", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("request", sa.Uuid),
    sa.Column("template", PlainJson),
    sa.Column("batch", UtcDateTime),
    sa.Column("tried_before", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.UniqueConstraint("event_id", "subscription"),  # subscriptions and automations share one space of names
    sa.Index("ix_deliveries_status_next_at", "status", "next_at"),
    sa.Index("ix_deliveries_subscription_topic", "subscription", "topic"),
    sa.Index("ix_deliveries_subscription_stream_sequence", "subscription", "stream", "sequence"),
    sa.Index("ix_deliveries_subscription_stream_status_sequence", "subscription", "stream", "status", "sequence"),
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
