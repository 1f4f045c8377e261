"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import podium.sql.types

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of this revision."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take them away."""
    ${downgrades if downgrades else "pass"}
