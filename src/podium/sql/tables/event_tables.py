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
    *who(),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    key(),
    link("event_id", "events.id"),
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
