"""Campaigns' shares of the rate; existing campaigns get equal ones."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaigns", sa.Column("weight", sa.Integer(), nullable=False, server_default="1")
    )
