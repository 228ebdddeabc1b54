"""Counters of lines, units and points."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String, Table, Text

from ledger.store.tables.base import Id, metadata

tallies = Table(
    "tallies",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),
    Column("reward", Text, nullable=False),  # see issuance.reward_key
    Column("state", String(16), nullable=False),  # the line's own: until it is settled, waiting
    # kept by triggers on the lines; pruned lines are not counted
    Column("line_count", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("campaign_id", "org_id", "reward", "state"),
    sqlite_with_rowid=False,
)

tally_deltas = Table(
    "tally_deltas",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),
    Column("reward", Text, nullable=False),  # see issuance.reward_key
    Column("state", String(16), nullable=False),
    # the change by one statement; there are rows on PostgreSQL only
    Column("delta", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
)

pruned_lines = Table(
    "pruned_lines",
    metadata,
    Column("campaign_id", Id, nullable=False),
    Column("org_id", BigInteger, nullable=False),
    # see issuance.reward_key; "" for what was pruned before 0015
    Column("reward", Text, nullable=False),
    Column("state", String(16), nullable=False),
    # keep the campaign's balance and sums complete
    Column("line_count", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("campaign_id", "org_id", "reward", "state"),
    sqlite_with_rowid=False,
)
