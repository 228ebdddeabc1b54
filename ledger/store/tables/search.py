"""What finds a job by a voucher or transaction, and what took a line's place."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, Table

from ledger.store.tables.base import Id, Ms, metadata

search_keys = Table(
    "search_keys",
    metadata,
    # of 8,192 jobs, so that recording writes few pages: see issuance.search_key
    Column("block", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False),  # keyed; of a voucher or a transaction's id
    Column("job_number", Id, nullable=False),
    PrimaryKeyConstraint("block", "digest", "job_number"),
    sqlite_with_rowid=False,
)

replacements = Table(
    "replacements",
    metadata,
    Column("request_id", String(36), primary_key=True),
    Column("replaced_by", String(36), nullable=False),
    Column("at", Ms, nullable=False),
    Index("ix_replacements_replaced_by", "replaced_by"),
    sqlite_with_rowid=False,
)
