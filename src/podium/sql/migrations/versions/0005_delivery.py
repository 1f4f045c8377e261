"""What delivery needs: filters, templates, digests, automations, and deliveries that know their place in a thread."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from podium.sql.types import PlainJson, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Table to (column, type, default of the rows that are there already); without a default it may be NULL.
_COLUMNS: dict[str, tuple[tuple[str, sa.types.TypeEngine[Any], Any], ...]] = {
    "subscriptions": (
        ("model", sa.Text(), None),
        ("filter", sa.Text(), sa.text("''")),
        ("template", PlainJson(), None),
        ("digest", sa.String(16), None),
        ("deduplicate", sa.String(16), None),
    ),
    "deliveries": (
        ("kind", sa.String(16), "subscription"),
        ("stream", sa.Uuid(), None),
        ("sequence", sa.BigInteger(), None),
        ("topic", sa.Text(), sa.text("''")),
        ("request", sa.Uuid(), None),
        ("template", PlainJson(), None),
        ("batch", UtcDateTime(), None),
    ),
}
_INDEXES = (("subscription", "topic"), ("subscription", "stream", "sequence"))
_PLACES = """
UPDATE deliveries SET
    stream = (SELECT events.stream FROM events WHERE events.id = deliveries.event_id),
    sequence = (SELECT events.sequence FROM events WHERE events.id = deliveries.event_id),
    topic = (SELECT events.subject FROM events WHERE events.id = deliveries.event_id)
"""


def upgrade() -> None:
    """Add columns and the automations; deliveries that are there learn the place of their event."""
    for table, columns in _COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    op.create_table(
        "automations",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("events", PlainJson(), nullable=False),
        sa.Column("settings", PlainJson(), nullable=False),
        sa.Column("model", sa.Text()),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_automations")),
    )
    op.execute(sa.text(_PLACES))
    for keys in _INDEXES:
        op.create_index(f"ix_deliveries_{'_'.join(keys)}", "deliveries", list(keys))


def downgrade() -> None:
    """Take them away.

    Lost are automations with what is on its way to their actions, and filters, templates, digests and the like: a
    subscription tells of all its events again, at once and in Podium's own words. An event still tells of each.
    """
    gone = "SELECT id FROM deliveries WHERE kind <> 'subscription'"
    op.execute(sa.text(f"DELETE FROM delivery_attempts WHERE delivery_id IN ({gone})"))  # noqa: S608 - a constant
    op.execute(sa.text("DELETE FROM deliveries WHERE kind <> 'subscription'"))
    for keys in reversed(_INDEXES):
        op.drop_index(f"ix_deliveries_{'_'.join(keys)}", "deliveries")
    op.drop_table("automations")
    for table, columns in reversed(_COLUMNS.items()):
        for name, _, _ in reversed(columns):
            op.drop_column(table, name)
