"""Heartbeats, limit samples, tombstones, restores and secrets."""

from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from ledger.store.tables.base import Id, Ms, metadata

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("at", Ms, nullable=False),
)

limit_samples = Table(
    "limit_samples",
    metadata,
    Column("account", Text, nullable=False),
    Column("at", Ms, nullable=False),
    # calls a minute; null: there was no such limit
    Column("rate", BigInteger),
    Column("adaptive_limit", BigInteger),
    PrimaryKeyConstraint("account", "at"),
    sqlite_with_rowid=False,
)

tombstones = Table(
    "tombstones",
    metadata,
    # the UUID's bytes: there may be many millions
    Column("request_id", LargeBinary(16), primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    # digest of the body that the line would have in a job of its own
    Column("line_digest", LargeBinary(16), nullable=False),
    # digest of the job's body; null: the job had one line
    Column("body_digest", LargeBinary(16)),
    sqlite_with_rowid=False,
)

restores = Table(
    "restores",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Ms, nullable=False),
    Column("backup_at", Ms, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", LargeBinary),  # null: a file has it
    Column("fingerprint", String(32)),
    Column("created_at", Ms, nullable=False),
)
