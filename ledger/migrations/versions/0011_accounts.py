"""What a job is sent under: its campaign's account, its scope, and numbers and ids of its own."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_DEFAULT = "default"  # the account of the settings


def upgrade() -> None:
    op.add_column(
        "campaigns", sa.Column("account", sa.Text(), nullable=False, server_default=_DEFAULT)
    )
    op.add_column("jobs", sa.Column("scope", sa.Text()))
    op.add_column("jobs", sa.Column("transaction_number", sa.Text()))
    op.add_column("lines", sa.Column("org_id", sa.BigInteger()))
    op.add_column("lines", sa.Column("reward_external_id", sa.Text()))
    where: dict[str, Any] = {
        f"{op.get_bind().dialect.name}_where": sa.text("transaction_number IS NOT NULL")
    }
    op.create_index(
        "ix_jobs_transaction_number", "jobs", ["transaction_number"], unique=True, **where
    )
