"""What promotion needs: policies for patterns of names, requests that wait for approvals, roles, freezes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from podium.sql.types import PlainJson, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EXACT = 2**30  # the weight of a policy for one model
_WHO = (("created_at", UtcDateTime(), False), ("created_by", sa.Text(), False))
# Table to (column, type, default of the rows that are there already); without a default it may be NULL.
_COLUMNS: dict[str, tuple[tuple[str, sa.types.TypeEngine[Any], Any], ...]] = {
    "policies": (
        ("pattern", sa.Text(), None),
        ("fits", sa.Text(), None),
        ("weight", sa.BigInteger(), "0"),
        ("current", sa.Boolean(), sa.false()),
    ),
    "transitions": (
        ("policy", PlainJson(), None),
        ("expires_at", UtcDateTime(), None),
        ("ended_at", UtcDateTime(), None),
        ("ended_by", sa.Text(), None),
        ("outcome", sa.Text(), None),
    ),
}
_TAKEN_AWAY = """
DELETE FROM policies WHERE EXISTS (
    SELECT 1 FROM policies AS gone WHERE gone.body = '{}' AND gone.revision >= policies.revision
    AND gone.namespace_id = policies.namespace_id AND (gone.collection_id = policies.collection_id
    OR (gone.collection_id IS NULL AND policies.collection_id IS NULL)))
"""
_INDEXES = (("policies", "namespace_id", "current"), ("transitions", "status", "collection_id"))


def upgrade() -> None:
    """Add columns and tables; of the policies that are there, the newest of each target is the current one."""
    for table, columns in _COLUMNS.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    _make_approvals()
    _make_roles()
    _make_freezes()
    _mark_current()
    for table, *keys in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(keys)}", table, keys)


def downgrade() -> None:
    """Take them away.

    Lost are policies for patterns of names, requests that wait for approvals with what people said about them, roles,
    and freezes; a policy that was taken away is as if it had never been. An event still tells of each of them.
    """
    for table, *keys in reversed(_INDEXES):
        op.drop_index(f"ix_{table}_{'_'.join(keys)}", table)
    for table in ("freezes", "roles", "approvals"):
        op.drop_table(table)
    op.execute(sa.text("DELETE FROM transitions WHERE status NOT IN ('committed', 'refused') OR kind = 'demoted'"))
    op.execute(sa.text("UPDATE alias_moves SET kind = 'removed' WHERE kind = 'demoted'"))
    op.execute(sa.text("DELETE FROM policies WHERE pattern IS NOT NULL"))
    op.execute(sa.text(_TAKEN_AWAY))
    for table, columns in reversed(_COLUMNS.items()):
        for name, _, _ in reversed(columns):
            op.drop_column(table, name)


def _make_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("transition_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("origin", PlainJson(), nullable=False),
        *(sa.Column(name, kind, nullable=nullable) for name, kind, nullable in _WHO),
        sa.CheckConstraint("decision in ('approved', 'rejected', 'withdrawn')", name=op.f("ck_approvals_decision")),
        sa.ForeignKeyConstraint(["transition_id"], ["transitions.id"], name=op.f("fk_approvals_transition_id")),
        sa.PrimaryKeyConstraint("transition_id", "position", name=op.f("pk_approvals")),
    )


def _make_roles() -> None:
    op.create_table(
        "roles",
        sa.Column("namespace_id", sa.Uuid(), nullable=False),
        sa.Column("person_key", sa.Text(), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        *(sa.Column(name, kind, nullable=nullable) for name, kind, nullable in _WHO),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespaces.id"], name=op.f("fk_roles_namespace_id")),
        sa.PrimaryKeyConstraint("namespace_id", "person_key", "role", name=op.f("pk_roles")),
    )


def _make_freezes() -> None:
    op.create_table(
        "freezes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("namespace_id", sa.Uuid(), nullable=False),
        sa.Column("collection_id", sa.Uuid()),
        sa.Column("stage", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("ended_by", sa.Text()),
        sa.Column("ended_reason", sa.Text()),
        sa.Column("origin", PlainJson(), nullable=False),
        *(sa.Column(name, kind, nullable=nullable) for name, kind, nullable in _WHO),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespaces.id"], name=op.f("fk_freezes_namespace_id")),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name=op.f("fk_freezes_collection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freezes")),
    )
    op.create_index("ix_freezes_namespace_id_ended_at", "freezes", ["namespace_id", "ended_at"])


def _mark_current() -> None:
    columns: list[sa.ColumnClause[Any]] = [
        sa.column("namespace_id", sa.Uuid()),
        sa.column("collection_id", sa.Uuid()),
        sa.column("revision", sa.BigInteger()),
        sa.column("weight", sa.BigInteger()),
        sa.column("current", sa.Boolean()),
    ]
    policies = sa.table("policies", *columns)
    p, newer = policies.c, policies.alias("newer")
    same = sa.and_(
        newer.c.namespace_id == p.namespace_id,
        sa.or_(
            newer.c.collection_id == p.collection_id,
            sa.and_(newer.c.collection_id.is_(None), p.collection_id.is_(None)),
        ),
        newer.c.revision > p.revision,
    )
    newest = sa.update(policies).where(~sa.exists(sa.select(newer.c.revision).where(same)))
    op.execute(newest.values(current=sa.true()))
    op.execute(sa.update(policies).where(p.collection_id.is_not(None)).values(weight=_EXACT))
