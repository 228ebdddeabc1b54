"""Samples of the accounts' limits, for reports."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limit_samples",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.BigInteger()),
        sa.Column("adaptive_limit", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "at", name=op.f("pk_limit_samples")),
        sqlite_with_rowid=False,
    )
