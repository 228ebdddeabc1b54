"""The audit log and the end of its chain."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from ledger.store.tables.base import Id, Ms, metadata

audit_log = Table(
    "audit_log",
    metadata,
    # consecutive from 1, given by the writer
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("at", Ms, nullable=False),
    Column("subject", Text, nullable=False),
    Column("uid", BigInteger),  # null: no user of a system
    Column("host", Text, nullable=False),
    Column("way", String(16), nullable=False),  # console, web, http, python, system, migrated
    Column("claimed", Text, nullable=False),
    Column("verb", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # keyed; of this row's content and the mac of the row before it
    Column("mac", LargeBinary(32), nullable=False),
    Index("ix_audit_log_target", "target"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    Column("entries", BigInteger, nullable=False),
    Column("mac", LargeBinary(32), nullable=False),  # of the last entry
    Column("seal", LargeBinary(32), nullable=False),  # keyed; of both
)
