"""The deployment's secret, ids derived with it, and customers found by a keyed digest.

A campaign that exists keeps its derivation of requestIds (`id_scheme` 1): with another one its
file, read again, would be issued twice.
"""

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.clock import now_ms

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SECRET_BYTES = 32


def upgrade() -> None:
    table = op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", sa.LargeBinary()),
        sa.Column("fingerprint", sa.String(length=32)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.execute(
        sa.insert(table).values(
            name="deployment", value=secrets.token_bytes(_SECRET_BYTES), created_at=now_ms()
        )
    )
    op.add_column(
        "campaigns", sa.Column("id_scheme", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column("jobs", sa.Column("customer_digest", sa.BigInteger()))
    op.add_column("jobs", sa.Column("traceparent", sa.Text()))
    where: dict[str, Any] = {
        f"{op.get_bind().dialect.name}_where": sa.text("customer_digest IS NOT NULL")
    }
    op.create_index("ix_jobs_customer_digest", "jobs", ["customer_digest"], **where)
