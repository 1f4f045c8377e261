"""What a retry needs: from which attempt on a delivery goes through the schedule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there already goes through the schedule from its first attempt on."""
    op.add_column("deliveries", sa.Column("tried_before", sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    """Take it away.

    Lost is at which attempt somebody had a delivery retried: one that is under way again may be given up sooner.
    """
    op.drop_column("deliveries", "tried_before")
