"""The deployment's secret, ids derived with it, and customers found by a keyed digest.

A campaign that exists keeps its derivation of requestIds (`id_scheme` 1): with another one its
file, read again, would be issued twice.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from issuance.customer import Customer
from issuance.customer_digest import customer_digest
from issuance.derived_keys import Purpose, derive_key
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SECRET_BYTES = 32
_JOBS_AT_ONCE = 5_000


def upgrade() -> None:
    table = op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", sa.LargeBinary()),
        sa.Column("fingerprint", sa.String(length=32)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    # A file's, or that of the ledger that a backup replaces: the digests below are made with it.
    secret = context.config.attributes.get("secret") or secrets.token_bytes(_SECRET_BYTES)
    op.execute(sa.insert(table).values(name="deployment", value=secret, created_at=now_ms()))
    op.add_column(
        "campaigns", sa.Column("id_scheme", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column("jobs", sa.Column("customer_digest", sa.BigInteger()))
    op.add_column("jobs", sa.Column("traceparent", sa.Text()))
    connection = op.get_bind()
    for pairs in _digests(connection, derive_key(secret, Purpose.CUSTOMERS)):
        dialect_of(connection).update_rows(
            connection,
            "jobs",
            {"customer_digest": "BIGINT"},
            {"number": "BIGINT"},
            pairs,
        )
    # After the digests: an index is built faster than it is kept.
    where: dict[str, Any] = {
        f"{connection.dialect.name}_where": sa.text("customer_digest IS NOT NULL")
    }
    op.create_index("ix_jobs_customer_digest", "jobs", ["customer_digest"], **where)


def _digests(connection: sa.Connection, key: bytes) -> Iterator[list[tuple[int, int]]]:
    """Read the jobs in batches: each one's digest and number."""
    query = sa.text(
        "SELECT number, customer FROM jobs WHERE number > :after ORDER BY number LIMIT :most"
    )
    after = -1
    while rows := connection.execute(query, {"after": after, "most": _JOBS_AT_ONCE}).all():
        yield [
            (customer_digest(Customer.parse(customer), key), number) for number, customer in rows
        ]
        after = rows[-1].number
