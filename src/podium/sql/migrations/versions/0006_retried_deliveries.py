"""What a retry needs: where the schedule counts from; and an index of what is on its way in each line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEYS = ("subscription", "stream", "status", "sequence")


def upgrade() -> None:
    """Add the column; what is there already goes through the schedule from its first attempt on.

    What was tried more often than a schedule is long was retried by somebody: it has all of the schedule before it.
    What holds a message up is looked for among what is on its way, and no more among all that was sent before.
    """
    op.add_column("deliveries", sa.Column("tried_before", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.execute("UPDATE deliveries SET tried_before = attempts WHERE attempts > 9")  # the waits of the usual schedule
    op.create_index(f"ix_deliveries_{'_'.join(_KEYS)}", "deliveries", list(_KEYS))


def downgrade() -> None:
    """Take it away.

    Lost is at which attempt somebody had a delivery retried: one that is under way again may be given up sooner.
    """
    op.drop_index(f"ix_deliveries_{'_'.join(_KEYS)}", "deliveries")
    op.drop_column("deliveries", "tried_before")
