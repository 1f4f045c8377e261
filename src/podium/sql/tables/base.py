"""What tables are made of: names of constraints by convention, and columns that several have."""

from __future__ import annotations

import sqlalchemy as sa

from podium.sql.types import UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key() -> sa.Column[object]:
    """Return the column of an identifier, the primary key."""
    return sa.Column("id", sa.Uuid, primary_key=True)


def link(name: str, target: str, *, nullable: bool = False) -> sa.Column[object]:
    """Return a column that points at a row of another table."""
    return sa.Column(name, sa.ForeignKey(target), nullable=nullable)


def who() -> list[sa.Column[object]]:
    """Return the columns that say when and by whom a row was made."""
    return [
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
    ]


def fields() -> list[sa.Column[object]]:
    """Return the columns of a scalar of a JSON document, as `podium.domain.fields.flatten` makes it.

    The document itself is for display.
    """
    return [
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("prefix", sa.String(128)),
        sa.Column("value", sa.Double),
    ]


def stream() -> list[sa.Column[object]]:
    """Return the head of an event chain: it lives on the row that the change locks anyway."""
    return [
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
    ]
