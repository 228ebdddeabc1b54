"""Comparisons of a campaign with the API's transactions, and closing statements."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from ledger.store.tables.base import Id, Ms, metadata

verifications = Table(
    "verifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("mode", String(16), nullable=False),  # none, sample, all
    Column("seed", Text, nullable=False),  # of the sample
    # a digest of the campaign's counts when it began: the comparison is of that campaign
    Column("basis", String(64), nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("finished_at", Ms),
    # the number of the last job compared: where to continue after a crash
    Column("next_position", BigInteger, nullable=False),
    Column("population", BigInteger, nullable=False),  # lines that can be compared
    Column("total", BigInteger, nullable=False),  # lines to compare
    Column("checked", BigInteger, nullable=False),
    Column("differing", BigInteger, nullable=False),
    Index("ix_verifications_campaign_id", "campaign_id"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("verification_id", Id, nullable=False),
    Column("campaign_id", Id, nullable=False),
    Column("request_id", String(36), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("ledger_units", BigInteger, nullable=False),
    Column("api_units", BigInteger, nullable=False),
    Column("transaction_ids", Text, nullable=False),  # the API's, separated by blanks
    Column("at", Ms, nullable=False),
    Column("resolved_at", Ms),  # when it was read again and did not differ
    Index("ix_findings_campaign_id", "campaign_id"),
)

closings = Table(
    "closings",
    metadata,
    Column("campaign_id", Id, primary_key=True, autoincrement=False),
    Column("closed_at", Ms, nullable=False),
    Column("closed_by", Text, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("statement", Text, nullable=False),  # canonical JSON
    Column("sha256", String(64), nullable=False),  # of the statement
    Column("basis", String(64), nullable=False),  # of its comparison, see verifications
)
