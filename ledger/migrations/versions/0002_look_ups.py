"""Jobs that are reconciled with the API's transactions instead of being resent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("look_up", sa.String(length=16), nullable=True))
    op.add_column(
        "jobs", sa.Column("empty_looks", sa.Integer(), nullable=False, server_default="0")
    )
